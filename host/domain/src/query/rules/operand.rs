//! What a rule looks at.

use super::{Reader, Result, known_members, shown, wrong};
use crate::{
    query::{
        error::or_nearest,
        field::{Field, Hop, Operand},
        node::{MAX_HOPS, PropertySchema},
    },
    text::cut,
};
use serde_json::{Map, Value};

impl Reader<'_> {
    pub(super) fn operand(&self, name: &str, of: &Value, operator: &str, pointer: &str) -> Result<Operand> {
        let operand = match (name, of) {
            ("property", Value::String(text)) => self.scope.operand(text),
            ("relation", Value::String(text)) => self.scope.operand(&format!("relations.{text}")),
            ("property", Value::Object(long)) => return self.path(long, operator, pointer),
            _ => Err(format!("expected a name, found {}", shown(of))),
        };
        operand.or_else(|why| wrong(pointer, why))
    }

    /// `{"path": ["owner", {"relation": "parent", "maxHops": 3}]}`: with `matchAny` the identifier of what is at its end;
    /// otherwise `property` or `relation` there, and `members` into its value.
    fn path(&self, long: &Map<String, Value>, operator: &str, pointer: &str) -> Result<Operand> {
        if long.contains_key("context") {
            return wrong(
                pointer,
                "rules about the person who asks need a sign-in, which this server has not; name the value instead",
            );
        }
        if long.contains_key("fromBlueprint") {
            return wrong(
                format!("{pointer}/fromBlueprint"),
                "paths are followed from the entities that are asked for; use `relatedTo` with a blueprint, `direction` and `depth`",
            );
        }
        known_members(long, pointer, &["path", "property", "relation", "members"])?;
        let mut scope = self.scope.clone();
        let mut via = Vec::new();
        let hops = match long.get("path") {
            Some(Value::Array(hops)) => hops.as_slice(),
            None => &[],
            Some(other) => {
                return wrong(
                    format!("{pointer}/path"),
                    format!("expected a list of relations, found {}", shown(other)),
                );
            }
        };
        for (at, hop) in hops.iter().enumerate() {
            let pointer = format!("{pointer}/path/{at}");
            let hop = hop_of(hop, &pointer)?;
            scope.check_relation(&hop.relation).or_else(|why| wrong(pointer, why))?;
            scope = scope.beyond(&hop.relation);
            via.push(hop);
        }
        if via.len() > MAX_HOPS as usize {
            return wrong(
                format!("{pointer}/path"),
                format!("a path may have {MAX_HOPS} relations"),
            );
        }
        let name = |member: &str| match long.get(member) {
            None => Ok(None),
            Some(Value::String(name)) => Ok(Some(name.as_str())),
            Some(other) => wrong(
                format!("{pointer}/{member}"),
                format!("expected a name, found {}", shown(other)),
            ),
        };
        // Names are whole here: a dot is a part of one.
        let whole = |word: &str, name: &str| {
            let operand = match name.strip_prefix('$') {
                Some(_) if word == "properties" => scope.operand(name),
                _ => scope.segments(&[word.to_owned(), name.to_owned()]),
            };
            operand.or_else(|why| wrong(format!("{pointer}/property"), why))
        };
        let mut operand = match (name("property")?, name("relation")?) {
            (Some(property), None) => whole("properties", property)?,
            (None, Some(relation)) => whole("relations", relation)?,
            (Some(_), Some(_)) => return wrong(pointer, "a rule looks at `property` or at `relation`, not at both"),
            (None, None) if operator == "matchAny" && !via.is_empty() => Operand::of(Field::Identifier),
            (None, None) => {
                return wrong(
                    pointer,
                    "say what to look at with `property`, or use `matchAny` for the identifiers at the end of the path",
                );
            }
        };
        match long.get("members") {
            None => {}
            Some(Value::Array(members)) if members.iter().all(Value::is_string) => {
                operand.path = members.iter().filter_map(Value::as_str).map(str::to_owned).collect();
            }
            Some(other) => {
                return wrong(
                    format!("{pointer}/members"),
                    format!("expected a list of names, found {}", shown(other)),
                );
            }
        }
        operand.via = via;
        Ok(operand)
    }
}

fn hop_of(value: &Value, pointer: &str) -> Result<Hop> {
    match value {
        Value::String(relation) => Ok(Hop {
            relation: relation.clone(),
            most: 1,
        }),
        Value::Object(members) => {
            known_members(members, pointer, &["relation", "maxHops"])?;
            let Some(Value::String(relation)) = members.get("relation") else {
                return wrong(format!("{pointer}/relation"), "it has to be the name of a relation");
            };
            Ok(Hop {
                relation: relation.clone(),
                most: hops(members.get("maxHops"), 1, &format!("{pointer}/maxHops"))?,
            })
        }
        other => wrong(pointer, format!("expected a relation, found {}", shown(other))),
    }
}

pub(super) fn hops(value: Option<&Value>, absent: u32, pointer: &str) -> Result<u32> {
    let Some(value) = value else { return Ok(absent) };
    let number = value.as_u64().and_then(|hops| u32::try_from(hops).ok());
    match number.filter(|hops| (1..=MAX_HOPS).contains(hops)) {
        Some(hops) => Ok(hops),
        None => wrong(pointer, format!("expected 1 to {MAX_HOPS}, found {}", shown(value))),
    }
}

pub(super) fn property_schema(value: &Value, pointer: &str) -> Result<PropertySchema> {
    let Value::Object(members) = value else {
        return wrong(
            pointer,
            format!(
                "expected a type such as {{\"type\": \"string\"}}, found {}",
                shown(value)
            ),
        );
    };
    known_members(members, pointer, &["type", "format"])?;
    let types = ["string", "number", "boolean", "object", "array", "integer"];
    let Some(Value::String(kind)) = members.get("type") else {
        return wrong(
            format!("{pointer}/type"),
            format!("it has to be one of {}", types.join(", ")),
        );
    };
    if !types.contains(&kind.as_str()) {
        return wrong(
            format!("{pointer}/type"),
            format!("`{}` is no type{}", cut(kind, 60), or_nearest(kind, types)),
        );
    }
    let format = match members.get("format") {
        None => None,
        Some(Value::String(format)) => Some(format.clone()),
        Some(other) => {
            return wrong(
                format!("{pointer}/format"),
                format!("expected a format such as `url`, found {}", shown(other)),
            );
        }
    };
    Ok(PropertySchema {
        kind: kind.clone(),
        format,
    })
}
