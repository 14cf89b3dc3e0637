//! Thousands of random questions about random entities: the index answers what the evaluator for one entity does, in the same
//! order, page by page, and counts the same.
#![expect(clippy::unwrap_used, reason = "tests")]

#[expect(dead_code, reason = "the other test uses more of it")]
mod reference;
mod world;

use proptest::prelude::*;
use reference::{Known, equal, facet_of, order};
use seawall_domain::{
    BlueprintId,
    query::{
        Comparison, Compiled, Direction, Field, Hop, Node, Operand, Preset, PropertySchema, Range, Related, Scope,
        Search, Sort, Test,
    },
};
use seawall_index::{Answer, Context, Index, Row, Verdicts};
use serde_json::{Value, json};
use world::{BLUEPRINTS, Catalog, NOW, entity, value};

// ---- random questions

fn field() -> impl Strategy<Value = Field> {
    prop_oneof![
        1 => Just(Field::Identifier),
        1 => Just(Field::Title),
        1 => Just(Field::Team),
        1 => Just(Field::Icon),
        1 => Just(Field::Blueprint),
        1 => Just(Field::CreatedAt),
        1 => Just(Field::UpdatedAt),
        8 => prop::sample::select(world::PROPERTIES.to_vec()).prop_map(|name| Field::Property(name.into())),
        2 => prop::sample::select(vec!["owner", "uses", "none"]).prop_map(|name| Field::Relation(name.into())),
        1 => Just(Field::Property("never".into())),
    ]
}

fn operand() -> impl Strategy<Value = Operand> {
    let hop = (
        prop::sample::select(vec!["owner", "uses", "parent"]),
        prop_oneof![3 => Just(1_u32), 1 => 1..4_u32],
    );
    let via = prop::collection::vec(hop, 1..3).prop_map(|hops| {
        let hop = |(relation, most): (&str, u32)| Hop {
            relation: relation.into(),
            most,
        };
        hops.into_iter().map(hop).collect::<Vec<_>>()
    });
    let path = prop::sample::select(vec![vec!["a"], vec!["b"], vec!["a", "b"], vec!["k"], vec!["long"]]);
    let path = path.prop_map(|path| path.into_iter().map(str::to_owned).collect::<Vec<_>>());
    (
        field(),
        prop_oneof![2 => Just(Vec::new()), 1 => via],
        prop_oneof![3 => Just(Vec::new()), 1 => path],
    )
        .prop_map(|(field, via, path)| {
            let path = if matches!(field, Field::Property(_)) {
                path
            } else {
                Vec::new()
            };
            Operand { via, field, path }
        })
}

/// A part of a text that may be there.
fn part() -> impl Strategy<Value = String> {
    let parts = [
        "", "a", "A", "ab", "tex", "TEXT 1", "ä", "É1", "n-1", "N-", "lorem", "ipsum a", "zz", "2024", "\u{1}",
        "service", "team ",
    ];
    prop::sample::select(parts.to_vec()).prop_map(str::to_owned)
}

fn wanted() -> impl Strategy<Value = Value> {
    prop_oneof![6 => value("mixed"), 2 => value("text"), 1 => value("tags"), 2 => value("tier"), 2 => value("due"), 1 => part().prop_map(Value::from),
        1 => world::name().prop_map(Value::from), 1 => prop::sample::select(vec![json!(NOW - 5), json!(5), json!("1970-01-01T00:00:00.005Z"), json!("service")])]
}

fn there() -> impl Strategy<Value = Value> {
    wanted().prop_map(|value| if value.is_null() { json!("x") } else { value })
}

fn bound() -> impl Strategy<Value = Value> {
    prop_oneof![
        prop::sample::select(vec![
            json!(1),
            json!(2.5),
            json!(-3),
            json!(1e20),
            json!(u64::MAX),
            json!(5)
        ]),
        value("due").prop_map(|value| if value.is_string() { value } else { json!("2024-01-31") }),
        part().prop_map(Value::from),
        value("text").prop_map(|value| if value.is_string() { value } else { json!("b") }),
    ]
}

fn test() -> impl Strategy<Value = Test> {
    let comparison = prop::sample::select(vec![
        Comparison::Less,
        Comparison::AtMost,
        Comparison::Greater,
        Comparison::AtLeast,
    ]);
    let preset = prop::sample::select(Preset::names().collect::<Vec<_>>())
        .prop_map(|name| Range::Preset(Preset::named(name).unwrap()));
    let bounds = (prop::option::of(bound()), bound()).prop_map(|(from, to)| Range::Bounds { from, to: Some(to) });
    prop_oneof![
        3 => wanted().prop_map(Test::Equal),
        2 => prop::collection::vec(wanted(), 0..4).prop_map(Test::OneOf),
        4 => prop_oneof![1 => there(), 2 => part().prop_map(Value::from)].prop_map(|one| Test::Contains(vec![one])),
        1 => prop::collection::vec(there(), 0..4).prop_map(Test::Contains),
        2 => part().prop_map(Test::Begins),
        2 => part().prop_map(Test::Ends),
        3 => (comparison, bound()).prop_map(|(comparison, value)| Test::Compare(comparison, value)),
        2 => prop_oneof![preset, bounds].prop_map(Test::Between),
        1 => Just(Test::Expired),
        3 => Just(Test::Present),
    ]
}

fn leaf() -> impl Strategy<Value = Node> {
    let related = (
        prop::sample::select(BLUEPRINTS.to_vec()),
        prop::collection::vec(world::name(), 1..3),
        prop::option::of(prop::sample::select(vec![Direction::Upstream, Direction::Downstream])),
        prop::option::of(any::<bool>()),
        prop_oneof![1..4_u32, Just(15)],
    )
        .prop_map(|(blueprint, names, direction, required, depth)| {
            Node::Related(Related {
                blueprint: blueprint.parse().unwrap(),
                identifiers: names.iter().map(|name| name.parse().unwrap()).collect(),
                direction,
                required,
                depth,
            })
        });
    let schema = (
        prop::sample::select(vec!["string", "number", "array"]),
        prop::option::of(Just("date-time".to_owned())),
    );
    let schema = schema.prop_map(|(kind, format)| PropertySchema {
        kind: kind.to_owned(),
        format,
    });
    prop_oneof![
        10 => (operand(), test(), any::<bool>()).prop_map(|(operand, test, opposite)| {
            // The operators that are opposites are half of all.
            let node = Node::rule(operand, test);
            if opposite { node.negated() } else { node }
        }),
        2 => related,
        1 => (schema, test()).prop_map(|(schema, test)| Node::Schema(schema, test)),
    ]
}

fn tree() -> impl Strategy<Value = Node> {
    leaf().prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            2 => prop::collection::vec(inner.clone(), 0..4).prop_map(Node::All),
            2 => prop::collection::vec(inner.clone(), 0..4).prop_map(Node::Any),
            1 => inner.prop_map(|node| Node::Not(Box::new(node))),
        ]
    })
}

// ---- the comparison

fn filled(catalog: &Catalog) -> Index {
    let index = Index::new();
    let row = |(id, known): &(i64, Known)| (*id, known.clone());
    let all: Vec<_> = catalog.all.iter().map(row).collect();
    for (id, known) in &all {
        let row = Row {
            id: *id,
            entity: &known.entity,
            created_at: known.created,
            updated_at: known.updated,
            created_by: None,
            updated_by: None,
            version: 1,
        };
        index.apply(&[row], &[], 1);
    }
    index
}

/// Asks until nothing is in doubt any more.
fn asked<T>(catalog: &Catalog, node: &Node, mut ask: impl FnMut(&Context<'_>) -> Answer<T>) -> T {
    let mut verdicts = Verdicts::default();
    let leaves = node.leaves();
    for _ in 0..10 {
        let context = Context {
            shape: &catalog.shape,
            now: NOW,
            verdicts: &verdicts,
        };
        match ask(&context) {
            Answer::Done(answer) => return answer,
            Answer::Doubts(doubts) => {
                for doubt in doubts {
                    let known = catalog.by_id(doubt.id);
                    let passes = leaves[doubt.leaf].holds_at_end(world::subject(known), &catalog.shape, NOW);
                    assert_eq!(verdicts.insert((doubt.leaf, doubt.id), passes), None, "asked twice");
                }
            }
        }
    }
    panic!("there are doubts without end: {node:?}");
}

fn check(
    catalog: &Catalog,
    index: &Index,
    node: &Node,
    sort: &Field,
    descending: bool,
    limit: usize,
    scope: &[BlueprintId],
) {
    let compiled = Compiled::new(node, NOW);
    let inside = |known: &Known| scope.is_empty() || scope.contains(&known.entity.blueprint);
    let mut expected: Vec<_> = catalog
        .all
        .iter()
        .filter(|(_, known)| inside(known) && compiled.matches(world::subject(known), catalog))
        .collect();
    expected.sort_by(|(_, a), (_, b)| order(a, b, sort, descending));
    let ids: Vec<i64> = expected.iter().map(|(id, _)| *id).collect();
    let mut search = Search {
        blueprints: (!scope.is_empty()).then(|| scope.to_vec()),
        rules: node.clone(),
        words: None,
        sort: Sort::By {
            field: sort.clone(),
            descending,
        },
        after: None,
        limit,
    };
    let total = asked(catalog, node, |context| index.total(&search, context).unwrap());
    let mut found = Vec::new();
    loop {
        let page = asked(catalog, node, |context| index.search(&search, context).unwrap());
        assert!(page.ids.len() <= limit);
        found.extend(page.ids);
        let Some(next) = page.next else { break };
        search.after = Some(serde_json::from_str(&serde_json::to_string(&next).unwrap()).unwrap());
    }
    let names = |ids: &[i64]| -> Vec<_> { ids.iter().map(|id| json!(catalog.by_id(*id).entity)).collect() };
    let (mut as_set, mut expected_set) = (found.clone(), ids.clone());
    as_set.sort_unstable();
    expected_set.sort_unstable();
    let more: Vec<_> = as_set.iter().filter(|id| !expected_set.contains(id)).copied().collect();
    let missing: Vec<_> = expected_set.iter().filter(|id| !as_set.contains(id)).copied().collect();
    assert!(
        more.is_empty() && missing.is_empty(),
        "{}\nfound too: {:?}\nmissing: {:?}",
        node.to_json(),
        names(&more),
        names(&missing)
    );
    assert_eq!(found, ids, "order by {sort:?}");
    assert_eq!(total, ids.len() as u64);
    let facets = asked(catalog, node, |context| {
        index.facet_of(&search, sort, 1000, context).unwrap()
    });
    let wanted = facet_of(expected.iter().map(|(_, known)| known), sort);
    assert_eq!(
        facets.len(),
        wanted.len(),
        "facets by {sort:?}: {facets:?}, not {wanted:?}"
    );
    for (found, expected) in facets.iter().zip(&wanted) {
        assert!(
            equal(&found.0, &expected.0) && found.1 == expected.1,
            "facet by {sort:?}: {found:?}, not {expected:?}"
        );
    }
}

fn scope() -> impl Strategy<Value = Vec<BlueprintId>> {
    let named = prop::sample::subsequence(BLUEPRINTS.to_vec(), 0..3);
    named.prop_map(|names| names.iter().map(|name| name.parse().unwrap()).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 160, failure_persistence: None, ..ProptestConfig::default() })]

    /// 160 catalogs, 25 questions each.
    #[test]
    fn answers_equal_the_evaluator(
        entities in prop::collection::vec(entity(), 1..90),
        questions in prop::collection::vec((tree(), field(), any::<bool>(), 1..20_usize, scope()), 25),
    ) {
        let catalog = Catalog::new(entities);
        let index = filled(&catalog);
        for (node, sort, descending, limit, scope) in &questions {
            check(&catalog, &index, node, sort, *descending, *limit, scope);
        }
    }

    /// What heaps and orders were made for goes on to be right while entities change.
    #[test]
    fn answers_stay_equal_over_changes(
        entities in prop::collection::vec(entity(), 10..40),
        changes in prop::collection::vec(prop::collection::vec(entity(), 0..6), 4),
        questions in prop::collection::vec((tree(), field(), any::<bool>(), scope()), 5),
    ) {
        let mut catalog = Catalog::new(entities);
        let index = filled(&catalog);
        for (position, page) in (2..).zip(changes) {
            for (node, sort, descending, scope) in &questions {
                check(&catalog, &index, node, sort, *descending, 7, scope);
            }
            let gone = catalog.all.iter().map(|(id, _)| *id).min().into_iter().collect::<Vec<_>>();
            let changed = catalog.change(page, &gone);
            let rows: Vec<_> = changed.iter().map(|(id, known)| Row {
                id: *id, entity: &known.entity, created_at: known.created, updated_at: known.updated, created_by: None, updated_by: None, version: position,
            }).collect();
            index.apply(&rows, &gone, position);
        }
    }

    /// A tree is the same after it was written as rules and read again.
    #[test]
    fn trees_are_read_as_they_are_written(node in tree()) {
        let rules = node.to_json();
        let read = Node::parse(&rules, &Scope::unchecked());
        // Random ranges may be of two types, which nobody can write.
        if let Ok(read) = read {
            prop_assert_eq!(read.to_json(), rules);
        }
    }
}
