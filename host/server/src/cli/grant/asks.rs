//! What a manifest asks for, as tables.

use crate::cli::output::{Column, at, grid, table};
use seawall_domain::manifest::NetworkRule;
use serde_json::Value;

const RULES: &[Column] = &[
    ("RULE", |v| at(v, "/number")),
    ("GRANTED", |v| match v["granted"].as_str() {
        None | Some("") => "no".to_owned(),
        Some(part) => part.to_owned(),
    }),
    ("METHODS", |v| at(v, "/methods")),
    ("TO", |v| at(v, "/to")),
    ("PATHS", |v| at(v, "/paths")),
    ("CREDENTIAL", |v| at(v, "/credential")),
    ("REASON", |v| at(v, "/reason")),
];

const FILES: &[Column] = &[
    ("DIRECTORY", |v| at(v, "/number")),
    ("GRANTED", |v| {
        let granted = if v["granted"] == true { "yes" } else { "no" };
        granted.to_owned()
    }),
    ("READS", |v| at(v, "/from")),
    ("SEES IT AS", |v| at(v, "/at")),
    ("REASON", |v| at(v, "/reason")),
];

const CHECKOUTS: &[Column] = &[
    ("CHECKOUT", |v| at(v, "/number")),
    ("GRANTED", |v| {
        let granted = if v["granted"] == true { "yes" } else { "no" };
        granted.to_owned()
    }),
    ("OF", repository),
    ("SEES IT AS", |v| at(v, "/at")),
    ("CREDENTIAL", |v| at(v, "/credential")),
    ("REASON", |v| at(v, "/reason")),
];

/// A repository with what is checked out of it.
pub(crate) fn repository(rule: &Value) -> String {
    match rule["ref"].as_str() {
        Some(reference) => format!("{} at {reference}", at(rule, "/from")),
        None => at(rule, "/from"),
    }
}

/// What a granted rule has of an asked one: `yes` for all, or the methods and paths; none where it is a part of another.
fn part_of(given: &Value, asked: &Value) -> Option<String> {
    let rule = |value: &Value| serde_json::from_value::<NetworkRule>(value.clone()).ok();
    let (given, asked) = (rule(given)?, rule(asked)?);
    given.is_part_of(&asked).then(|| {
        let paths = if given.paths == asked.paths {
            String::new()
        } else {
            format!(" {}", given.paths.join(" "))
        };
        if asked.is_part_of(&given) {
            "yes".to_owned()
        } else {
            format!("{}{paths}", given.methods.join(", "))
        }
    })
}

/// What a manifest asks for, as tables; with what is granted of it where that is known.
pub(crate) fn asks(asked: &Value, granted: Option<&Value>) -> Vec<String> {
    let list = |name: &str| asked[name].as_array().cloned().unwrap_or_default();
    let given = granted.and_then(|granted| granted["capabilities"]["network"].as_array());
    let mut rules = list("network");
    for (number, rule) in rules.iter_mut().enumerate() {
        let parts: Vec<_> = given
            .into_iter()
            .flatten()
            .filter_map(|given| part_of(given, rule))
            .collect();
        rule["number"] = number.into();
        rule["granted"] = match parts.iter().any(|part| part == "yes") {
            true => "yes".into(),
            false => parts.join("\n").into(),
        };
    }
    let columns: Vec<Column> = RULES
        .iter()
        .filter(|(name, _)| granted.is_some() || *name != "GRANTED")
        .copied()
        .collect();
    let mut parts = Vec::new();
    if rules.is_empty() {
        parts.push("It asks for no network.".to_owned());
    } else {
        parts.push(table(&rules, &columns));
    }
    for (name, fields, columns) in [
        ("files", &["at", "from"][..], FILES),
        ("git", &["at", "from", "ref", "credential"], CHECKOUTS),
    ] {
        let mut all = list(name);
        let given = granted.and_then(|granted| granted["capabilities"][name].as_array());
        for (number, rule) in all.iter_mut().enumerate() {
            let same = |own: &Value| fields.iter().all(|field| own[*field] == rule[*field]);
            let is_granted = given.is_some_and(|given| given.iter().any(same));
            rule["number"] = number.into();
            rule["granted"] = is_granted.into();
        }
        if !all.is_empty() {
            let columns = columns
                .iter()
                .filter(|(name, _)| granted.is_some() || *name != "GRANTED");
            parts.push(table(&all, &columns.copied().collect::<Vec<_>>()));
        }
    }
    if let Some(credentials) = asked["credentials"].as_object().filter(|all| !all.is_empty()) {
        let rows = credentials.iter().map(|(name, ask)| {
            let required = if ask["required"] == true {
                "required"
            } else {
                "optional"
            };
            vec![
                name.clone(),
                required.to_owned(),
                attach(&ask["attach"]),
                at(ask, "/description"),
            ]
        });
        let headings = ["CREDENTIAL", "NEED", "SENT AS", "FOR"].map(str::to_owned).to_vec();
        parts.push(grid(headings, rows));
    }
    parts
}

/// How a credential is attached, in words.
fn attach(attach: &Value) -> String {
    match attach {
        Value::String(kind) => kind.clone(),
        Value::Object(_) if attach["header"].is_object() => {
            format!(
                "header {}: {}…",
                at(attach, "/header/name"),
                at(attach, "/header/prefix")
            )
        }
        Value::Object(_) if attach["query"].is_object() => format!("query parameter {}", at(attach, "/query/name")),
        other => other.to_string(),
    }
}
