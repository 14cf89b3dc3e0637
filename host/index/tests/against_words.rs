//! Full text equals a naive ranking, which reads all texts of all entities anew for every question, page by page, and goes on
//! to while entities change.
#![expect(clippy::unwrap_used, reason = "tests")]

use seawall_domain::{
    Entity,
    query::{Field, Node, Operand, Search, Shape, Sort, Test, Words, compare_text, fold},
};
use seawall_index::{Answer, Context, Index, Row, Verdicts};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The SplitMix64 finaliser, by Vigna.
fn mix(n: u64) -> u64 {
    let mut z = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// One of some hundred words, of which the first are in very many texts and most begin as another does.
fn word(random: u64) -> String {
    let rank = 400_f64.powf((random % 10_007) as f64 / 10_007.0) as u64;
    let word = ["pay", "pa", "größe", "x", "rust", "Pay"][(rank % 6) as usize];
    match rank / 6 {
        0 => word.to_owned(),
        rest => format!(
            "{word}{}",
            ["ment", "roll", "s", "7", "é"][(rest % 5) as usize].repeat(1 + (rest / 5) as usize)
        ),
    }
}

fn text(seed: u64, words: u64) -> String {
    let words = (0..words).map(|at| word(mix(seed ^ (at << 40))));
    words
        .collect::<Vec<_>>()
        .join([" ", "-", ", ", "_"][(seed % 4) as usize])
}

fn entity(id: i64, version: u64) -> Entity {
    let random = mix(id.unsigned_abs() ^ (version << 20));
    // One with thousands of entities, one with hundreds and one with few.
    let blueprint = match id {
        id if id % 60 == 7 => "small",
        id if id % 5 == 0 => "middle",
        _ => "large",
    };
    let mut entity = json!({
        "blueprint": blueprint, "identifier": format!("{}-{id}", word(random >> 3)),
        "properties": {
            "note": text(random, 3 + random % 20),
            "kind": word(random >> 20),
            "tags": [word(random >> 30), word(random >> 35), 7, ["nested rust"], {"text": "pay"}],
            "size": random % 9,
        },
    });
    if !random.is_multiple_of(3) {
        entity["title"] = text(random >> 5, 1 + random % 3).into();
    }
    serde_json::from_value(entity).unwrap()
}

type Catalog = BTreeMap<i64, Entity>;

/// Different texts that an entity has in a field.
fn texts(entity: &Entity, field: &str) -> BTreeSet<String> {
    let value = match field {
        "$title" => entity.title.clone().into(),
        "$identifier" => entity.identifier.as_str().into(),
        name => entity.properties[name].clone(),
    };
    let all = match value {
        Value::Array(all) => all,
        one => vec![one],
    };
    all.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn words(text: &str) -> Vec<&str> {
    let words = text.split(|c: char| !c.is_alphanumeric());
    words.filter(|word| !word.is_empty()).collect()
}

/// The highest five bits that are set.
fn five_bits(weight: u32) -> u32 {
    let bits = 32 - weight.leading_zeros();
    weight >> bits.saturating_sub(5) << bits.saturating_sub(5)
}

const FIELDS: [(&str, f32); 5] = [
    ("$title", 8.0),
    ("$identifier", 6.0),
    ("note", 1.0),
    ("kind", 1.0),
    ("tags", 1.0),
];

/// Row ids with their scores, best first.
fn ranked(
    catalog: &Catalog,
    blueprint: Option<&str>,
    question: &str,
    keep: impl Fn(&Entity) -> bool,
) -> Vec<(i64, f32)> {
    let asked = fold(question);
    let mut asked_words: Vec<&str> = Vec::new();
    for word in words(&asked) {
        if !asked_words.contains(&word) {
            asked_words.push(word);
        }
    }
    let inside = |entity: &&Entity| blueprint.is_none_or(|of| entity.blueprint.as_str() == of);
    // Of each blueprint and field: how many words a text has, where equal texts count once.
    let mut lengths: BTreeMap<(&str, &str), f32> = BTreeMap::new();
    for of in catalog
        .values()
        .filter(inside)
        .map(|entity| entity.blueprint.as_str())
        .collect::<BTreeSet<_>>()
    {
        for (field, _) in FIELDS {
            let of_blueprint = catalog.values().filter(|entity| entity.blueprint.as_str() == of);
            let distinct: BTreeSet<String> = of_blueprint.flat_map(|entity| texts(entity, field)).collect();
            let all: usize = distinct.iter().map(|text| words(text).len()).sum();
            lengths.insert((of, field), (all as f32 / distinct.len().max(1) as f32).max(1.0));
        }
    }
    let weigh = |entity: &Entity, word: &str, begun: bool| -> u32 {
        let mut weight = 0_u32;
        for (field, boost) in FIELDS {
            for text in texts(entity, field) {
                let text = fold(&text);
                let all = words(&text);
                let average = lengths[&(entity.blueprint.as_str(), field)];
                let length = (1.0 - 0.6 + 0.6 * all.len() as f32 / average).max(1.0);
                for found in all {
                    if found == word || (begun && found.starts_with(word)) {
                        let share = (word.len() * 1024 / found.len()).max(1) as u32;
                        weight += share * five_bits((boost * 1024.0 / length) as u32);
                    }
                }
            }
        }
        weight
    };
    let mut scores: BTreeMap<i64, Option<f32>> = BTreeMap::new();
    let all: Vec<_> = catalog.iter().filter(|(_, entity)| inside(entity)).collect();
    // Blueprints of which nothing passes the filter count for nothing.
    let some: BTreeSet<_> = all
        .iter()
        .filter(|(_, entity)| keep(entity))
        .map(|(_, entity)| &entity.blueprint)
        .collect();
    let all: Vec<_> = all
        .into_iter()
        .filter(|(_, entity)| some.contains(&entity.blueprint))
        .collect();
    for (number, word) in asked_words.iter().enumerate() {
        let weights: Vec<_> = all
            .iter()
            .map(|(_, entity)| weigh(entity, word, number + 1 == asked_words.len()))
            .collect();
        let having = weights.iter().filter(|weight| **weight > 0).count() as f32;
        let rarity = (1.0 + (1.0 + (all.len() as f32 - having) + 0.5) / (having + 0.5)).ln();
        for ((id, _), weight) in all.iter().zip(weights) {
            let score = scores.entry(**id).or_insert(Some(0.0));
            let weight = weight as f32 / (1 << 20) as f32;
            *score = score
                .filter(|_| weight > 0.0)
                .map(|score| score + rarity * weight / (1.2 + weight));
        }
    }
    let passed = scores.into_iter().filter_map(|(id, score)| Some((id, score?)));
    let mut passed: Vec<_> = passed.filter(|(id, _)| keep(&catalog[id])).collect();
    passed.sort_by(|a, b| {
        let (one, other) = (&catalog[&a.0], &catalog[&b.0]);
        b.1.total_cmp(&a.1)
            .then_with(|| compare_text(one.identifier.as_str(), other.identifier.as_str()))
            .then_with(|| one.blueprint.cmp(&other.blueprint))
    });
    passed
}

fn check(catalog: &Catalog, index: &Index, seed: u64) {
    let (shape, verdicts) = (Shape::default(), Verdicts::default());
    let context = Context {
        shape: &shape,
        now: 0,
        verdicts: &verdicts,
    };
    let mut question = text(seed, 1 + seed % 3);
    if seed.is_multiple_of(3) && question.chars().count() > 1 {
        // Only begun.
        question.pop();
    }
    let blueprint = [None, None, Some("large"), Some("small")][(seed % 4) as usize];
    let size = seed.is_multiple_of(5).then_some(seed % 9);
    let expected = ranked(catalog, blueprint, &question, |entity| {
        size.is_none_or(|size| entity.properties["size"] == size)
    });
    let rules = size.map_or_else(Node::all, |size| {
        Node::rule(Operand::of(Field::Property("size".into())), Test::Equal(size.into()))
    });
    let mut search = Search {
        blueprints: blueprint.map(|of| vec![of.parse().unwrap()]),
        rules,
        words: Some(Words {
            text: question.clone(),
            fields: Vec::new(),
        }),
        sort: Sort::Relevance,
        after: None,
        limit: [3, 50, 700][(seed % 3) as usize],
    };
    let mut found = Vec::new();
    for _ in 0..40 {
        let page = index.search(&search, &context).unwrap().done().unwrap();
        found.extend(page.ids);
        search.after = page.next;
        if search.after.is_none() {
            assert_eq!(found.len(), expected.len(), "`{question}` in {blueprint:?}");
            break;
        }
    }
    for (at, (found, (id, score))) in found.iter().zip(&expected).enumerate() {
        assert_eq!(found, id, "{at} of `{question}` in {blueprint:?}, {score}");
    }
    let total = index.total(&search, &context).unwrap();
    assert_eq!(
        total,
        Answer::Done(expected.len() as u64),
        "`{question}` in {blueprint:?}"
    );
    search.after = None;
    search.sort = Sort::By {
        field: Field::CreatedAt,
        descending: false,
    };
    search.limit = 10_000;
    let mut ids: Vec<_> = expected.iter().map(|(id, _)| *id).collect();
    ids.sort_unstable();
    assert_eq!(index.search(&search, &context).unwrap().done().unwrap().ids, ids);
}

fn apply(catalog: &mut Catalog, index: &Index, ids: impl Iterator<Item = i64>, version: u64) {
    let changed: Vec<(i64, Entity)> = ids.map(|id| (id, entity(id, version))).collect();
    let rows: Vec<_> = changed
        .iter()
        .map(|(id, entity)| Row {
            id: *id,
            entity,
            created_at: *id,
            updated_at: 0,
            created_by: None,
            updated_by: None,
            version: version as i64,
        })
        .collect();
    index.apply(&rows, &[], version as i64);
    catalog.extend(changed);
}

#[test]
fn full_text_equals_a_naive_ranking_while_entities_change() {
    let (mut catalog, index) = (Catalog::new(), Index::new());
    apply(&mut catalog, &index, 0..4_000, 1);
    index.finish_load(1);
    let mut seeds = (0..).map(mix);
    for _ in 0..40 {
        check(&catalog, &index, seeds.next().unwrap());
    }
    for version in 2..10 {
        // New ones, changed ones, and some that go.
        let from = 4_000 + 150 * version as i64;
        apply(&mut catalog, &index, from..from + 150, version);
        apply(
            &mut catalog,
            &index,
            (0..).step_by(17).take(90 * version as usize).filter(|id| *id < 4_000),
            version,
        );
        let gone: Vec<i64> = catalog
            .keys()
            .copied()
            .filter(|id| mix(*id as u64 + version).is_multiple_of(40))
            .collect();
        index.apply(&[], &gone, version as i64);
        gone.iter().for_each(|id| drop(catalog.remove(id)));
        for _ in 0..6 {
            check(&catalog, &index, seeds.next().unwrap());
        }
    }
}
