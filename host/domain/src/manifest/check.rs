//! What a manifest has to be: its JSON Schema first, then what no schema says. Works on JSON, so that all problems are found
//! at once, whatever else is wrong.

use super::json_schema;
use crate::{
    checkout::{EXAMPLE_FROM, EXPECTED_FROM, EXPECTED_REF, no_reference},
    document::{Problem, any_of, check_schema, explain, join, show},
    egress::{attach::no_credential_header, check_pattern, check_place, check_repository, is_any_host, placeholders},
};
use serde_json::{Map, Value};

/// All problems of a manifest.
pub(super) fn check(manifest: &Value) -> Vec<Problem> {
    let schema = json_schema();
    let mut out = match check_schema(&schema) {
        Ok(validator) => explain(&validator, &schema, manifest),
        Err(problem) => vec![*problem],
    };
    if manifest.is_object() {
        roles(manifest, &mut out);
        schemas(manifest, &mut out);
        credentials(manifest, &mut out);
        network(manifest, &mut out);
        let mut places = Vec::new();
        files(manifest, &mut places, &mut out);
        git(manifest, &mut places, &mut out);
    }
    out
}

fn object<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    value[name].as_object().into_iter().flat_map(Map::iter)
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = (usize, &'a Value)> {
    value[name].as_array().into_iter().flatten().enumerate()
}

/// Roles, and the parts of the manifest that go with them.
fn roles(manifest: &Value, out: &mut Vec<Problem>) {
    let roles: Vec<&str> = list(manifest, "roles").filter_map(|(_, role)| role.as_str()).collect();
    let has = |name: &str| object(manifest, name).next().is_some();
    let parts = [
        ("kinds", &["ingestor", "webhook"][..], "kinds: {repository: {}}"),
        ("operations", &["action"], "operations: {restart: {}}"),
        ("rules", &["rule"], "rules: {has-owner: {}}"),
    ];
    for (part, of, example) in parts {
        let role = of.iter().find(|role| roles.contains(role));
        match role {
            Some(role) if !has(part) => {
                let at = roles.iter().position(|given| given == role).unwrap_or_default();
                let expected = format!("at least one entry of `{part}` with the role `{role}`");
                out.push(Problem::new(format!("/roles/{at}"), expected, format!("no `{part}`")).example(example));
            }
            None if has(part) => {
                let expected = format!("{} among the roles", any_of(of.iter().copied()));
                let problem = Problem::new(format!("/{part}"), expected, format!("`{part}` without it"));
                out.push(problem.example(format!("roles: [{}]", of[0])).on_name());
            }
            _ => {}
        }
    }
    if let Some(at) = roles.iter().position(|role| *role == "webhook")
        && !roles.contains(&"ingestor")
    {
        let expected = "the role `ingestor` beside `webhook`: what a delivery changes belongs to partitions, and passes bring those";
        let problem = Problem::new(format!("/roles/{at}"), expected, "`webhook` without it");
        out.push(problem.example("roles: [ingestor, webhook]"));
    }
    let asked = &manifest["capabilities"];
    if asked["catalog"] == true && !roles.contains(&"action") {
        let problem = Problem::new(
            "/capabilities/catalog",
            "the role `action`, which alone may read the catalog",
            "none",
        );
        out.push(problem.example("catalog: false").on_name());
    }
    if list(asked, "git").next().is_some() && !roles.contains(&"ingestor") {
        let expected = "the role `ingestor`, whose passes bring a checkout up to date";
        let problem = Problem::new("/capabilities/git", expected, "none");
        out.push(problem.example("roles: [ingestor]").on_name());
    }
    let only_rules = !roles.is_empty() && roles.iter().all(|role| *role == "rule");
    for name in ["network", "files", "git"] {
        if only_rules && list(asked, name).next().is_some() {
            let expected = "no capabilities: a rule imports nothing";
            out.push(Problem::new(format!("/capabilities/{name}"), expected, format!("`{name}`")).on_name());
        }
    }
    if only_rules && has("credentials") {
        out.push(Problem::new("/credentials", "no credentials: a rule sends nothing", "`credentials`").on_name());
    }
}

/// The JSON Schemas inside.
fn schemas(manifest: &Value, out: &mut Vec<Problem>) {
    let mut all = vec![("/config".to_owned(), &manifest["config"])];
    for (part, field) in [("operations", "inputs"), ("rules", "params")] {
        for (name, entry) in object(manifest, part) {
            all.push((format!("{}/{field}", join(&format!("/{part}"), name)), &entry[field]));
        }
    }
    for (at, schema) in all.into_iter().filter(|(_, schema)| schema.is_object()) {
        if let Err(problem) = check_schema(schema) {
            out.push(Problem {
                pointer: format!("{at}{}", problem.pointer),
                ..*problem
            });
        } else if schema["type"] != "object" {
            let problem = Problem::new(
                format!("{at}/type"),
                "`object`, since it describes named values",
                show(&schema["type"]),
            );
            out.push(problem.example("type: object"));
        }
    }
}

/// How credentials are attached.
fn credentials(manifest: &Value, out: &mut Vec<Problem>) {
    for (name, credential) in object(manifest, "credentials") {
        let at = format!("{}/attach", join("/credentials", name));
        let header = &credential["attach"]["header"];
        if let Some(given) = header["name"].as_str()
            && let Some(why) = no_credential_header(given)
        {
            let problem = Problem::new(
                format!("{at}/header/name"),
                "a header for a credential",
                format!("`{given}`, {why}"),
            );
            out.push(problem.example("X-Api-Key"));
        }
        if let Some(prefix) = header["prefix"].as_str()
            && !prefix.bytes().all(|b| b == b' ' || b.is_ascii_graphic())
        {
            let problem = Problem::new(
                format!("{at}/header/prefix"),
                "visible ASCII characters",
                show(&header["prefix"]),
            );
            out.push(problem.example("Token "));
        }
        if let Some(given) = credential["attach"]["query"]["name"].as_str()
            && (given.is_empty() || !given.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)))
        {
            let expected = "letters, digits, `-`, `_` and `.`";
            let problem = Problem::new(
                format!("{at}/query/name"),
                expected,
                format!("`{}`", given.escape_debug()),
            );
            out.push(problem.example("api_key"));
        }
    }
}

/// Rules for requests.
fn network(manifest: &Value, out: &mut Vec<Problem>) {
    let known: Vec<&str> = object(manifest, "credentials").map(|(name, _)| name.as_str()).collect();
    for (index, rule) in list(&manifest["capabilities"], "network") {
        let at = format!("/capabilities/network/{index}");
        declared(&known, &at, rule, out);
        if let Some(to) = rule["to"].as_str() {
            let place = format!("{at}/to");
            if let Err(found) = check_place(to) {
                let expected = "a scheme, a host that is named, and an optional port and base path, or a config value";
                out.push(Problem::new(&place, expected, found).example("https://api.example.com` or `{base_url}"));
            }
            config_names(manifest, &place, to, out);
            if rule.get("credential").is_some() && is_any_host(to) {
                let expected = "no credential where the host is `*`, since every host would be sent it";
                let found = show(&rule["credential"]);
                out.push(Problem::new(format!("{at}/credential"), expected, found));
            }
        }
        for (number, path) in list(rule, "paths") {
            if let Some(pattern) = path.as_str()
                && let Err(expected) = check_pattern(pattern)
            {
                out.push(
                    Problem::new(format!("{at}/paths/{number}"), expected, show(path)).example("/api/v1/projects/*"),
                );
            }
        }
    }
}

/// A rule's credential has to be one of the manifest's.
fn declared(known: &[&str], at: &str, rule: &Value, out: &mut Vec<Problem>) {
    let Some(name) = rule["credential"].as_str().filter(|name| !known.contains(name)) else {
        return;
    };
    let expected = match known {
        [] => format!("`{name}` to be declared under `credentials`"),
        known => format!("one of `credentials`: {}", any_of(known.iter().copied())),
    };
    let problem = Problem::new(format!("{at}/credential"), expected, format!("`{name}`"));
    out.push(
        problem
            .meant(name, known.iter().copied())
            .example(format!("credentials: {{{name}: {{attach: bearer}}}}")),
    );
}

/// Names in braces have to be properties of the config.
fn config_names(manifest: &Value, at: &str, text: &str, out: &mut Vec<Problem>) {
    let known: Vec<&str> = object(&manifest["config"], "properties")
        .map(|(name, _)| name.as_str())
        .collect();
    for name in placeholders(text).unwrap_or_default() {
        if !known.contains(&name) {
            let expected = match known.as_slice() {
                [] => format!("a property `{name}` in the config's schema"),
                known => format!("a property of the config's schema: {}", any_of(known.iter().copied())),
            };
            let problem = Problem::new(at, expected, format!("`{{{name}}}`")).meant(name, known.iter().copied());
            out.push(problem.example(format!(
                "config: {{type: object, properties: {{{name}: {{type: string}}}}}}"
            )));
        }
    }
}

/// Whether a path leads elsewhere than it looks.
fn climbs(path: &str) -> bool {
    path.split('/').any(|segment| segment == ".." || segment == ".")
}

/// Where the plugin sees a directory: somewhere, and each somewhere else.
fn place<'m>(rule: &'m Value, pointer: &str, example: &str, seen: &mut Vec<&'m str>, out: &mut Vec<Problem>) {
    let Some(at) = rule["at"].as_str() else { return };
    let normal = at.len() > 1 && at.starts_with('/') && !at.ends_with('/') && !at.contains("//");
    if !normal || climbs(at) || at.chars().any(char::is_control) {
        let expected = "an absolute path below `/`, without `.`, `..` and a slash at its end";
        out.push(Problem::new(format!("{pointer}/at"), expected, show(&rule["at"])).example(example));
    } else if seen.contains(&at) {
        out.push(Problem::new(
            format!("{pointer}/at"),
            "another place for each directory",
            format!("`{at}` twice"),
        ));
    }
    seen.push(at);
}

/// Rules for directories.
fn files<'m>(manifest: &'m Value, seen: &mut Vec<&'m str>, out: &mut Vec<Problem>) {
    for (index, rule) in list(&manifest["capabilities"], "files") {
        let pointer = format!("/capabilities/files/{index}");
        place(rule, &pointer, "/checkout", seen, out);
        if let Some(from) = rule["from"].as_str() {
            let place = format!("{pointer}/from");
            let names = placeholders(from);
            let rooted = from.starts_with('/') || from.starts_with('{');
            if names.is_err() || !rooted || climbs(from) || from.chars().any(char::is_control) {
                let expected = "an absolute path without `..`, or a value of the config";
                out.push(Problem::new(&place, expected, show(&rule["from"])).example("{directory}"));
            }
            config_names(manifest, &place, from, out);
        }
    }
}

/// Rules for checkouts.
fn git<'m>(manifest: &'m Value, seen: &mut Vec<&'m str>, out: &mut Vec<Problem>) {
    let known: Vec<&str> = object(manifest, "credentials").map(|(name, _)| name.as_str()).collect();
    for (index, rule) in list(&manifest["capabilities"], "git") {
        let pointer = format!("/capabilities/git/{index}");
        place(rule, &pointer, "/repository", seen, out);
        declared(&known, &pointer, rule, out);
        if let Some(from) = rule["from"].as_str() {
            let place = format!("{pointer}/from");
            if let Err(found) = check_repository(from) {
                let example = format!("{EXAMPLE_FROM}` or `{{repository}}");
                out.push(Problem::new(&place, EXPECTED_FROM, found).example(example));
            }
            config_names(manifest, &place, from, out);
        }
        if let Some(reference) = rule["ref"].as_str() {
            let place = format!("{pointer}/ref");
            let found = match placeholders(reference) {
                Err(why) => Some(why.to_owned()),
                Ok(names) if names.is_empty() => no_reference(reference),
                Ok(_) => None,
            };
            if let Some(found) = found {
                out.push(Problem::new(&place, EXPECTED_REF, found).example("main` or `{branch}"));
            }
            config_names(manifest, &place, reference, out);
        }
    }
}
