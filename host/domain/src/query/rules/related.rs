//! `relatedTo`.

use super::{Result, known_members, operand::hops, shown, wrong};
use crate::{
    BlueprintId, EntityId,
    query::{
        error::or_nearest,
        node::{Direction, MAX_HOPS, MAX_RULES, Node, Related},
    },
};
use serde_json::{Map, Value};

pub(super) fn related(members: &Map<String, Value>, pointer: &str) -> Result<Node> {
    let at = |member: &str| format!("{pointer}/{member}");
    known_members(
        members,
        pointer,
        &["operator", "blueprint", "value", "direction", "required", "depth"],
    )?;
    let blueprint = match members.get("blueprint") {
        Some(Value::String(name)) => BlueprintId::new(name).or_else(|e| wrong(at("blueprint"), e.to_string()))?,
        Some(other) => {
            return wrong(
                at("blueprint"),
                format!("expected a blueprint's identifier, found {}", shown(other)),
            );
        }
        None => {
            return wrong(
                at("blueprint"),
                "it is missing: `relatedTo` needs the blueprint of the entities in `value`",
            );
        }
    };
    let names: Vec<&Value> = match members.get("value") {
        Some(Value::Array(all)) if (1..=MAX_RULES).contains(&all.len()) => all.iter().collect(),
        Some(Value::Array(all)) => {
            return wrong(
                at("value"),
                format!("expected 1 to {MAX_RULES} identifiers, found {}", all.len()),
            );
        }
        Some(one) => vec![one],
        None => {
            return wrong(
                at("value"),
                "it is missing: `relatedTo` needs the identifier of an entity, or a list of them",
            );
        }
    };
    let identifier = |value: &Value| match value.as_str().map(EntityId::new) {
        Some(Ok(id)) => Ok(id),
        Some(Err(e)) => wrong(at("value"), e.to_string()),
        None => wrong(at("value"), format!("expected identifiers, found {}", shown(value))),
    };
    let identifiers = names.into_iter().map(identifier).collect::<Result<_>>()?;
    let direction = match members.get("direction") {
        None | Some(Value::Null) => None,
        Some(Value::String(word)) if word == "upstream" => Some(Direction::Upstream),
        Some(Value::String(word)) if word == "downstream" => Some(Direction::Downstream),
        Some(other) => {
            let hint = or_nearest(other.as_str().unwrap_or_default(), ["upstream", "downstream"]);
            return wrong(at("direction"), format!("{} is no direction{hint}", shown(other)));
        }
    };
    let required = match members.get("required") {
        None | Some(Value::Null) => None,
        Some(Value::Bool(required)) => Some(*required),
        Some(other) => {
            return wrong(
                at("required"),
                format!("expected true or false, found {}", shown(other)),
            );
        }
    };
    Ok(Node::Related(Related {
        blueprint,
        identifiers,
        direction,
        required,
        depth: hops(members.get("depth"), MAX_HOPS, &at("depth"))?,
    }))
}
