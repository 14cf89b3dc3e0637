//! Random catalogs: three blueprints with relations between them, and values of every kind.

use super::reference::Known;
use proptest::prelude::*;
use seawall_domain::{
    Blueprint, BlueprintId, Entity, EntityId,
    query::{Record, Shape, Subject, World},
};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, sync::Arc};

pub(crate) const NOW: i64 = 1_706_702_400_000; // 2024-01-31T12:00:00Z
pub(crate) const BLUEPRINTS: [&str; 3] = ["service", "team", "flag"];
pub(crate) const PROPERTIES: [&str; 6] = ["tier", "tags", "text", "mixed", "due", "deep"];

fn long(tail: &str, times: usize) -> String {
    format!("{}{tail}", "Lorem ipsum ".repeat(times))
}

/// A name that several entities and relations have.
pub(crate) fn name() -> impl Strategy<Value = String> {
    (prop::sample::select(vec!["n-", "N-", "é"]), 0..14_u32).prop_map(|(start, number)| format!("{start}{number}"))
}

pub(crate) fn value(property: &str) -> BoxedStrategy<Value> {
    match property {
        "tier" => prop::sample::select(vec![
            json!(1),
            json!(1.0),
            json!(2),
            json!(-3),
            json!(2.5),
            json!(1e20),
            json!(u64::MAX),
            json!(9_007_199_254_740_993_i64),
            json!(null),
        ])
        .boxed(),
        "tags" => {
            let tag = prop::sample::select(vec![
                json!("a"),
                json!("B"),
                json!("b"),
                json!(1),
                json!(1.0),
                json!(null),
                json!([1]),
                json!({"k": 1}),
                json!("text 1"),
                json!({"k": ["x", "a"]}),
                json!("2024-01-31T12:00:00Z"),
                json!(""),
                json!(long("a", 25)),
                json!(long("b", 200)),
            ]);
            prop::collection::vec(tag, 0..4).prop_map(Value::from).boxed()
        }
        "text" => prop_oneof![
            prop::sample::select(vec![
                "ä",
                "Ä",
                "Zoo",
                "zoo",
                "",
                "ab",
                "Ab",
                "a b",
                "a\u{1}",
                "İstanbul",
                "ß",
                "service"
            ])
            .prop_map(Value::from),
            prop::sample::select(vec![
                long("a", 25),
                long("b", 25),
                long("", 25),
                long("zz", 200),
                long("É1", 200),
                long("", 171)
            ])
            .prop_map(Value::from),
            (0..20).prop_map(|number| json!(format!("text {number}"))),
        ]
        .boxed(),
        "due" => prop::sample::select(vec![
            json!("2024-01-31T12:00:00Z"),
            json!("2024-01-31T13:00:00+01:00"),
            json!("2024-01-31T12:00:00.000Z"),
            json!("2024-01-31"),
            json!("2024-01-31T00:00:00Z"),
            json!("2023-12-31T23:59:59.999999Z"),
            json!("2024-02-01T11:00:00-03:00"),
            json!("2024"),
            json!("tomorrow"),
            json!(null),
        ])
        .boxed(),
        "deep" => prop::sample::select(vec![
            json!({"a": 1}),
            json!({"a": {"b": "text 1"}, "k": true}),
            json!({"a": [{"b": 2}, {"b": "x"}]}),
            json!([{"a": 1}, {"a": "a"}, 3]),
            json!({"k": "2024-01-31T12:00:00Z", "b": null}),
            json!({"a": long("a", 25), "k": 1}),
            json!({"long": long("zz", 25)}),
            json!([{"long": long("zz", 30)}]),
            json!({}),
            json!("text"),
            json!(1),
            json!({"a": {"b": []}}),
            json!({"b": ""}),
            json!([[{"a": 2}]]),
            json!(long("zz", 200)),
        ])
        .boxed(),
        _ => prop::sample::select(vec![
            json!(true),
            json!(false),
            json!(0),
            json!(9.75),
            json!("x"),
            json!([]),
            json!(["x"]),
            json!(["x", "y"]),
            json!(["X"]),
            json!([["x"]]),
            json!([long("a", 25), "x"]),
            json!([long("b", 25), "x"]),
            json!(["x", long("b", 200)]),
            json!({}),
            json!({"b": 1, "a": [2.0]}),
            json!({"a": [2], "b": 1.0}),
            json!({"a": long("", 25)}),
            json!(null),
            json!(""),
            json!([null]),
            json!([""]),
            json!(long("b", 200)),
            json!("text 1"),
            json!([true, 0]),
        ])
        .boxed(),
    }
}

/// An entity with when it appeared and changed.
pub(crate) fn entity() -> impl Strategy<Value = Known> {
    let properties = PROPERTIES.map(|name| prop::option::weighted(0.7, value(name)));
    let time = || prop::sample::select(vec![5, 6, NOW, NOW - 5, NOW - 86_400_000 * 3, NOW + 1]);
    let relations = (
        prop::option::of(name()),
        prop::option::of(prop::collection::btree_set(name(), 0..4)),
        prop::option::of(name()),
    );
    let icon = prop::option::of(prop::sample::select(vec!["Text", "a"]));
    let names = (
        prop::sample::select(BLUEPRINTS.to_vec()),
        name(),
        prop::option::of(name()),
        prop::collection::btree_set("team [0-3]", 0..3),
        icon,
    );
    (names, properties, relations, time(), time()).prop_map(|((blueprint, identifier, title, team, icon), properties, (owner, uses, parent), created, updated)| {
        let mut all = Map::new();
        for (name, value) in PROPERTIES.into_iter().zip(properties) {
            // Null is not kept.
            all.extend(value.filter(|value| !value.is_null()).map(|value| (name.to_owned(), value)));
        }
        let mut relations = Map::new();
        relations.extend(owner.map(|owner| ("owner".to_owned(), owner.into())));
        relations.extend(uses.map(|uses| ("uses".to_owned(), uses.into_iter().collect::<Vec<_>>().into())));
        relations.extend(parent.map(|parent| ("parent".to_owned(), parent.into())));
        let mut entity = json!({"blueprint": blueprint, "identifier": identifier, "team": team, "properties": all, "relations": relations});
        if let Some(title) = title {
            entity["title"] = title.into();
        }
        if let Some(icon) = icon {
            entity["icon"] = icon.into();
        }
        Known { entity: serde_json::from_value(entity).unwrap(), created, updated }
    })
}

/// What a service's and a team's blueprint say; a flag has relations that lead nowhere.
fn shape() -> Shape {
    let properties = json!({"tier": {"type": "number"}, "tags": {"type": "array"}, "text": {"type": "string"}, "due": {"type": "string", "format": "date-time"}});
    let all: Vec<Blueprint> = serde_json::from_value(json!([
        {"identifier": "service", "schema": {"properties": properties},
         "relations": {"owner": {"target": "team", "required": true}, "uses": {"target": "service", "many": true}, "parent": {"target": "flag"}}},
        {"identifier": "team", "schema": {"properties": properties}, "relations": {"parent": {"target": "team"}, "owner": {"target": "service", "required": true}}},
        {"identifier": "flag", "relations": {"uses": {"target": "gone", "many": true}, "owner": {"target": "team"}}},
    ]))
    .unwrap();
    Shape::of(&all)
}

pub(crate) fn subject(known: &Known) -> Subject<'_> {
    Subject {
        entity: &known.entity,
        created_at: known.created,
        updated_at: known.updated,
        created_by: None,
        updated_by: None,
    }
}

/// All entities, by row id.
pub(crate) struct Catalog {
    pub(crate) all: Vec<(i64, Known)>,
    by_name: BTreeMap<(BlueprintId, EntityId), usize>,
    pub(crate) shape: Shape,
    next: i64,
}

impl Catalog {
    pub(crate) fn new(entities: Vec<Known>) -> Self {
        let mut catalog = Self {
            all: Vec::new(),
            by_name: BTreeMap::new(),
            shape: shape(),
            next: 1,
        };
        catalog.change(entities, &[]);
        catalog
    }

    /// Puts entities in, in place of those of the same name, and takes some out first.
    pub(crate) fn change(&mut self, entities: Vec<Known>, gone: &[i64]) -> Vec<(i64, Known)> {
        self.all.retain(|(id, _)| !gone.contains(id));
        let mut changed: Vec<(i64, Known)> = Vec::new();
        for known in entities {
            let same = |other: &&mut (i64, Known)| {
                other.1.entity.blueprint == known.entity.blueprint
                    && other.1.entity.identifier == known.entity.identifier
            };
            let id = match self.all.iter_mut().find(same) {
                Some((id, old)) => {
                    *old = known.clone();
                    *id
                }
                None => {
                    self.next += 1;
                    self.all.push((self.next, known.clone()));
                    self.next
                }
            };
            changed.push((id, known));
        }
        let names = self.all.iter().enumerate();
        self.by_name = names
            .map(|(at, (_, known))| ((known.entity.blueprint.clone(), known.entity.identifier.clone()), at))
            .collect();
        changed
    }

    pub(crate) fn by_id(&self, id: i64) -> &Known {
        &self.all.iter().find(|(other, _)| *other == id).unwrap().1
    }
}

impl World for Catalog {
    fn now(&self) -> i64 {
        NOW
    }

    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn find(&self, blueprint: &BlueprintId, identifier: &EntityId) -> Option<Record> {
        let at = self.by_name.get(&(blueprint.clone(), identifier.clone()))?;
        let known = &self.all[*at].1;
        Some(Record {
            entity: Arc::new(Entity::clone(&known.entity)),
            created_at: known.created,
            updated_at: known.updated,
            created_by: None,
            updated_by: None,
        })
    }

    fn referrers(&self, blueprint: &BlueprintId, relation: &str, target: &EntityId) -> Vec<EntityId> {
        let refers = |known: &Known| {
            let to = known.entity.relations.get(relation);
            known.entity.blueprint == *blueprint && to.is_some_and(|to| to.targets().contains(target))
        };
        self.all
            .iter()
            .filter(|(_, known)| refers(known))
            .map(|(_, known)| known.entity.identifier.clone())
            .collect()
    }
}
