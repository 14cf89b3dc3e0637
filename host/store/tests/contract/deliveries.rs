//! Deliveries of webhooks.

use crate::world::World;
use seawall_store::{DeliveryFilter, DeliveryOutcome, DeliveryState, NewDelivery};

fn delivery(integration: i64, dedupe: Option<&str>, body: &[u8]) -> NewDelivery {
    NewDelivery {
        integration,
        dedupe: dedupe.map(Into::into),
        headers: vec![("x-event".into(), "push".into())],
        body: body.to_vec(),
        received_at: 5,
    }
}

pub(crate) async fn deliveries_keep_their_order_and_are_taken_once(world: &mut World) {
    let (one, other) = (world.partition("git-main").await, world.partition("other").await);
    let (one, other) = (one.integration, other.integration);
    let store = world.store();
    let all = vec![
        delivery(one, Some("a"), b"1"),
        delivery(one, None, b"2"),
        delivery(one, Some("a"), b"again"),
        delivery(other, Some("a"), b"3"),
        delivery(one, None, b"2"),
    ];
    let ids = store.put_deliveries(all).await.unwrap();
    assert_eq!(
        ids.iter().map(Option::is_some).collect::<Vec<_>>(),
        [true, true, false, true, true]
    );
    assert_eq!(
        store
            .put_deliveries(vec![delivery(one, Some("a"), b"1")])
            .await
            .unwrap(),
        [None]
    );
    let waiting = store.waiting_deliveries(one, 0, 10).await.unwrap();
    let bodies: Vec<_> = waiting.iter().map(|row| row.body.as_slice()).collect();
    assert_eq!(bodies, [b"1".as_slice(), b"2", b"2"]);
    assert_eq!((waiting[0].integration.as_str(), waiting[0].bytes), ("git-main", 1));
    assert_eq!(waiting[0].headers, [("x-event".to_owned(), "push".to_owned())]);
    assert_eq!(
        store.waiting_deliveries(one, waiting[0].id, 1).await.unwrap(),
        waiting[1..2]
    );

    let outcome = |at: usize, state| DeliveryOutcome {
        id: waiting[at].id,
        state,
        attempts: 2,
        error: (state == DeliveryState::Dead).then(|| "no".into()),
        due: 9,
    };
    let outcomes = [outcome(0, DeliveryState::Done), outcome(1, DeliveryState::Dead)];
    store.update_deliveries(&outcomes, None, 100).await.unwrap();
    assert_eq!(store.waiting_deliveries(one, 0, 10).await.unwrap(), waiting[2..]);
    let done = store.delivery(waiting[0].id).await.unwrap().unwrap();
    assert_eq!(
        (done.body.as_slice(), done.headers.len(), done.ended_at),
        (b"".as_slice(), 0, Some(100))
    );
    let dead = store.delivery(waiting[1].id).await.unwrap().unwrap();
    assert_eq!(
        (dead.body.as_slice(), dead.error.as_deref(), dead.attempts),
        (b"2".as_slice(), Some("no"), 2)
    );
    let listed = |state| DeliveryFilter {
        integration: Some("git-main".into()),
        state,
    };
    let newest = store.deliveries(&listed(None), None, 2).await.unwrap();
    assert_eq!(
        newest.iter().map(|row| row.id).collect::<Vec<_>>(),
        [waiting[2].id, waiting[1].id]
    );
    assert!(newest.iter().all(|row| row.body.is_empty()), "lists have no bodies");
    let dead = store
        .deliveries(&listed(Some(DeliveryState::Dead)), None, 9)
        .await
        .unwrap();
    assert_eq!(dead.len(), 1);
    // What was done is known for as long as it is kept; what is dead stays.
    assert_eq!(store.trim_deliveries(100).await.unwrap(), 0);
    assert_eq!(
        store
            .put_deliveries(vec![delivery(one, Some("a"), b"1")])
            .await
            .unwrap(),
        [None]
    );
    assert_eq!(store.trim_deliveries(101).await.unwrap(), 1);
    assert!(
        store
            .put_deliveries(vec![delivery(one, Some("a"), b"1")])
            .await
            .unwrap()[0]
            .is_some()
    );
}
