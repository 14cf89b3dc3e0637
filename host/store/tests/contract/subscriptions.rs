//! Subscriptions, letters, and the end of the change log that is cut off.

use crate::world::{World, id, item, service, simple};
use seawall_domain::{
    SubscriptionName,
    subscription::{Secrets, Subscription},
};
use seawall_store::{LetterRow, LetterState, Settlement, SubscriptionRow, SubscriptionWrite};
use serde_json::json;

pub(crate) fn name() -> SubscriptionName {
    SubscriptionName::new("bot").unwrap()
}

fn wanted(url: &str) -> Subscription {
    serde_json::from_value(json!({"url": url})).unwrap()
}

pub(crate) fn write(url: &str, secrets: Option<&str>) -> SubscriptionWrite {
    SubscriptionWrite {
        name: name(),
        wanted: wanted(url),
        paused: false,
        secrets: secrets.map(|secret| Secrets::new(secret.to_owned())),
        position: 7,
    }
}

async fn one(world: &World) -> SubscriptionRow {
    world.store().subscriptions().await.unwrap().remove(0)
}

pub(crate) fn letter(position: i64, entity: &str, due: i64) -> LetterRow {
    LetterRow {
        id: 0,
        position,
        entity: entity.to_owned(),
        state: LetterState::Waiting,
        payload: format!("{{\"n\":{position}}}"),
        attempts: 1,
        status: Some(500),
        error: Some("it answered 500".into()),
        due,
        created_at: 1,
        tried_at: Some(1),
    }
}

pub(crate) async fn a_subscription_keeps_its_place_and_secret_when_it_is_replaced(world: &mut World) {
    let store = world.store();
    assert!(
        store
            .put_subscription(&write("https://a.example", None), 1)
            .await
            .is_err()
    );
    assert!(
        store
            .put_subscription(&write("https://a.example", Some("one")), 1)
            .await
            .unwrap()
    );
    let fence = store
        .lease_subscription(one(world).await.id, "me", 1, 10)
        .await
        .unwrap()
        .unwrap();
    let moved = Settlement {
        position: 9,
        sent: 2,
        ..Settlement::default()
    };
    assert!(
        store
            .settle_subscription(one(world).await.id, fence, &moved, 5)
            .await
            .unwrap()
    );
    assert!(
        !store
            .put_subscription(&write("https://b.example", None), 6)
            .await
            .unwrap()
    );
    let row = one(world).await;
    assert_eq!(
        (row.position, row.sent, row.sent_at, row.created_at),
        (9, 2, Some(5), 1)
    );
    assert_eq!(row.wanted.url, "https://b.example");
    let secrets = store.subscription_secrets(&name()).await.unwrap().unwrap();
    assert_eq!(secrets, Secrets::new("one".into()));
    assert!(store.pause_subscription(&name(), true, 7).await.unwrap());
    assert!(one(world).await.paused);
    store.note_subscription(row.id, Some("no")).await.unwrap();
    assert_eq!(one(world).await.problem.as_deref(), Some("no"));
    assert!(store.remove_subscription(&name()).await.unwrap());
    assert!(!store.remove_subscription(&name()).await.unwrap());
    assert_eq!(store.subscription_secrets(&name()).await.unwrap(), None);
    // A later one of the same name is another.
    store
        .put_subscription(&write("https://a.example", Some("two")), 8)
        .await
        .unwrap();
    assert!(one(world).await.id > row.id);
}

pub(crate) async fn one_process_sends_at_a_time(world: &mut World) {
    let store = world.store();
    store
        .put_subscription(&write("https://a.example", Some("one")), 1)
        .await
        .unwrap();
    let row = one(world).await;
    let (now, long) = (world.now, 60_000);
    let mine = store
        .lease_subscription(row.id, "me", now, long)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        store.lease_subscription(row.id, "other", now, long).await.unwrap(),
        None
    );
    // The lease runs out, since it is renewed for no time at all.
    assert_eq!(
        store.lease_subscription(row.id, "me", now, 0).await.unwrap(),
        Some(mine)
    );
    let theirs = store
        .lease_subscription(row.id, "other", now, long)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(store.lease_subscription(row.id, "me", now, long).await.unwrap(), None);
    assert_ne!(mine, theirs);
    let late = Settlement {
        position: 50,
        new: vec![letter(8, "service/a", 1)],
        ..Settlement::default()
    };
    assert!(!store.settle_subscription(row.id, mine, &late, 200).await.unwrap());
    assert_eq!((one(world).await.position, one(world).await.waiting), (7, 0));
    assert_eq!(store.lease_subscription(row.id + 1, "me", 1, 1).await.unwrap(), None);
}

pub(crate) async fn letters_of_one_entity_wait_behind_each_other(world: &mut World) {
    let store = world.store();
    store
        .put_subscription(&write("https://a.example", Some("one")), 1)
        .await
        .unwrap();
    let row = one(world).await;
    let fence = store.lease_subscription(row.id, "me", 1, 50).await.unwrap().unwrap();
    let settle =
        |outcome: Settlement| async move { store.settle_subscription(row.id, fence, &outcome, 9).await.unwrap() };
    let first = Settlement {
        position: 13,
        failed: 2,
        new: vec![
            letter(10, "service/a", 50),
            letter(11, "service/b", 20),
            letter(12, "service/a", 0),
            // Sent again after a crash: it has a letter.
            letter(11, "service/b", 99),
        ],
        ..Settlement::default()
    };
    assert!(settle(first).await);
    let heads = store.waiting_letters(row.id, 10).await.unwrap();
    assert_eq!(heads.iter().map(|l| l.position).collect::<Vec<_>>(), [11, 10]);
    assert_eq!(heads[1].payload, "{\"n\":10}");
    assert_eq!((heads[1].status, heads[1].attempts), (Some(500), 1));
    let mut entities = store.waiting_entities(row.id).await.unwrap();
    entities.sort();
    assert_eq!(entities, ["service/a", "service/b"]);
    assert_eq!((one(world).await.waiting, one(world).await.failed), (3, 2));
    // The first dies, so that the one behind it has its turn; the other is taken.
    let dead = LetterRow {
        state: LetterState::Dead,
        attempts: 2,
        error: Some("enough".into()),
        ..heads[1].clone()
    };
    let second = Settlement {
        position: 13,
        sent: 1,
        taken: vec![heads[0].id],
        tried: vec![dead.clone()],
        stop: Some("it answered 410".into()),
        ..Settlement::default()
    };
    assert!(settle(second).await);
    let heads = store.waiting_letters(row.id, 10).await.unwrap();
    assert_eq!(heads.iter().map(|l| l.position).collect::<Vec<_>>(), [12]);
    let view = one(world).await;
    assert_eq!((view.waiting, view.dead, view.paused), (1, 1, true));
    assert_eq!(view.problem.as_deref(), Some("it answered 410"));
    // What waits is tried at once when somebody resumes it.
    let late = LetterRow {
        due: 9_000,
        ..heads[0].clone()
    };
    let later = Settlement {
        position: 13,
        tried: vec![late],
        ..Settlement::default()
    };
    assert!(settle(later).await);
    assert!(store.pause_subscription(&name(), false, 77).await.unwrap());
    assert_eq!(store.waiting_letters(row.id, 10).await.unwrap()[0].due, 77);
    let listed = store.letters(row.id, Some(LetterState::Dead), None, 10).await.unwrap();
    assert_eq!((listed.len(), listed[0].payload.as_str()), (1, ""));
    assert_eq!(store.letters(row.id, None, None, 1).await.unwrap().len(), 1);
    assert_eq!(
        store.letter(row.id, dead.id).await.unwrap().unwrap().error.as_deref(),
        Some("enough")
    );
    assert_eq!(store.letter(row.id + 1, dead.id).await.unwrap(), None);
    // Only what is dead is decided about.
    assert!(!store.retry_letter(row.id, heads[0].id, 60).await.unwrap());
    assert!(!store.drop_letter(row.id, heads[0].id).await.unwrap());
    assert!(store.retry_letter(row.id, dead.id, 60).await.unwrap());
    let again = store.letter(row.id, dead.id).await.unwrap().unwrap();
    assert_eq!((again.state, again.attempts, again.due), (LetterState::Waiting, 0, 60));
    let back = LetterRow {
        state: LetterState::Dead,
        ..again
    };
    let third = Settlement {
        position: 13,
        tried: vec![back],
        ..Settlement::default()
    };
    assert!(settle(third).await);
    assert!(store.drop_letter(row.id, dead.id).await.unwrap());
    assert!(store.remove_subscription(&name()).await.unwrap());
}

pub(crate) async fn the_log_is_cut_at_its_old_end_alone(world: &mut World) {
    let part = world.partition("git").await;
    for (n, at) in [(1, 100), (2, 200), (3, 150), (4, 400)] {
        world.now = at;
        let keep = item("a", n, vec![crate::world::entity("a", json!({"n": n}))]);
        world.page(&part, None, vec![keep]).await;
    }
    let store = world.store();
    let newest = store.position().await.unwrap();
    assert_eq!(store.log_start().await.unwrap(), newest - 4);
    // The third is old too, but behind one that is not.
    assert_eq!(store.trim_changes(160, newest, 10).await.unwrap(), 1);
    assert_eq!(store.log_start().await.unwrap(), newest - 3);
    assert_eq!(store.trim_changes(1_000, newest - 1, 1).await.unwrap(), 1);
    assert_eq!(store.trim_changes(1_000, newest - 1, 10).await.unwrap(), 1);
    assert_eq!(store.trim_changes(1_000, newest - 1, 10).await.unwrap(), 0);
    let left = store.changes(0, 10).await.unwrap();
    assert_eq!(left.iter().map(|c| c.position).collect::<Vec<_>>(), [newest]);
    let history = store.history(&service(), &id("a"), None, 10).await.unwrap();
    assert_eq!(history.len(), 1);
    assert_eq!(store.trim_changes(1_000, newest, 10).await.unwrap(), 1);
    assert_eq!(store.log_start().await.unwrap(), newest);
    // What comes next has the next position, and its history ends there.
    world.now = 500;
    world.page(&part, None, vec![simple("a", 9)]).await;
    let store = world.store();
    assert_eq!(store.position().await.unwrap(), newest + 1);
    assert_eq!(store.history(&service(), &id("a"), None, 10).await.unwrap().len(), 1);
}
