//! What a version of a plugin asks beyond, or no longer of, another: what a person has to decide about at an upgrade.

use super::{Manifest, NetworkRule};
use crate::egress::{covers, is_any_host};
use serde::Serialize;
use std::collections::BTreeSet;

/// What a difference means for whoever grants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// It asks for more: somebody has to look.
    Wider,
    /// It asks for less.
    Narrower,
    /// It is another plugin, and may do as much as before.
    Other,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Difference {
    /// What it means.
    pub effect: Effect,
    /// What differs: `network`, `credential`, `limit`, `kind`, …
    pub what: &'static str,
    /// In words, such as `POST https://api.example.com /items with token`.
    pub detail: String,
}

impl NetworkRule {
    /// Whether its host is `*`: the config may decide its port and its path, and never this.
    pub fn is_any_host(&self) -> bool {
        is_any_host(&self.to)
    }

    /// Whether every request of this rule is one of `other` too. Patterns are compared as they are written: one that is
    /// narrower in another way counts as different, which asks a person once too often and never once too seldom.
    pub fn is_part_of(&self, other: &Self) -> bool {
        let any = |paths: &[String]| paths.iter().any(|path| path == "/**");
        self.to == other.to
            && self.credential == other.credential
            && self.methods.iter().all(|method| other.methods.contains(method))
            && (any(&other.paths) || self.paths.iter().all(|path| other.paths.contains(path)))
    }

    /// Whether every request of this rule is one of `other` too, by what the patterns match. For telling people only: what is
    /// carried over is compared as it is written.
    fn is_within(&self, other: &Self) -> bool {
        self.to == other.to
            && self.credential == other.credential
            && self.methods.iter().all(|method| other.methods.contains(method))
            && self
                .paths
                .iter()
                .all(|path| other.paths.iter().any(|wide| covers(wide, path)))
    }

    /// Each method with each path by itself.
    pub(crate) fn single(&self) -> impl Iterator<Item = Self> + '_ {
        let pairs = self
            .methods
            .iter()
            .flat_map(|method| self.paths.iter().map(move |path| (method, path)));
        pairs.map(|(method, path)| Self {
            methods: vec![method.clone()],
            paths: vec![path.clone()],
            ..self.clone()
        })
    }

    fn words(&self) -> String {
        let credential = self.credential.as_ref().map(|name| format!(" with {name}"));
        format!(
            "{} {} {}{}",
            self.methods.join(", "),
            self.to,
            self.paths.join(" "),
            credential.unwrap_or_default()
        )
    }
}

impl super::GitRule {
    fn words(&self) -> String {
        let reference = self.reference.as_ref().map(|name| format!(" at {name}"));
        let credential = self.credential.as_ref().map(|name| format!(" with {name}"));
        format!(
            "{}{} as {}{}",
            self.from,
            reference.unwrap_or_default(),
            self.at,
            credential.unwrap_or_default()
        )
    }
}

/// All that `new` asks or is beyond `old`, and no longer; wider first.
pub fn differences(old: &Manifest, new: &Manifest) -> Vec<Difference> {
    let mut all = Vec::new();
    let mut put = |effect, what, detail: String| all.push(Difference { effect, what, detail });
    let asked = new.capabilities.network.iter().flat_map(NetworkRule::single);
    let known = &old.capabilities.network;
    let beyond = asked.filter(|rule| !known.iter().any(|other| rule.is_part_of(other)));
    for words in beyond.map(|rule| rule.words()).collect::<BTreeSet<_>>() {
        put(Effect::Wider, "network", words);
    }
    // What is no longer asked as it was, but lies within what is asked now, is no less.
    let within = |rule: &NetworkRule| new.capabilities.network.iter().any(|other| rule.is_within(other));
    let gone = old.capabilities.network.iter().flat_map(NetworkRule::single);
    let gone: BTreeSet<_> = gone.filter(|rule| !within(rule)).map(|rule| rule.words()).collect();
    for words in gone {
        put(Effect::Narrower, "network", words);
    }
    let reads = |some: &Manifest| {
        let files = some.capabilities.files.iter();
        files
            .map(|rule| format!("{} as {}", rule.from, rule.at))
            .collect::<BTreeSet<_>>()
    };
    sets(&reads(old), &reads(new), "files", &mut put);
    let checks_out =
        |some: &Manifest| -> BTreeSet<String> { some.capabilities.git.iter().map(super::GitRule::words).collect() };
    sets(&checks_out(old), &checks_out(new), "git", &mut put);
    let catalog = |some: &Manifest| {
        some.capabilities
            .catalog
            .then(|| "reads it".to_owned())
            .into_iter()
            .collect()
    };
    sets(&catalog(old), &catalog(new), "catalog", &mut put);
    let roles = |some: &Manifest| some.roles.iter().map(|role| role.interface().to_owned()).collect();
    sets(&roles(old), &roles(new), "role", &mut put);
    for (name, ask) in &new.credentials {
        match old.credentials.get(name) {
            None => put(Effect::Wider, "credential", name.to_string()),
            Some(before) if before.attach != ask.attach => {
                put(
                    Effect::Wider,
                    "credential",
                    format!("{name} is attached in another way"),
                );
            }
            Some(before) if before.required != ask.required => {
                let now = if ask.required { "required" } else { "optional" };
                put(Effect::Other, "credential", format!("{name} is {now} now"));
            }
            Some(_) => {}
        }
    }
    for name in old
        .credentials
        .keys()
        .filter(|name| !new.credentials.contains_key(*name))
    {
        put(Effect::Narrower, "credential", name.to_string());
    }
    limits(old, new, &mut put);
    let names =
        |effect, what, old: Vec<String>, new: Vec<String>, put: &mut dyn FnMut(Effect, &'static str, String)| {
            for name in new.iter().filter(|name| !old.contains(name)) {
                put(effect, what, format!("{name} is new"));
            }
            for name in old.iter().filter(|name| !new.contains(name)) {
                put(Effect::Other, what, format!("{name} is gone"));
            }
        };
    let kinds = |some: &Manifest| some.kinds.keys().map(ToString::to_string).collect();
    let operations = |some: &Manifest| some.operations.keys().map(ToString::to_string).collect();
    let rules = |some: &Manifest| some.rules.keys().map(ToString::to_string).collect();
    names(Effect::Other, "kind", kinds(old), kinds(new), &mut put);
    // A new operation is something that developers may start in the tool.
    names(Effect::Wider, "operation", operations(old), operations(new), &mut put);
    names(Effect::Other, "rule", rules(old), rules(new), &mut put);
    for name in moved_defaults(old, new) {
        put(
            Effect::Wider,
            "config",
            format!("the default of `{name}`, which says where requests go or what is read, is another"),
        );
    }
    if old.config != new.config {
        put(Effect::Other, "config", "its schema differs".to_owned());
    }
    details(old, new, &mut put);
    all.sort();
    all
}

/// What one set has and the other lacks.
fn sets(
    old: &BTreeSet<String>,
    new: &BTreeSet<String>,
    what: &'static str,
    put: &mut impl FnMut(Effect, &'static str, String),
) {
    for words in new.difference(old) {
        put(Effect::Wider, what, words.clone());
    }
    for words in old.difference(new) {
        put(Effect::Narrower, what, words.clone());
    }
}

/// Config properties that name a place, and whose default leads to another one: a rule that reads the same then reaches
/// elsewhere wherever an integration leaves the property out.
fn moved_defaults(old: &Manifest, new: &Manifest) -> BTreeSet<String> {
    let network = new.capabilities.network.iter().map(|rule| rule.to.as_str());
    let files = new.capabilities.files.iter().map(|rule| rule.from.as_str());
    let git = new.capabilities.git.iter();
    let git = git.flat_map(|rule| {
        [Some(rule.from.as_str()), rule.reference.as_deref()]
            .into_iter()
            .flatten()
    });
    let names = network
        .chain(files)
        .chain(git)
        .flat_map(|text| crate::egress::placeholders(text).unwrap_or_default());
    let default = |some: &Manifest, name: &str| some.config["properties"][name]["default"].clone();
    names
        .filter(|name| default(old, name) != default(new, name))
        .map(str::to_owned)
        .collect()
}

/// What differs within kinds, operations and rules that both have.
fn details(old: &Manifest, new: &Manifest, put: &mut impl FnMut(Effect, &'static str, String)) {
    let mut differs = |what, name: &str, parts: &[(&str, bool)]| {
        for (part, _) in parts.iter().filter(|(_, same)| !same) {
            put(Effect::Other, what, format!("{name}: {part}"));
        }
    };
    for (name, now) in &new.kinds {
        if let Some(before) = old.kinds.get(name) {
            let parts = [
                ("whether it is strict differs", before.strict == now.strict),
                ("whether it is live differs", before.live == now.live),
            ];
            differs("kind", name.as_str(), &parts);
        }
    }
    for (name, now) in &new.operations {
        if let Some(before) = old.operations.get(name) {
            let parts = [
                ("its inputs differ", before.inputs == now.inputs),
                ("its target differs", before.target == now.target),
            ];
            differs("operation", name.as_str(), &parts);
        }
    }
    for (name, now) in &new.rules {
        if let Some(before) = old.rules.get(name) {
            let parts = [
                ("its parameters differ", before.params == now.params),
                ("its blueprint differs", before.blueprint == now.blueprint),
            ];
            differs("rule", name.as_str(), &parts);
        }
    }
    for (name, now) in &new.rules {
        let before = old.rules.get(name).map_or(&[][..], |rule| &rule.related);
        for relation in now.related.iter().filter(|relation| !before.contains(relation)) {
            put(
                Effect::Wider,
                "rule",
                format!("{name} sees the targets of `{relation}`"),
            );
        }
        let gone = before.iter().filter(|relation| !now.related.contains(relation));
        for relation in gone {
            put(
                Effect::Narrower,
                "rule",
                format!("{name} no longer sees the targets of `{relation}`"),
            );
        }
    }
}

fn limits(old: &Manifest, new: &Manifest, put: &mut impl FnMut(Effect, &'static str, String)) {
    let as_map = |some: &Manifest| {
        let limits = serde_json::to_value(some.limits.unwrap_or_default()).unwrap_or_default();
        limits.as_object().cloned().unwrap_or_default()
    };
    let (old, new) = (as_map(old), as_map(new));
    for (name, value) in &new {
        let (before, now) = (old[name].as_u64().unwrap_or(0), value.as_u64().unwrap_or(0));
        let effect = match now.cmp(&before) {
            std::cmp::Ordering::Greater => Effect::Wider,
            std::cmp::Ordering::Less => Effect::Narrower,
            std::cmp::Ordering::Equal => continue,
        };
        put(effect, "limit", format!("{name}: {before} becomes {now}"));
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::manifest::parse;

    const OLD: &str = "\
name: a
version: 1.0.0
roles: [ingestor]
credentials: {token: {attach: bearer}}
kinds: {item: {}}
capabilities:
  network:
    - {to: 'https://a.example.com', methods: [GET, POST], paths: [/items, /old], credential: token}
";

    fn told(new: &str) -> Vec<String> {
        let (old, new) = (parse("old", OLD).unwrap(), parse("new", new).unwrap());
        let all = differences(&old, &new).into_iter();
        all.map(|d| format!("{:?} {}: {}", d.effect, d.what, d.detail))
            .collect()
    }

    #[test]
    fn the_same_has_no_differences_however_it_is_written() {
        assert_eq!(told(OLD), [""; 0]);
        let split = OLD.replace(
            "    - {to: 'https://a.example.com', methods: [GET, POST], paths: [/items, /old], credential: token}",
            "    - {to: 'https://a.example.com', methods: [POST], paths: [/items, /old], credential: token, reason: writes}\n    \
             - {to: 'https://a.example.com', methods: [GET], paths: [/old, /items], credential: token}",
        );
        assert_eq!(told(&split), [""; 0]);
    }

    #[test]
    fn what_differs_within_kinds_operations_and_rules_is_told() {
        const OLD: &str = "\
name: a
version: 1.0.0
roles: [ingestor, action, rule]
kinds: {item: {}}
operations: {restart: {target: service}}
rules: {owned: {related: [team]}}
";
        let new = OLD
            .replace("item: {}", "item: {strict: true}")
            .replace(
                "target: service",
                "inputs: {type: object, properties: {why: {type: string}}}",
            )
            .replace("related: [team]", "related: [owner]");
        let (old, new) = (parse("old", OLD).unwrap(), parse("new", &new).unwrap());
        let all = differences(&old, &new);
        let told: Vec<_> = all.iter().map(|d| format!("{:?} {}", d.effect, d.detail)).collect();
        assert_eq!(
            told,
            [
                "Wider owned sees the targets of `owner`",
                "Narrower owned no longer sees the targets of `team`",
                "Other item: whether it is strict differs",
                "Other restart: its inputs differ",
                "Other restart: its target differs",
            ]
        );
    }

    #[test]
    fn a_default_that_leads_elsewhere_is_wider() {
        let manifest = |default: &str| {
            format!(
                "name: a\nversion: 1.0.0\nroles: [ingestor]\nkinds: {{item: {{}}}}\nconfig:\n  type: object\n  properties:\n    \
                 base_url: {{type: string, default: {default}}}\ncapabilities:\n  network:\n    - {{to: '{{base_url}}'}}\n"
            )
        };
        let of = |text: &str| parse("plugin.yaml", &manifest(text)).unwrap();
        let (old, new) = (of("https://a.example.com"), of("https://evil.example"));
        let all = differences(&old, &new);
        assert_eq!(all[0].effect, Effect::Wider);
        assert!(all[0].detail.contains("`base_url`"), "{all:?}");
        assert_eq!(differences(&old, &old), []);
    }

    #[test]
    fn what_is_asked_beyond_is_wider_and_what_is_no_longer_narrower() {
        let new = OLD
            .replace("paths: [/items, /old]", "paths: [/items, /new]")
            .replace("methods: [GET, POST]", "methods: [GET]")
            .replace(
                "kinds: {item: {}}",
                "kinds: {item: {}, other: {}}\nlimits: {requests: 2000, log_lines: 10}",
            );
        assert_eq!(
            told(&new),
            [
                "Wider limit: requests: 1000 becomes 2000",
                "Wider network: GET https://a.example.com /new with token",
                "Narrower limit: log_lines: 1000 becomes 10",
                "Narrower network: GET https://a.example.com /old with token",
                "Narrower network: POST https://a.example.com /items with token",
                "Narrower network: POST https://a.example.com /old with token",
                "Other kind: other is new",
            ]
        );
    }

    #[test]
    fn what_wider_patterns_cover_is_not_narrower() {
        let new = OLD.replace("paths: [/items, /old]", "paths: [/items/**]");
        assert_eq!(
            told(&new),
            [
                "Wider network: GET https://a.example.com /items/** with token",
                "Wider network: POST https://a.example.com /items/** with token",
                "Narrower network: GET https://a.example.com /old with token",
                "Narrower network: POST https://a.example.com /old with token",
            ]
        );
    }

    #[test]
    fn another_repository_branch_or_credential_is_wider() {
        let of = |git: &str| {
            let yaml = format!(
                "name: a\nversion: 1.0.0\nroles: [ingestor]\nkinds: {{item: {{}}}}\ncredentials: {{token: {{attach: basic}}}}\n\
                 config: {{type: object, properties: {{branch: {{type: string}}}}}}\ncapabilities:\n  git: [{git}]\n"
            );
            parse("plugin.yaml", &yaml).unwrap()
        };
        let old = of("{at: /repository, from: 'https://git.example.com/a.git', reason: reads}");
        assert_eq!(
            differences(&old, &of("{at: /repository, from: 'https://git.example.com/a.git'}")),
            []
        );
        let new = of("{at: /repository, from: 'https://git.example.com/a.git', ref: '{branch}', credential: token}");
        let all = differences(&old, &new);
        let told: Vec<_> = all
            .iter()
            .map(|d| format!("{:?} {}: {}", d.effect, d.what, d.detail))
            .collect();
        assert_eq!(
            told,
            [
                "Wider git: https://git.example.com/a.git at {branch} as /repository with token",
                "Narrower git: https://git.example.com/a.git as /repository",
            ]
        );
    }

    #[test]
    fn another_credential_for_the_same_place_is_wider() {
        let new = OLD
            .replace(
                "{token: {attach: bearer}}",
                "{token: {attach: basic}, more: {attach: bearer}}",
            )
            .replace("credential: token", "credential: more");
        let told = told(&new);
        assert!(told.contains(&"Wider credential: more".to_owned()), "{told:?}");
        assert!(
            told.contains(&"Wider credential: token is attached in another way".to_owned()),
            "{told:?}"
        );
        assert!(
            told.contains(&"Wider network: GET https://a.example.com /items with more".to_owned()),
            "{told:?}"
        );
    }
}
