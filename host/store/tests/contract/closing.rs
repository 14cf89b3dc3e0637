//! Partitions that the tool no longer lists, passes that are trimmed, integrations that are removed.

use crate::world::{Part, World, entity, item, report, simple};
use seawall_domain::{Severity, pass::PassState};
use seawall_store::{Missing, PartitionRow, PassRow, StoreError, Vanished};
use serde_json::json;

async fn put(world: &World, integration: i64, names: &[&str]) -> Vec<PartitionRow> {
    let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
    let store = world.store();
    store
        .put_partitions(integration, "repo", &names, world.now)
        .await
        .unwrap()
}

async fn lease(world: &World, row: &PartitionRow) -> Part {
    let (store, now) = (world.store(), world.now);
    let fence = store.lease(row.id, "me", now, 60_000).await.unwrap().unwrap();
    Part {
        integration: row.integration,
        id: row.id,
        fence,
    }
}

/// Two partitions of one integration: `a` with one item, `b` with three.
async fn two(world: &World) -> (Part, Part) {
    let id = world.integration("git-main").await;
    let rows = put(world, id, &["a", "b"]).await;
    let (a, b) = (lease(world, &rows[0]).await, lease(world, &rows[1]).await);
    world.pass(&a, vec![simple("a0", 1)]).await;
    world
        .pass(&b, (0..3).map(|n| simple(&format!("b{n}"), 1)).collect())
        .await;
    (a, b)
}

async fn closing(world: &World, part: &Part) -> PassRow {
    world
        .store()
        .begin_closing(part.id, part.fence, world.now)
        .await
        .unwrap()
}

pub(crate) async fn a_partition_that_is_gone_is_closed_by_a_pass_that_lists_nothing(world: &mut World) {
    let (a, b) = two(world).await;
    // A pass that was cut off had listed an item; what it listed says nothing once the partition is gone.
    let cut_off = world.begin(&b).await;
    world.page(&b, Some(cut_off.id), vec![simple("b0", 1)]).await;
    world.now += 5;
    assert_eq!(put(world, b.integration, &["a"]).await.len(), 1);
    let rows = world.store().partitions(b.integration).await.unwrap();
    let seen: Vec<_> = rows.iter().map(|p| (p.name.as_str(), p.gone, p.items)).collect();
    assert_eq!(seen, [("a", false, 1), ("b", true, 3)]);
    assert_eq!((rows[1].due, rows[1].cursor.as_deref()), (world.now, None));
    assert_eq!(
        world.store().vanished(b.integration, "repo").await.unwrap(),
        Vanished {
            missing: 3,
            known: 4,
            partitions: 1
        }
    );
    let pass = closing(world, &b).await;
    assert!(pass.closing && pass.id > cut_off.id);
    assert_eq!(
        world.store().missing(pass.id).await.unwrap(),
        Missing { missing: 3, known: 3 }
    );
    world.reopen().await;
    assert_eq!(closing(world, &b).await.id, pass.id, "a cut off closing pass goes on");
    while world
        .store()
        .sweep(pass.id, b.fence, 2, world.now)
        .await
        .unwrap()
        .removed_items
        > 0
    {}
    world.end(pass.id).await;
    assert!(world.find("b0").await.is_none() && world.find("a0").await.is_some());
    assert_eq!(
        world.store().partitions(b.integration).await.unwrap().len(),
        1,
        "nothing is left to do in b"
    );
    let newest = world.store().newest_passes(b.integration).await.unwrap();
    assert_eq!(newest.iter().map(|p| p.partition).collect::<Vec<_>>(), [a.id]);
    let all = world.store().passes(None, None, 9).await.unwrap();
    let old = all.iter().find(|p| p.id == cut_off.id).unwrap();
    assert_eq!(old.state, PassState::Cancelled);
    assert!(old.error.as_deref().unwrap().contains("no longer lists"));
}

pub(crate) async fn a_held_closing_pass_keeps_its_id_until_the_partition_comes_back(world: &mut World) {
    let (_, b) = two(world).await;
    put(world, b.integration, &["a"]).await;
    let pass = closing(world, &b).await;
    let held = async |world: &World| {
        let store = world.store();
        store
            .end_pass(pass.id, None, PassState::Held, Some("look"), world.now)
            .await
            .unwrap();
    };
    held(world).await;
    assert_eq!(closing(world, &b).await.id, pass.id);
    let newest = world.store().newest_passes(b.integration).await.unwrap();
    assert!(newest.iter().any(|p| p.id == pass.id && p.state == PassState::Held));
    // Back again: nothing may be removed by the old decision, and the next pass lists everything.
    world.now += 5;
    let rows = put(world, b.integration, &["a", "b"]).await;
    assert_eq!((rows[1].id, rows[1].gone, rows[1].due), (b.id, false, world.now));
    assert!(matches!(
        world.store().sweep(pass.id, b.fence, 9, 0).await,
        Err(StoreError::Missing(_))
    ));
    let again = world.begin(&b).await;
    assert!(!again.closing && again.id > pass.id && again.cursor.is_none());
    assert_eq!(again.expected, Some(0), "the world's pages do not count their items");
    assert!(world.find("b2").await.is_some());
    world.end(again.id).await;
}

pub(crate) async fn passes_are_trimmed_and_pages_of_them_go_on(world: &mut World) {
    let part = world.partition("git-main").await;
    let mut all = Vec::new();
    for n in 0..12 {
        let pass = world.begin(&part).await;
        let state = if n % 4 == 0 {
            PassState::Failed
        } else {
            PassState::Succeeded
        };
        world
            .store()
            .end_pass(pass.id, None, state, None, world.now)
            .await
            .unwrap();
        all.push(pass.id);
    }
    let running = world.begin(&part).await.id;
    let list = async |before: Option<i64>, limit| {
        let rows = world.store().passes(None, before, limit).await.unwrap();
        rows.iter().map(|p| p.id).collect::<Vec<_>>()
    };
    // 0, 4 and 8 have failed. Three stay in any case, and those that failed among the newest nine.
    let first_page = list(None, 6).await;
    assert_eq!(first_page.last(), Some(&all[7]));
    assert_eq!(world.store().trim_passes(3, 9, 5).await.unwrap(), 5);
    assert_eq!(world.store().trim_passes(3, 9, 5).await.unwrap(), 2);
    assert_eq!(world.store().trim_passes(3, 9, 5).await.unwrap(), 0);
    assert_eq!(
        list(None, 50).await,
        [running, all[11], all[10], all[9], all[8], all[4]]
    );
    assert_eq!(
        list(first_page.last().copied(), 50).await,
        [all[4]],
        "the next page goes on from one that is gone"
    );
    let next = world.begin(&part).await.id;
    assert_eq!(next, running);
}

pub(crate) async fn a_removed_integration_takes_only_its_own_words(world: &mut World) {
    let (a, b) = two(world).await;
    let other = world.partition("other").await;
    world
        .pass(&other, vec![item("x", 1, vec![entity("b0", json!({"m": 7}))])])
        .await;
    let mut reported = simple("b1", 2);
    reported.reports = vec![report("b1", Severity::LeftOut)];
    world.pass(&b, vec![simple("b0", 1), reported, simple("b2", 1)]).await;
    put(world, a.integration, &["b"]).await;
    let name = seawall_domain::IntegrationName::new("git-main").unwrap();
    assert!(world.store().begin_removal(&name).await.unwrap());
    assert!(matches!(
        world
            .store()
            .put_integration(&crate::world::integration("git-main"), 0)
            .await,
        Err(StoreError::Removing(_))
    ));
    world.now += 7;
    let mut pieces = 0;
    while let Some(partition) = world.store().next_to_clear(a.integration).await.unwrap() {
        let row = PartitionRow {
            id: partition,
            ..world.store().partitions(other.integration).await.unwrap()[0].clone()
        };
        let part = lease(world, &row).await;
        assert!(matches!(
            world
                .store()
                .clear_partition(partition, part.fence - 1, 1, "why", 0)
                .await,
            Err(StoreError::Fenced { .. })
        ));
        world
            .store()
            .clear_partition(partition, part.fence, 1, "integration-removed:git-main", world.now)
            .await
            .unwrap();
        pieces += 1;
        if pieces == 3 {
            world.reopen().await;
            let rows = world.store().integrations().await.unwrap();
            assert!(rows.iter().any(|r| r.id == a.integration && r.removing));
        }
    }
    assert_eq!(pieces, 4 + 2, "each item, and each partition when it is empty");
    world.store().remove_integration(a.integration).await.unwrap();
    let rows = world.store().integrations().await.unwrap();
    assert_eq!(rows.iter().map(|r| r.id).collect::<Vec<_>>(), [other.integration]);
    let passes = world.store().passes(None, None, 99).await.unwrap();
    assert!(passes.iter().all(|p| p.integration == other.integration));
    assert!(world.store().rejected(None, None, 9).await.unwrap().is_empty());
    for gone in ["a0", "b1", "b2"] {
        assert!(world.find(gone).await.is_none(), "{gone}");
    }
    let history = world
        .store()
        .history(&crate::world::service(), &crate::world::id("a0"), None, 1)
        .await
        .unwrap();
    assert_eq!(history[0].cause, "integration-removed:git-main");
    let shared = world.find("b0").await.unwrap();
    assert_eq!(
        serde_json::to_value(&shared.entity.properties).unwrap(),
        json!({"m": 7})
    );
    // The name is free again, for another.
    assert_ne!(world.integration("git-main").await, a.integration);
}
