//! `seawall policy …`.

use crate::cli::{
    Global, args,
    client::{Body, Client},
    error::{CliError, Result},
    output::{Column, at, fields, plain, short_digest, table, time},
};
use serde_json::Value;
use std::path::PathBuf;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Policy {
    /// Show what no grant may contain, who may approve, and which grants are against it
    #[command(after_help = "Examples:\n  seawall policy show\n  seawall policy show -o json | jq .violations")]
    Show,
    /// Put a policy in force from a YAML file
    Set(Set),
}

/// Puts a policy in force, in place of the one before. Calls that begin from then on are under it; grants that contain what it does
/// not allow stay and are listed, and their requests that it is against are refused
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall policy set policy.yaml --dry-run       say which grants are against it
  seawall policy set policy.yaml --reason \"SEC-99\"

A file, each field of which may be left out:
  never:
    hosts: [\"*.internal.example.com\", 169.254.169.254]
    methods: [DELETE]
    private_ranges: [10.1.0.0/16]
    any_host: true           # no rule whose host is `*`
  approvers: [ann, bob]      # who may approve grants and change the policy
  two_people: true           # who installed a version may not approve it
  max_days: 90               # every grant has to end within so many days
  max_limits: {timeout_ms: 60000, memory_bytes: 268435456}   # the most that a call may use
  trust:
    keys: {acme: \"-----BEGIN PUBLIC KEY-----…\"}   # as `cosign generate-key-pair` or `seawall plugin keygen` write them
    require_signature: true                         # by one of the keys
    registries: [ghcr.io/acme/*, file]              # where plugins may come from
    publishers: {\"acme-*\": [acme]}                  # which keys may sign plugins of a name")]
pub(crate) struct Set {
    /// The file; `-` reads stdin
    file: PathBuf,
    /// Say what would be against it, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Why, for those who look later
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

const VIOLATIONS: &[Column] = &[
    ("AGAINST IT", |v| format!("{}@{}", at(v, "/plugin"), at(v, "/version"))),
    ("DIGEST", |v| short_digest(v, "/digest")),
    ("WHY", |v| at(v, "/objections").replace(", the policy", "\nthe policy")),
];

const HISTORY: &[Column] = &[
    ("SET", |v| time(v, "/at")),
    ("BY", |v| at(v, "/by")),
    ("REASON", |v| at(v, "/reason")),
];

/// Of the policies that were ever set, so many are shown, the last ones.
const LAST: usize = 10;

impl Policy {
    pub(crate) async fn run(self, global: &Global) -> Result {
        let client = Client::new(global)?;
        let answer = match self {
            Self::Show => client.get(&["policy"]).await?,
            Self::Set(set) => set.run(&client).await?,
        };
        global.output().one(&answer, people)
    }
}

impl Set {
    async fn run(self, client: &Client) -> Result<Value> {
        let document = args::document(&self.file)?;
        let file = self.file.display();
        let policy = document.value().clone();
        if !policy.is_object() {
            return Err(CliError::Usage(format!(
                "{file}: expected an object, such as `never: {{methods: [DELETE]}}`; `{{}}` is a policy that forbids nothing"
            )));
        }
        let mut query = vec![("dry_run", self.dry_run.to_string())];
        query.extend(self.reason.map(|reason| ("reason", reason)));
        query.extend(client.by().map(|by| ("by", by.to_owned())));
        client
            .send(reqwest::Method::PUT, &["policy"], &query, Body::Json(policy))
            .await
            .map_err(|error| error.located(&document))
    }
}

fn limits(limits: &serde_json::Map<String, Value>) -> String {
    let each = limits.iter().map(|(name, max)| format!("{name} {max}"));
    each.collect::<Vec<_>>().join(", ")
}

/// Which plugins have to be signed, and by whom.
fn signed(trust: &Value) -> String {
    let object = |name: &str| trust[name].as_object().into_iter().flatten();
    let keys: Vec<_> = object("keys").map(|(name, _)| name.clone()).collect();
    let mut lines = vec![match (keys.is_empty(), trust["require_signature"] == true) {
        (true, _) => "as they may".to_owned(),
        (false, true) => format!("by {}", keys.join(" or ")),
        (false, false) => format!("as they may; known are {}", keys.join(", ")),
    }];
    lines.extend(object("publishers").map(|(pattern, keys)| format!("{pattern}: by {}", plain(keys))));
    lines.join("\n")
}

fn people(answer: &Value) -> String {
    let policy = &answer["policy"];
    let or = |text: String, otherwise: &str| if text.is_empty() { otherwise.to_owned() } else { text };
    let two = if policy["two_people"] == true {
        "who installed a version may not approve it"
    } else {
        "one person may install and approve"
    };
    let days = policy["max_days"]
        .as_u64()
        .map_or_else(|| "without an end".to_owned(), |days| format!("at most {days} days"));
    let mut parts = vec![fields(&[
        ("never hosts", or(at(policy, "/never/hosts"), "none")),
        (
            "never every host",
            match policy["never"]["any_host"] == true {
                true => "no rule whose host is `*` may be granted".to_owned(),
                false => "a rule whose host is `*` may be granted, with --any-host".to_owned(),
            },
        ),
        ("never methods", or(at(policy, "/never/methods"), "none")),
        ("never private ranges", or(at(policy, "/never/private_ranges"), "none")),
        ("approvers", or(at(policy, "/approvers"), "everybody")),
        ("people", two.to_owned()),
        ("grants last", days),
        (
            "limits at most",
            policy["max_limits"].as_object().map(limits).unwrap_or_default(),
        ),
        ("plugins from", or(at(policy, "/trust/registries"), "anywhere")),
        ("plugins signed", signed(&policy["trust"])),
    ])];
    let rows = |name: &str| answer[name].as_array().map_or(&[][..], Vec::as_slice);
    let (violations, history) = (rows("violations"), rows("history"));
    if !violations.is_empty() {
        parts.push(table(violations, VIOLATIONS));
    }
    let earlier = history.len().saturating_sub(LAST);
    if !history.is_empty() {
        parts.push(table(&history[earlier..], HISTORY));
    }
    if earlier > 0 {
        parts.push(format!(
            "{earlier} set before these: `seawall policy show -o json` has all, `seawall history Policy` what each changed"
        ));
    }
    parts.join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn shows_the_last_policies_that_were_set() {
        let history: Vec<_> = (0..12)
            .map(|n| json!({"by": format!("person-{n}"), "at": "2026-01-01T00:00:00Z"}))
            .collect();
        let shown = people(&json!({"policy": {}, "history": history}));
        assert!(!shown.contains("person-1\n") && !shown.contains("person-1 "), "{shown}");
        assert!(shown.contains("person-2") && shown.contains("person-11"), "{shown}");
        assert!(
            shown.contains("2 set before these: `seawall policy show -o json`"),
            "{shown}"
        );
    }

    #[test]
    fn shows_whether_every_host_may_be_granted() {
        let shown = |any_host: bool| people(&json!({"policy": {"never": {"any_host": any_host}}}));
        assert!(
            shown(true).contains("no rule whose host is `*` may be granted"),
            "{}",
            shown(true)
        );
        assert!(shown(false).contains("with --any-host"), "{}", shown(false));
    }
}
