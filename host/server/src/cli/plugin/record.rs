//! `seawall plugin record`.

use super::{
    cassettes,
    replay::{Replayed, replay},
    report,
    setting::{Setting, invalid, load, runtime},
    steps::Steps,
};
use crate::cli::{
    Global,
    args::{self, Pair},
    error::{CliError, Result},
};
use seawall_domain::{
    Entity, KindName,
    cassette::{self, Body, Cassette, Delivery, Operation, PAGES, Pull, Replacements, Script, Writing, compare},
    manifest::Manifest,
    mapping::Mapping,
};
use seawall_engine::{PreviewRequest, Rehearsal, Rehearsed, rehearse, system_clock};
use seawall_runtime::{
    Plugin,
    door::{Recorder, Transport},
};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Calls a plugin against the real tool and keeps the whole conversation, without secrets, as a file that `seawall plugin test`
/// answers from. Every page of every partition of each kind is pulled; or one operation is run, or one delivery received
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall plugin record inventory --config base_url=http://127.0.0.1:8080
  seawall plugin record plugins/unleash --config base_url=http://127.0.0.1:4242 --secret token=UNLEASH_TOKEN
  seawall plugin record plugins/unleash --config base_url=http://127.0.0.1:4242 --secret token=UNLEASH_TOKEN \\
    --operation switch-flag --target unleashFeatureFlag/checkout-v2 --input environment=development --input enabled=true
  seawall plugin record plugins/unleash --config base_url=http://127.0.0.1:4242 --secret token=UNLEASH_TOKEN \\
    --delivery event.json --header 'content-type: application/json'

Two files are written below tests/cassettes: NAME.yaml with requests and answers, NAME.expected.yaml with what the plugin made
of them. Secrets are cut out, addresses of the config that are this machine's own become NAME.test, and --replace takes care
of what else should not be told. Look at both before you commit them.

All that the manifest asks for is taken as granted. Loopback may be reached; other private addresses need --allow-private.")]
pub(crate) struct Record {
    #[command(flatten)]
    setting: Setting,
    /// The cassette's name [default: pull, the operation's name, or delivery]
    #[arg(long)]
    name: Option<String>,
    /// Only this kind; repeatable
    #[arg(long = "kind", value_name = "KIND")]
    kinds: Vec<String>,
    /// So many pages of each partition at most
    #[arg(long, default_value_t = PAGES, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pages: u32,
    /// Run this operation instead of pulling
    #[arg(long, value_name = "NAME", conflicts_with_all = ["kinds", "delivery"])]
    operation: Option<String>,
    /// The entity that the operation works on; it is pulled first
    #[arg(long, value_name = "BLUEPRINT/IDENTIFIER", requires = "operation")]
    target: Option<String>,
    /// An input of the operation; repeatable
    #[arg(long = "input", value_name = "NAME=VALUE", requires = "operation")]
    inputs: Vec<Pair>,
    /// Give the plugin this file as a webhook's delivery instead of pulling
    #[arg(long, value_name = "FILE", conflicts_with = "kinds")]
    delivery: Option<PathBuf>,
    /// A header of the delivery; repeatable
    #[arg(long = "header", value_name = "NAME: VALUE", requires = "delivery")]
    headers: Vec<String>,
    /// A text that the cassette shall not have, and what stands there instead; repeatable
    #[arg(long = "replace", value_name = "TEXT=INSTEAD")]
    replace: Vec<Pair>,
    /// Run this component instead of building the folder's
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,
}

impl Record {
    pub(super) async fn run(self, global: &Global) -> Result {
        self.setting.check_early()?;
        let name = self.cassette_name()?;
        let plugin = load(
            &runtime(self.setting.wasi)?,
            &self.setting.dir,
            self.component.as_deref(),
        )
        .await?;
        let manifest = plugin.bundle().manifest.clone();
        let mut config = self.setting.config(&manifest)?;
        cassettes::absolute(&manifest, &mut config, &std::env::current_dir()?)?;
        let mut replacements = Replacements::default();
        for Pair { name, value } in &self.replace {
            replacements.add(name, value);
        }
        cassettes::relative(&manifest, &config, &self.setting.dir, &mut replacements)?;
        replacements.of_config(&config);
        let setting = self.setting.request(plugin.clone(), &config, None)?;
        let steps = Steps::start("calling the plugin");
        let script = self.script(&setting, &steps).await?;
        let recorder = Recorder::new(system_clock());
        let live = run(&setting, &script, Transport::Recording(recorder.clone()), &steps).await?;
        well(&live, &recorder)?;
        let heard = recorder.heard();
        let compose = |replacements: &Replacements, verbatim| {
            let with = Writing { replacements, verbatim };
            cassette::compose(&manifest, &config, script.clone(), recorder.at(), &heard, with)
                .map_err(|e| CliError::Failed(e.to_string()))
        };
        steps.now("playing it back");
        // As it was heard the plugin makes the same of it.
        let plain = compose(&Replacements::default(), true)?;
        self.is_played_back(&plugin, &plain, &live, &steps).await?;
        // What is expected of the file is what a test will find: keys may follow from texts that are replaced.
        let exact = Written::new(compose(&replacements, true)?, &self.setting.dir, &name)?;
        let by_exact = exact.replay(&plugin, &self.setting.dir, &steps).await?;
        // Laid out for people, unless the plugin goes by white space.
        let laid = Written::new(compose(&replacements, false)?, &self.setting.dir, &name)?;
        let by_laid = laid.replay(&plugin, &self.setting.dir, &steps).await;
        let is_same = |by_laid: &Replayed| by_laid.rehearsed.outcome == by_exact.rehearsed.outcome;
        let (written, again) = match by_laid {
            Ok(by_laid) if is_same(&by_laid) => (laid, by_laid),
            _ => (exact, by_exact),
        };
        steps.end();
        let Written { file, text, cassette } = written;
        let expected = again.rehearsed.outcome.render().map_err(CliError::Failed)?;
        guard(&live, &cassette, &[&text, &expected])?;
        let expected_file = cassettes::expected_file(&self.setting.dir, &name);
        cassettes::write(&file, &text)?;
        cassettes::write(&expected_file, &expected)?;
        let short: Vec<_> = setting
            .secrets
            .iter()
            .filter(|(_, secret)| secret.len() < 6)
            .map(|(name, _)| name)
            .collect();
        let replaced: usize = heard
            .iter()
            .map(|one| replacements.count(&String::from_utf8_lossy(&one.body)))
            .sum();
        let [items, entities, reports] = again.rehearsed.outcome.counts();
        let answer = json!({
            "cassette": file, "expected": expected_file, "requests": heard.len(), "exchanges": cassette.exchanges.len(),
            "items": items, "entities": entities, "reports": reports, "secrets_cut": recorder.cuts(), "replaced": replaced,
            "suspicious": cassette::suspicious(&cassette),
        });
        global.output().one(&answer, |_| {
            let mut text = format!(
                "recorded {} requests as {} exchanges; the plugin made {items} items and {entities} entities of them\n\
                 cut out secrets {} times, replaced addresses and other texts in answers {replaced} times\n  {}\n  {}\n",
                heard.len(),
                cassette.exchanges.len(),
                recorder.cuts(),
                file.display(),
                expected_file.display()
            );
            for name in &short {
                text.push_str(&format!(
                    "the secret of `{name}` has fewer than six characters and is not cut out of answers: look for it\n"
                ));
            }
            for place in cassette::suspicious(&cassette) {
                text.push_str(&format!("look at this before you commit it: {place}\n"));
            }
            text.push_str(&format!(
                "test with it: seawall plugin test {}",
                self.setting.dir.display()
            ));
            text
        })
    }

    /// Whether a test on the conversation finds what there was: else the plugin goes by something that is not in it.
    async fn is_played_back(&self, plugin: &Plugin, cassette: &Cassette, live: &Rehearsed, steps: &Steps) -> Result {
        const WHY: &str = "what a plugin does may follow from its config, the tool's answers, the clock and random numbers, and from \
                           nothing else";
        let again = replay(plugin, cassette, ("the conversation", ""), &self.setting.dir, steps).await?;
        if let Some(miss) = again.missed.first() {
            return Err(CliError::Failed(format!(
                "played back, the plugin asks something else: {miss}; {WHY}"
            )));
        }
        let differences = compare(&live.outcome.value(), &again.rehearsed.outcome.value());
        if differences.is_empty() {
            return Ok(());
        }
        let lines: Vec<String> = differences.iter().take(10).map(|d| format!("  {d}")).collect();
        Err(CliError::Failed(format!(
            "played back, the plugin makes something else of the same answers:\n{}\n{WHY}",
            lines.join("\n")
        )))
    }

    fn cassette_name(&self) -> Result<String> {
        let usual = match (&self.operation, &self.delivery) {
            (Some(operation), _) => operation.as_str(),
            (None, Some(_)) => "delivery",
            (None, None) => "pull",
        };
        let name = self.name.as_deref().unwrap_or(usual);
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if name.is_empty() || !name.chars().all(fits) {
            return Err(CliError::Usage(format!(
                "--name: expected letters, digits, dashes and underscores, found `{name}`; for example `pull`"
            )));
        }
        Ok(name.to_owned())
    }

    async fn script(&self, setting: &PreviewRequest, steps: &Steps) -> Result<Script> {
        let manifest = &setting.plugin.bundle().manifest;
        if let Some(name) = &self.operation {
            let target = match &self.target {
                Some(target) => Some(self.target(setting, target, steps).await?),
                None => None,
            };
            let schema = manifest.operations.iter().find(|(known, _)| known.as_str() == name);
            return Ok(Script::Operation(Operation {
                name: name.clone(),
                run: format!("{:016x}", system_clock()),
                inputs: args::object(&self.inputs, schema.map(|(_, operation)| &operation.inputs)),
                target,
            }));
        }
        if let Some(file) = &self.delivery {
            let body = std::fs::read(file).map_err(|e| CliError::Usage(format!("{}: {e}", file.display())))?;
            let header = |text: &String| {
                let (name, value) = text.split_once(':')?;
                Some((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
            };
            let headers = self.headers.iter().map(|text| {
                header(text).ok_or_else(|| CliError::Usage(format!("--header: expected `NAME: VALUE`, found `{text}`")))
            });
            return Ok(Script::Delivery(Delivery {
                headers: headers.collect::<Result<_>>()?,
                body: Body::of(&body),
            }));
        }
        Ok(Script::Pull(Pull {
            kinds: self.kinds(manifest, setting)?,
            pages: self.pages,
        }))
    }

    fn kinds(&self, manifest: &Manifest, setting: &PreviewRequest) -> Result<Vec<KindName>> {
        if !self.kinds.is_empty() {
            let kinds = self
                .kinds
                .iter()
                .map(|kind| KindName::new(kind).map_err(|bad| CliError::Usage(format!("--kind: {bad}"))));
            return kinds.collect();
        }
        // In the mapping's order, as an integration pulls them.
        let mapping = setting.plugin.bundle().mapping.as_ref();
        let mapped = mapping.and_then(|mapping| Mapping::compile(mapping).ok());
        let names = mapped
            .iter()
            .flat_map(Mapping::kinds)
            .filter_map(|kind| KindName::new(kind).ok());
        let mut kinds: Vec<KindName> = names.filter(|kind| manifest.kinds.contains_key(kind)).collect();
        if kinds.is_empty() {
            kinds = manifest.kinds.keys().cloned().collect();
        }
        if kinds.is_empty() {
            return Err(CliError::Usage(
                "the plugin lists no kinds; record an operation (--operation) or a delivery (--delivery)".into(),
            ));
        }
        Ok(kinds)
    }

    /// The entity as it stands: pulled without being recorded.
    async fn target(&self, setting: &PreviewRequest, target: &str, steps: &Steps) -> Result<Entity> {
        let (blueprint, identifier) = args::reference(target)?;
        let kinds = self.kinds(&setting.plugin.bundle().manifest, setting)?;
        let pull = Script::Pull(Pull {
            kinds,
            pages: self.pages,
        });
        let pulled = run(setting, &pull, Transport::Live, steps).await?;
        if let Some(why) = &pulled.outcome.failed {
            return Err(CliError::Failed(format!("{target} could not be pulled: {why}")));
        }
        pulled.outcome.entity(blueprint, identifier).ok_or_else(|| {
            let all = pulled.outcome.pull.values().flat_map(|kind| kind.entities.keys());
            let near = seawall_domain::text::nearest(target, all.map(String::as_str));
            let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            CliError::Usage(format!("--target {target}: the plugin brings no such entity{near}"))
        })
    }
}

/// A cassette as it is written and read again.
struct Written {
    file: PathBuf,
    text: String,
    cassette: Cassette,
}

impl Written {
    fn new(cassette: Cassette, dir: &Path, name: &str) -> Result<Self> {
        let file = cassettes::file(dir, name);
        let text = cassette.render().map_err(CliError::Failed)?;
        let cassette = cassette::parse(&file.display().to_string(), &text)?;
        Ok(Self { file, text, cassette })
    }

    async fn replay(&self, plugin: &Plugin, dir: &Path, steps: &Steps) -> Result<Replayed> {
        let shown = self.file.display().to_string();
        let again = replay(plugin, &self.cassette, (&shown, &self.text), dir, steps).await?;
        match again.missed.first() {
            None => Ok(again),
            Some(miss) => Err(CliError::Failed(format!(
                "with other texts in the place of addresses and of what --replace names, the plugin asks something else: {miss}"
            ))),
        }
    }
}

async fn run(setting: &PreviewRequest, script: &Script, transport: Transport, steps: &Steps) -> Result<Rehearsed> {
    rehearse(Rehearsal {
        setting,
        script,
        transport,
        say: &|line| steps.now(line),
    })
    .await
    .map_err(invalid)
}

/// A conversation that did not end well is no test; a person who wants one of a failure writes it into the cassette.
fn well(live: &Rehearsed, recorder: &Recorder) -> Result {
    if let Some(why) = &live.outcome.failed {
        let requests: Vec<String> = live.requests.iter().map(report::line).collect();
        return Err(CliError::Failed(format!(
            "the plugin failed, so nothing is recorded: {why}\n{}",
            requests.join("\n")
        )));
    }
    if let [first, ..] = recorder.unanswered().as_slice() {
        return Err(CliError::Failed(format!(
            "a request got no answer, which a cassette cannot hold: {first}; nothing is recorded"
        )));
    }
    Ok(())
}

/// No file is written that holds a secret, wherever it comes from: the config, an input, the tool's words on another tool.
fn guard(live: &Rehearsed, cassette: &Cassette, texts: &[&str]) -> Result {
    let bodies = cassette
        .exchanges
        .iter()
        .flat_map(|one| [one.request.body.bytes(), one.response.body.bytes()]);
    let mut all: Vec<Vec<u8>> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    all.extend(bodies);
    // As values, without the file's own escapes.
    let plain = serde_json::to_value(cassette).unwrap_or_default();
    strings(&plain, &mut all);
    match all.iter().find_map(|text| live.guard.shown_in(text)) {
        None => Ok(()),
        Some(name) => Err(CliError::Failed(format!(
            "the secret of the credential `{name}` would be in the cassette, so nothing is written; is it in the config or in an \
             input? --replace puts something else in its place"
        ))),
    }
}

fn strings(value: &serde_json::Value, out: &mut Vec<Vec<u8>>) {
    match value {
        serde_json::Value::String(text) => out.push(text.clone().into_bytes()),
        serde_json::Value::Array(list) => list.iter().for_each(|one| strings(one, out)),
        serde_json::Value::Object(map) => map.iter().for_each(|(name, one)| {
            out.push(name.clone().into_bytes());
            strings(one, out);
        }),
        _ => {}
    }
}
