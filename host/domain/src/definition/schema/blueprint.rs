//! The JSON Schema of blueprints for editors: types, formats, relations, and all that can be computed. What it leaves open the
//! host checks: documents that are applied are read by [`super::document_schema`] and then compiled, which says more.

use super::{flag, list, object, text};
use crate::{
    blueprint::{
        computed::META,
        mistakes::{COLORS, JSON_SCHEMA_FORMATS, PORT_FORMATS},
    },
    definition::Kind,
};
use serde_json::{Value, json};

/// How deep lists and objects within a property are described.
const DEPTH: usize = 2;

pub(super) fn blueprint() -> Value {
    let named = |description: &str, one: Value, example: Value| json!({"description": description, "type": "object", "additionalProperties": one, "examples": [example]});
    let properties = json!({
        "identifier": text("Its name", "service"),
        "title": {"description": "What people call it", "type": ["string", "null"], "examples": ["Service"]},
        "description": {"description": "For people", "type": ["string", "null"]},
        "icon": {"description": "The name of an icon", "type": ["string", "null"], "examples": ["Microservice"]},
        "schema": {
            "description": "The properties of its entities",
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "properties": named("A JSON Schema for each property", property(DEPTH), json!({"tier": {"type": "string"}})),
                "required": list("Properties that every entity must have", "tier"),
            },
            "examples": [{"properties": {"tier": {"type": "string"}}}],
        },
        "relations": named("Relations by name", relation(), json!({"owner": {"target": "team"}})),
        "precedence": precedence(),
        "keepFaults": flag("Whether what is wrong with what it computes is kept as it is; an export of what an import or a plugin brought says so"),
        "mirrorProperties": named("Values of related entities", mirror(), json!({"tier": {"path": "system.tier"}})),
        "calculationProperties": named("Values by jq", calculation(), json!({"url": {"type": "string", "calculation": ".properties.host"}})),
        "aggregationProperties": named("Values over related entities", aggregation(), json!({"open": {"target": "issue"}})),
        "ownership": ownership(),
        "teamInheritance": {
            "description": "Port's older word for an inherited ownership",
            "type": ["object", "null"],
            "properties": {"path": path("Relations to the entity whose teams own this one too", "system")},
        },
    });
    object(Kind::Blueprint, &["identifier"], false, properties)
}

/// Any of these words, which an editor offers, or another.
fn words(description: &str, known: impl IntoIterator<Item = &'static str>) -> Value {
    let known: Vec<_> = known.into_iter().collect();
    json!({"description": description, "anyOf": [{"enum": known}, {"type": "string"}]})
}

fn path(description: &str, example: &str) -> Value {
    let mut path = text(description, example);
    path["pattern"] = "^[^.]+(\\.[^.]+)*$".into();
    path
}

/// What people see of a property.
fn shown() -> Value {
    json!({
        "title": {"description": "What people call it", "type": ["string", "null"]},
        "description": {"description": "For people", "type": ["string", "null"]},
        "icon": {"description": "The name of an icon", "type": ["string", "null"], "examples": ["Microservice"]},
    })
}

fn with(mut base: Value, more: Value) -> Value {
    if let (Some(base), Value::Object(more)) = (base.as_object_mut(), more) {
        base.extend(more);
    }
    base
}

fn property(depth: usize) -> Value {
    let number = |description: &str| json!({"description": description, "type": "number"});
    let count = |description: &str| json!({"description": description, "type": "integer", "minimum": 0});
    let within = |description: &str| match depth {
        0 => json!({"description": description, "type": "object"}),
        _ => with(property(depth - 1), json!({"description": description})),
    };
    let members = match depth {
        0 => json!({"type": "object"}),
        _ => property(depth - 1),
    };
    let colors = json!({
        "description": "A colour for each option of `enum`",
        "type": "object",
        "additionalProperties": words("A colour", COLORS),
        "examples": [{"gold": "yellow"}],
    });
    let own = json!({
        "type": {
            "description": "The type of its values",
            "enum": ["string", "number", "integer", "boolean", "object", "array", "enum"],
        },
        "format": words("What a text is", PORT_FORMATS.into_iter().chain(JSON_SCHEMA_FORMATS)),
        "enum": {
            "description": "The values that are allowed; where Port's forms work them out, an object with `jqQuery`",
            "type": ["array", "object"],
            "minItems": 1,
            "examples": [["gold", "silver"]],
        },
        "enumColors": colors,
        "default": {"description": "The value of an entity of which no source says anything else; in a form, what is filled in"},
        "pattern": {"description": "A regular expression that a text matches", "type": "string", "format": "regex"},
        "minLength": count("The least characters of a text"),
        "maxLength": count("The most characters of a text"),
        "minimum": number("The least number"),
        "maximum": number("The greatest number"),
        "exclusiveMinimum": number("A number is greater than this"),
        "exclusiveMaximum": number("A number is less than this"),
        "multipleOf": {"description": "A number is a multiple of this", "type": "number", "exclusiveMinimum": 0},
        "items": within("The entries of a list"),
        "minItems": count("The least entries of a list"),
        "maxItems": count("The most entries of a list"),
        "uniqueItems": flag("Whether a list may have no entry twice"),
        "properties": {"description": "The members of an object", "type": "object", "additionalProperties": members},
        "additionalProperties": {"description": "Whether, or what, further members an object may have", "type": ["boolean", "object"]},
        "minProperties": count("The least members of an object"),
        "maxProperties": count("The most members of an object"),
        "spec": words("What is drawn of a text or an object", ["open-api", "async-api", "embedded-url"]),
    });
    json!({
        "type": "object",
        "properties": with(shown(), own),
        "examples": [{"type": "string", "format": "url"}],
    })
}

fn relation() -> Value {
    json!({
        "type": "object",
        "required": ["target"],
        "properties": with(shown(), json!({
            "target": text("The blueprint of its targets", "team"),
            "required": flag("Whether every entity must have it"),
            "many": flag("Whether it may have several targets"),
        })),
        "examples": [{"target": "team", "many": false}],
    })
}

fn precedence() -> Value {
    let sources = "Names of integrations, and of clients' sources such as `people`, the strongest first";
    json!({
        "description": "Whose word counts where several sources say different things",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "default": list(sources, "github"),
            "fields": {
                "description": "Of single fields: a property's name, `relations.NAME`, `$title`, `$icon` or `$team`",
                "type": "object",
                "additionalProperties": list(sources, "people"),
                "examples": [{"tier": ["people", "pagerduty"]}],
            },
        },
        "examples": [{"default": ["github"]}],
    })
}

fn mirror() -> Value {
    let end = format!(
        "Relations with dots between, and at the end a property or one of {}",
        META.join(", ")
    );
    json!({
        "type": "object",
        "required": ["path"],
        "properties": with(shown(), json!({
            "path": {
                "description": end,
                "type": "string",
                "pattern": "^[^.]+(\\.[^.]+)+$",
                "examples": ["system.tier", "system.domain.$title", "system.$updatedAt"],
            },
        })),
        "examples": [{"path": "system.tier"}],
    })
}

fn calculation() -> Value {
    let mut schema = property(1);
    let own = json!({
        "calculation": text("jq over the entity: .identifier, .title, .team, .properties and .relations", ".properties.stars * 2"),
        "colorized": flag("Whether its values have colours"),
        "colors": {
            "description": "A colour for each value",
            "type": "object",
            "additionalProperties": words("A colour", COLORS),
            "examples": [{"high": "red"}],
        },
    });
    schema["properties"] = with(schema["properties"].take(), own);
    schema["required"] = json!(["calculation", "type"]);
    schema["examples"] = json!([{"type": "number", "calculation": ".properties.stars * 2"}]);
    schema
}

fn aggregation() -> Value {
    let by = |what: &str, then: Value| json!({"if": {"properties": {"calculationBy": {"const": what}}, "required": ["calculationBy"]}, "then": then});
    let spec = json!({
        "description": "What is made of the entities",
        "type": "object",
        "required": ["calculationBy", "func"],
        "properties": {
            "calculationBy": {"description": "Of the entities themselves, or of the numbers of a property", "enum": ["entities", "property"]},
            "func": {"description": "Of entities: count, average. Of a property: sum, average, min, max, median",
                "enum": ["count", "average", "sum", "min", "max", "median"]},
            "property": text("The property whose numbers count", "storyPoints"),
            "averageOf": {"description": "An average over periods from the first to the last, or over all of them",
                "enum": ["hour", "day", "week", "month", "total"]},
            "measureTimeBy": text("The time that counts for a period: `$createdAt`, `$updatedAt` or a property", "$createdAt"),
        },
        "allOf": [
            by("entities", json!({"properties": {"func": {"enum": ["count", "average"]}}})),
            by("property", json!({"properties": {"func": {"enum": ["sum", "average", "min", "max", "median"]}}, "required": ["property"]})),
        ],
        "examples": [{"calculationBy": "entities", "func": "count"}],
    });
    let step = json!({
        "type": "object",
        "required": ["path"],
        "properties": {
            "path": {"description": "Relations, in the order of the way", "type": "array", "minItems": 1, "maxItems": 16,
                "items": {"type": "string"}, "examples": [["repository", "service"]]},
            "fromBlueprint": text("Where the way begins at the target and leads here, the target's name; left out: from here to the target", "issue"),
        },
        "examples": [{"path": ["repository", "service"]}],
    });
    json!({
        "type": "object",
        "required": ["target", "calculationSpec"],
        "properties": with(shown(), json!({
            "target": text("The blueprint of the entities that count", "issue"),
            "calculationSpec": spec,
            "query": {
                "description": "Which of them count, in Port's rules",
                "type": "object",
                "required": ["combinator", "rules"],
                "properties": {
                    "combinator": {"description": "Whether all rules have to hold, or any", "enum": ["and", "or", "not"]},
                    "rules": {"description": "Rules, and groups of them", "type": "array", "items": {"type": "object"}},
                },
                "examples": [{"combinator": "and", "rules": [{"property": "status", "operator": "=", "value": "OPEN"}]}],
            },
            "pathFilter": {"description": "How they are related; left out: along any relations of one direction", "type": "array",
                "minItems": 1, "items": step},
        })),
        "examples": [{"target": "issue", "calculationSpec": {"calculationBy": "entities", "func": "count"}}],
    })
}

fn ownership() -> Value {
    json!({
        "description": "Whose teams own its entities",
        "type": ["object", "null"],
        "required": ["type"],
        "properties": {
            "type": {"description": "`Direct`: those that sources name. `Inherited`: those of a related entity", "enum": ["Direct", "Inherited"]},
            "path": path("Relations to the entity whose teams own this one too", "system.domain"),
            "title": {"description": "What people call it", "type": ["string", "null"]},
        },
        "examples": [{"type": "Inherited", "path": "system"}],
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::document::{check_schema, explain};

    fn problems(blueprint: &Value) -> Vec<String> {
        let schema = super::blueprint();
        let validator = check_schema(&schema).unwrap();
        let all = explain(&validator, &schema, blueprint);
        all.into_iter().map(|problem| problem.pointer).collect()
    }

    #[test]
    fn an_editor_takes_what_the_host_takes() {
        let blueprint = json!({
            "kind": "Blueprint", "identifier": "service", "title": null,
            "schema": {"properties": {
                "tier": {"type": "string", "enum": ["gold"], "enumColors": {"gold": "yellow"}, "default": "gold", "icon": "Star"},
                "tags": {"type": "array", "items": {"type": "string", "format": "x-own"}},
                "deep": {"type": "object", "properties": {"a": {"type": "object", "properties": {"b": {"properties": {"c": {}}}}}}},
                "options": {"type": "string", "enum": {"jqQuery": "[]"}},
                "any": {},
            }, "required": ["tier"]},
            "relations": {"system": {"target": "system", "title": null, "many": false}},
            "precedence": {"default": ["github"], "fields": {"tier": ["people"]}},
            "mirrorProperties": {"when": {"path": "system.$updatedAt"}},
            "calculationProperties": {"twice": {"type": "number", "calculation": ".properties.stars * 2", "colorized": true}},
            "aggregationProperties": {
                "open": {"target": "issue", "calculationSpec": {"calculationBy": "entities", "func": "count"},
                    "query": {"combinator": "and", "rules": []}, "pathFilter": [{"path": ["service"]}]},
                "points": {"target": "issue", "calculationSpec": {"calculationBy": "property", "func": "median", "property": "points"}},
            },
            "ownership": {"type": "Inherited", "path": "system"},
            "changelogDestination": {"type": "WEBHOOK"},
        });
        assert_eq!(problems(&blueprint), Vec::<String>::new());
    }

    #[test]
    fn an_editor_says_where_a_definition_is_wrong() {
        for (field, value, pointer) in [
            (
                "schema",
                json!({"properties": {"a": {"type": "strin"}}}),
                "/schema/properties/a/type",
            ),
            (
                "schema",
                json!({"properties": {"a": {"type": "array", "items": {"type": "strin"}}}}),
                "/schema/properties/a/items/type",
            ),
            (
                "schema",
                json!({"properties": {"a": {"minLength": -1}}}),
                "/schema/properties/a/minLength",
            ),
            ("relations", json!({"a": {}}), "/relations/a"),
            (
                "mirrorProperties",
                json!({"a": {"path": "system"}}),
                "/mirrorProperties/a/path",
            ),
            (
                "calculationProperties",
                json!({"a": {"type": "string"}}),
                "/calculationProperties/a",
            ),
            (
                "aggregationProperties",
                json!({"a": {"target": "issue", "calculationSpec": {"calculationBy": "entities", "func": "sum"}}}),
                "/aggregationProperties/a/calculationSpec/func",
            ),
            (
                "aggregationProperties",
                json!({"a": {"target": "issue", "calculationSpec": {"calculationBy": "property", "func": "sum"}}}),
                "/aggregationProperties/a/calculationSpec",
            ),
            ("ownership", json!({"type": "Shared"}), "/ownership/type"),
        ] {
            let mut blueprint = json!({"identifier": "service"});
            blueprint[field] = value.clone();
            assert_eq!(problems(&blueprint), [pointer], "{value}");
        }
    }
}
