//! `seawall plugin install`.

use super::{
    registry::{Access, Target, bar},
    sigfile, steps,
};
use crate::cli::{
    Global,
    args::{self, Pair},
    client::{Body, Client},
    error::{CliError, Result},
    follow::{Mark, PASSES, follow, verdict},
    grant::{self, Terms},
    output::{at, items, plain, short_digest, time},
};
use seawall_domain::{Digest, bundle::Bundle, provenance::Provenance};
use serde_json::{Map, Value, json};
use std::{collections::BTreeSet, path::PathBuf};

/// Installs a plugin: from an OCI registry, a component, or a folder, which is built first. Signatures go along, those in
/// FILE.sig.json too, and the server checks them against its policy. It does not run before it is granted: `--approve` grants it at
/// once, adds an integration where the config is complete, and waits for its first passes
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall plugin install dist/unleash.wasm
  seawall plugin install ghcr.io/acme/unleash:1.2.0@sha256:…      nothing else than this
  seawall plugin install unleash.wasm --signature unleash.wasm.sig.json      what `seawall plugin pull` wrote elsewhere
  seawall plugin install dist/unleash.wasm --approve --reason \"SEC-1234\"
  seawall plugin install inventory --approve --config base_url=http://127.0.0.1:8080 --private 127.0.0.0/8
  seawall plugin install plugins/unleash --approve --config base_url=https://unleash.example.com --credential token=unleash-token")]
pub(crate) struct Install {
    /// A reference, the component, or the plugin's folder
    #[arg(value_name = "REF|FILE|FOLDER")]
    target: String,
    /// A component's signatures [default: FILE.sig.json, where it is there]
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
    /// A public key; repeatable: one of them has to have signed it, whatever the server's policy says
    #[arg(long, value_name = "FILE")]
    key: Vec<PathBuf>,
    #[command(flatten)]
    access: Access,
    /// Grant it what it asks for
    #[arg(long)]
    approve: bool,
    #[command(flatten)]
    terms: Terms,
    /// A value of the integration's config; repeatable
    #[arg(long = "config", value_name = "NAME=VALUE", requires = "approve")]
    config: Vec<Pair>,
    /// The integration's config as a YAML or JSON file
    #[arg(long, value_name = "FILE", requires = "approve")]
    config_file: Option<PathBuf>,
    /// One of the manifest's credentials, and the name of yours to use; repeatable
    #[arg(long = "credential", value_name = "NAME=CREDENTIAL", requires = "approve")]
    credentials: Vec<Pair>,
    /// The integration's name [default: the plugin's]
    #[arg(long, value_name = "NAME", requires = "approve")]
    integration: Option<String>,
}

impl Install {
    pub(super) async fn run(self, global: &Global) -> Result {
        if !self.approve && self.terms.is_given() {
            return Err(CliError::Usage(
                "--private, --plaintext-to-loopback, --any-host, --expires, --rule, --git, --no-git, --files, --no-files, \
                 --no-catalog and --reason belong to --approve"
                    .into(),
            ));
        }
        let client = Client::new(global)?;
        let keys = sigfile::keys(&self.key)?;
        let (bytes, provenance) = self.component().await?;
        sigfile::check(&provenance, &Digest::of(&bytes), &keys)?;
        let bundle = Bundle::extract(&bytes).ok();
        let by: Vec<_> = client.by().map(|by| ("by", by.to_owned())).into_iter().collect();
        let plugin = client
            .send(
                reqwest::Method::POST,
                &["plugins"],
                &by,
                Body::Plugin(bytes, provenance),
            )
            .await?;
        // By its digest, so that what is decided is decided about what was installed and not about another version.
        let digest = at(&plugin, "/digest");
        if !self.approve {
            return global.output().one(&plugin, |plugin| {
                format!("{}\n\n{}", grant::people(&plugin["grant"]), next(plugin))
            });
        }
        let granted = grant::approve_with(&client, &digest, &self.terms).await?;
        let Some(wanted) = self.integration(&plugin)? else {
            return global.output().one(&granted, |granted| {
                format!("{}{}", grant::people(granted), needs(&plugin))
            });
        };
        eprintln!(
            "{} {} is installed and granted",
            at(&plugin, "/name"),
            at(&plugin, "/version")
        );
        self.put_to_work(global, &client, &wanted, bundle.as_ref()).await
    }

    /// The component, with where it came from. From a file it comes from a file, whatever is known of it.
    async fn component(&self) -> Result<(Vec<u8>, Provenance)> {
        match Target::parse(&self.target)? {
            Target::Path(path) if path.is_dir() => {
                let built = tokio::task::block_in_place(|| steps::build(&path, true, None))?;
                Ok((super::read(&built.path)?, Provenance::file()))
            }
            Target::Path(path) => {
                let known = sigfile::of(&path, self.signature.as_deref())?;
                Ok((
                    super::read(&path)?,
                    Provenance {
                        reference: None,
                        ..known
                    },
                ))
            }
            Target::Reference(_) if self.signature.is_some() => Err(CliError::Usage(
                "--signature is for files; a registry has its own".into(),
            )),
            Target::Reference(reference) => {
                let registry = self.access.open(&reference)?;
                let found = registry.find(&reference).await?;
                let (bar, progress) = bar(&format!("pulling {reference}"), found.layer.size);
                let pulled = registry.pull(found, &progress).await;
                bar.finish_and_clear();
                let pulled = pulled?;
                if reference.digest().is_none() {
                    eprintln!("pulled {}: write this down to get the same again", pulled.reference);
                }
                Ok((pulled.component, pulled.provenance))
            }
        }
    }

    /// The integration that is asked for; none where the plugin lists nothing, or something that it needs was not given.
    fn integration(&self, plugin: &Value) -> Result<Option<Value>> {
        let manifest = &plugin["manifest"];
        let ingests = manifest["roles"]
            .as_array()
            .is_some_and(|roles| roles.iter().any(|role| role == "ingestor"));
        let asked = !self.config.is_empty()
            || self.config_file.is_some()
            || !self.credentials.is_empty()
            || self.integration.is_some();
        if !asked && (!ingests || !needs(plugin).is_empty()) {
            return Ok(None);
        }
        let config = args::config(self.config_file.as_deref(), &self.config, &manifest["config"])?;
        hint_loopback(&config, &self.terms);
        let credentials: Map<String, Value> = self
            .credentials
            .iter()
            .map(|pair| (pair.name.clone(), pair.value.clone().into()))
            .collect();
        let name = self.integration.clone().unwrap_or_else(|| at(plugin, "/name"));
        Ok(Some(
            json!({"name": name, "plugin": plugin["name"], "config": config, "credentials": credentials}),
        ))
    }

    async fn put_to_work(&self, global: &Global, client: &Client, wanted: &Value, bundle: Option<&Bundle>) -> Result {
        let name = at(wanted, "/name");
        let mark = Mark::of(client, &name).await?;
        client.put(&["integrations", &name], wanted.clone()).await?;
        let followed = follow(client, &name, &mark).await?;
        global.output().list(
            &followed.answer(),
            PASSES,
            "it has no partitions: there is nothing to list",
        )?;
        verdict(&name, &followed)?;
        eprintln!(
            "\n{} items, {} entities created",
            followed.sum("items"),
            followed.sum("created")
        );
        for blueprint in bundle.map(|bundle| bundle.blueprints.as_slice()).unwrap_or_default() {
            let id = blueprint.identifier.as_str();
            let page = client
                .get_with(
                    &["blueprints", id, "entities"],
                    &[("limit", "1".into()), ("total", "true".into())],
                )
                .await?;
            if !items(&page).is_empty() {
                eprintln!("{:>8} {id}   seawall catalog list {id}", at(&page, "/total"));
            }
        }
        Ok(())
    }
}

/// What comes after an installation that nothing was decided with.
fn next(plugin: &Value) -> String {
    // By its digest: another component may have the same name and version.
    let (upgrade, reference) = (&plugin["grant"]["upgrade"], short_digest(plugin, "/digest"));
    if plugin["status"] == "granted" {
        let beyond = "what it asks beyond is not granted";
        return match carries_all(plugin) {
            true => "It asks for nothing beyond what is granted, so it is in force.".to_owned(),
            false => format!("It is in force with what is granted; {beyond}:\n  seawall grant show {reference}"),
        };
    }
    let goes_on = match at(upgrade, "/from") {
        from if from.is_empty() => String::new(),
        from => format!(", so {from} goes on"),
    };
    if let Some(taken) = taken_back(plugin) {
        return format!("{taken}{goes_on} until somebody grants it again:\n  seawall grant approve {reference}");
    }
    if upgrade.is_object() {
        let differences = upgrade["differences"].as_array().map_or(&[][..], Vec::as_slice);
        let is_wider = differences.iter().any(|difference| difference["effect"] == "wider");
        let against: Vec<_> = upgrade["against"].as_array().into_iter().flatten().map(plain).collect();
        let why = match (is_wider, against.is_empty()) {
            (true, _) => "It asks for more".to_owned(),
            (false, false) => format!(
                "It asks for no more, but it cannot go on with the grant of {}: {}",
                at(upgrade, "/from"),
                against.join("; ")
            ),
            (false, true) => "It asks for no more, and nothing was decided about it".to_owned(),
        };
        return format!(
            "{why}{goes_on} until somebody decides:\n  seawall grant approve {reference}\n  \
             seawall grant revoke {reference}"
        );
    }
    format!("Nothing of it runs before it is granted:\n  seawall grant approve {reference}")
}

/// Whether all that a version asks for is granted.
fn carries_all(plugin: &Value) -> bool {
    let grant = &plugin["grant"];
    let (asked, granted) = (&grant["asked"], &grant["granted"]["capabilities"]);
    // Each method with each path by itself: a grant may have the same in other rules.
    let single = |rules: &Value| -> BTreeSet<String> {
        let rules = rules.as_array().into_iter().flatten();
        let pairs = rules.flat_map(|rule| {
            let list = |name: &str| rule[name].as_array().cloned().unwrap_or_default();
            let (methods, paths) = (list("methods"), list("paths"));
            let pair = move |method: &Value| {
                let each = paths
                    .iter()
                    .map(|path| format!("{method} {} {path} {}", rule["to"], rule["credential"]));
                each.collect::<Vec<_>>()
            };
            methods.iter().flat_map(pair).collect::<Vec<_>>()
        });
        pairs.collect()
    };
    let count = |list: &Value| list.as_array().map_or(0, Vec::len);
    let has_all = |name: &str| count(&granted[name]) >= count(&asked[name]);
    single(&asked["network"]).is_subset(&single(&granted["network"]))
        && has_all("git")
        && has_all("files")
        && (asked["catalog"] != true || granted["catalog"] == true)
}

/// That a version which is installed again was refused or taken back, by whom and why.
fn taken_back(plugin: &Value) -> Option<String> {
    let last = plugin["grant"]["decisions"].as_array()?.last()?;
    if plugin["status"] != "revoked" || last["verdict"] != "revoked" {
        return None;
    }
    let why = match at(last, "/reason") {
        why if why.is_empty() => String::new(),
        why => format!(" ({why})"),
    };
    Some(format!(
        "This version was taken back by {} {}{why}",
        at(last, "/by"),
        time(last, "/at")
    ))
}

/// What an integration of the plugin needs, as a paragraph; empty where it needs nothing.
fn needs(plugin: &Value) -> String {
    let manifest = &plugin["manifest"];
    let config = manifest["config"]["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    let credentials = manifest["credentials"]
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, ask)| ask["required"] == true);
    let mut given: Vec<String> = config.map(|name| format!("--config {name}=…")).collect();
    given.extend(credentials.map(|(name, _)| format!("--credential {name}=…")));
    if given.is_empty() {
        String::new()
    } else {
        format!(
            "\n\nTo put it to work, give {}, or add an integration from a file:\n  seawall integration add FILE.yaml",
            given.join(" ")
        )
    }
}

/// A config that names loopback is refused without `--private`: better said before than found in a failed pass.
fn hint_loopback(config: &Value, terms: &Terms) {
    let is_loopback = |text: &str| {
        let host = reqwest::Url::parse(text)
            .ok()
            .and_then(|url| url.host_str().map(str::to_owned))
            .unwrap_or_default();
        host == "localhost"
            || host
                .trim_matches(['[', ']'])
                .parse::<std::net::IpAddr>()
                .is_ok_and(|ip| ip.is_loopback())
    };
    let named = config
        .as_object()
        .into_iter()
        .flatten()
        .find(|(_, value)| value.as_str().is_some_and(is_loopback));
    if let Some((name, _)) = named.filter(|_| !terms.has_private()) {
        eprintln!("note: `{name}` is on loopback, which is refused without --private 127.0.0.0/8");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_comes_after_an_installation() {
        let plugin = |status: &str, decisions: Value, upgrade: Value| {
            json!({"name": "probe", "version": "0.1.0", "digest": "sha256:0123456789abcdef", "status": status,
                   "grant": {"upgrade": upgrade, "decisions": decisions}})
        };
        let approve = "seawall grant approve 0123456789ab";
        let first = next(&plugin("awaiting-grant", json!([]), Value::Null));
        assert!(
            first.starts_with("Nothing of it runs") && first.contains(approve),
            "{first}"
        );
        let from = json!({"from": "0.1.0", "differences": [{"effect": "wider"}], "against": []});
        let second = next(&plugin("awaiting-grant", json!([]), from.clone()));
        assert!(
            second.contains("asks for more, so 0.1.0 goes on") && second.contains(approve),
            "{second}"
        );
        let narrower =
            json!({"from": "0.1.0", "differences": [{"effect": "narrower"}], "against": ["the policy wants an end"]});
        let waits = next(&plugin("awaiting-grant", json!([]), narrower));
        assert!(
            waits.contains("asks for no more") && waits.contains("0.1.0: the policy wants an end, so 0.1.0 goes on"),
            "{waits}"
        );
        // What is in force may have been granted in part.
        let rule =
            |methods: &[&str]| json!([{"to": "https://a", "methods": methods, "paths": ["/**"], "credential": null}]);
        let mut part = plugin("granted", json!([]), Value::Null);
        part["grant"]["asked"] = json!({"network": rule(&["GET", "POST"]), "catalog": false});
        for (methods, said) in [
            (&["GET"][..], "beyond is not granted"),
            (&["GET", "POST"], "asks for nothing beyond"),
        ] {
            part["grant"]["granted"] = json!({"capabilities": {"network": rule(methods)}});
            let told = next(&part);
            assert!(told.contains(said), "{told}");
        }
        let revoked = json!([{"verdict": "revoked", "by": "ann", "at": "2026-01-01T00:00:00Z", "reason": "leaks"}]);
        let again = next(&plugin("revoked", revoked, from));
        assert!(
            again.contains("taken back by ann 2026-01-01 00:00:00Z (leaks)")
                && again.contains(approve)
                && !again.contains("asks for more"),
            "{again}"
        );
    }
}
