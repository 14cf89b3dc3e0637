//! `seawall plugin test`.

use super::{
    cassettes,
    replay::replay,
    setting::{load, runtime},
    steps::Steps,
};
use crate::cli::{
    Global, args,
    error::{CliError, Result},
    output::visible,
};
use seawall_domain::cassette::{Difference, LeftOver, Miss, Outcome, compare};
use seawall_runtime::Plugin;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Calls a plugin on its cassettes, and compares what it makes of them with what is expected. Nothing but the cassette answers:
/// no network and no tool is needed
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall plugin test
  seawall plugin test plugins/unleash
  seawall plugin test plugins/unleash --name switch-flag --update
  seawall plugin test -o json | jq '.items[] | select(.state == \"failed\")'

The cassettes are tests/cassettes/NAME.yaml, as `seawall plugin record` writes them; what is expected is beside each, as
NAME.expected.yaml. --update writes that anew; `git diff` then shows what a change of the plugin changes.

Exit codes: 0 all as expected; 1 a request that a cassette lacks, or something else than expected; 2 there are no cassettes, or
one cannot be read.")]
pub(crate) struct Test {
    /// The plugin's folder
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Only this cassette; repeatable
    #[arg(long = "name", value_name = "NAME")]
    names: Vec<String>,
    /// Write what is expected anew
    #[arg(long)]
    update: bool,
    /// Run this component instead of building the folder's
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,
    #[command(flatten)]
    wasi: args::Wasi,
}

/// Differences shown of one cassette; further ones are counted.
const SHOWN: usize = 20;

/// What came of one cassette.
#[derive(Default)]
struct Tested {
    name: String,
    /// It cannot be read.
    broken: Option<String>,
    /// There is nothing to compare with.
    unexpected: bool,
    updated: bool,
    missed: Vec<Miss>,
    left_over: Vec<LeftOver>,
    differences: Vec<Difference>,
    /// The plugin's own words, where it failed and that is not what is expected.
    failed: Option<String>,
    requests: usize,
    counts: [usize; 3],
}

impl Test {
    pub(super) async fn run(self, global: &Global) -> Result {
        let known = cassettes::names(&self.dir)?;
        let names = match self.names.is_empty() {
            true => known,
            false => self.chosen(&known)?,
        };
        let plugin = load(&runtime(self.wasi)?, &self.dir, self.component.as_deref()).await?;
        let steps = Steps::start("calling the plugin");
        let mut all = Vec::new();
        for name in names {
            steps.now(&name);
            all.push(self.one(&plugin, name, &steps).await);
        }
        steps.end();
        let manifest = &plugin.bundle().manifest;
        if global.output().is_table() {
            let head = format!("{} {}", manifest.name, manifest.version);
            global.output().text(&visible(&people(&head, &all)))?;
        } else {
            let items: Vec<Value> = all.iter().map(Tested::data).collect();
            global.output().data(&json!({"items": items, "next": null}))?;
        }
        if let Some(broken) = all.iter().find_map(|tested| tested.broken.as_ref()) {
            return Err(CliError::Usage(broken.clone()));
        }
        if all.iter().all(Tested::is_well) {
            Ok(())
        } else {
            Err(CliError::Unwell)
        }
    }

    fn chosen(&self, known: &[String]) -> Result<Vec<String>> {
        for name in &self.names {
            if !known.contains(name) {
                return Err(CliError::Usage(format!(
                    "--name {name}: there is no such cassette; there are: {}",
                    known.join(", ")
                )));
            }
        }
        Ok(self.names.clone())
    }

    async fn one(&self, plugin: &Plugin, name: String, steps: &Steps) -> Tested {
        let mut tested = Tested {
            name,
            ..Tested::default()
        };
        if let Err(error) = self.fill(plugin, &mut tested, steps).await {
            tested.broken = Some(error.to_string());
        }
        tested
    }

    async fn fill(&self, plugin: &Plugin, tested: &mut Tested, steps: &Steps) -> Result {
        let (cassette, text) = cassettes::read(&self.dir, &tested.name)?;
        let file = cassettes::file(&self.dir, &tested.name).display().to_string();
        let expected_file = cassettes::expected_file(&self.dir, &tested.name);
        let expected = match std::fs::read_to_string(&expected_file) {
            Ok(text) => Some(Outcome::read(&expected_file.display().to_string(), &text)?),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(CliError::Usage(format!("{}: {error}", expected_file.display()))),
        };
        let replayed = replay(plugin, &cassette, (&file, &text), &self.dir, steps).await?;
        let outcome = replayed.rehearsed.outcome;
        tested.missed = replayed.missed;
        tested.left_over = replayed.left_over;
        tested.requests = replayed.rehearsed.requests.len();
        tested.counts = outcome.counts();
        // What a plugin makes of an answer that it did not get is nothing to expect.
        if self.update && tested.missed.is_empty() {
            let text = outcome.render().map_err(CliError::Failed)?;
            tested.updated = cassettes::write(&expected_file, &text)?;
            return Ok(());
        }
        match expected {
            None => {
                tested.unexpected = true;
                tested.failed = outcome.failed;
            }
            Some(expected) => {
                tested.differences = compare(&expected, &outcome.value());
                let as_expected = expected["failed"].as_str() == outcome.failed.as_deref();
                tested.failed = outcome.failed.filter(|_| !as_expected);
            }
        }
        // Said by what is missing, or by its own words.
        tested.differences.retain(|difference| difference.path != ["failed"]);
        Ok(())
    }
}

impl Tested {
    fn is_well(&self) -> bool {
        self.broken.is_none()
            && !self.unexpected
            && self.missed.is_empty()
            && self.differences.is_empty()
            && self.failed.is_none()
    }

    fn state(&self) -> &'static str {
        match (self.is_well(), &self.broken, self.updated) {
            (_, Some(_), _) => "broken",
            (false, ..) => "failed",
            (true, _, true) => "updated",
            (true, _, false) => "passed",
        }
    }

    fn data(&self) -> Value {
        let missed = self
            .missed
            .iter()
            .map(|miss| json!({"request": miss.request, "nearest": miss.nearest, "why": miss.why}));
        let left_over = self
            .left_over
            .iter()
            .map(|left| json!({"request": left.request, "asked": left.asked, "recorded": left.recorded}));
        let differences = self.differences.iter().map(|difference| {
            json!({"path": difference.place(), "expected": difference.expected, "found": difference.found})
        });
        json!({
            "cassette": self.name, "state": self.state(), "error": self.broken, "failed": self.failed,
            "no_expectation": self.unexpected, "missed": missed.collect::<Vec<_>>(),
            "left_over": left_over.collect::<Vec<_>>(), "differences": differences.collect::<Vec<_>>(),
            "requests": self.requests, "items": self.counts[0], "entities": self.counts[1], "reports": self.counts[2],
        })
    }

    fn lines(&self) -> Vec<String> {
        let [items, entities, _] = self.counts;
        let mut lines = vec![match &self.broken {
            Some(_) => format!("broken   {}", self.name),
            None => format!(
                "{:8} {}  {} requests, {items} items, {entities} entities",
                self.state(),
                self.name,
                self.requests
            ),
        }];
        for miss in &self.missed {
            lines.push("  asked, and not in the cassette:".to_owned());
            lines.push(format!("    {}", miss.request));
            let nearest = miss.nearest.as_ref().map(|nearest| format!("nearest: {nearest}, "));
            lines.push(format!("      {}{}", nearest.unwrap_or_default(), miss.why));
        }
        if let Some(why) = self.failed.as_ref().filter(|_| self.missed.is_empty()) {
            lines.push(format!("  the plugin failed: {why}"));
        }
        // A request without an answer explains what lacks because of it.
        if self.missed.is_empty() {
            lines.extend(
                self.differences
                    .iter()
                    .take(SHOWN)
                    .map(|difference| format!("  {difference}")),
            );
            if self.differences.len() > SHOWN {
                lines.push(format!("  and {} more", self.differences.len() - SHOWN));
            }
        }
        if self.unexpected {
            lines.push("  there is nothing to compare with; --update writes what the plugin makes of it".to_owned());
        }
        for left in self.left_over.iter().filter(|_| self.missed.is_empty()) {
            lines.push(format!(
                "  warning: in the cassette and not asked{}: {}",
                if left.asked > 0 {
                    format!(" often enough ({} of {} times)", left.asked, left.recorded)
                } else {
                    String::new()
                },
                left.request
            ));
        }
        lines
    }
}

fn people(head: &str, all: &[Tested]) -> String {
    let mut lines: Vec<String> = all.iter().flat_map(Tested::lines).collect();
    let (well, rest) = all.iter().partition::<Vec<_>, _>(|tested| tested.is_well());
    lines.push(format!("{head}: {} passed, {} failed", well.len(), rest.len()));
    if rest.iter().any(|tested| !tested.missed.is_empty()) {
        lines.push(
            "what the tool answers to new requests is recorded with `seawall plugin record`, against the real one"
                .to_owned(),
        );
    } else if rest.iter().any(|tested| !tested.differences.is_empty()) {
        lines.push(
            "if that is what the plugin shall make of it now, `seawall plugin test --update` writes it down".to_owned(),
        );
    }
    lines.join("\n")
}
