//! Contributions, history, relations.

use crate::world::{World, entity, id, item, service, simple};
use seawall_store::{ChangeKind, ItemWrite};
use serde_json::{Value, json};

fn one(key: &str, properties: Value) -> Vec<ItemWrite> {
    vec![item(key, 1, vec![entity("x", properties)])]
}

pub(crate) async fn the_first_integration_comes_first(world: &mut World) {
    let (one_, two) = (world.partition("b-first").await, world.partition("a-second").await);
    // Whoever writes later: the later integration's values win.
    world.pass(&two, one("k", json!({"v": "two", "two": 1}))).await;
    let result = world.pass(&one_, one("k", json!({"v": "one", "one": 1}))).await;
    assert_eq!((result.counts.created, result.counts.updated), (0, 1));
    assert_eq!(
        world.find("x").await.unwrap().entity,
        entity("x", json!({"v": "two", "one": 1, "two": 1}))
    );
    let id = world.find("x").await.unwrap().id;
    let sources = world.store().sources(id).await.unwrap();
    assert_eq!(
        sources.iter().map(|s| s.integration.as_str()).collect::<Vec<_>>(),
        ["b-first", "a-second"]
    );
}

pub(crate) async fn removing_one_of_two_contributors_leaves_the_other(world: &mut World) {
    for gone in [0, 1] {
        let name = ["first", "second"][gone];
        let parts = [
            world.partition(&format!("one-{name}")).await,
            world.partition(&format!("two-{name}")).await,
        ];
        world.pass(&parts[0], one("k", json!({"v": 1, "a": 1}))).await;
        let before = world.find("x").await.unwrap();
        world.pass(&parts[1], one("k", json!({"v": 2, "b": 1}))).await;
        assert_eq!(
            world.find("x").await.unwrap().entity,
            entity("x", json!({"v": 2, "a": 1, "b": 1}))
        );
        world.pass(&parts[gone], vec![]).await;
        let left = [json!({"v": 2, "b": 1}), json!({"v": 1, "a": 1})][gone].clone();
        let row = world.find("x").await.unwrap();
        assert_eq!((row.id, row.entity), (before.id, entity("x", left)));
        world.pass(&parts[1 - gone], vec![]).await;
        assert!(world.find("x").await.is_none());
    }
}

pub(crate) async fn a_sole_contributor_left_may_change_and_go(world: &mut World) {
    let (a, b, c) = (
        world.partition("a").await,
        world.partition("b").await,
        world.partition("c").await,
    );
    world.pass(&a, one("k", json!({"a": 1}))).await;
    world.pass(&b, one("k", json!({"b": 1}))).await;
    world.pass(&c, one("k", json!({"c": 1}))).await;
    world.pass(&b, vec![]).await;
    assert_eq!(
        world.find("x").await.unwrap().entity,
        entity("x", json!({"a": 1, "c": 1}))
    );
    world.pass(&a, vec![]).await;
    world
        .pass(&c, vec![item("k", 2, vec![entity("x", json!({"c": 2}))])])
        .await;
    assert_eq!(world.find("x").await.unwrap().entity, entity("x", json!({"c": 2})));
    let gone = world.store().position().await.unwrap();
    world.pass(&c, vec![]).await;
    assert_eq!(
        world.store().changes(gone, 9).await.unwrap()[0].kind,
        ChangeKind::Deleted
    );
}

pub(crate) async fn history_goes_on_when_a_name_comes_back(world: &mut World) {
    let part = world.partition("git-main").await;
    world.pass(&part, vec![simple("a", 1), simple("b", 1)]).await;
    let first = world.find("a").await.unwrap().id;
    world.pass(&part, vec![]).await;
    let kinds = async || {
        let rows = world.store().history(&service(), &id("a"), None, 10).await.unwrap();
        rows.into_iter().map(|c| c.kind).collect::<Vec<_>>()
    };
    assert_eq!(kinds().await, [ChangeKind::Deleted, ChangeKind::Created]);
    world.pass(&part, vec![simple("a", 2)]).await;
    world.pass(&part, vec![simple("a", 3)]).await;
    use ChangeKind::{Created, Deleted, Updated};
    assert_eq!(kinds().await, [Updated, Created, Deleted, Created]);
    world.pass(&part, vec![]).await;
    assert_eq!(kinds().await, [Deleted, Updated, Created, Deleted, Created]);
    world.pass(&part, vec![simple("a", 4)]).await;
    assert!(
        world.find("a").await.unwrap().id > first,
        "row ids are never used again"
    );
    // The log names entities that are gone, each life by its own id.
    let log = world.store().changes(0, 100).await.unwrap();
    let lives: std::collections::BTreeSet<i64> = log.iter().filter(|c| c.identifier == "a").map(|c| c.entity).collect();
    assert_eq!(lives.len(), 3);
    assert!(
        world
            .store()
            .history(&service(), &id("nobody"), None, 10)
            .await
            .unwrap()
            .is_empty()
    );
}

pub(crate) async fn entities_come_in_the_order_asked(world: &mut World) {
    let part = world.partition("git-main").await;
    let rows = world
        .pass(&part, vec![simple("a", 1), simple("b", 1), simple("c", 1)])
        .await
        .upserted;
    let asked = [rows[2].id, 4711, rows[0].id, rows[2].id];
    let found = world.store().entities(&asked).await.unwrap();
    assert_eq!(found, [rows[2].clone(), rows[0].clone(), rows[2].clone()]);
}

pub(crate) async fn scanning_meets_every_entity_once(world: &mut World) {
    let part = world.partition("git-main").await;
    world
        .pass(&part, (0..25).map(|n| simple(&format!("e{n}"), 1)).collect())
        .await;
    let (mut after, mut seen) = (0, Vec::new());
    loop {
        let rows = world.store().scan_entities(after, 10).await.unwrap();
        let Some(last) = rows.last() else { break };
        after = last.id;
        seen.extend(rows.into_iter().map(|r| r.entity.identifier.to_string()));
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 25);
}

pub(crate) async fn changes_are_in_order_and_without_gaps(world: &mut World) {
    let part = world.partition("git-main").await;
    for n in 1..6 {
        world
            .pass(&part, (0..n).map(|i| simple(&format!("e{i}"), n)).collect())
            .await;
    }
    let all = world.store().changes(0, 1000).await.unwrap();
    assert_eq!(all.len(), 15);
    assert!(all.iter().zip(1..).all(|(c, n)| c.position == n));
    assert_eq!(world.store().changes(13, 1).await.unwrap(), all[13..14]);
    assert_eq!(world.store().position().await.unwrap(), 15);
}
