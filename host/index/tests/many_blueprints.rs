//! Lists and facets over sixty blueprints, some of a few entities and some of thousands, equal the naive reference, page by
//! page and in both directions.
#![expect(clippy::unwrap_used, reason = "tests")]

#[expect(dead_code, reason = "the other tests use more of it")]
mod reference;

use reference::{Known, equal, facet_of, order};
use seawall_domain::query::{Field, Node, Operand, Search, Shape, Sort, Test};
use seawall_index::{Context, Index, Row, Verdicts};
use serde_json::json;

/// The SplitMix64 finaliser, by Vigna.
fn mix(n: u64) -> u64 {
    let mut z = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Of some blueprints more than are compared one by one.
fn catalog() -> Vec<(i64, Known)> {
    let mut all = Vec::new();
    for blueprint in 0..60_u64 {
        let count = if blueprint % 15 == 0 {
            800
        } else {
            [3, 40][(blueprint % 2) as usize]
        };
        for _ in 0..count {
            let id = all.len() as u64;
            let random = mix(id);
            let mut entity = json!({
                "blueprint": format!("b{blueprint}"), "identifier": format!("n{}-{id}", random % 5_000),
                "properties": {"tier": random % 4, "score": (random >> 8) % 1_000, "url": format!("https://git.example.com/{}/{id}", random % 9)},
            });
            if random.is_multiple_of(3) {
                entity["title"] = format!("Name {}", random % 50).into();
            }
            if random.is_multiple_of(5) {
                entity["properties"]["rare"] = format!("value {}", random % 7).into();
            }
            let known = Known {
                entity: serde_json::from_value(entity).unwrap(),
                created: (random % 50) as i64,
                updated: id as i64,
            };
            all.push((id as i64, known));
        }
    }
    all
}

fn property(name: &str) -> Field {
    Field::Property(name.into())
}

#[test]
fn lists_and_facets_over_many_blueprints_equal_the_reference() {
    let catalog = catalog();
    let index = Index::new();
    for (id, known) in &catalog {
        index.load(&[Row {
            id: *id,
            entity: &known.entity,
            created_at: known.created,
            updated_at: known.updated,
            created_by: None,
            updated_by: None,
            version: 0,
        }]);
    }
    index.finish_load(1);
    let (shape, verdicts) = (Shape::default(), Verdicts::default());
    let context = Context {
        shape: &shape,
        now: 0,
        verdicts: &verdicts,
    };
    let fields = [
        Field::Identifier,
        Field::Title,
        Field::Blueprint,
        Field::CreatedAt,
        Field::UpdatedAt,
        property("tier"),
        property("score"),
        property("url"),
        property("rare"),
        property("none"),
    ];
    let tier = |tier: u64| Node::rule(Operand::of(property("tier")), Test::Equal(tier.into()));
    let is_of = |known: &Known, tier: u64| known.entity.properties["tier"] == tier;
    for field in fields {
        for descending in [false, true] {
            for filtered in [None, Some(1)] {
                let mut expected: Vec<_> = catalog
                    .iter()
                    .filter(|(_, known)| filtered.is_none_or(|tier| is_of(known, tier)))
                    .collect();
                let counts = facet_of(expected.iter().map(|(_, known)| known), &field);
                expected.sort_by(|(_, a), (_, b)| order(a, b, &field, descending));
                let mut search = Search {
                    blueprints: None,
                    rules: filtered.map_or_else(Node::all, tier),
                    words: None,
                    sort: Sort::By {
                        field: field.clone(),
                        descending,
                    },
                    after: None,
                    limit: 311,
                };
                let mut found = Vec::new();
                loop {
                    let page = index.search(&search, &context).unwrap().done().unwrap();
                    found.extend(page.ids);
                    search.after = page.next;
                    if search.after.is_none() {
                        break;
                    }
                }
                let ids: Vec<i64> = expected.iter().map(|(id, _)| *id).collect();
                assert_eq!(found, ids, "{field:?}, descending: {descending}, {filtered:?}");
                let facets = index.facet_of(&search, &field, 20, &context).unwrap().done().unwrap();
                assert_eq!(facets.len(), counts.len().min(20), "{field:?}");
                for (found, expected) in facets.iter().zip(&counts) {
                    assert!(
                        equal(&found.0, &expected.0) && found.1 == expected.1,
                        "{field:?}: {found:?}"
                    );
                }
            }
        }
    }
}
