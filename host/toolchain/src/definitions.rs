//! What each of a plugin's files may say for itself, and the three not together: a relation without a target, a property
//! that the blueprint lacks. A catalog would leave such things out, item by item; the build says them once, with their
//! place.

use seawall_domain::document::Problem;
use serde_json::{Map, Value};

pub(crate) const PROPERTY: &str = "tier: {type: string, enum: [gold, silver], default: silver}";
const RELATION: &str = "owner: {target: team, many: false, required: false}";

/// What is wrong with a list of blueprints, before anything is read of it.
pub(crate) fn blueprints(list: &[Value]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for (i, blueprint) in list.iter().enumerate() {
        if let Some(identifier) = blueprint["identifier"].as_str() {
            if seen.contains(&identifier) {
                let found = format!("`{identifier}` a second time");
                let expected = "an identifier that no other blueprint of the file has";
                problems.push(Problem::new(format!("/{i}/identifier"), expected, found).example("identifier: service"));
            }
            seen.push(identifier);
        }
        for (name, relation) in entries(&blueprint["relations"]) {
            let at = format!("/{i}/relations/{}", escaped(name));
            problems.extend(of_relation(&at, name, relation));
        }
    }
    problems
}

fn of_relation(at: &str, name: &str, relation: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut wrong = |at: String, expected: &str, found: String| {
        problems.push(Problem::new(at, format!("{expected} (relation `{name}`)"), found).example(RELATION));
    };
    if !relation.is_object() {
        wrong(
            at.to_owned(),
            "a relation with `target`, the blueprint of its targets",
            brief(relation),
        );
        return problems;
    }
    match &relation["target"] {
        Value::String(_) => {}
        Value::Null => wrong(
            at.to_owned(),
            "`target`, the blueprint of its targets",
            "nothing of that name".into(),
        ),
        other => wrong(format!("{at}/target"), "the identifier of a blueprint", brief(other)),
    }
    for flag in ["many", "required"] {
        if !relation[flag].is_null() && !relation[flag].is_boolean() {
            wrong(format!("{at}/{flag}"), "true or false", brief(&relation[flag]));
        }
    }
    problems
}

/// What a mapping says of blueprints that its plugin does not bring, or that lack what it fills.
pub(crate) fn mapping(resources: &[Value], blueprints: &[Value]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (i, resource) in resources.iter().enumerate() {
        let at = format!("/resources/{i}/port/entity/mappings");
        match &resource["port"]["entity"]["mappings"] {
            Value::Array(several) => {
                for (n, mapping) in several.iter().enumerate() {
                    problems.extend(of_mapping(&format!("{at}/{n}"), mapping, blueprints));
                }
            }
            mapping => problems.extend(of_mapping(&at, mapping, blueprints)),
        }
    }
    problems
}

fn of_mapping(at: &str, mapping: &Value, blueprints: &[Value]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for field in ["identifier", "blueprint", "title"] {
        if matches!(mapping[field], Value::Number(_) | Value::Bool(_)) {
            let expected = "a jq expression, which is text";
            let problem = Problem::new(format!("{at}/{field}"), expected, brief(&mapping[field]));
            problems.push(problem.example(format!("{field}: .id")));
        }
    }
    // Only what the expression says outright can be told before there are items.
    let Some(name) = mapping["blueprint"].as_str().and_then(constant) else {
        return problems;
    };
    let known = || {
        blueprints
            .iter()
            .filter_map(|blueprint| blueprint["identifier"].as_str())
    };
    let Some(blueprint) = blueprints.iter().find(|blueprint| blueprint["identifier"] == name) else {
        let expected = match known().next() {
            Some(_) => format!(
                "one of the plugin's blueprints: {}",
                known().collect::<Vec<_>>().join(", ")
            ),
            None => "a blueprint of the plugin's blueprints.yaml, which it does not have".to_owned(),
        };
        let problem = Problem::new(format!("{at}/blueprint"), expected, format!("`{name}`"));
        let example = format!("- {{identifier: {name}, schema: {{properties: {{}}}}}} in blueprints.yaml");
        problems.push(problem.meant(&name, known()).example(example));
        return problems;
    };
    for (field, has, what) in [
        ("properties", &blueprint["schema"]["properties"], "properties"),
        ("relations", &blueprint["relations"], "relations"),
    ] {
        let has = || entries(has).map(|(name, _)| name.as_str());
        for (given, _) in entries(&mapping[field]) {
            if has().any(|name| name == given) {
                continue;
            }
            let expected = match has().next() {
                Some(_) => format!(
                    "one of the {what} of `{name}`: {}",
                    has().collect::<Vec<_>>().join(", ")
                ),
                None => format!("nothing, since `{name}` has no {what}"),
            };
            let problem = Problem::new(
                format!("{at}/{field}/{}", escaped(given)),
                expected,
                format!("`{given}`"),
            );
            let example = match field {
                "properties" => PROPERTY.replace("tier", given),
                _ => RELATION.replace("owner", given),
            };
            let example = format!("{example} in the blueprint");
            problems.push(problem.meant(given, has()).on_name().example(example));
        }
    }
    problems
}

/// What a manifest's `config`, a JSON Schema, requires without having it.
pub(crate) fn config(schema: &Value) -> Vec<Problem> {
    let Some(properties) = schema["properties"].as_object() else {
        return Vec::new();
    };
    let known = || properties.keys().map(String::as_str);
    let required = schema["required"].as_array().into_iter().flatten().enumerate();
    let missing = required.filter_map(|(i, name)| Some((i, name.as_str()?)));
    missing
        .filter(|(_, name)| !properties.contains_key(*name))
        .map(|(i, name)| {
            let expected = format!("one of the properties: {}", known().collect::<Vec<_>>().join(", "));
            let problem = Problem::new(format!("/config/required/{i}"), expected, format!("`{name}`"));
            problem.meant(name, known()).example("required: [base_url]")
        })
        .collect()
}

/// The text of a jq expression that is nothing but a text.
fn constant(expression: &str) -> Option<String> {
    serde_json::from_str(expression.trim()).ok()
}

fn entries(object: &Value) -> impl Iterator<Item = (&String, &Value)> {
    object.as_object().into_iter().flat_map(Map::iter)
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn brief(value: &Value) -> String {
    let text = value.to_string();
    format!("`{}`", seawall_domain::text::cut(&text, 60))
}
