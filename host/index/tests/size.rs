//! What the index takes for an entity in the shape of a large catalog: most of it from the start, some of it once it is asked for.
//! By its own account, which leaves out what the allocator keeps.
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "../examples/index_speed/shape.rs"]
mod shape;

use seawall_domain::{
    Blueprint, BlueprintId, Entity,
    query::{Node, Scope, Search, Shape, Sort, Words},
};
use seawall_index::{Context, Index, Row, Verdicts};

const ALL: usize = 20_000;

/// A catalog of all blueprints, in their shares.
fn filled(by: Option<&str>) -> (Index, usize) {
    let index = Index::new();
    let mut id = 0;
    for (name, share) in shape::BLUEPRINTS {
        let entity = |number| serde_json::from_value(shape::entity(name, number, 0, shape::OWNERS)).unwrap();
        let all: Vec<Entity> = (0..share * ALL / shape::ALL).map(entity).collect();
        for page in all.chunks(500) {
            let row = |entity| {
                id += 1;
                Row {
                    id,
                    entity,
                    created_at: id,
                    updated_at: id,
                    created_by: by,
                    updated_by: by,
                    version: id,
                }
            };
            let rows: Vec<Row<'_>> = page.iter().map(row).collect();
            index.load(&rows);
        }
    }
    index.finish_load(id);
    (index, usize::try_from(id).unwrap())
}

#[test]
fn an_entity_takes_as_much_as_it_did_and_more_where_texts_were_looked_through() {
    let (index, count) = filled(Some("backstage"));
    let each = |index: &Index| index.memory_bytes() / count;
    let at_first = each(&index);
    // 606 when this was written; of 739,000 it is some 450, since tables of hashes and bitmaps are fuller there.
    assert!(at_first <= 640, "{at_first} bytes an entity");
    // Who created and changed it is one code and two bits each.
    let without = each(&filled(None).0);
    assert!(at_first - without <= 12, "{at_first} bytes, and {without} without");

    let all = shape::BLUEPRINTS.map(|(name, _)| shape::blueprint(name));
    let all: Vec<Blueprint> = all
        .into_iter()
        .map(|one| serde_json::from_value(one).unwrap())
        .collect();
    let shape = Shape::of(&all);
    let blueprints: Vec<BlueprintId> = all.iter().map(|one| one.identifier.clone()).collect();
    let verdicts = Verdicts::default();
    let context = Context {
        shape: &shape,
        now: 0,
        verdicts: &verdicts,
    };
    let scope = Scope::of(&shape, &blueprints);
    let ask = |filter: &str, words: Option<&str>| {
        let search = Search {
            blueprints: Some(blueprints.clone()),
            rules: Node::parse_filter(filter, &scope).unwrap(),
            words: words.map(|text| Words {
                text: text.to_owned(),
                fields: Vec::new(),
            }),
            sort: Sort::Relevance,
            after: None,
            limit: 20,
        };
        index.search(&search, &context).unwrap();
    };
    // The texts one behind the other, and then the index of their words: 195 bytes, of names, titles and addresses. Whoever
    // asks for the words of all texts has all of this made.
    ask("$title:x1 OR url:x1 OR $identifier:x1", Some("payments 12"));
    let asked = each(&index);
    assert!(
        asked > at_first && asked - at_first <= 220,
        "{asked} bytes an entity, {at_first} before"
    );
}
