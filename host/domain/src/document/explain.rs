//! JSON Schema's verdicts in plain words.

use super::{
    Problem, join,
    problem::{any_of, show},
};
use jsonschema::{
    JsonType, PatternOptions, ValidationError, Validator,
    error::{TypeKind, ValidationErrorKind as Kind},
};
use serde_json::Value;

/// Problems beyond this many of one document are not listed: a person mends the first ones first.
const MAX_PROBLEMS: usize = 100;

/// Compiles a schema (draft 2020-12 unless it says otherwise). Nothing is fetched: a `$ref` to elsewhere is a problem, and
/// patterns are of the linear-time kind, since schemas come with plugins.
///
/// # Errors
/// What is wrong with the schema; the pointer is relative to it.
pub fn check_schema(schema: &Value) -> Result<Validator, Box<Problem>> {
    jsonschema::options()
        .offline()
        .should_validate_formats(true)
        .with_pattern_options(PatternOptions::regex())
        .build(schema)
        .map_err(|error| {
            let mut problems = Vec::new();
            describe(&error, &Value::Null, &mut problems);
            let found = problems.into_iter().next();
            Box::new(
                found.unwrap_or_else(|| {
                    Problem::new(error.instance_path().as_str(), "a JSON Schema", error.to_string())
                }),
            )
        })
}

/// All the ways in which `value` breaks `schema`, which `validator` was compiled of.
pub fn explain(validator: &Validator, schema: &Value, value: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    for error in validator.iter_errors(value) {
        describe(&error, schema, &mut problems);
        if problems.len() >= MAX_PROBLEMS {
            break;
        }
    }
    problems
}

fn describe(error: &ValidationError<'_>, root: &Value, out: &mut Vec<Problem>) {
    let at = error.instance_path().as_str();
    let schema = holder(root, error.schema_path().as_str());
    let value = error.instance();
    let mut put = |expected: String| {
        let mut problem = Problem::new(at, expected, show(value));
        problem.example = example(schema);
        out.push(problem);
    };
    match error.kind() {
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            let known = || {
                schema["properties"]
                    .as_object()
                    .into_iter()
                    .flat_map(|map| map.keys().map(String::as_str))
            };
            let expected = match known().next() {
                Some(_) => any_of(known()),
                None => "no properties".to_owned(),
            };
            for name in unexpected {
                let problem = Problem::new(
                    join(at, name),
                    expected.clone(),
                    format!("`{}`", crate::text::cut(name, 80)),
                );
                out.push(problem.meant(name, known()).on_name());
            }
        }
        Kind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            let wanted = &schema["properties"][name];
            let expected = match wanted["description"].as_str() {
                Some(words) => format!("`{name}` ({})", lower(words)),
                None => format!("`{name}`"),
            };
            let mut problem = Problem::new(at, expected, "nothing of that name");
            problem.example = example(wanted).map(|example| format!("{name}: {example}"));
            out.push(problem);
        }
        Kind::Enum { options } => {
            let words: Vec<&str> = options
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            let expected = match options.as_array() {
                Some(all) if all.len() == words.len() => any_of(words.iter().copied()),
                _ => format!("one of {options}"),
            };
            let given = value.as_str().unwrap_or_default();
            out.push(Problem::new(at, expected, show(value)).meant(given, words));
        }
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => alternatives(error, schema, context, root, out),
        Kind::PropertyNames { error: inner } => {
            let name = inner.instance().as_str().unwrap_or_default().to_owned();
            let mut inside = Vec::new();
            describe(inner, root, &mut inside);
            out.extend(inside.into_iter().map(|problem| {
                Problem {
                    pointer: join(at, &name),
                    ..problem
                }
                .on_name()
            }));
        }
        Kind::Pattern { pattern } => put(match schema["description"].as_str() {
            Some(words) if pattern.len() > 60 => lower(words),
            Some(words) => format!("{} (text that matches `{pattern}`)", lower(words)),
            None => format!("text that matches `{pattern}`"),
        }),
        Kind::Type { kind } => put(match schema["description"].as_str() {
            Some(words) => format!("{} ({})", type_words(kind), lower(words)),
            None => type_words(kind),
        }),
        Kind::Constant { expected_value } => put(format!("`{expected_value}`")),
        Kind::Format { format } => put(format_words(format)),
        Kind::Minimum { limit } => put(format!("a number of at least {limit}")),
        Kind::Maximum { limit } => put(format!("a number of at most {limit}")),
        Kind::ExclusiveMinimum { limit } => put(format!("a number above {limit}")),
        Kind::ExclusiveMaximum { limit } => put(format!("a number below {limit}")),
        Kind::MinLength { limit } => put(format!("text of at least {limit} characters")),
        Kind::MaxLength { limit } => put(format!("text of at most {limit} characters")),
        Kind::MinItems { limit } => put(format!("a list of at least {limit}")),
        Kind::MaxItems { limit } => put(format!("a list of at most {limit}")),
        Kind::MinProperties { limit } => put(format!("an object of at least {limit} properties")),
        Kind::MaxProperties { limit } => put(format!("an object of at most {limit} properties")),
        Kind::MultipleOf { multiple_of } => put(format!("a multiple of {multiple_of}")),
        Kind::UniqueItems => put("a list without repeats".to_owned()),
        Kind::FalseSchema => put("nothing here".to_owned()),
        Kind::Not { schema } => put(format!("anything but what {schema} describes")),
        Kind::OneOfMultipleValid { .. } => put("exactly one of the alternatives of `oneOf`".to_owned()),
        // What is left is rare in a config; jsonschema's own sentence says it.
        _ => put(format!("what its schema describes: {error}")),
    }
}

/// Of several alternatives, the one that was meant is the only one whose type fits; its own problems say more.
fn alternatives(
    error: &ValidationError<'_>,
    schema: &Value,
    context: &[Vec<ValidationError<'static>>],
    root: &Value,
    out: &mut Vec<Problem>,
) {
    let at = error.instance_path().as_str();
    let outright = |inner: &ValidationError<'_>| {
        let here = inner.instance_path().as_str() == at;
        here && matches!(
            inner.kind(),
            Kind::Type { .. } | Kind::Enum { .. } | Kind::Constant { .. }
        )
    };
    let close: Vec<_> = context.iter().filter(|errors| !errors.iter().any(outright)).collect();
    if let [only] = close.as_slice() {
        only.iter().for_each(|inner| describe(inner, root, out));
        return;
    }
    let expected = match schema["description"].as_str() {
        Some(words) => lower(words),
        None => {
            let mut inside = Vec::new();
            context
                .iter()
                .flatten()
                .for_each(|inner| describe(inner, root, &mut inside));
            let mut words: Vec<String> = inside.into_iter().map(|problem| problem.expected).collect();
            words.dedup();
            words.join(", or ")
        }
    };
    let mut problem = Problem::new(at, expected, show(error.instance()));
    problem.example = example(schema);
    if let Some(given) = error.instance().as_str() {
        let words: Vec<&str> = context.iter().flatten().flat_map(words_of).collect();
        problem = problem.meant(given, words);
    }
    out.push(problem);
}

/// The words that an `enum` or a `const` would have accepted.
fn words_of<'a>(error: &'a ValidationError<'static>) -> Vec<&'a str> {
    match error.kind() {
        Kind::Enum { options } => options
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect(),
        Kind::Constant { expected_value } => expected_value.as_str().into_iter().collect(),
        _ => Vec::new(),
    }
}

/// The schema that holds the keyword at `path`.
fn holder<'a>(root: &'a Value, path: &str) -> &'a Value {
    let parent = path.rfind('/').map_or("", |cut| &path[..cut]);
    root.pointer(parent).unwrap_or(&Value::Null)
}

/// The first of a schema's `examples`, or its `default`, as it would be written.
fn example(schema: &Value) -> Option<String> {
    let value = schema["examples"].get(0).or_else(|| schema.get("default"))?;
    Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

fn type_words(kind: &TypeKind) -> String {
    let word = |one: JsonType| match one {
        JsonType::Array => "a list",
        JsonType::Boolean => "`true` or `false`",
        JsonType::Integer => "a whole number",
        JsonType::Null => "nothing",
        JsonType::Number => "a number",
        JsonType::Object => "an object (`name: value` lines)",
        JsonType::String => "text",
    };
    match kind {
        TypeKind::Single(one) => word(*one).to_owned(),
        TypeKind::Multiple(set) => set.iter().map(word).collect::<Vec<_>>().join(" or "),
    }
}

fn format_words(format: &str) -> String {
    match format {
        "uri" | "url" => "an absolute URL, such as `https://tool.example.com`".to_owned(),
        "email" => "an e-mail address".to_owned(),
        "date-time" => "a date and time (RFC 3339), such as `2026-01-31T12:00:00Z`".to_owned(),
        "date" => "a date, such as `2026-01-31`".to_owned(),
        "hostname" => "a host name".to_owned(),
        "ipv4" | "ipv6" => format!("an {format} address"),
        other => format!("text of format `{other}`"),
    }
}

/// A description as part of a sentence: its first letter lower, no full stop.
fn lower(words: &str) -> String {
    let words = words.trim_end_matches('.');
    let mut chars = words.chars();
    match (chars.next(), chars.clone().next()) {
        // An acronym or a code word keeps its letters.
        (Some(first), Some(second)) if first.is_uppercase() && (second.is_lowercase() || second == ' ') => {
            first.to_lowercase().chain(chars).collect()
        }
        _ => words.to_owned(),
    }
}
