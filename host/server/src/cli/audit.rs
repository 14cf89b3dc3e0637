//! `seawall audit`.

use crate::cli::{
    Global,
    client::Client,
    error::Result,
    grant::{DECISIONS, repository},
    output::{Column, at, fields, items, short_digest, table, time},
};
use serde_json::Value;

/// Shows what plugins asked for, were granted and really used, side by side, and what was refused
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "\
Examples:
  seawall audit
  seawall audit unleash
  seawall audit sha256:4be1c0ffee12          one version; one that was removed is found too
  seawall audit --removed
  seawall audit reach --host api.github.com
  seawall audit -o json | jq '.items[] | {plugin, unused: [.network[] | select(.granted and .used == [])]}'")]
pub(crate) struct Audit {
    /// Only this plugin: its name (the version in force, or the newest where none is), name@version, or digest or its first digits
    plugin: Option<String>,
    /// Those that were removed, instead of those that are installed
    #[arg(long, conflicts_with = "plugin")]
    removed: bool,
    #[command(subcommand)]
    question: Option<Question>,
}

#[derive(Debug, clap::Subcommand)]
enum Question {
    /// Which integrations can go where, and who approved it
    Reach(Reach),
}

/// Lists what integrations can reach: asked for, granted, and not against the policy, with the values of their configs
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall audit reach --host api.github.com      which plugins can reach this host
  seawall audit reach --writes                   which plugins can change something in a tool
  seawall audit reach --writes -o json | jq '.items[] | {plugin, place, approvedBy, approvedAt}'")]
struct Reach {
    /// Only what leads to this host, a name or an address; USED then counts what went to it
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// Only methods that change something: all but GET, HEAD and OPTIONS
    #[arg(long)]
    writes: bool,
    /// Only of this plugin, by name
    #[arg(long, value_name = "NAME")]
    plugin: Option<String>,
}

const REACH: &[Column] = &[
    ("PLUGIN", |v| format!("{} {}", at(v, "/plugin"), at(v, "/version"))),
    ("INTEGRATION", |v| at(v, "/integration")),
    ("METHOD", |v| at(v, "/method")),
    ("PLACE", |v| at(v, "/place")),
    ("PATHS", |v| at(v, "/paths")),
    ("CREDENTIAL", |v| at(v, "/credential")),
    ("APPROVED", |v| {
        format!("by {} {}", at(v, "/approvedBy"), time(v, "/approvedAt"))
    }),
    ("USED", |v| match v["used"].as_u64() {
        None | Some(0) => "never".to_owned(),
        Some(n) => format!("{n} ×, last {}", time(v, "/lastUsedAt")),
    }),
];

impl Reach {
    async fn run(self, global: &Global) -> Result {
        let mut query = vec![("writes", self.writes.to_string())];
        query.extend(self.host.map(|host| ("host", host)));
        query.extend(self.plugin.map(|plugin| ("plugin", plugin)));
        let answer = Client::new(global)?.get_with(&["audit", "reach"], &query).await?;
        global
            .output()
            .list(&answer, REACH, "no integration can send such a request")
    }
}

const RULES: &[Column] = &[
    ("RULE", |v| at(v, "/number")),
    ("ASKED", |v| format!("{} {}", at(v, "/methods"), at(v, "/to"))),
    ("PATHS", |v| at(v, "/paths")),
    ("CREDENTIAL", |v| at(v, "/credential")),
    ("GRANTED", granted),
    ("USED", used),
    ("REASON", |v| at(v, "/reason")),
];

const CHECKOUTS: &[Column] = &[
    ("CHECKOUT", |v| at(v, "/number")),
    ("ASKED", repository),
    ("SEES IT AS", |v| at(v, "/at")),
    ("CREDENTIAL", |v| at(v, "/credential")),
    ("GRANTED", is_granted),
    ("USED", used),
    ("REASON", |v| at(v, "/reason")),
];

const FILES: &[Column] = &[
    ("DIRECTORY", |v| at(v, "/number")),
    ("ASKED", |v| at(v, "/from")),
    ("SEES IT AS", |v| at(v, "/at")),
    ("GRANTED", is_granted),
    ("GIVEN TO", |v| uses(v, "calls")),
    ("REASON", |v| at(v, "/reason")),
];

const CATALOG: &[Column] = &[
    ("ASKED", |_| "to read the catalog".to_owned()),
    ("GRANTED", is_granted),
    ("USED", |v| uses(v, "readings")),
];

const RANGES: &[Column] = &[
    ("PRIVATE RANGE", |v| at(v, "/range")),
    ("USED", |v| uses(v, "requests")),
];

const REFUSED: &[Column] = &[
    ("REFUSED", |v| format!("{} {}", at(v, "/method"), at(v, "/host"))),
    ("INTEGRATION", |v| at(v, "/integration")),
    ("TIMES", |v| at(v, "/count")),
    ("NEAREST RULE", |v| at(v, "/rule")),
    ("FIRST", |v| time(v, "/firstAt")),
    ("LAST", |v| time(v, "/lastAt")),
];

/// `yes` for all of a rule, or the methods and paths that are granted of it.
fn granted(rule: &Value) -> String {
    let part = |part: &Value| {
        let whole = part["methods"] == rule["methods"] && part["paths"] == rule["paths"];
        match whole {
            true => "yes".to_owned(),
            false => format!("{} {}", at(part, "/methods"), at(part, "/paths")),
        }
    };
    let parts: Vec<_> = rule["parts"].as_array().into_iter().flatten().map(part).collect();
    match parts.is_empty() {
        true => "no".to_owned(),
        false => parts.join("\n"),
    }
}

fn is_granted(rule: &Value) -> String {
    let granted = if rule["granted"] == true { "yes" } else { "no" };
    granted.to_owned()
}

/// `12 calls by files-main, 2026-01-01 … to 2026-02-01 …` for each integration.
fn uses(what: &Value, unit: &str) -> String {
    let line = |u: &Value| {
        format!(
            "{} {unit} by {}, {}",
            at(u, "/count"),
            at(u, "/integration"),
            between(u)
        )
    };
    let all: Vec<_> = what["used"].as_array().into_iter().flatten().map(line).collect();
    match all.is_empty() {
        true => "never".to_owned(),
        false => all.join("\n"),
    }
}

/// When the first and the last of them were.
fn between(used: &Value) -> String {
    let (first, last) = (time(used, "/firstAt"), time(used, "/lastAt"));
    match first == last {
        true => first,
        false => format!("{first} to {last}"),
    }
}

/// `12 × GET 127.0.0.1 by unleash-main, … to …` for each; a granted rule that was never used says so.
fn used(rule: &Value) -> String {
    let line = |u: &Value| {
        format!(
            "{} × {}{} {}{} by {}, {}",
            at(u, "/count"),
            match u["unchanged"].as_u64() {
                None | Some(0) => String::new(),
                Some(n) => format!("({n} unchanged) "),
            },
            at(u, "/method"),
            at(u, "/host"),
            at(u, "/pattern"),
            at(u, "/integration"),
            between(u)
        )
    };
    let all: Vec<_> = rule["used"].as_array().into_iter().flatten().map(line).collect();
    if all.is_empty() {
        "never".to_owned()
    } else {
        all.join("\n")
    }
}

fn people(audit: &Value) -> String {
    let mut parts = vec![fields(&[
        ("plugin", format!("{} {}", at(audit, "/plugin"), at(audit, "/version"))),
        ("digest", short_digest(audit, "/digest")),
        ("status", at(audit, "/status")),
        ("source", at(audit, "/source")),
        ("signed by", at(audit, "/signedBy")),
        ("not trusted", at(audit, "/untrusted")),
        ("removed", time(audit, "/removedAt")),
        ("ends", time(audit, "/expiresAt")),
        (
            "every host",
            match audit["anyHost"] == true {
                true => "granted, for the rule whose host is `*`".to_owned(),
                false => String::new(),
            },
        ),
    ])];
    if audit["catalog"].is_object() {
        parts.push(table(&[audit["catalog"].clone()], CATALOG));
    }
    let tables = [
        ("network", RULES),
        ("git", CHECKOUTS),
        ("files", FILES),
        ("privateRanges", RANGES),
        ("refused", REFUSED),
        ("decisions", DECISIONS),
    ];
    for (name, columns) in tables {
        if let Some(rows) = audit[name].as_array().filter(|rows| !rows.is_empty()) {
            parts.push(table(rows, columns));
        }
    }
    parts.join("\n\n")
}

impl Audit {
    pub(crate) async fn run(self, global: &Global) -> Result {
        if let Some(Question::Reach(reach)) = self.question {
            return reach.run(global).await;
        }
        let mut query: Vec<_> = self.plugin.map(|plugin| ("plugin", plugin)).into_iter().collect();
        query.extend(self.removed.then(|| ("removed", "true".to_owned())));
        let answer = Client::new(global)?.get_with(&["audit"], &query).await?;
        if !global.output().is_table() {
            return global.output().data(&answer);
        }
        if items(&answer).is_empty() {
            let which = if self.removed { "was removed" } else { "is installed" };
            eprintln!("no plugin {which}");
            return Ok(());
        }
        let all: Vec<_> = items(&answer).iter().map(people).collect();
        global.output().text(&all.join("\n\n\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn shows_asked_granted_and_used_side_by_side() {
        let usage = json!({"integration": "i", "rule": "network[0]", "pattern": "/**", "method": "GET", "host": "h", "count": 3, "firstAt": "2025-12-31T00:00:00Z", "lastAt": "2026-01-01T00:00:00Z"});
        let rule = |number: u32, used: Value| json!({"number": number, "to": "https://a", "methods": ["GET"], "paths": ["/**"], "granted": true, "parts": [{"methods": ["GET"], "paths": ["/a"]}], "used": used});
        let audit = json!({"plugin": "p", "version": "1.0.0", "status": "granted", "network": [rule(0, json!([usage.clone()])), rule(1, json!([]))], "refused": []});
        let text = people(&audit);
        assert!(text.contains("GET /a"), "{text}");
        let refused = json!({"plugin": "p", "version": "1.0.0", "refused": [usage]});
        let shown = people(&refused);
        assert!(shown.contains("REFUSED") && !shown.contains('{'), "{shown}");
        assert!(
            text.contains("3 × GET h/** by i, 2025-12-31 00:00:00Z to 2026-01-01 00:00:00Z"),
            "{text}"
        );
        assert!(
            text.lines().any(|line| line.starts_with('1') && line.contains("never")),
            "{text}"
        );
    }
}
