//! Several processes on one PostgreSQL: each has a store of its own.

use crate::{
    postgres::Temporary,
    runs::run,
    server::shared,
    world::{Part, World, entity, id, integration, item, service, simple},
};
use seawall_domain::pass::PassState;
use seawall_store::{ItemWrite, NewDelivery, PageWrite, Part as Parts, PgStore, Pulse, Settlement, Store, StoreError};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

const WRITERS: u64 = 4;
const ENTITIES: u64 = 60;
const PAGES: u64 = 40;

/// splitmix64 (Steele, Lea and Flood, 2014).
fn random(seed: u64) -> u64 {
    let mut z = seed
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

async fn backend() -> Option<Temporary> {
    Some(Temporary::new(shared()?.database().await))
}

/// A leased partition of an integration of its own, with a pass.
async fn part(store: &PgStore, name: &str) -> (Part, i64) {
    let integration = store.put_integration(&integration(name), 1).await.unwrap().id;
    let listed = store
        .put_partitions(integration, "repo", &["all".to_owned()], 1)
        .await
        .unwrap();
    let fence = store.lease(listed[0].id, name, 1, 600_000).await.unwrap().unwrap();
    let pass = store.begin_pass(listed[0].id, fence, 1).await.unwrap();
    let part = Part {
        integration,
        id: listed[0].id,
        fence,
    };
    (part, pass.id)
}

fn page(part: &Part, pass: i64, upserts: Vec<ItemWrite>, deletes: Vec<String>) -> PageWrite {
    PageWrite {
        partition: part.id,
        pass: Some(pass),
        fence: part.fence,
        items: upserts.len() as u64,
        upserts,
        deletes,
        unchanged: vec![],
        cursor: None,
        converted: 0,
        cause: "pass".into(),
        expect: vec![],
        renewal: false,
        duty: None,
        delivery: None,
        now: 1,
    }
}

/// Writes pages about the same entities as all others, in an order of its own; every third one is cut off at some moment and
/// written again. Returns what it said last of each entity.
async fn write(store: Arc<PgStore>, writer: u64) -> BTreeMap<u64, Option<u64>> {
    let (part, pass) = part(&store, &format!("writer-{writer}")).await;
    let mut said = BTreeMap::new();
    for n in 0..PAGES {
        let seed = writer * 1_000_003 + n;
        let (mut upserts, mut deletes) = (Vec::new(), Vec::new());
        for e in 0..ENTITIES {
            let e = (e * 7 + seed * 13) % ENTITIES;
            match random(seed * 101 + e) % 5 {
                0 | 1 => {
                    let words = json!({ format!("w{writer}"): n });
                    upserts.push(item(&format!("k{e}"), n as u8, vec![entity(&format!("e{e}"), words)]));
                    said.insert(e, Some(n));
                }
                2 => {
                    deletes.push(format!("k{e}"));
                    said.insert(e, None);
                }
                _ => {}
            }
        }
        let write = page(&part, pass, upserts, deletes);
        if n % 3 == 0 {
            let cut = Duration::from_micros(random(seed) % 6_000);
            // Done or not, and if not, then not at all.
            drop(tokio::time::timeout(cut, store.apply_page(write.clone())).await);
        }
        store.apply_page(write).await.unwrap();
    }
    said
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_of_the_same_entities_lose_and_double_nothing_and_the_feed_misses_none() {
    let Some(backend) = backend().await else { return };
    let stop = Arc::new(AtomicBool::new(false));
    let feed = {
        let (store, stop) = (backend.store().await, Arc::clone(&stop));
        tokio::spawn(async move {
            let mut last = 0;
            loop {
                let over = stop.load(Ordering::Relaxed);
                let changes = store.changes(last, 100).await.unwrap();
                for change in &changes {
                    assert_eq!(change.position, last + 1, "a change was missed");
                    last = change.position;
                }
                if over && changes.is_empty() {
                    return last;
                }
            }
        })
    };
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        writers.push(tokio::spawn(write(Arc::new(backend.store().await), writer)));
    }
    let mut said = Vec::new();
    for writer in writers {
        said.push(writer.await.unwrap());
    }
    stop.store(true, Ordering::Relaxed);
    let store = backend.store().await;
    assert_eq!(feed.await.unwrap(), store.position().await.unwrap());
    for e in 0..ENTITIES {
        let name = format!("e{e}");
        let mut expected = BTreeMap::new();
        for (writer, said) in said.iter().enumerate() {
            if let Some(Some(n)) = said.get(&e) {
                expected.insert(format!("w{writer}"), json!(n));
            }
        }
        let stored = store.entity(&service(), &id(&name)).await.unwrap();
        let found: Option<BTreeMap<String, Value>> = stored
            .as_ref()
            .map(|row| row.entity.properties.clone().into_iter().collect());
        assert_eq!(found, (!expected.is_empty()).then_some(expected), "{name}");
        // Each change begins where the one before it ended.
        let mut history = store.history(&service(), &id(&name), None, 100_000).await.unwrap();
        history.reverse();
        let mut now: BTreeMap<String, Value> = BTreeMap::new();
        let mut known = false;
        for change in &history {
            match change.kind {
                seawall_store::ChangeKind::Created => {
                    assert!(!known, "{name} was made twice");
                    (known, now) = (true, BTreeMap::new());
                }
                seawall_store::ChangeKind::Deleted => {
                    assert!(known, "{name} was removed twice");
                    known = false;
                }
                seawall_store::ChangeKind::Updated => {
                    for (field, change) in &change.diff {
                        // What it was made with is in no diff.
                        if let Some(before) = now.get(field) {
                            assert_eq!(*before, change[0], "{name}");
                        }
                        now.insert(field.clone(), change[1].clone());
                    }
                }
            }
        }
        assert_eq!(known, stored.is_some(), "{name}");
        if let Some(row) = stored {
            assert_eq!(history.last().unwrap().position, row.version);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn clocks_that_differ_by_an_hour_agree_on_leases() {
    let Some(backend) = backend().await else { return };
    let (one, two) = (backend.store().await, backend.store().await);
    let (part, pass) = part(&one, "git-main").await;
    let hour = 3_600_000;
    let late = |fence| PageWrite {
        fence,
        ..page(&part, pass, vec![simple("a", 1)], vec![])
    };
    for ahead in [hour, -hour] {
        // Whatever the other's clock says, the lease of the first holds.
        assert_eq!(two.lease(part.id, "two", ahead, 60_000).await.unwrap(), None);
    }
    // The first sleeps until its lease is over (here: it is renewed for no time), and wakes up after the second has begun.
    one.lease(part.id, "git-main", hour, 0).await.unwrap().unwrap();
    let fence = two.lease(part.id, "two", -hour, 60_000).await.unwrap().unwrap();
    assert_eq!(two.begin_pass(part.id, fence, 1).await.unwrap().id, pass);
    assert!(matches!(
        one.apply_page(late(part.fence)).await,
        Err(StoreError::Fenced { .. })
    ));
    assert!(matches!(
        one.sweep(pass, part.fence, 10, 1).await,
        Err(StoreError::Fenced { .. })
    ));
    assert!(matches!(
        one.release(part.id, part.fence, 0, 1).await,
        Err(StoreError::Fenced { .. })
    ));
    two.apply_page(late(fence)).await.unwrap();
    assert_eq!(one.position().await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_lease_waits_for_the_page_that_is_being_stored() {
    let Some(backend) = backend().await else { return };
    let (one, two) = (Arc::new(backend.store().await), backend.store().await);
    let (part, pass) = part(&one, "git-main").await;
    let mut fence = part.fence;
    for n in 0..30 {
        // The first's lease is over, and its page comes just when the second takes over: it is stored before, or not at all.
        assert_eq!(one.lease(part.id, "git-main", 1, 0).await.unwrap(), Some(fence));
        let items = (0..50).map(|k| simple(&format!("k{n}-{k}"), 1)).collect();
        let write = PageWrite {
            fence,
            ..page(&part, pass, items, vec![])
        };
        let (stored, taken) = tokio::join!(one.apply_page(write), two.lease(part.id, "two", 1, 60_000));
        let there = one.item_states(part.id, &[&format!("k{n}-0")]).await.unwrap()[0].is_some();
        match stored {
            Ok(_) => assert!(there),
            Err(StoreError::Fenced { .. }) => assert!(!there),
            Err(error) => panic!("{error}"),
        }
        two.release(part.id, taken.unwrap().unwrap(), 0, 1).await.unwrap();
        fence = one.lease(part.id, "git-main", 1, 60_000).await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_courier_that_goes_on_from_an_id_misses_no_delivery() {
    let Some(backend) = backend().await else { return };
    let store = Arc::new(backend.store().await);
    let integration = store.put_integration(&integration("git-main"), 1).await.unwrap().id;
    let mut intakes = Vec::new();
    for intake in 0..3 {
        let store = Arc::new(backend.store().await);
        intakes.push(tokio::spawn(async move {
            let mut kept = 0;
            for n in 0..60 {
                let new = (0..4).map(|d| NewDelivery {
                    integration,
                    // Every third is one that all three got.
                    dedupe: Some(if d % 3 == 0 {
                        format!("shared-{n}-{d}")
                    } else {
                        format!("{intake}-{n}-{d}")
                    }),
                    headers: vec![],
                    body: vec![1],
                    received_at: 1,
                });
                let ids = store.put_deliveries(new.collect()).await.unwrap();
                kept += ids.iter().flatten().count();
                assert!(ids.iter().flatten().is_sorted());
            }
            kept
        }));
    }
    let mut after = 0;
    let mut met = 0;
    let mut kept = None;
    loop {
        if kept.is_none() && intakes.iter().all(|intake| intake.is_finished()) {
            let mut sum = 0;
            for intake in intakes.drain(..) {
                sum += intake.await.unwrap();
            }
            kept = Some(sum);
        }
        let over = kept.is_some();
        let waiting = store.waiting_deliveries(integration, after, 7).await.unwrap();
        met += waiting.len();
        match waiting.last() {
            Some(last) => after = last.id,
            None if over => break,
            None => {}
        }
    }
    assert_eq!(Some(met), kept);
    assert_eq!(met, 60 * 2 * 3 + 60 * 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_that_come_to_several_at_once_are_one() {
    let Some(backend) = backend().await else { return };
    let mut stores = Vec::new();
    for _ in 0..6 {
        stores.push(backend.store().await);
    }
    let integration = stores[0].put_integration(&integration("git-main"), 1).await.unwrap().id;
    let run = |n: usize| run(&format!("run-{n}"), Some("once"));
    let made = futures::future::join_all(stores.iter().enumerate().map(async |(n, store)| {
        let names = ["a", "b", "c"].map(str::to_owned);
        let listed = store.put_partitions(integration, "repo", &names, 1).await.unwrap();
        let (row, new) = store.create_run(&run(n)).await.unwrap();
        (listed, row.id, new)
    }))
    .await;
    assert_eq!(made.iter().filter(|(_, _, new)| *new).count(), 1);
    assert!(made.iter().all(|m| (&m.0, &m.1) == (&made[0].0, &made[0].1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_sweep_leaves_what_another_process_has_listed_meanwhile() {
    let Some(backend) = backend().await else { return };
    let other = backend.store().await;
    let world = World::open(Box::new(backend)).await;
    let part = world.partition("git-main").await;
    world
        .pass(&part, (0..10).map(|n| simple(&format!("e{n}"), 1)).collect())
        .await;
    let pass = world.begin(&part).await;
    let first = world.store().sweep(pass.id, part.fence, 3, 1).await.unwrap();
    assert_eq!(first.removed_items, 3);
    // A delivery that another process took says of e9 that it is there, unchanged.
    let kept = world.item(&part, "e9").await.unwrap().0;
    let delivery = PageWrite {
        pass: None,
        unchanged: vec![kept],
        cause: "delivery".into(),
        ..page(&part, pass.id, vec![], vec![])
    };
    other.apply_page(delivery).await.unwrap();
    let rest = world.store().sweep(pass.id, part.fence, 100, 1).await.unwrap();
    assert_eq!(rest.removed_items, 6);
    assert!(world.find("e9").await.is_some());
    world
        .store()
        .end_pass(pass.id, None, PassState::Succeeded, None, 1)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn work_that_another_process_took_is_refused_to_the_one_that_had_it() {
    let Some(backend) = backend().await else { return };
    let (one, two) = (backend.store().await, backend.store().await);
    let first = one.take_duty("run:r1", "one", 60_000).await.unwrap().unwrap();
    assert_eq!(
        one.take_duty("run:r1", "one", 60_000).await.unwrap(),
        Some(first.clone())
    );
    assert_eq!(two.take_duty("run:r1", "two", 60_000).await.unwrap(), None);
    let (mut run, _) = one.create_run(&run("r1", None)).await.unwrap();
    run.label = Some("of the first".into());
    one.update_run(&run, &[], &first).await.unwrap();
    // It holds it for no time more, and the other one has it.
    one.take_duty("run:r1", "one", 0).await.unwrap();
    let second = two.take_duty("run:r1", "two", 60_000).await.unwrap().unwrap();
    assert!(second.fence > first.fence);
    run.label = Some("of one that slept".into());
    let late = one.update_run(&run, &[], &first).await;
    assert!(matches!(late, Err(StoreError::NotOnDuty(_))), "{late:?}");
    let late = one.update_deliveries(&[], Some(&first), 1).await;
    assert!(matches!(late, Err(StoreError::NotOnDuty(_))), "{late:?}");
    let late = one.derive(Vec::new(), "derived", &first, 1).await;
    assert!(matches!(late, Err(StoreError::NotOnDuty(_))), "{late:?}");
    let (part, pass) = part(&one, "git-main").await;
    let delivery = PageWrite {
        pass: None,
        duty: Some(first.clone()),
        ..page(&part, pass, vec![simple("late", 1)], vec![])
    };
    let late = one.apply_page(delivery).await;
    assert!(matches!(late, Err(StoreError::NotOnDuty(_))), "{late:?}");
    let kept = two.run("r1").await.unwrap().unwrap();
    assert_eq!(kept.label.as_deref(), Some("of the first"));
    two.update_run(&run, &[], &second).await.unwrap();
    // What is given back is anybody's, and what comes after it has another fence.
    two.drop_duty(&second).await.unwrap();
    let third = one.take_duty("run:r1", "one", 60_000).await.unwrap().unwrap();
    assert!(third.fence > second.fence);
    two.drop_duty(&second).await.unwrap();
    assert_eq!(two.take_duty("run:r1", "two", 60_000).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_end_of_a_pass_is_refused_after_its_lease() {
    let Some(backend) = backend().await else { return };
    let (one, two) = (backend.store().await, backend.store().await);
    let (part, pass) = part(&one, "git-main").await;
    one.lease(part.id, "git-main", 1, 0).await.unwrap();
    let fence = two.lease(part.id, "two", 1, 60_000).await.unwrap().unwrap();
    let ended = one.end_pass(pass, Some(part.fence), PassState::Failed, None, 1).await;
    assert!(matches!(ended, Err(StoreError::Fenced { .. })), "{ended:?}");
    let forgotten = one.forget_cursor(part.id, part.fence).await;
    assert!(matches!(forgotten, Err(StoreError::Fenced { .. })), "{forgotten:?}");
    // Somebody asks for another pass meanwhile: it is due at once when this one ends.
    one.make_due(part.integration, 500).await.unwrap();
    two.end_pass(pass, Some(fence), PassState::Succeeded, None, 1)
        .await
        .unwrap();
    two.release(part.id, fence, 0, 9_000).await.unwrap();
    assert_eq!(two.partitions(part.integration).await.unwrap()[0].due, 500);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_pulse_says_what_others_changed() {
    let Some(backend) = backend().await else { return };
    let (one, two) = (backend.store().await, backend.store().await);
    assert!(one.is_shared());
    let moved = async |before: &Pulse| {
        let now = two.pulse().await.unwrap();
        let parts = Parts::ALL
            .into_iter()
            .filter(|part| now.parts[part] != before.parts[part]);
        (parts.collect::<Vec<_>>(), now)
    };
    let before = two.pulse().await.unwrap();
    assert_eq!(before.parts.len(), Parts::ALL.len());
    let (part, pass) = part(&one, "git-main").await;
    let (parts, before) = moved(&before).await;
    assert_eq!(parts, [Parts::Integrations]);
    // Work changes nothing that is configured.
    one.apply_page(page(&part, pass, vec![simple("a", 1)], vec![]))
        .await
        .unwrap();
    one.put_partitions(part.integration, "repo", &["all".to_owned()], 2)
        .await
        .unwrap();
    one.put_setting("derived", &json!(4)).await.unwrap();
    one.take_duty("x", "one", 1).await.unwrap();
    let (parts, before) = moved(&before).await;
    assert_eq!(parts, []);
    assert_eq!(before.position, one.position().await.unwrap());
    let log = two.moved(0, 10).await.unwrap();
    assert_eq!(
        log.last().map(|last| (last.position, last.removed)),
        Some((before.position, false))
    );
    one.put_setting("lock", &json!(true)).await.unwrap();
    assert!(
        one.swap_setting("lock", Some(&json!(true)), Some(&json!(false)))
            .await
            .unwrap()
    );
    let (parts, before) = moved(&before).await;
    assert_eq!(parts, [Parts::Settings]);
    one.set_paused(&"git-main".parse().unwrap(), true).await.unwrap();
    let (parts, _) = moved(&before).await;
    assert_eq!(parts, [Parts::Integrations]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_that_two_make_at_once_is_one_and_goes_with_letters_that_come_meanwhile() {
    let Some(backend) = backend().await else { return };
    let (one, two) = (backend.store().await, backend.store().await);
    let write = crate::subscriptions::write("https://a.example", Some("hush"));
    for round in 0..20 {
        let (a, b) = tokio::join!(one.put_subscription(&write, round), two.put_subscription(&write, round));
        assert_ne!(a.unwrap(), b.unwrap(), "one of both made it");
        let known = one.subscriptions().await.unwrap();
        assert_eq!(known.len(), 1);
        let fence = one
            .lease_subscription(known[0].id, "one", 1, 60_000)
            .await
            .unwrap()
            .unwrap();
        let outcome = Settlement {
            position: 8,
            new: vec![crate::subscriptions::letter(8, "service/a", 1)],
            ..Settlement::default()
        };
        let (settled, removed) = tokio::join!(
            one.settle_subscription(known[0].id, fence, &outcome, 1),
            two.remove_subscription(&write.name)
        );
        settled.unwrap();
        assert!(removed.unwrap());
        assert_eq!(one.subscriptions().await.unwrap(), []);
        assert_eq!(one.waiting_letters(known[0].id, 10).await.unwrap(), []);
    }
}
