//! Egress records.

use crate::world::World;
use seawall_domain::Digest;
use seawall_store::{CapabilityUsageRow, EgressFilter, EgressRow};
use std::slice;

fn record(at: i64, host: &str, rule: Option<&str>, allowed: bool) -> EgressRow {
    EgressRow {
        id: 0,
        at,
        integration: "git-main".into(),
        digest: Digest::of(b"plugin"),
        method: "GET".into(),
        scheme: "https".into(),
        host: host.into(),
        port: 443,
        path: "/repos".into(),
        allowed,
        rule: rule.map(Into::into),
        pattern: allowed.then(|| "/repos".into()),
        reason: (!allowed).then(|| "no rule".into()),
        status: allowed.then_some(200),
        sent: 1,
        received: 10,
        micros: 1500,
        credential: allowed.then(|| "token".into()),
        unchanged: allowed && host == "a" && at == 3,
        address: allowed.then(|| "10.1.2.3".parse().unwrap()),
        private_range: allowed.then(|| "10.0.0.0/8".parse().unwrap()),
    }
}

pub(crate) async fn records_and_totals_are_kept_together(world: &mut World) {
    let store = world.store();
    let rule = Some("network[0]");
    store
        .put_egress(&[
            record(5, "a", rule, true),
            record(3, "a", rule, true),
            record(4, "b", None, false),
        ])
        .await
        .unwrap();
    store.put_egress(&[record(9, "a", rule, true)]).await.unwrap();
    store.put_egress(&[]).await.unwrap();
    let all = store.egress(&EgressFilter::default(), None, 10).await.unwrap();
    assert_eq!(all.iter().map(|r| r.at).collect::<Vec<_>>(), [9, 4, 3, 5]);
    assert_eq!(
        EgressRow {
            id: 0,
            ..all[1].clone()
        },
        record(4, "b", None, false)
    );
    assert_eq!(
        store
            .egress(&EgressFilter::default(), Some(all[1].id), 1)
            .await
            .unwrap(),
        all[2..3]
    );
    let refused = EgressFilter {
        allowed: Some(false),
        host: Some("b".into()),
        ..EgressFilter::default()
    };
    assert_eq!(store.egress(&refused, None, 10).await.unwrap(), all[1..2]);
    let to_address = EgressFilter {
        host: Some("10.1.2.3".into()),
        ..EgressFilter::default()
    };
    assert_eq!(store.egress(&to_address, None, 10).await.unwrap().len(), 3);
    let other = EgressFilter {
        digests: Some(vec![Digest::of(b"other")]),
        ..EgressFilter::default()
    };
    assert!(store.egress(&other, None, 10).await.unwrap().is_empty());
    let some = EgressFilter {
        since: Some(4),
        until: Some(9),
        ..EgressFilter::default()
    };
    let within = store.egress(&some, None, 10).await.unwrap();
    assert!(!within.is_empty() && within.len() < all.len(), "{within:?}");
    assert!(within.iter().all(|record| (4..9).contains(&record.at)), "{within:?}");
    let used = store.egress_usage().await.unwrap();
    assert_eq!(used.len(), 2);
    assert_eq!((used[0].rule.as_str(), used[0].allowed, used[0].count), ("", false, 1));
    assert_eq!((used[1].count, used[1].sent, used[1].received), (3, 3, 30));
    assert_eq!((used[0].unchanged, used[1].unchanged), (0, 1));
    assert_eq!((used[1].first_at, used[1].last_at), (3, 9));
    let of = |capability: &str, count, first_at, last_at| CapabilityUsageRow {
        digest: Digest::of(b"plugin"),
        integration: "git-main".into(),
        capability: capability.into(),
        count,
        first_at,
        last_at,
    };
    let range = of("private_ranges[10.0.0.0/8]", 3, 3, 9);
    assert_eq!(store.capability_usage().await.unwrap(), slice::from_ref(&range));
    let uses = [of("files[0]", 2, 5, 6), of("catalog", 1, 7, 7)];
    store.put_capability_uses(&uses).await.unwrap();
    store.put_capability_uses(&[of("files[0]", 1, 4, 4)]).await.unwrap();
    world.reopen().await;
    assert_eq!(
        world.store().capability_usage().await.unwrap(),
        [of("catalog", 1, 7, 7), of("files[0]", 3, 4, 6), range]
    );
}

pub(crate) async fn trimming_leaves_totals(world: &mut World) {
    let store = world.store();
    let records: Vec<_> = (0..10).map(|at| record(at, "a", None, true)).collect();
    store.put_egress(&records).await.unwrap();
    assert_eq!(store.trim_egress(3, 100).await.unwrap(), 3);
    assert_eq!(store.trim_egress(0, 5).await.unwrap(), 2);
    assert_eq!(store.trim_egress(0, 5).await.unwrap(), 0);
    let left = store.egress(&EgressFilter::default(), None, 100).await.unwrap();
    assert_eq!(left.iter().map(|r| r.at).collect::<Vec<_>>(), [9, 8, 7, 6, 5]);
    assert_eq!(store.egress_usage().await.unwrap()[0].count, 10);
    assert_eq!(store.trim_egress(100, 0).await.unwrap(), 5);
}

pub(crate) async fn an_address_is_found_where_it_was_asked_for_and_where_it_was_connected_to(world: &mut World) {
    let store = world.store();
    let refused = record(1, "[fd00::7]", None, false);
    let connected = EgressRow {
        address: Some("fd00::7".parse().unwrap()),
        ..record(2, "a", None, true)
    };
    store
        .put_egress(&[refused, connected, record(3, "a", None, true)])
        .await
        .unwrap();
    let found = async |host: &str| {
        let filter = EgressFilter {
            host: Some(host.into()),
            ..EgressFilter::default()
        };
        let rows = store.egress(&filter, None, 10).await.unwrap();
        rows.iter().map(|row| row.at).collect::<Vec<_>>()
    };
    assert_eq!(found("[fd00::7]").await, [2, 1]);
    assert_eq!(found("10.1.2.3").await, [3]);
    assert_eq!(found("a").await, [3, 2]);
}
