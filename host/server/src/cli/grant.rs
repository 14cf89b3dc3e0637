//! `seawall grant …`.

mod asks;

pub(crate) use asks::{asks, repository};

use crate::cli::{
    Global, args,
    client::{Body, Client},
    error::Result,
    output::{Column, at, fields, plain, short_digest, table, time},
};
use ipnet::IpNet;
use serde_json::{Value, json};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Grant {
    /// Show what a plugin asks for and was granted
    Show(Show),
    /// Let a plugin run, with all or a part of what it asks for
    Approve(Approve),
    /// Narrow a grant to what was used of it
    Tighten(Tighten),
    /// Take a grant back, or refuse one that is waited for
    #[command(visible_alias = "refuse")]
    Revoke(Revoke),
}

/// Shows what a plugin asks for, with its reasons, what it was granted, and who decided
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  seawall grant show unleash\n  seawall grant show unleash@1.2.0 -o json")]
pub(crate) struct Show {
    /// The plugin: its name (the newest version), name@version, or digest or its first digits
    plugin: String,
}

/// Lets a plugin run. Without options it is granted all that its manifest asks for, and no private addresses
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall grant approve unleash --reason \"SEC-1234\"
  seawall grant approve unleash --private 10.2.0.0/16 --rule 0 --rule 2:GET:/api/admin/projects/**
  seawall grant approve unleash --private 127.0.0.0/8 --plaintext-to-loopback --expires 2027-01-31T00:00:00Z")]
pub(crate) struct Approve {
    /// The plugin: its name (the newest version), name@version, or digest or its first digits
    plugin: String,
    #[command(flatten)]
    terms: Terms,
}

/// On what terms a plugin is granted what it asks for.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Terms {
    /// A private, loopback or link-local range that it may reach all the same; repeatable
    #[arg(long = "private", value_name = "CIDR", value_parser = args::range)]
    private: Vec<IpNet>,
    /// Let a credential go to loopback without TLS
    #[arg(long)]
    plaintext_to_loopback: bool,
    /// When the grant ends, such as 2027-01-31T00:00:00Z
    #[arg(long, value_name = "TIME", value_parser = args::moment)]
    expires: Option<jiff::Timestamp>,
    /// Grant only the network rule of this number, as `grant show` counts them, or some of its methods and paths; repeatable
    #[arg(long = "rule", value_name = "N[:METHODS[:PATHS]]")]
    rules: Vec<RulePart>,
    /// Grant only the checkout of this number, as `grant show` counts them; repeatable
    #[arg(long = "git", value_name = "N")]
    git: Vec<usize>,
    /// Grant no checkout
    #[arg(long, conflicts_with = "git")]
    no_git: bool,
    /// Grant only the directory of this number, as `grant show` counts them; repeatable
    #[arg(long = "files", value_name = "N")]
    files: Vec<usize>,
    /// Grant no directory
    #[arg(long, conflicts_with = "files")]
    no_files: bool,
    /// Do not let it read the catalog
    #[arg(long)]
    no_catalog: bool,
    /// Let a rule whose host is `*` lead to every host that is not private
    #[arg(long)]
    any_host: bool,
    /// Why, for those who look later
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// `0`, `0:GET,HEAD` or `0:GET:/items,/items/*`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct RulePart {
    rule: usize,
    methods: Vec<String>,
    paths: Vec<String>,
}

impl std::str::FromStr for RulePart {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let mut parts = text.splitn(3, ':');
        let number = parts.next().unwrap_or_default();
        let rule = number.parse().map_err(|_| {
            format!("expected the number of a rule, such as `0`, `0:GET` or `0:GET:/items,/items/*`, found `{number}`")
        })?;
        let mut list = || {
            let words = parts.next().unwrap_or_default().split(',');
            let words: Vec<String> = words
                .map(str::trim)
                .filter(|w| !w.is_empty())
                .map(str::to_owned)
                .collect();
            words
        };
        let (methods, paths) = (list(), list());
        Ok(Self {
            rule,
            methods: methods.iter().map(|method| method.to_uppercase()).collect(),
            paths,
        })
    }
}

impl RulePart {
    fn body(&self) -> Value {
        let mut body = json!({"rule": self.rule});
        for (name, some) in [("methods", &self.methods), ("paths", &self.paths)] {
            if !some.is_empty() {
                body[name] = some.clone().into();
            }
        }
        body
    }
}

impl Terms {
    /// Whether any was given.
    pub(crate) fn is_given(&self) -> bool {
        self.has_private()
            || self.plaintext_to_loopback
            || self.expires.is_some()
            || !self.rules.is_empty()
            || !self.git.is_empty()
            || self.no_git
            || !self.files.is_empty()
            || self.no_files
            || self.no_catalog
            || self.any_host
            || self.reason.is_some()
    }

    /// Whether a private range is granted.
    pub(crate) fn has_private(&self) -> bool {
        !self.private.is_empty()
    }
}

/// Narrows a grant to what was used of it: rules, methods and paths that no request has needed so far are taken back. Requests in
/// flight end, and the plugin goes on with the narrower grant
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall grant tighten unleash --dry-run        say what would go
  seawall grant tighten unleash --reason \"reads only\"")]
pub(crate) struct Tighten {
    /// The plugin: its name (the version in force), name@version, or digest or its first digits
    plugin: String,
    /// Say what would go, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Why, for those who look later
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Takes a grant back: requests in flight end at once, and the plugin does not run until it is granted again
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  seawall grant revoke unleash --reason \"talks to a host that nobody knows\"")]
pub(crate) struct Revoke {
    /// The plugin: its name where one version is granted or waits, name@version, or digest or its first digits
    plugin: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

impl Grant {
    pub(crate) async fn run(self, global: &Global) -> Result {
        let client = Client::new(global)?;
        let grant = match self {
            Self::Show(show) => client.get(&["plugins", &show.plugin, "grant"]).await?,
            Self::Approve(approve) => approve_with(&client, &approve.plugin, &approve.terms).await?,
            Self::Tighten(tighten) => return tighten.run(global, &client).await,
            Self::Revoke(revoke) => {
                let mut query: Vec<_> = revoke.reason.map(|reason| ("reason", reason)).into_iter().collect();
                query.extend(client.by().map(|by| ("by", by.to_owned())));
                let path = ["plugins", &revoke.plugin, "grant"];
                client
                    .send(reqwest::Method::DELETE, &path, &query, Body::Nothing)
                    .await?
            }
        };
        global.output().one(&grant, people)
    }
}

impl Tighten {
    async fn run(self, global: &Global, client: &Client) -> Result {
        let mut body = json!({"dry_run": self.dry_run});
        if let Some(reason) = self.reason {
            body["reason"] = reason.into();
        }
        if let Some(by) = client.by() {
            body["by"] = by.into();
        }
        let path = ["plugins", &self.plugin, "grant", "tighten"];
        let answer = client.post(&path, Body::Json(body)).await?;
        let went = if self.dry_run { "would go" } else { "is taken back" };
        global.output().one(&answer, |answer| {
            let unused = answer["unused"].as_array().map_or(&[][..], Vec::as_slice);
            let goes = if unused.is_empty() {
                "All that is granted was used.".to_owned()
            } else {
                format!("Never used, and {went}:\n\n{}", table(unused, UNUSED))
            };
            format!("{goes}\n\n{}", people(&answer["grant"]))
        })
    }
}

const UNUSED: &[Column] = &[
    ("RULE", |v| format!("{}[{}]", at(v, "/capability"), at(v, "/rule"))),
    ("METHODS", |v| at(v, "/methods")),
    ("TO", |v| at(v, "/to")),
    ("PATHS", |v| at(v, "/paths")),
    ("OF THE RULE", |v| {
        let of = if v["whole"] == true { "all" } else { "a part" };
        of.to_owned()
    }),
];

/// Grants a plugin what it asks, on these terms.
pub(crate) async fn approve_with(client: &Client, plugin: &str, terms: &Terms) -> Result<Value> {
    let mut body = json!({
        "private_ranges": terms.private,
        "plaintext_to_loopback": terms.plaintext_to_loopback,
    });
    if let Some(expires) = &terms.expires {
        body["expires_at"] = expires.to_string().into();
    }
    if !terms.rules.is_empty() {
        body["rules"] = terms.rules.iter().map(RulePart::body).collect::<Vec<_>>().into();
    }
    if !terms.git.is_empty() || terms.no_git {
        body["git"] = terms.git.clone().into();
    }
    if !terms.files.is_empty() || terms.no_files {
        body["files"] = terms.files.clone().into();
    }
    if terms.no_catalog {
        body["catalog"] = false.into();
    }
    if terms.any_host {
        body["any_host"] = true.into();
    }
    if let Some(reason) = &terms.reason {
        body["reason"] = reason.as_str().into();
    }
    if let Some(by) = client.by() {
        body["by"] = by.into();
    }
    let answer = client.put(&["plugins", plugin, "grant"], body).await?;
    if let Some(note) = replaced(&answer) {
        eprintln!("{note}");
    }
    Ok(answer)
}

/// What an approval changed of the terms of the one before it, for who meant to add to them.
fn replaced(answer: &Value) -> Option<String> {
    let mut decisions = answer["decisions"].as_array()?.iter().rev();
    let (new, old) = (&decisions.next()?["grant"], decisions.next()?);
    let old = &old["grant"];
    if old.is_null() || new.is_null() {
        return None;
    }
    let mut all = Vec::new();
    for (pointer, name) in [
        ("/private_ranges", "private ranges"),
        ("/plaintext_to_loopback", "plaintext to loopback"),
        ("/any_host", "every host"),
        ("/expires_at", "end"),
        ("/capabilities/network", "rules"),
        ("/capabilities/git", "checkouts"),
        ("/capabilities/files", "directories"),
        ("/capabilities/catalog", "reading the catalog"),
    ] {
        let (before, now) = (old.pointer(pointer), new.pointer(pointer));
        if before != now {
            all.push(match pointer {
                _ if pointer.starts_with("/capabilities/") => name.to_owned(),
                "/expires_at" => format!("{name} (before: {})", or_none(&expiry(&old["expires_at"]))),
                _ => format!("{name} (before: {})", or_none(&at(old, pointer))),
            });
        }
    }
    (!all.is_empty()).then(|| {
        format!(
            "this replaces the grant before it; other than in that one: {}",
            all.join(", ")
        )
    })
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "none" } else { text }
}

/// How one version's asks differ from another's.
pub(crate) const DIFFERENCES: &[Column] = &[
    ("EFFECT", |v| at(v, "/effect")),
    ("WHAT", |v| at(v, "/what")),
    ("DETAIL", |v| at(v, "/detail")),
];

/// Who decided what, and whose approval that rests on where it is no approval itself.
pub(crate) const DECISIONS: &[Column] = &[
    ("DECISION", |v| at(v, "/verdict").replace('-', " ")),
    ("BY", |v| at(v, "/by")),
    ("AT", |v| time(v, "/at")),
    ("REASON", |v| at(v, "/reason")),
    ("APPROVED", |v| match v["rests_on"].is_object() {
        true => format!("by {} {}", at(v, "/rests_on/by"), time(v, "/rests_on/at")),
        false => String::new(),
    }),
];

/// A grant as a person reads it.
pub(crate) fn people(grant: &Value) -> String {
    let (asked, granted) = (&grant["asked"], &grant["granted"]);
    let terms = [
        ("plugin", format!("{} {}", at(grant, "/plugin"), at(grant, "/version"))),
        ("digest", short_digest(grant, "/digest")),
        ("status", at(grant, "/status")),
        ("private ranges", plain(&granted["private_ranges"])),
        (
            "plain http to loopback",
            if granted["plaintext_to_loopback"] == true {
                "yes, with credentials".into()
            } else {
                String::new()
            },
        ),
        (
            "every host",
            if granted["any_host"] == true {
                "yes, by the rule whose host is `*`".into()
            } else {
                String::new()
            },
        ),
        ("ends", expiry(&granted["expires_at"])),
        (
            "catalog",
            reads_catalog(asked["catalog"] == true, granted["capabilities"]["catalog"] == true),
        ),
    ];
    let mut parts = vec![fields(&terms)];
    parts.extend(asks(asked, Some(granted)));
    let upgrade = &grant["upgrade"];
    if let Some(differences) = upgrade["differences"].as_array() {
        let head = format!(
            "{} ({}) is in force; beside it this one",
            at(upgrade, "/from"),
            short_digest(upgrade, "/digest")
        );
        parts.push(match differences.is_empty() {
            true => format!("{head} asks for the same."),
            false => format!("{head} differs:\n\n{}", table(differences, DIFFERENCES)),
        });
    }
    if let Some(decisions) = grant["decisions"].as_array().filter(|all| !all.is_empty()) {
        parts.push(table(decisions, DECISIONS));
    }
    parts.join("\n\n")
}

/// In words, whether the catalog may be read.
pub(crate) fn reads_catalog(asked: bool, granted: bool) -> String {
    match (asked, granted) {
        (false, _) => String::new(),
        (true, true) => "may read it".to_owned(),
        (true, false) => "asks to read it; not granted".to_owned(),
    }
}

fn expiry(value: &Value) -> String {
    match value
        .as_i64()
        .and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok())
    {
        Some(time) => time.to_string(),
        None => plain(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_named_whole_or_in_part() {
        let body = |text: &str| text.parse::<RulePart>().map(|part| part.body());
        assert_eq!(body("2"), Ok(json!({"rule": 2})));
        assert_eq!(body("0:get, POST"), Ok(json!({"rule": 0, "methods": ["GET", "POST"]})));
        assert_eq!(body("0::/a,/b/*"), Ok(json!({"rule": 0, "paths": ["/a", "/b/*"]})));
        assert!(body("GET").is_err_and(|why| why.contains("`0:GET`")));
    }

    #[test]
    fn shows_which_rules_are_granted() {
        let rule = |to: &str| json!({"to": to, "methods": ["GET"], "paths": ["/**"], "reason": "reads"});
        let grant = json!({
            "plugin": "p", "version": "1.0.0", "digest": "sha256:0123456789abcdef", "status": "granted",
            "asked": {"network": [rule("https://a"), rule("https://b")], "credentials": {"t": {"attach": "bearer", "required": true}}},
            "granted": {"capabilities": {"network": [rule("https://b")]}, "private_ranges": ["10.0.0.0/8"]},
            "decisions": [{"verdict": "approved", "by": "ann", "at": "2026-01-01T00:00:00Z", "reason": "x"}],
        });
        let text = people(&grant);
        let line = |to: &str| {
            text.lines()
                .find(|line| line.contains(to))
                .unwrap_or_default()
                .split_whitespace()
                .take(2)
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(
            (line("https://a").as_str(), line("https://b").as_str()),
            ("0 no", "1 yes")
        );
        assert!(
            text.contains("10.0.0.0/8") && text.contains("0123456789ab\n") && text.contains("ann"),
            "{text}"
        );
    }
}
