//! Partitions, leases, passes, sweeps.

use crate::world::{World, simple};
use seawall_domain::pass::PassState;
use seawall_store::{Missing, PageWrite, StoreError};

pub(crate) async fn partitions_keep_their_ids(world: &mut World) {
    let id = world.integration("git-main").await;
    let put = async |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
        let rows = world
            .store()
            .put_partitions(id, "repo", &names, world.now)
            .await
            .unwrap();
        rows.into_iter().map(|p| (p.name, p.id)).collect::<Vec<_>>()
    };
    let first = put(&["b", "a"]).await;
    assert_eq!(first.iter().map(|(n, _)| n.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(put(&["b"]).await, first[1..]);
    assert_eq!(world.store().partitions(id).await.unwrap().len(), 1);
    assert_eq!(put(&["a", "b", "a"]).await, first);
    world
        .store()
        .put_partitions(id, "another", &["a".to_owned()], world.now)
        .await
        .unwrap();
    let kinds: Vec<_> = world
        .store()
        .partitions(id)
        .await
        .unwrap()
        .into_iter()
        .map(|p| p.kind)
        .collect();
    assert_eq!(kinds, ["another", "repo", "repo"]);
    assert!(matches!(
        world.store().put_partitions(id + 9, "repo", &[], world.now).await,
        Err(StoreError::Missing(_))
    ));
}

pub(crate) async fn a_lease_excludes_others_and_fences_the_late(world: &mut World) {
    let part = world.partition("git-main").await;
    let store = world.store();
    let (now, long) = (world.now, 60_000);
    assert_eq!(
        store.lease(part.id, "me", now, long).await.unwrap(),
        Some(part.fence),
        "the owner renews"
    );
    assert_eq!(store.lease(part.id, "you", now, long).await.unwrap(), None);
    let pass = world.begin(&part).await;
    // The lease runs out, since it is renewed for no time at all, and another takes over: the first one's page comes too late.
    assert_eq!(store.lease(part.id, "me", now, 0).await.unwrap(), Some(part.fence));
    let fence = store.lease(part.id, "you", now, long).await.unwrap().unwrap();
    assert!(fence > part.fence);
    assert_eq!(store.lease(part.id, "me", now, long).await.unwrap(), None);
    let late = PageWrite {
        upserts: vec![simple("a", 1)],
        ..world.write(&part, Some(pass.id))
    };
    assert!(matches!(
        store.apply_page(late.clone()).await,
        Err(StoreError::Fenced { .. })
    ));
    assert!(matches!(
        store.begin_pass(part.id, part.fence, now).await,
        Err(StoreError::Fenced { .. })
    ));
    assert!(matches!(
        store.release(part.id, part.fence, 0).await,
        Err(StoreError::Fenced { .. })
    ));
    assert!(world.find("a").await.is_none());
    // The other goes on in the same pass.
    assert_eq!(store.begin_pass(part.id, fence, now).await.unwrap().id, pass.id);
    store.apply_page(PageWrite { fence, ..late }).await.unwrap();
    store.release(part.id, fence, 123).await.unwrap();
    assert_eq!(store.partitions(part.integration).await.unwrap()[0].due, 123);
    let third = store.lease(part.id, "you", now, long).await.unwrap().unwrap();
    assert!(third > fence, "after a release even the same owner gets a new fence");
    store.make_due(part.integration, 7).await.unwrap();
    assert_eq!(store.partitions(part.integration).await.unwrap()[0].due, 7);
}

pub(crate) async fn a_pass_goes_on_after_the_store_was_dropped(world: &mut World) {
    let part = world.partition("git-main").await;
    world
        .pass(&part, (0..6).map(|n| simple(&format!("e{n}"), 1)).collect())
        .await;
    let pass = world.begin(&part).await;
    let kept = world.item(&part, "e0").await.unwrap().0;
    let page = PageWrite {
        upserts: vec![simple("e1", 2)],
        unchanged: vec![kept],
        cursor: Some("page-2".into()),
        items: 2,
        ..world.write(&part, Some(pass.id))
    };
    world.store().apply_page(page).await.unwrap();
    world
        .store()
        .note_pass(pass.id, Some("503, tried twice"))
        .await
        .unwrap();
    world.store().note_checkouts(pass.id, "a commit").await.unwrap();
    world.reopen().await;
    let again = world.begin(&part).await;
    assert_eq!(again.checkouts.as_deref(), Some("a commit"));
    assert_eq!(
        (again.id, again.state, again.cursor.as_deref()),
        (pass.id, PassState::Running, Some("page-2"))
    );
    assert_eq!(
        (again.counts.items, again.counts.updated, again.counts.unchanged),
        (2, 1, 1)
    );
    assert_eq!(again.error.as_deref(), Some("503, tried twice"));
    world
        .page(&part, Some(pass.id), vec![simple("e2", 2), simple("new", 1)])
        .await;
    assert_eq!(
        world.store().missing(pass.id).await.unwrap(),
        Missing { missing: 3, known: 7 }
    );
    let swept = world.store().sweep(pass.id, part.fence, 100, world.now).await.unwrap();
    assert_eq!((swept.removed_items, swept.page.counts.deleted), (3, 3));
    world.end(pass.id).await;
    for (key, there) in [
        ("e0", true),
        ("e1", true),
        ("e2", true),
        ("e3", false),
        ("e5", false),
        ("new", true),
    ] {
        assert_eq!(world.find(key).await.is_some(), there, "{key}");
    }
    world.store().forget_cursor(part.id).await.unwrap();
    assert_eq!(world.begin(&part).await.cursor, None);
}

pub(crate) async fn what_was_not_listed_is_swept_in_pieces(world: &mut World) {
    let part = world.partition("git-main").await;
    world
        .pass(&part, (0..100).map(|n| simple(&format!("e{n:02}"), 1)).collect())
        .await;
    let pass = world.begin(&part).await;
    world
        .page(&part, Some(pass.id), vec![simple("e50", 1), simple("e99", 1)])
        .await;
    assert_eq!(
        world.store().missing(pass.id).await.unwrap(),
        Missing {
            missing: 98,
            known: 100
        }
    );
    let mut pieces = Vec::new();
    loop {
        let swept = world.store().sweep(pass.id, part.fence, 30, world.now).await.unwrap();
        pieces.push((swept.removed_items, swept.page.removed.len()));
        if swept.removed_items == 0 {
            break;
        }
        if pieces.len() == 2 {
            world.reopen().await;
        }
    }
    assert_eq!(pieces, [(30, 30), (30, 30), (30, 30), (8, 8), (0, 0)]);
    world.end(pass.id).await;
    let row = &world.store().passes(None, None, 1).await.unwrap()[0];
    assert_eq!((row.counts.deleted, row.state), (98, PassState::Succeeded));
    assert_eq!(world.store().partitions(part.integration).await.unwrap()[0].items, 2);
}

pub(crate) async fn a_pass_that_has_ended_sweeps_nothing(world: &mut World) {
    let part = world.partition("git-main").await;
    world.pass(&part, vec![simple("a", 1)]).await;
    for state in [PassState::Failed, PassState::Cancelled, PassState::Succeeded] {
        let pass = world.begin(&part).await;
        world
            .store()
            .end_pass(pass.id, state, Some("why"), world.now)
            .await
            .unwrap();
        assert!(matches!(
            world.store().sweep(pass.id, part.fence, 9, 0).await,
            Err(StoreError::Missing(_))
        ));
        assert!(matches!(
            world.store().missing(pass.id).await,
            Err(StoreError::Missing(_))
        ));
        let page = world.store().apply_page(world.write(&part, Some(pass.id))).await;
        assert!(matches!(page, Err(StoreError::Missing(_))));
    }
    assert!(world.find("a").await.is_some());
    assert!(matches!(
        world.store().end_pass(4711, PassState::Failed, None, 0).await,
        Err(StoreError::Missing(_))
    ));
}

pub(crate) async fn a_held_pass_waits_and_a_newer_one_supersedes_it(world: &mut World) {
    let part = world.partition("git-main").await;
    world.pass(&part, vec![simple("a", 1), simple("b", 1)]).await;
    let held = world.begin(&part).await;
    world.page(&part, Some(held.id), vec![simple("a", 1)]).await;
    world
        .store()
        .end_pass(held.id, PassState::Held, None, world.now)
        .await
        .unwrap();
    world.reopen().await;
    assert_eq!(
        world.store().missing(held.id).await.unwrap(),
        Missing { missing: 1, known: 2 }
    );
    let newer = world.begin(&part).await;
    assert!(newer.id > held.id);
    // b is back, so the older listing must not remove it.
    world
        .page(&part, Some(newer.id), vec![simple("a", 1), simple("b", 1)])
        .await;
    assert!(matches!(
        world.store().sweep(held.id, part.fence, 9, 0).await,
        Err(StoreError::Missing(_))
    ));
    let rows = world.store().passes(None, None, 9).await.unwrap();
    let row = rows.iter().find(|r| r.id == held.id).unwrap();
    assert_eq!(row.state, PassState::Failed);
    assert!(row.error.as_deref().unwrap().contains("newer pass"));
    world.end(newer.id).await;
    // Held and then approved.
    let held = world.begin(&part).await;
    world
        .store()
        .end_pass(held.id, PassState::Held, None, world.now)
        .await
        .unwrap();
    assert_eq!(
        world
            .store()
            .sweep(held.id, part.fence, 9, 0)
            .await
            .unwrap()
            .removed_items,
        2
    );
    world.end(held.id).await;
}

pub(crate) async fn a_sweep_needs_the_lease(world: &mut World) {
    let part = world.partition("git-main").await;
    world.pass(&part, vec![simple("a", 1)]).await;
    let pass = world.begin(&part).await;
    assert!(matches!(
        world.store().sweep(pass.id, part.fence - 1, 9, 0).await,
        Err(StoreError::Fenced { .. })
    ));
    assert!(world.find("a").await.is_some());
}

pub(crate) async fn a_removed_item_is_never_taken_for_a_new_one(world: &mut World) {
    let part = world.partition("git-main").await;
    let pass = world.begin(&part).await;
    world.page(&part, Some(pass.id), vec![simple("a", 1)]).await;
    let first = world.item(&part, "a").await.unwrap().0;
    let page = PageWrite {
        deletes: vec!["a".into()],
        ..world.write(&part, Some(pass.id))
    };
    world.store().apply_page(page).await.unwrap();
    world.reopen().await;
    world.page(&part, Some(pass.id), vec![simple("b", 1)]).await;
    assert!(world.item(&part, "b").await.unwrap().0 > first);
}

pub(crate) async fn passes_are_listed_newest_first(world: &mut World) {
    let (one, two) = (world.partition("a").await, world.partition("b").await);
    for part in [&one, &two, &one] {
        world.pass(part, vec![]).await;
    }
    let ids = async |integration, before, limit| {
        let rows = world.store().passes(integration, before, limit).await.unwrap();
        rows.into_iter().map(|r| r.id).collect::<Vec<_>>()
    };
    let all = ids(None, None, 9).await;
    assert!(all.len() == 3 && all.is_sorted_by(|a, b| a > b));
    assert_eq!(ids(Some(one.integration), None, 9).await, [all[0], all[2]]);
    assert_eq!(ids(None, Some(all[0]), 1).await, [all[1]]);
    let row = &world.store().passes(None, None, 1).await.unwrap()[0];
    assert_eq!(
        (row.kind.as_str(), row.partition_name.as_str(), row.integration),
        ("repo", "all", one.integration)
    );
    assert_eq!((row.started_at, row.ended_at), (world.now, Some(world.now)));
}
