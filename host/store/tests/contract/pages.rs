//! One page, one transaction.

use crate::world::{World, entity, id, item, report, service, simple};
use seawall_domain::{Severity, pass::Counts};
use seawall_store::{ChangeKind, PageWrite, StoreError};
use serde_json::json;

pub(crate) async fn a_page_stores_items_entities_changes_and_cursor(world: &mut World) {
    let part = world.partition("git-main").await;
    let pass = world.begin(&part).await;
    let page = PageWrite {
        upserts: vec![simple("b", 1), simple("a", 2)],
        cursor: Some("next".into()),
        items: 2,
        converted: 3,
        ..world.write(&part, Some(pass.id))
    };
    let result = world.store().apply_page(page).await.unwrap();
    assert_eq!(
        result.counts,
        Counts {
            pages: 1,
            items: 2,
            created: 2,
            converted: 3,
            ..Counts::default()
        }
    );
    assert_eq!(result.upserted.len(), 2);
    for row in &result.upserted {
        assert_eq!(world.find(row.entity.identifier.as_str()).await.as_ref(), Some(row));
    }
    assert_eq!(world.store().position().await.unwrap(), result.position);
    let changes = world.store().changes(0, 10).await.unwrap();
    assert_eq!(changes.len(), 2);
    assert!(
        changes
            .iter()
            .all(|c| c.kind == ChangeKind::Created && c.diff.is_empty())
    );
    assert_eq!(changes[0].cause, format!("pass:{}", pass.id));
    let (partitions, passes) = (
        world.store().partitions(part.integration).await.unwrap(),
        world.store().passes(None, None, 9).await.unwrap(),
    );
    assert_eq!(
        (partitions[0].cursor.as_deref(), partitions[0].items),
        (Some("next"), 2)
    );
    assert_eq!(
        (passes[0].cursor.as_deref(), passes[0].counts),
        (Some("next"), result.counts)
    );
    let row = world.find("a").await.unwrap();
    let source = world.store().sources(row.id).await.unwrap();
    assert_eq!(
        (source[0].integration.as_str(), source[0].kind.as_str()),
        ("git-main", "repo")
    );
    assert_eq!(
        (
            source[0].partition.as_str(),
            source[0].key.as_str(),
            source[0].changed_at
        ),
        ("all", "a", world.now)
    );
    assert_eq!(world.item(&part, "c").await, None);
}

pub(crate) async fn an_unchanged_page_writes_no_change(world: &mut World) {
    let part = world.partition("git-main").await;
    world.pass(&part, vec![simple("a", 1), simple("b", 1)]).await;
    let before = world.store().position().await.unwrap();
    let pass = world.begin(&part).await;
    let known = [
        world.item(&part, "a").await.unwrap().0,
        world.item(&part, "b").await.unwrap().0,
    ];
    let page = PageWrite {
        unchanged: known.to_vec(),
        items: 2,
        ..world.write(&part, Some(pass.id))
    };
    let result = world.store().apply_page(page).await.unwrap();
    assert_eq!(
        result.counts,
        Counts {
            pages: 1,
            items: 2,
            unchanged: 2,
            ..Counts::default()
        }
    );
    assert_eq!((result.position, result.upserted.len()), (before, 0));
    assert_eq!(world.store().missing(pass.id).await.unwrap().missing, 0);
}

pub(crate) async fn a_changed_item_leaves_a_diff(world: &mut World) {
    let part = world.partition("git-main").await;
    world.pass(&part, vec![simple("a", 1)]).await;
    let first = world.find("a").await.unwrap();
    world.now += 500;
    let result = world
        .pass(&part, vec![item("a", 2, vec![entity("a", json!({"n": 2, "m": true}))])])
        .await;
    assert_eq!((result.counts.updated, result.counts.created), (1, 0));
    let row = world.find("a").await.unwrap();
    assert_eq!(
        (row.id, row.created_at, row.updated_at),
        (first.id, first.created_at, world.now)
    );
    assert!(row.version > first.version);
    let history = world.store().history(&service(), &id("a"), None, 10).await.unwrap();
    assert_eq!(
        history.iter().map(|c| c.kind).collect::<Vec<_>>(),
        [ChangeKind::Updated, ChangeKind::Created]
    );
    assert_eq!(
        json!(history[0].diff),
        json!({"properties.n": [1, 2], "properties.m": [null, true]})
    );
    assert_eq!(history[0].position, row.version);
    assert_eq!(
        world
            .store()
            .history(&service(), &id("a"), None, 1)
            .await
            .unwrap()
            .len(),
        1
    );
}

pub(crate) async fn a_change_that_is_none_leaves_no_change_row(world: &mut World) {
    let part = world.partition("git-main").await;
    world.pass(&part, vec![simple("a", 1)]).await;
    let before = world.find("a").await.unwrap();
    // The item changed in a place that the mapping does not read.
    let result = world
        .pass(&part, vec![item("a", 9, vec![entity("a", json!({"n": 1}))])])
        .await;
    assert_eq!((result.counts.updated, result.position), (0, before.version));
    assert_eq!(world.find("a").await.unwrap(), before);
    assert_eq!(world.item(&part, "a").await.unwrap().1, 9);
}

pub(crate) async fn an_item_that_gives_an_entity_twice_says_both(world: &mut World) {
    let part = world.partition("git-main").await;
    let both = vec![entity("a", json!({"x": 1, "y": 1})), entity("a", json!({"y": 2}))];
    let result = world.pass(&part, vec![item("k", 1, both)]).await;
    assert_eq!(result.counts.created, 1);
    assert_eq!(
        world.find("a").await.unwrap().entity,
        entity("a", json!({"x": 1, "y": 2}))
    );
    world.pass(&part, vec![]).await;
    assert!(world.find("a").await.is_none());
}

pub(crate) async fn two_items_of_a_page_share_an_entity(world: &mut World) {
    let part = world.partition("git-main").await;
    let items = vec![
        item("k1", 1, vec![entity("a", json!({"x": 1, "y": 1}))]),
        item("k2", 1, vec![entity("a", json!({"y": 2}))]),
    ];
    let result = world.pass(&part, items).await;
    assert_eq!((result.counts.created, result.upserted.len()), (1, 1));
    assert_eq!(
        world.find("a").await.unwrap().entity,
        entity("a", json!({"x": 1, "y": 2}))
    );
    let items = vec![item("k1", 1, vec![entity("a", json!({"x": 1, "y": 1}))])];
    world.pass(&part, items).await;
    assert_eq!(
        world.find("a").await.unwrap().entity,
        entity("a", json!({"x": 1, "y": 1}))
    );
}

pub(crate) async fn an_item_that_moves_to_another_entity_removes_the_first(world: &mut World) {
    let part = world.partition("git-main").await;
    world
        .pass(
            &part,
            vec![item("k", 1, vec![entity("old", json!({})), entity("kept", json!({}))])],
        )
        .await;
    let (old, kept) = (world.find("old").await.unwrap(), world.find("kept").await.unwrap());
    let result = world
        .pass(
            &part,
            vec![item("k", 2, vec![entity("kept", json!({})), entity("new", json!({}))])],
        )
        .await;
    assert_eq!(
        (result.counts.created, result.counts.deleted, result.counts.updated),
        (1, 1, 0)
    );
    assert_eq!(result.removed, [old.id]);
    assert!(world.find("old").await.is_none());
    assert_eq!(world.find("kept").await.unwrap(), kept);
    assert!(world.find("new").await.is_some());
}

pub(crate) async fn deletes_remove_what_the_item_said(world: &mut World) {
    let part = world.partition("git-main").await;
    world.pass(&part, vec![simple("a", 1), simple("b", 1)]).await;
    let row = world.find("a").await.unwrap();
    let pass = world.begin(&part).await;
    let page = PageWrite {
        deletes: vec!["a".into(), "nobody".into(), "a".into()],
        ..world.write(&part, Some(pass.id))
    };
    let result = world.store().apply_page(page).await.unwrap();
    assert_eq!(
        (result.counts.deleted, result.removed.as_slice()),
        (1, [row.id].as_slice())
    );
    assert!(world.find("a").await.is_none() && world.item(&part, "a").await.is_none());
    assert!(world.store().entities(&[row.id]).await.unwrap().is_empty());
    assert_eq!(world.store().partitions(part.integration).await.unwrap()[0].items, 1);
    let last = world.store().changes(result.position - 1, 5).await.unwrap();
    assert_eq!(
        (last.len(), last[0].kind, last[0].identifier.as_str()),
        (1, ChangeKind::Deleted, "a")
    );
}

pub(crate) async fn a_failed_page_leaves_nothing(world: &mut World) {
    let part = world.partition("git-main").await;
    let pass = world.begin(&part).await;
    world.page(&part, Some(pass.id), vec![simple("a", 1)]).await;
    let before = (
        world.store().passes(None, None, 1).await.unwrap(),
        world.store().position().await.unwrap(),
    );
    let new = vec![item(
        "z",
        1,
        vec![serde_json::from_value(json!({"blueprint": "fresh", "identifier": "z"})).unwrap()],
    )];
    let late = PageWrite {
        upserts: new.clone(),
        fence: part.fence - 1,
        ..world.write(&part, Some(pass.id))
    };
    assert!(
        matches!(world.store().apply_page(late).await, Err(StoreError::Fenced { partition }) if partition == part.id)
    );
    let lost = PageWrite {
        upserts: new,
        ..world.write(&part, Some(pass.id + 1))
    };
    assert!(matches!(
        world.store().apply_page(lost).await,
        Err(StoreError::Missing(_))
    ));
    let nowhere = PageWrite {
        partition: part.id + 1,
        ..world.write(&part, None)
    };
    assert!(matches!(
        world.store().apply_page(nowhere).await,
        Err(StoreError::Missing(_))
    ));
    assert_eq!(
        before,
        (
            world.store().passes(None, None, 1).await.unwrap(),
            world.store().position().await.unwrap()
        )
    );
    assert_eq!(world.item(&part, "z").await, None);
    assert_eq!(
        world
            .page(&part, Some(pass.id), vec![simple("b", 1)])
            .await
            .counts
            .created,
        1
    );
}

pub(crate) async fn reports_live_as_long_as_what_they_report(world: &mut World) {
    let part = world.partition("git-main").await;
    let bad = |key: &str, severity| {
        let mut item = simple(key, 1);
        item.reports = vec![report(key, severity), report(key, Severity::Converted)];
        item
    };
    let result = world
        .pass(
            &part,
            vec![
                bad("a", Severity::LeftOut),
                bad("b", Severity::SetAside),
                bad("c", Severity::LeftOut),
            ],
        )
        .await;
    assert_eq!(
        (result.counts.left_out, result.counts.set_aside, result.counts.converted),
        (2, 1, 0)
    );
    let keys = async || {
        let rows = world.store().rejected(Some(part.integration), None, 10).await.unwrap();
        rows.into_iter().map(|r| r.report.key).collect::<Vec<_>>()
    };
    assert_eq!(keys().await, ["c", "b", "a"]);
    let first = world.store().rejected(None, None, 1).await.unwrap();
    assert_eq!(
        (first[0].integration.as_str(), first[0].partition.as_str()),
        ("git-main", "all")
    );
    assert_eq!(first[0].report, report("c", Severity::LeftOut));
    assert_eq!(
        world.store().rejected(None, Some(first[0].id), 10).await.unwrap().len(),
        2
    );
    assert!(
        world
            .store()
            .rejected(Some(part.integration + 1), None, 10)
            .await
            .unwrap()
            .is_empty()
    );
    // a is mended, b is unchanged, c goes.
    let pass = world.begin(&part).await;
    let b = world.item(&part, "b").await.unwrap().0;
    let page = PageWrite {
        upserts: vec![simple("a", 2)],
        unchanged: vec![b],
        ..world.write(&part, Some(pass.id))
    };
    world.store().apply_page(page).await.unwrap();
    world.store().sweep(pass.id, part.fence, 9, world.now).await.unwrap();
    assert_eq!(keys().await, ["b"]);
}

pub(crate) async fn an_item_without_entities_is_known(world: &mut World) {
    let part = world.partition("git-main").await;
    let result = world.pass(&part, vec![item("k", 3, vec![])]).await;
    assert_eq!((result.counts.created, result.position), (0, 0));
    assert_eq!(world.item(&part, "k").await.unwrap().1, 3);
    assert_eq!(
        world
            .pass(&part, vec![item("k", 4, vec![entity("a", json!({}))])])
            .await
            .counts
            .created,
        1
    );
}

pub(crate) async fn text_with_a_nul_comes_back_as_it_was(world: &mut World) {
    let odd = "a\0b\u{10FFFF}";
    let part = world.partition("git-main").await;
    let store = world.store();
    let listed = store
        .put_partitions(part.integration, "odd", &[odd.to_owned()], world.now)
        .await
        .unwrap();
    let again = store
        .put_partitions(part.integration, "odd", &[odd.to_owned()], world.now)
        .await
        .unwrap();
    assert_eq!((listed[0].name.as_str(), &listed), (odd, &again));
    let pass = world.begin(&part).await;
    let page = PageWrite {
        upserts: vec![item(odd, 1, vec![entity("a", json!({"text": odd}))])],
        cursor: Some(odd.to_owned()),
        ..world.write(&part, Some(pass.id))
    };
    store.apply_page(page).await.unwrap();
    store.note_pass(pass.id, Some(odd)).await.unwrap();
    let row = &store.passes(None, None, 1).await.unwrap()[0];
    assert_eq!((row.cursor.as_deref(), row.error.as_deref()), (Some(odd), Some(odd)));
    assert_eq!(world.value("a", "text").await, odd);
    assert_eq!(world.item(&part, odd).await.unwrap().1, 1);
    let id = world.find("a").await.unwrap().id;
    assert_eq!(store.sources(id).await.unwrap()[0].key, odd);
    world.page(&part, None, vec![simple("b", 1)]).await;
    let removed = PageWrite {
        deletes: vec![odd.to_owned()],
        ..world.write(&part, None)
    };
    store.apply_page(removed).await.unwrap();
    assert!(world.find("a").await.is_none() && world.item(&part, odd).await.is_none());
    // It may not come back by a late page of the pass.
    world.page(&part, Some(pass.id), vec![item(odd, 1, vec![])]).await;
    assert!(world.item(&part, odd).await.is_none());
}
