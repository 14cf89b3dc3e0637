//! The naive reference: it filters and sorts all entities anew for every question, by the rules of the crate's
//! documentation.

use seawall_domain::{
    BlueprintId, Entity,
    query::{Field, ListQuery},
};
use serde_json::{Value, json};
use std::{cmp::Ordering, collections::BTreeMap};

#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) entity: Entity,
    pub(crate) created: i64,
    pub(crate) updated: i64,
}

pub(crate) type Reference = BTreeMap<i64, Known>;

pub(crate) fn field_value(known: &Known, field: &Field) -> Value {
    let entity = &known.entity;
    match field {
        Field::Identifier => entity.identifier.as_str().into(),
        Field::Title => entity.title.clone().into(),
        Field::Icon => entity.icon.clone().into(),
        Field::CreatedBy | Field::UpdatedBy => Value::Null,
        Field::Blueprint => entity.blueprint.as_str().into(),
        Field::Team if entity.team.is_empty() => Value::Null,
        Field::Team => entity.team.clone().into(),
        Field::CreatedAt => known.created.into(),
        Field::UpdatedAt => known.updated.into(),
        Field::Property(name) => entity.properties.get(name).cloned().unwrap_or_default(),
        Field::Relation(name) => match entity.relations.get(name).map(|target| target.to_json()) {
            Some(Value::Array(none)) if none.is_empty() => Value::Null,
            target => target.unwrap_or_default(),
        },
    }
}

pub(crate) fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(name, value)| b.get(name).is_some_and(|other| equal(value, other)))
        }
        _ => a == b,
    }
}

fn passes(known: &Known, (field, wanted): &(Field, Value)) -> bool {
    let have = field_value(known, field);
    let element = || {
        have.as_array()
            .is_some_and(|all| all.iter().any(|one| equal(one, wanted)))
    };
    equal(&have, wanted) || (!wanted.is_null() && element())
}

/// What a value sorts by: its type, and parts that are compared one after the other.
#[derive(Debug, PartialEq)]
struct SortKey(u8, f64, Vec<String>);

fn sort_key(value: &Value) -> Option<SortKey> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(bool) => SortKey(1, f64::from(u8::from(*bool)), vec![]),
        Value::Number(number) => SortKey(2, number.as_f64().unwrap(), vec![]),
        Value::String(text) => SortKey(3, 0.0, vec![text[..text.floor_char_boundary(256)].to_owned()]),
        Value::Array(all) => SortKey(4, 0.0, leading(all.iter().map(canonical))),
        Value::Object(all) => {
            let members: BTreeMap<_, _> = all.iter().collect();
            SortKey(
                5,
                0.0,
                leading(members.iter().map(|(n, v)| format!("{}:{}", json!(n), canonical(v)))),
            )
        }
    })
}

fn leading(parts: impl Iterator<Item = String>) -> Vec<String> {
    let mut bytes = 0;
    let fits = |part: &String| {
        bytes += part.len() + 1;
        bytes - 1 <= 256
    };
    parts.take_while(fits).collect()
}

fn canonical(value: &Value) -> String {
    match value {
        Value::Number(number) => match number.as_f64().unwrap() {
            whole if whole.fract() == 0.0 && whole.abs() < 1e15 => format!("{whole}"),
            _ => number.to_string(),
        },
        Value::Array(all) => format!("[{}]", all.iter().map(canonical).collect::<Vec<_>>().join(",")),
        Value::Object(all) => {
            let members: BTreeMap<_, _> = all.iter().collect();
            let members = members
                .iter()
                .map(|(name, value)| format!("{}:{}", json!(name), canonical(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}

pub(crate) fn compare_texts(a: &[String], b: &[String]) -> Ordering {
    let lower = |texts: &[String]| texts.iter().map(|text| text.to_lowercase()).collect::<Vec<_>>();
    lower(a).cmp(&lower(b)).then_with(|| a.cmp(b))
}

/// The order of two entities, of any blueprints.
pub(crate) fn order(a: &Known, b: &Known, field: &Field, descending: bool) -> Ordering {
    let name = |known: &Known| [known.entity.identifier.to_string()];
    compare(&sort_value(a, field), &sort_value(b, field), descending)
        .then_with(|| compare_texts(&name(a), &name(b)))
        .then_with(|| a.entity.blueprint.cmp(&b.entity.blueprint))
}

fn compare(a: &Value, b: &Value, descending: bool) -> Ordering {
    match (sort_key(a), sort_key(b)) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(a), Some(b)) => {
            let rising =
                a.0.cmp(&b.0)
                    .then(a.1.total_cmp(&b.1))
                    .then_with(|| compare_texts(&a.2, &b.2));
            if descending { rising.reverse() } else { rising }
        }
    }
}

fn sort_value(known: &Known, field: &Field) -> Value {
    match (field, field_value(known, field)) {
        (Field::Title, Value::Null) => known.entity.identifier.as_str().into(),
        (_, value) => value,
    }
}

pub(crate) fn of<'a>(
    reference: &'a Reference,
    blueprint: &BlueprintId,
    filters: &[(Field, Value)],
) -> Vec<(i64, &'a Known)> {
    reference
        .iter()
        .filter(|(_, known)| known.entity.blueprint == *blueprint && filters.iter().all(|filter| passes(known, filter)))
        .map(|(id, known)| (*id, known))
        .collect()
}

pub(crate) fn listed(reference: &Reference, query: &ListQuery) -> Vec<i64> {
    let mut all = of(reference, &query.blueprint, &query.filters);
    let name = |known: &Known| [known.entity.identifier.to_string()];
    let order = |(a_value, a_name): (&Value, &[String]), (b_value, b_name): (&Value, &[String])| {
        compare(a_value, b_value, query.descending).then_with(|| compare_texts(a_name, b_name))
    };
    if let Some(place) = &query.after {
        all.retain(|(_, known)| {
            let (value, name) = (sort_value(known, &query.sort), name(known));
            order((&value, &name), (&place.value, std::slice::from_ref(&place.identifier))).is_gt()
        });
    }
    all.sort_by(|(_, a), (_, b)| {
        order(
            (&sort_value(a, &query.sort), &name(a)),
            (&sort_value(b, &query.sort), &name(b)),
        )
    });
    all.into_iter().map(|(id, _)| id).collect()
}

pub(crate) fn facet(
    reference: &Reference,
    blueprint: &BlueprintId,
    field: &Field,
    filters: &[(Field, Value)],
) -> Vec<(Value, u64)> {
    let all = of(reference, blueprint, filters);
    facet_of(all.into_iter().map(|(_, known)| known), field)
}

/// How many of some entities have each value.
pub(crate) fn facet_of<'a>(all: impl Iterator<Item = &'a Known>, field: &Field) -> Vec<(Value, u64)> {
    let mut counts: Vec<(Value, u64)> = Vec::new();
    for known in all {
        let values = match field_value(known, field) {
            Value::Array(all) => all,
            one => vec![one],
        };
        let mut seen: Vec<Value> = Vec::new();
        for value in values {
            let cut = matches!(&value, Value::String(text) if text.len() > 256)
                || (value.is_array() || value.is_object()) && canonical(&value).len() > 258;
            if value.is_null() || cut || seen.iter().any(|other| equal(other, &value)) {
                continue;
            }
            match counts.iter_mut().find(|(other, _)| equal(other, &value)) {
                Some((_, count)) => *count += 1,
                None => counts.push((value.clone(), 1)),
            }
            seen.push(value);
        }
    }
    counts.sort_by(|(a, a_count), (b, b_count)| b_count.cmp(a_count).then_with(|| compare(a, b, false)));
    counts
}
