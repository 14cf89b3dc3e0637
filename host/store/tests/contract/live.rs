//! Changes outside a pass, beside one that runs. All of it holds with a clock that stands still.

use crate::world::{World, simple};
use seawall_store::{Missing, PageWrite};

pub(crate) async fn a_late_page_does_not_overwrite_a_newer_change(world: &mut World) {
    let part = world.partition("git-main").await;
    world.pass(&part, vec![simple("a", 1), simple("b", 1)]).await;
    let pass = world.begin(&part).await;
    world.page(&part, None, vec![simple("a", 3)]).await;
    let late = world
        .page(&part, Some(pass.id), vec![simple("a", 2), simple("b", 2)])
        .await;
    assert_eq!((late.counts.unchanged, late.counts.updated), (1, 1));
    assert_eq!(
        (world.value("a", "n").await, world.value("b", "n").await),
        (3.into(), 2.into())
    );
    assert_eq!(world.item(&part, "a").await.unwrap().1, 3);
    // Nor does its delete remove it.
    let page = PageWrite {
        deletes: vec!["a".into()],
        ..world.write(&part, Some(pass.id))
    };
    world.store().apply_page(page).await.unwrap();
    assert!(world.find("a").await.is_some());
}

pub(crate) async fn a_late_page_does_not_bring_back_what_was_removed(world: &mut World) {
    let part = world.partition("git-main").await;
    world.pass(&part, vec![simple("a", 1), simple("b", 1)]).await;
    let pass = world.begin(&part).await;
    let gone = PageWrite {
        deletes: vec!["a".into(), "b".into()],
        ..world.write(&part, None)
    };
    assert_eq!(world.store().apply_page(gone).await.unwrap().counts.deleted, 2);
    // b comes back by a further change, which is newer still.
    world.page(&part, None, vec![simple("b", 5)]).await;
    let late = world
        .page(&part, Some(pass.id), vec![simple("a", 1), simple("b", 1)])
        .await;
    assert_eq!((late.counts.created, late.counts.unchanged), (0, 2));
    assert!(world.find("a").await.is_none());
    assert_eq!(world.value("b", "n").await, 5);
    world.end(pass.id).await;
    world.pass(&part, vec![simple("a", 1)]).await;
    assert!(world.find("a").await.is_some(), "the next pass believes its own pages");
}

pub(crate) async fn a_sweep_leaves_what_came_outside_the_pass(world: &mut World) {
    let part = world.partition("git-main").await;
    world
        .pass(
            &part,
            vec![simple("a", 1), simple("b", 1), simple("c", 1), simple("d", 1)],
        )
        .await;
    let pass = world.begin(&part).await;
    world.page(&part, None, vec![simple("a", 2), simple("new", 1)]).await;
    // A change that changed nothing shows that the item is there, too.
    let b = world.item(&part, "b").await.unwrap().0;
    world
        .store()
        .apply_page(PageWrite {
            unchanged: vec![b],
            ..world.write(&part, None)
        })
        .await
        .unwrap();
    assert_eq!(
        world.store().missing(pass.id).await.unwrap(),
        Missing { missing: 2, known: 5 }
    );
    assert_eq!(
        world
            .store()
            .sweep(pass.id, part.fence, 1, world.now)
            .await
            .unwrap()
            .removed_items,
        1
    );
    // Between two pieces as well.
    world.page(&part, None, vec![simple("d", 2)]).await;
    assert_eq!(
        world
            .store()
            .sweep(pass.id, part.fence, 9, world.now)
            .await
            .unwrap()
            .removed_items,
        0
    );
    for (key, there) in [("a", true), ("b", true), ("c", false), ("d", true), ("new", true)] {
        assert_eq!(world.find(key).await.is_some(), there, "{key}");
    }
}

pub(crate) async fn the_next_pass_takes_over_again(world: &mut World) {
    let part = world.partition("git-main").await;
    let pass = world.begin(&part).await;
    world.page(&part, None, vec![simple("a", 2), simple("b", 2)]).await;
    world.end(pass.id).await;
    assert_eq!(world.pass(&part, vec![simple("a", 1)]).await.counts.updated, 1);
    assert_eq!(world.value("a", "n").await, 1);
    assert!(
        world.find("b").await.is_none(),
        "what came outside an earlier pass can go"
    );
}

pub(crate) async fn a_change_outside_a_pass_needs_no_fence(world: &mut World) {
    let part = world.partition("git-main").await;
    let pass = world.begin(&part).await;
    let page = PageWrite {
        cursor: Some("here".into()),
        items: 1,
        ..world.write(&part, Some(pass.id))
    };
    world.store().apply_page(page).await.unwrap();
    let live = PageWrite {
        fence: -1,
        upserts: vec![simple("a", 1)],
        items: 1,
        ..world.write(&part, None)
    };
    let result = world.store().apply_page(live).await.unwrap();
    assert_eq!((result.counts.created, result.counts.pages), (1, 0));
    let row = world.begin(&part).await;
    assert_eq!(
        (row.cursor.as_deref(), row.counts.created, row.counts.items),
        (Some("here"), 0, 1)
    );
    assert_eq!(world.store().changes(0, 1).await.unwrap()[0].cause, "delivery");
}

pub(crate) async fn what_is_mapped_anew_is_no_newer_than_it_was(world: &mut World) {
    let part = world.partition("git-main").await;
    world
        .pass(&part, vec![simple("a", 1), simple("b", 1), simple("c", 1)])
        .await;
    let pass = world.begin(&part).await;
    world.page(&part, None, vec![simple("b", 5)]).await;
    let renewal = PageWrite {
        upserts: vec![simple("a", 7), simple("b", 7), simple("c", 7)],
        renewal: true,
        ..world.write(&part, None)
    };
    assert_eq!(world.store().apply_page(renewal).await.unwrap().counts.updated, 3);
    // The pass still knows more of what it lists than a renewal does, and less than the change that came outside it.
    let late = world
        .page(&part, Some(pass.id), vec![simple("a", 2), simple("b", 2)])
        .await;
    assert_eq!((late.counts.unchanged, late.counts.updated), (1, 1));
    assert_eq!(
        (world.value("a", "n").await, world.value("b", "n").await),
        (2.into(), 7.into())
    );
    // A renewal does not say that an item is still there.
    assert_eq!(
        world.store().missing(pass.id).await.unwrap(),
        Missing { missing: 1, known: 3 }
    );
}
