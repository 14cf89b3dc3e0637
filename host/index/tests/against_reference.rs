//! Thousands of random writes, and after each page questions that a naive reference answers too.
#![expect(clippy::unwrap_used, reason = "tests")]

#[expect(dead_code, reason = "the other test uses more of it")]
mod reference;

use reference::{Known, Reference, equal, facet, field_value, listed, of};
use seawall_domain::{
    BlueprintId, Entity,
    query::{Field, ListQuery, Place},
};
use seawall_index::{Index, Row};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

// ---- randomness

/// SplitMix64, by Vigna.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }
}

const BLUEPRINTS: [&str; 3] = ["service", "flag", "alert"];
const PROPERTIES: [&str; 5] = ["tier", "tags", "text", "mixed", "rare"];

fn long(tail: &str) -> String {
    format!("{}{tail}", "Lorem ipsum ".repeat(25))
}

fn value(random: &mut Random, property: &str) -> Value {
    match property {
        "tier" => random.pick(&[
            json!(1),
            json!(1.0),
            json!(2),
            json!(-3),
            json!(2.5),
            json!(1e20),
            json!(null),
        ]),
        "tags" => {
            let pool = [
                json!("a"),
                json!("B"),
                json!("b"),
                json!(1),
                json!(1.0),
                json!(null),
                json!([1]),
                json!({"k": 1}),
            ];
            (0..random.below(5)).map(|_| random.pick(&pool)).collect()
        }
        "text" => match random.below(4) {
            0 => random.pick(&[long("a"), long("b"), long("")]).into(),
            1 => random
                .pick(&["ä", "Ä", "Zoo", "zoo", "", "ab", "Ab", "a b", "a\u{1}"])
                .into(),
            _ => format!("text {}", random.below(60)).into(),
        },
        "mixed" => {
            let pool = [
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
                json!([long("a"), "x"]),
                json!([long("b"), "x"]),
                json!(["x", long("b")]),
                json!({}),
                json!({"b": 1, "a": [2.0]}),
                json!({"a": [2], "b": 1.0}),
                json!({"a": long("")}),
                json!(null),
            ];
            random.pick(&pool)
        }
        _ => json!(random.below(1000)),
    }
}

fn entity(random: &mut Random, names: usize) -> Entity {
    let mut properties = Map::new();
    for name in PROPERTIES {
        if random.chance(if name == "rare" { 3 } else { 75 }) {
            properties.insert(name.into(), value(random, name));
        }
    }
    let name = |random: &mut Random| format!("{}{}", random.pick(&["n-", "N-", "é"]), random.below(names));
    let mut entity = json!({
        "blueprint": random.pick(&BLUEPRINTS),
        "identifier": name(random),
        "team": (0..random.below(3)).map(|team| format!("team {team}")).collect::<Vec<_>>(),
        "properties": properties,
        "relations": {},
    });
    if random.chance(60) {
        entity["title"] = name(random).into();
    }
    if random.chance(60) {
        entity["relations"]["owner"] = name(random).into();
    }
    if random.chance(60) {
        entity["relations"]["uses"] = (0..random.below(3))
            .map(|n| format!("used {n}"))
            .collect::<Vec<_>>()
            .into();
    }
    serde_json::from_value(entity).unwrap()
}

// ---- the comparison

fn fields() -> Vec<Field> {
    let mut fields = vec![
        Field::Identifier,
        Field::Title,
        Field::Team,
        Field::CreatedAt,
        Field::UpdatedAt,
    ];
    fields.extend(
        PROPERTIES
            .iter()
            .chain(&["no-such"])
            .map(|name| Field::Property((*name).into())),
    );
    fields.extend(["owner", "uses", "no-such"].map(|name| Field::Relation(name.into())));
    fields
}

fn filter(random: &mut Random, reference: &Reference) -> (Field, Value) {
    let field = random.pick(&fields());
    let ids: Vec<_> = reference.keys().copied().collect();
    let value = match random.below(10) {
        0 => Value::Null,
        1 => value(random, "mixed"),
        _ if ids.is_empty() => json!("x"),
        _ => field_value(&reference[&random.pick(&ids)], &field),
    };
    let element = match &value {
        Value::Array(all) if !all.is_empty() && random.chance(70) => random.pick(all),
        _ => value,
    };
    (field, element)
}

fn through_json(place: &Place) -> Place {
    serde_json::from_str(&serde_json::to_string(place).unwrap()).unwrap()
}

fn check_questions(random: &mut Random, index: &Index, reference: &Reference, limits: &[usize]) {
    let blueprint: BlueprintId = random.pick(&BLUEPRINTS).parse().unwrap();
    let filters: Vec<_> = (0..random.pick(&[0, 1, 1, 2, 3]))
        .map(|_| filter(random, reference))
        .collect();
    let expected = of(reference, &blueprint, &filters).len() as u64;
    assert_eq!(index.count(&blueprint, &filters), expected, "count {filters:?}");

    let field = random.pick(&fields());
    let facets = facet(reference, &blueprint, &field, &filters);
    let limit = random.pick(&[0, 1, 5, 1000]);
    let found = index.facet(&blueprint, &field, &filters, limit);
    assert_eq!(found.len(), facets.len().min(limit), "facet {field:?} {filters:?}");
    for (found, expected) in found.iter().zip(&facets) {
        assert!(
            equal(&found.0, &expected.0) && found.1 == expected.1,
            "facet {field:?} {filters:?}: {found:?}, not {expected:?}"
        );
    }

    let mut query = ListQuery {
        blueprint,
        filters,
        sort: random.pick(&fields()),
        descending: random.chance(50),
        after: None,
        limit: random.pick(limits),
    };
    let all = listed(reference, &query);
    let mut walked = Vec::new();
    loop {
        let page = index.list(&query).unwrap();
        assert!(page.ids.len() <= query.limit);
        walked.extend(page.ids);
        let Some(next) = page.next else { break };
        query.after = Some(through_json(&next));
        if random.chance(5) {
            assert_eq!(listed(reference, &query), all[walked.len()..], "after {next:?}");
        }
    }
    assert_eq!(walked, all, "list {query:?}");
}

/// One page of writes, to both.
fn write(
    random: &mut Random,
    index: &Index,
    reference: &mut Reference,
    next_id: &mut i64,
    position: i64,
    names: usize,
) {
    let ids: Vec<_> = reference.keys().copied().collect();
    let mut removals: Vec<i64> = vec![*next_id + 1000];
    if !ids.is_empty() {
        removals.extend((0..random.below(4)).map(|_| random.pick(&ids)));
    }
    let mut upserts: Vec<(i64, Known)> = Vec::new();
    for _ in 0..random.pick(&[0, 1, 2, 8, 40]) {
        let time = random.pick(&[5, 5, 6, 1_700_000_000_000_i64]);
        let mut known = Known {
            entity: entity(random, names),
            created: time,
            updated: position,
        };
        let id = if !ids.is_empty() && random.chance(60) {
            let id = random.pick(&ids);
            if random.chance(80) {
                // An update as they usually are: the same entity with other values, or with the same.
                let old = &reference[&id];
                known.entity.blueprint = old.entity.blueprint.clone();
                known.entity.identifier = old.entity.identifier.clone();
                known.created = old.created;
                if random.chance(50) {
                    known.entity.properties = old.entity.properties.clone();
                }
            }
            id
        } else {
            *next_id += 1;
            *next_id
        };
        upserts.push((id, known));
    }
    let rows: Vec<_> = upserts
        .iter()
        .map(|(id, known)| Row {
            id: *id,
            entity: &known.entity,
            created_at: known.created,
            updated_at: known.updated,
            created_by: None,
            updated_by: None,
            version: position,
        })
        .collect();
    index.apply(&rows, &removals, position);

    for id in removals {
        reference.remove(&id);
    }
    for (at, (id, known)) in upserts.iter().enumerate() {
        if upserts[at + 1..].iter().any(|(other, _)| other == id) {
            continue;
        }
        reference.remove(id);
        reference.retain(|_, other| {
            (&other.entity.blueprint, &other.entity.identifier) != (&known.entity.blueprint, &known.entity.identifier)
        });
        reference.insert(*id, known.clone());
    }
}

/// `loaded` rows at the start, identifiers of `names` numbers, then pages of changes.
fn run(seed: u64, loaded: i64, names: usize, pages: i64) {
    let mut random = Random(seed);
    let (index, mut reference, mut next_id) = (Index::new(), Reference::new(), loaded);
    let mut taken = std::collections::BTreeSet::new();
    for id in 1..=loaded {
        let known = Known {
            entity: entity(&mut random, names),
            created: id,
            updated: id % 7,
        };
        if taken.insert((known.entity.blueprint.clone(), known.entity.identifier.clone())) {
            index.load(&[Row {
                id,
                entity: &known.entity,
                created_at: known.created,
                updated_at: known.updated,
                created_by: None,
                updated_by: None,
                version: 0,
            }]);
            reference.insert(id, known);
        }
    }
    index.finish_load(0);
    let limits: &[usize] = if loaded > 0 {
        &[20, 100, 1000]
    } else {
        &[1, 7, 50, usize::MAX]
    };
    for position in 1..=pages {
        write(&mut random, &index, &mut reference, &mut next_id, position, names);
        assert_eq!(index.position(), position);
        for _ in 0..3 {
            check_questions(&mut random, &index, &reference, limits);
        }
        if position % 50 == 0 {
            index.finish_load(position);
        }
    }
    let mut blueprints: BTreeMap<BlueprintId, u64> = BTreeMap::new();
    for (id, known) in &reference {
        assert_eq!(index.get(&known.entity.blueprint, &known.entity.identifier), Some(*id));
        *blueprints.entry(known.entity.blueprint.clone()).or_default() += 1;
    }
    assert_eq!(index.blueprints(), blueprints.into_iter().collect::<Vec<_>>());

    // What is removed leaves nothing behind.
    index.apply(&[], &reference.keys().copied().collect::<Vec<_>>(), pages + 1);
    assert_eq!(index.blueprints(), []);
    for blueprint in BLUEPRINTS {
        for field in fields() {
            assert_eq!(index.facet(&blueprint.parse().unwrap(), &field, &[], 10), []);
        }
    }
}

#[test]
fn answers_equal_the_reference_after_every_page() {
    for seed in 0..12 {
        run(seed, 0, 120, 120);
    }
}

/// Enough entities that orders are walked and looked up, and caught up with.
#[test]
fn answers_equal_the_reference_in_a_large_blueprint() {
    run(100, 6000, 4000, 12);
}

/// Pages that are walked while writes go on hold every entity that stayed as it was, once and in order.
#[test]
fn a_walk_goes_on_over_changes() {
    let mut random = Random(99);
    let index = Index::new();
    let blueprint: BlueprintId = "service".parse().unwrap();
    let make = |identifier: String, rank: usize| -> Entity {
        serde_json::from_value(
            json!({"blueprint": "service", "identifier": identifier, "properties": {"rank": rank % 17, "part": rank % 2}}),
        )
        .unwrap()
    };
    let mut entities: BTreeMap<i64, Entity> = (0..2000_usize).map(|n| (n as i64, make(format!("e{n}"), n))).collect();
    let apply = |upserts: &[(i64, &Entity)], removals: &[i64], position| {
        let row = |(id, entity): &(i64, &'_ Entity)| (*id, (*entity).clone());
        let owned: Vec<(i64, Entity)> = upserts.iter().map(row).collect();
        let rows: Vec<_> = owned
            .iter()
            .map(|(id, entity)| Row {
                id: *id,
                entity,
                created_at: 0,
                updated_at: 0,
                created_by: None,
                updated_by: None,
                version: position,
            })
            .collect();
        index.apply(&rows, removals, position);
    };
    apply(
        &entities.iter().map(|(id, entity)| (*id, entity)).collect::<Vec<_>>(),
        &[],
        1,
    );
    for descending in [false, true] {
        let mut touched = std::collections::BTreeSet::new();
        let before = entities.clone();
        let mut query = ListQuery {
            blueprint: blueprint.clone(),
            filters: vec![(Field::Property("part".into()), json!(1))],
            sort: Field::Property("rank".into()),
            descending,
            after: None,
            limit: 13,
        };
        let mut walked = Vec::new();
        loop {
            let page = index.list(&query).unwrap();
            walked.extend_from_slice(&page.ids);
            let Some(next) = page.next else { break };
            query.after = Some(next);
            // The one at the place goes or changes, and so does another.
            let last = *page.ids.last().unwrap();
            let other = random.pick(&entities.keys().copied().collect::<Vec<_>>());
            touched.extend([last, other]);
            if random.chance(50) {
                apply(&[], &[last], 2);
                entities.remove(&last);
            } else {
                let changed = make(entities[&last].identifier.to_string(), random.below(17));
                apply(&[(last, &changed)], &[], 2);
                entities.insert(last, changed);
            }
            if entities.contains_key(&other) {
                let changed = make(entities[&other].identifier.to_string(), random.below(17));
                apply(&[(other, &changed)], &[], 2);
                entities.insert(other, changed);
            }
        }
        let mut expected: Vec<_> = before
            .iter()
            .filter(|(_, e)| e.properties["part"] == json!(1))
            .collect();
        expected.sort_by_key(|(_, e)| {
            let rank = e.properties["rank"].as_i64().unwrap();
            (if descending { -rank } else { rank }, e.identifier.to_string())
        });
        let stayed = |id: &i64| !touched.contains(id);
        let expected: Vec<i64> = expected.into_iter().map(|(id, _)| *id).filter(stayed).collect();
        assert_eq!(walked.into_iter().filter(stayed).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn pages_that_come_late_change_nothing() {
    let index = Index::new();
    let entity = |identifier: &str, rank: i64| -> Entity {
        let entity = json!({"blueprint": "service", "identifier": identifier, "properties": {"rank": rank}});
        serde_json::from_value(entity).unwrap()
    };
    let apply = |id, entity: &Entity, removals: &[i64], version| {
        let row = Row {
            id,
            entity,
            created_at: 0,
            updated_at: 0,
            created_by: None,
            updated_by: None,
            version,
        };
        index.apply(&[row], removals, version);
    };
    let count = |rank: i64| {
        let field = Field::Property("rank".into());
        index.count(&"service".parse().unwrap(), &[(field, json!(rank))])
    };
    apply(1, &entity("a", 2), &[], 20);
    apply(1, &entity("a", 1), &[], 10);
    assert_eq!((count(1), count(2)), (0, 1), "an older version");
    index.apply(&[], &[1], 15);
    assert_eq!(count(2), 1, "an older removal");
    index.apply(&[], &[1], 30);
    apply(1, &entity("a", 3), &[], 25);
    assert_eq!((count(2), count(3)), (0, 0), "an older version of what is gone");
    // The identifier's next life comes before the end of the one before.
    apply(2, &entity("a", 4), &[], 50);
    apply(3, &entity("a", 5), &[], 70);
    apply(2, &entity("a", 6), &[2], 60);
    assert_eq!((count(4), count(5), count(6)), (0, 1, 0));
    assert_eq!(index.get(&"service".parse().unwrap(), &"a".parse().unwrap()), Some(3));
    assert_eq!(index.position(), 70);
}

#[test]
fn referrers_are_found_from_their_target() {
    let index = Index::new();
    let services = |relations: &[Value]| -> Vec<Entity> {
        let entity =
            |(n, relations)| json!({"blueprint": "service", "identifier": format!("s{n}"), "relations": relations});
        let all = relations.iter().enumerate().map(entity);
        all.map(|entity| serde_json::from_value(entity).unwrap()).collect()
    };
    let apply = |entities: &[Entity], position| {
        let rows: Vec<_> = (1..)
            .zip(entities)
            .map(|(id, entity)| Row {
                id,
                entity,
                created_at: 0,
                updated_at: 0,
                created_by: None,
                updated_by: None,
                version: position,
            })
            .collect();
        index.apply(&rows, &[], position);
    };
    let find = |relation: &str, target: &str, limit| {
        let found = index.referrers(&"service".parse().unwrap(), relation, &target.parse().unwrap(), limit);
        found.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    apply(
        &services(&[
            json!({"owner": "red", "uses": ["s1", "red", "s1"]}),
            json!({"owner": "red"}),
        ]),
        1,
    );
    assert_eq!(find("owner", "red", 10), ["s0", "s1"]);
    assert_eq!(find("owner", "red", 1).len(), 1);
    assert_eq!(
        (find("uses", "red", 10), find("uses", "s1", 10)),
        (vec!["s0".into()], vec!["s0".into()])
    );
    apply(
        &services(&[json!({"owner": "blue", "uses": ["s1"]}), json!({"owner": "red"})]),
        2,
    );
    assert_eq!(find("owner", "red", 10), ["s1"]);
    assert_eq!(find("owner", "blue", 10), ["s0"]);
    assert!(find("uses", "red", 10).is_empty() && find("watches", "red", 10).is_empty());
    index.apply(&[], &[1, 2], 3);
    assert!(find("owner", "red", 10).is_empty());
}

/// The hits are at both ends of the order, so a walk over the gap is given up and every hit's place is looked up.
#[test]
fn a_walk_that_meets_too_few_hits_is_given_up() {
    let index = Index::new();
    let entities: Vec<Entity> = (0..6000_usize)
        .map(|n| {
            let (rank, end) = (n * 7919 % 6000, !(150..5000).contains(&(n * 7919 % 6000)));
            serde_json::from_value(
                json!({"blueprint": "service", "identifier": format!("e{n}"), "properties": {"rank": rank, "end": end}}),
            )
            .unwrap()
        })
        .collect();
    let rows: Vec<_> = (0..)
        .zip(&entities)
        .map(|(id, entity)| Row {
            id,
            entity,
            created_at: 0,
            updated_at: 0,
            created_by: None,
            updated_by: None,
            version: 0,
        })
        .collect();
    index.load(&rows);
    index.finish_load(1);
    for descending in [false, true] {
        let mut expected: Vec<usize> = (0..150).chain(5000..6000).collect();
        if descending {
            expected.reverse();
        }
        let mut query = ListQuery {
            blueprint: "service".parse().unwrap(),
            filters: vec![(Field::Property("end".into()), json!(true))],
            sort: Field::Property("rank".into()),
            descending,
            after: None,
            limit: 20,
        };
        // So often that the order is made, though the hits are few enough to be compared without it.
        for _ in 0..30 {
            index.list(&query).unwrap();
        }
        let mut walked = Vec::new();
        loop {
            let page = index.list(&query).unwrap();
            walked.extend(
                page.ids
                    .into_iter()
                    .map(|id| usize::try_from(id).unwrap() * 7919 % 6000),
            );
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
        }
        assert_eq!(walked, expected);
    }
}
