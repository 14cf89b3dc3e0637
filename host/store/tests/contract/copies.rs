//! Copies, backups and restores, between both databases and back.

use crate::{
    postgres::Temporary,
    server::shared,
    world::{World, entity, item, report, simple},
};
use seawall_domain::{
    EntityId, Severity,
    run::{RuleVerdict, RunState},
};
use seawall_store::{
    Copied, DatabaseUrl, EgressRow, LogLine, MasterKey, NewDelivery, RunRow, SqliteStore, Store, StoreError,
    VerdictRow, backup, copy, restore,
};
use serde_json::json;
use std::{collections::BTreeSet, path::Path};

fn file(path: &Path) -> DatabaseUrl {
    DatabaseUrl::Sqlite(path.to_owned())
}

/// Something in every table that can have rows at rest.
async fn fill(world: &mut World) {
    let (one, two) = (world.partition("git-main").await, world.partition("git-other").await);
    let odd = |version, value| {
        let mut odd = item("odd\0key", version, vec![entity("shared", json!({"a": value}))]);
        odd.reports = vec![report("odd", Severity::LeftOut)];
        odd
    };
    world
        .pass(&one, vec![odd(1, json!("x\0y")), simple("gone", 1), simple("kept", 1)])
        .await;
    world
        .pass(&two, vec![item("b", 1, vec![entity("shared", json!({"b": 2}))])])
        .await;
    world.pass(&one, vec![odd(2, json!(1.5)), simple("kept", 2)]).await;
    // A pass that is open, with what it listed and what was removed beside it.
    let open = world.begin(&one).await;
    world.page(&one, Some(open.id), vec![simple("kept", 3)]).await;
    let delivery = seawall_store::PageWrite {
        deletes: vec!["late".into()],
        ..world.write(&one, None)
    };
    let store = world.store();
    store.apply_page(delivery).await.unwrap();
    let token = crate::definitions::credential("token");
    store.put_credential(&token, Some("correct-horse")).await.unwrap();
    store
        .put_setting("token", &json!({"hash": [1, null, "\u{0}"]}))
        .await
        .unwrap();
    let blueprint = serde_json::from_value(json!({"identifier": "service"})).unwrap();
    store.put_blueprint(&blueprint, "api", 1, None).await.unwrap();
    let delivery = NewDelivery {
        integration: one.integration,
        dedupe: Some("d-1".into()),
        headers: vec![("x".into(), "y".into())],
        body: vec![0, 255, 7],
        received_at: 5,
    };
    store.put_deliveries(vec![delivery]).await.unwrap();
    let digest = seawall_domain::Digest::of(b"plugin");
    let egress = EgressRow {
        id: 0,
        at: 5,
        integration: "git-main".into(),
        digest,
        method: "GET".into(),
        scheme: "https".into(),
        host: "a.example".into(),
        port: 443,
        path: "/".into(),
        allowed: true,
        rule: Some("network[0]".into()),
        pattern: None,
        reason: None,
        status: Some(200),
        sent: 1,
        received: 2,
        micros: 3,
        credential: None,
        unchanged: true,
        address: Some("127.0.0.1".parse().unwrap()),
        private_range: Some("127.0.0.0/8".parse().unwrap()),
    };
    store.put_egress(&[egress]).await.unwrap();
    let run = RunRow {
        state: RunState::Running,
        progress: Some(vec![1, 0, 2]),
        poll_at: Some(9),
        updated_at: 2,
        ..crate::runs::run("run-1", Some("once"))
    };
    store.create_run(&run).await.unwrap();
    let line = LogLine {
        line: 0,
        at: 3,
        level: "info".into(),
        message: "line\0two".into(),
    };
    let duty = store.take_duty("run", "me", 60_000).await.unwrap().unwrap();
    store.update_run(&run, &[line], &duty).await.unwrap();
    let verdict = VerdictRow {
        rule: "git/owned".into(),
        blueprint: "service".into(),
        identifier: "kept".into(),
        verdict: RuleVerdict::Fail("no\0owner".into()),
        at: 4,
    };
    store.put_verdicts(&[verdict]).await.unwrap();
    let subscription = crate::subscriptions::write("https://a.example", Some("hush"));
    store.put_subscription(&subscription, 6).await.unwrap();
    let id = store.subscriptions().await.unwrap()[0].id;
    let fence = store.lease_subscription(id, "me", 6, 1).await.unwrap().unwrap();
    let outcome = seawall_store::Settlement {
        position: 8,
        sent: 1,
        new: vec![crate::subscriptions::letter(8, "service/kept", 9)],
        ..Default::default()
    };
    assert!(store.settle_subscription(id, fence, &outcome, 7).await.unwrap());
}

fn rows(copied: &[Copied], table: &str) -> u64 {
    copied.iter().find(|c| c.table == table).unwrap().rows
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_to_postgres_and_back_is_what_it_was() {
    let Some(server) = shared() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (first, last) = (dir.path().join("first.db"), dir.path().join("last.db"));
    let key = MasterKey::random().unwrap();
    let backend = crate::sqlite::Fixed::new(&first, &key);
    let mut world = World::open(Box::new(backend)).await;
    fill(&mut world).await;
    // It goes on serving meanwhile.
    let url = server.pooled_database().await;
    let target: DatabaseUrl = url.parse().unwrap();
    let mut heard = 0;
    let there = copy(&file(&first), &target, |_| heard += 1).await.unwrap();
    assert!(heard >= there.len());
    for table in [
        "item",
        "entity",
        "contribution",
        "change",
        "pass_page",
        "pass_deleted",
        "rejected",
        "credential",
        "run_log",
        "delivery",
        "verdict",
        "egress_usage",
        "entity_gone",
        "subscription",
        "letter",
    ] {
        assert!(rows(&there, table) > 0, "{table} is not tried");
    }
    let refused = copy(&file(&first), &target, |_| ()).await.unwrap_err().to_string();
    assert!(refused.contains("goes into an empty database"), "{refused}");

    let on_postgres = Temporary::with_key(url, key.clone()).store().await;
    let (a, b) = (world.store(), &on_postgres);
    assert_eq!(a.changes(0, 100).await.unwrap(), b.changes(0, 100).await.unwrap());
    assert_eq!(
        a.scan_entities(0, 100).await.unwrap(),
        b.scan_entities(0, 100).await.unwrap()
    );
    assert_eq!(
        a.passes(None, None, 100).await.unwrap(),
        b.passes(None, None, 100).await.unwrap()
    );
    assert_eq!(a.runs(None, 100).await.unwrap(), b.runs(None, 100).await.unwrap());
    assert_eq!(
        a.run_log("run-1", 0).await.unwrap(),
        b.run_log("run-1", 0).await.unwrap()
    );
    let token = crate::definitions::credential("token").name;
    assert_eq!(b.unseal(&token).await.unwrap().as_deref(), Some("correct-horse"));
    let subscription = a.subscriptions().await.unwrap().remove(0);
    assert_eq!(b.subscriptions().await.unwrap(), std::slice::from_ref(&subscription));
    assert_eq!(
        b.waiting_letters(subscription.id, 10).await.unwrap(),
        a.waiting_letters(subscription.id, 10).await.unwrap()
    );
    let (here, there_too) = (
        a.subscription_secrets(&subscription.name).await.unwrap(),
        b.subscription_secrets(&subscription.name).await.unwrap(),
    );
    assert!(here.is_some() && here == there_too);

    let back = copy(&target, &file(&last), |_| ()).await.unwrap();
    assert_eq!(there, back);
    assert!(
        !dir.path()
            .read_dir()
            .unwrap()
            .any(|e| e.unwrap().file_name().to_string_lossy().contains("unfinished"))
    );
    // Numbers go on: nothing that was removed is taken for something new.
    let position = a.position().await.unwrap();
    for (store, backend) in [
        (&on_postgres as &dyn Store, "postgres"),
        (&SqliteStore::open(&last, key.clone()).await.unwrap(), "sqlite"),
    ] {
        assert_eq!(store.position().await.unwrap(), position, "{backend}");
        let known: Vec<i64> = store
            .scan_entities(0, 100)
            .await
            .unwrap()
            .iter()
            .map(|row| row.id)
            .collect();
        let passes = store.passes(None, None, 1).await.unwrap()[0].id;
        let part = store
            .partitions(store.integrations().await.unwrap()[0].id)
            .await
            .unwrap()[0]
            .clone();
        let page = seawall_store::PageWrite {
            partition: part.id,
            upserts: vec![simple("new", 1)],
            ..world.write(&world.partition("git-main").await, None)
        };
        let result = store.apply_page(page).await.unwrap();
        assert_eq!(result.position, position + 1);
        assert!(known.iter().all(|id| result.upserted[0].id > *id), "{backend}");
        let integration = store
            .put_integration(&crate::world::integration("third"), 1)
            .await
            .unwrap();
        assert_eq!(integration.id, 3, "{backend}");
        let third = store.put_partitions(3, "repo", &["all".into()], 1).await.unwrap();
        let fence = store.lease(third[0].id, "me", 1, 1000).await.unwrap().unwrap();
        assert!(
            store.begin_pass(third[0].id, fence, 1).await.unwrap().id > passes,
            "{backend}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_one_moment_while_pages_are_written_and_comes_back() {
    let Some(server) = shared() else { return };
    let dir = tempfile::tempdir().unwrap();
    let key = MasterKey::random().unwrap();
    let path = dir.path().join("live.db");
    let url = server.database().await;
    let databases = [
        (
            file(&path),
            Box::new(crate::sqlite::Fixed::new(&path, &key)) as Box<dyn crate::world::Backend>,
        ),
        (url.parse().unwrap(), Box::new(Temporary::with_key(url, key.clone()))),
    ];
    for (n, (database, backend)) in databases.into_iter().enumerate() {
        let world = World::open(backend).await;
        let part = world.partition("git-main").await;
        let pass = world.begin(&part).await;
        world
            .page(
                &part,
                Some(pass.id),
                (0..50).map(|k| simple(&format!("first-{k}"), 1)).collect(),
            )
            .await;
        let saved = dir.path().join(format!("backup-{n}.db"));
        let stop = std::sync::atomic::AtomicBool::new(false);
        let (copied, ()) = tokio::join!(
            async {
                let copied = backup(&database, &saved, |_| ()).await.unwrap();
                stop.store(true, std::sync::atomic::Ordering::Relaxed);
                copied
            },
            async {
                let mut page = 0;
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    page += 1;
                    let items = (0..50).map(|k| simple(&format!("{page}-{k}"), 1)).collect();
                    world.page(&part, Some(pass.id), items).await;
                }
            }
        );
        // One moment: whole pages, and the same ones in every table.
        let entities = rows(&copied, "entity");
        assert!(entities >= 50 && entities.is_multiple_of(50));
        for table in ["item", "item_value", "contribution", "change"] {
            assert_eq!(rows(&copied, table), entities, "{table}");
        }
        assert_eq!(rows(&copied, "pass_page"), entities / 50);
        let refused = backup(&database, &saved, |_| ()).await.unwrap_err().to_string();
        assert!(refused.contains("is there already"), "{refused}");

        let restored = dir.path().join(format!("restored-{n}.db"));
        assert_eq!(restore(&saved, &file(&restored), |_| ()).await.unwrap(), copied);
        let store = SqliteStore::open(&restored, key.clone()).await.unwrap();
        assert_eq!(store.position().await.unwrap() as u64, entities);
        let fresh = server.database().await;
        assert_eq!(restore(&saved, &fresh.parse().unwrap(), |_| ()).await.unwrap(), copied);
        let store = Temporary::with_key(fresh, key.clone()).store().await;
        let first = EntityId::new("first-49").unwrap();
        assert!(store.entity(&crate::world::service(), &first).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn what_is_no_backup_is_refused_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (letter, target) = (dir.path().join("letter"), dir.path().join("seawall.db"));
    std::fs::write(&letter, "this is a letter, not a database. ".repeat(200)).unwrap();
    let other = dir.path().join("other.db");
    rusqlite::Connection::open(&other)
        .unwrap()
        .execute_batch("CREATE TABLE a (b)")
        .unwrap();
    let cut = dir.path().join("cut.db");
    let whole = std::fs::read(&other).unwrap();
    std::fs::write(&cut, &whole[..whole.len() - 1]).unwrap();
    let stub = dir.path().join("stub.db");
    std::fs::write(&stub, &whole[..50]).unwrap();
    for (from, part) in [
        (
            &letter,
            "is not a backup of Seawall (not an SQLite database); name a file",
        ),
        (&cut, "is damaged or was cut off"),
        (&stub, "is damaged or was cut off"),
        (&other, "is no database of Seawall's"),
        (&dir.path().join("nowhere"), "cannot be read"),
    ] {
        let refused = restore(from, &file(&target), |_| ()).await.unwrap_err().to_string();
        assert!(refused.contains(part), "{refused}");
    }
    let missing = copy(&file(&dir.path().join("nowhere")), &file(&target), |_| ())
        .await
        .unwrap_err();
    assert!(matches!(missing, StoreError::Missing(_)), "{missing}");
    let mut left: Vec<_> = dir.path().read_dir().unwrap().map(|e| e.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["cut.db", "letter", "other.db", "stub.db"]);
}

#[tokio::test]
async fn both_databases_have_the_same_tables_and_columns() {
    let Some(server) = shared() else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("seawall.db");
    let key = MasterKey::random().unwrap();
    drop(SqliteStore::open(&path, key.clone()).await.unwrap());
    let conn = rusqlite::Connection::open(&path).unwrap();
    let mut there = conn
        .prepare(
            "SELECT t.name || '.' || c.name FROM sqlite_master t JOIN pragma_table_info(t.name) c \
             WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'",
        )
        .unwrap();
    let there: BTreeSet<String> = there
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let backend = Temporary::with_key(server.database().await, key);
    drop(backend.store().await);
    let here: Vec<String> = sqlx::query_scalar(
        "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'public' \
         AND table_name NOT IN ('migration_turn', 'master_key_check', 'duty', 'configured')",
    )
    .fetch_all(&mut backend.other().await)
    .await
    .unwrap();
    assert_eq!(BTreeSet::from_iter(here), there);
}
