//! PostgreSQL as a backend, and what only PostgreSQL can get wrong.

use crate::{
    server::{Server, shared},
    sqlite::POLICY_WITH_NO_REGISTRIES,
    world::{Backend, World, entity, id, item, service, simple},
};
use async_trait::async_trait;
use seawall_store::{MasterKey, PageWrite, PgAddress, PgStore, Store, StoreError};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

/// A database on a server of tests.
pub(crate) struct Temporary {
    url: String,
    key: MasterKey,
}

impl Temporary {
    pub(crate) fn new(url: String) -> Self {
        Self {
            url,
            key: MasterKey::random().unwrap(),
        }
    }

    pub(crate) fn with_key(url: String, key: MasterKey) -> Self {
        Self { url, key }
    }

    pub(crate) async fn store(&self) -> PgStore {
        self.try_store().await.unwrap()
    }

    async fn try_store(&self) -> Result<PgStore, StoreError> {
        PgStore::open(&PgAddress::parse(&self.url).unwrap(), self.key.clone()).await
    }

    /// Another program's connection to the same database.
    pub(crate) async fn other(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.unwrap()
    }
}

#[async_trait]
impl Backend for Temporary {
    async fn open(&self) -> Box<dyn Store> {
        Box::new(self.store().await)
    }
}

async fn backend() -> Option<Temporary> {
    Some(Temporary::new(shared()?.database().await))
}

async fn run(conn: &mut PgConnection, sql: &str) -> u64 {
    conn.execute(AssertSqlSafe(sql.to_owned()))
        .await
        .unwrap()
        .rows_affected()
}

async fn opened(url: &str) -> StoreError {
    Temporary::new(url.to_owned()).try_store().await.unwrap_err()
}

/// Asks until it is so, for a minute at most.
async fn eventually<F: Future<Output = bool>>(what: &str, mut ask: impl FnMut() -> F) {
    for _ in 0..3000 {
        if ask().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("waited a minute in vain for: {what}");
}

#[tokio::test]
async fn a_database_of_a_newer_binary_is_refused() {
    let Some(backend) = backend().await else { return };
    drop(backend.store().await);
    let insert = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                  VALUES (4711, 'later', TRUE, '', 0)";
    run(&mut backend.other().await, insert).await;
    let refused = backend.try_store().await.unwrap_err();
    assert!(
        matches!(refused, StoreError::NewerSchema { found: 4711, .. }),
        "{refused}"
    );
    assert!(refused.to_string().contains("start a newer `seawall`"), "{refused}");
}

#[tokio::test]
async fn a_policy_that_was_stored_with_no_registries_is_read() {
    let Some(backend) = backend().await else { return };
    drop(backend.store().await);
    let conn = &mut backend.other().await;
    let insert = format!("INSERT INTO policy (body) VALUES ('{POLICY_WITH_NO_REGISTRIES}')");
    run(conn, &insert).await;
    // It was stored before the migration that leaves the list out.
    assert_eq!(run(conn, "DELETE FROM _sqlx_migrations WHERE version = 37").await, 1);
    let policies = backend.store().await.policies().await.unwrap();
    assert_eq!((policies.len(), policies[0].policy.max_days), (1, Some(9)));
    assert_eq!(policies[0].reason.as_deref(), Some(r#""registries":[],"#));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_start_at_once_migrate_once() {
    let Some(backend) = backend().await else { return };
    let opened = futures::future::join_all((0..8).map(|_| backend.try_store())).await;
    for store in opened {
        store.unwrap().ping().await.unwrap();
    }
}

#[tokio::test]
async fn what_is_wrong_at_the_start_is_said_in_plain_words_and_without_the_password() {
    let Some(server) = shared() else { return };
    let good = server.database().await;
    let unused = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    for (url, part) in [
        (
            good.replace("ll%2F1", "wrong"),
            "does not take the password of user `seawall`",
        ),
        (server.url("nowhere"), "there is no database `nowhere`"),
        (
            format!("postgres://seawall:sea%3Aw%40ll%2F1@127.0.0.1:{unused}/x"),
            "nothing listens at postgres://seawall@127.0.0.1",
        ),
        (
            format!("postgres://seawall:sea%3Aw%40ll%2F1@nowhere.invalid:{unused}/x"),
            "check the host's name",
        ),
    ] {
        let refused = opened(&url).await;
        let text = refused.to_string();
        assert!(
            matches!(refused, StoreError::Unusable(_)) && text.contains(part),
            "{refused:?}"
        );
        assert!(!format!("{refused:?}{text}").contains("sea:w@"), "{text}");
    }
}

#[tokio::test]
async fn a_user_who_may_not_make_tables_is_told_so_and_may_use_those_that_are_there() {
    let Some(backend) = backend().await else { return };
    let name = backend.url.rsplit('/').next().unwrap().to_owned();
    let mut conn = backend.other().await;
    run(&mut conn, &format!("CREATE ROLE only_{name} LOGIN PASSWORD 'p'")).await;
    let url = backend
        .url
        .replace("seawall:sea%3Aw%40ll%2F1", &format!("only_{name}:p"));
    let refused = opened(&url).await.to_string();
    assert!(refused.contains("GRANT CREATE ON SCHEMA public"), "{refused}");
    drop(backend.store().await);
    run(
        &mut conn,
        &format!("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO only_{name}"),
    )
    .await;
    let other = Temporary {
        url,
        key: backend.key.clone(),
    };
    other.store().await.put_setting("a", &json!(1)).await.unwrap();
}

#[tokio::test]
async fn another_master_key_is_refused_at_the_start() {
    let Some(backend) = backend().await else { return };
    let store = backend.store().await;
    let refused = opened(&backend.url).await;
    assert!(matches!(refused, StoreError::Seal(_)), "{refused:?}");
    assert!(
        refused
            .to_string()
            .contains("every process that shares a database has the same key"),
        "{refused}"
    );
    // It is changed for all sealed values at once.
    let token = crate::definitions::credential("token");
    store.put_credential(&token, Some("correct-horse")).await.unwrap();
    let subscription = crate::subscriptions::write("https://a.example", Some("hush"));
    store.put_subscription(&subscription, 1).await.unwrap();
    let next = MasterKey::random().unwrap();
    store.change_master_key(next.clone()).await.unwrap();
    assert_eq!(
        store.unseal(&token.name).await.unwrap().as_deref(),
        Some("correct-horse")
    );
    assert!(matches!(backend.try_store().await, Err(StoreError::Seal(_))));
    let after = Temporary {
        url: backend.url.clone(),
        key: next,
    };
    let unsealed = after.store().await.unseal(&token.name).await.unwrap();
    assert_eq!(unsealed.as_deref(), Some("correct-horse"));
    let secrets = after
        .store()
        .await
        .subscription_secrets(&subscription.name)
        .await
        .unwrap();
    assert_eq!(secrets, subscription.secrets);
    let refused = store.rotate_master_key().await.unwrap_err().to_string();
    assert!(refused.contains("change-master-key"), "{refused}");
}

#[tokio::test]
async fn a_damaged_body_is_named_and_harms_no_other() {
    let Some(backend) = backend().await else { return };
    let mut conn = backend.other().await;
    let world = World::open(Box::new(backend)).await;
    let part = world.partition("git-main").await;
    world.pass(&part, vec![simple("a", 1), simple("b", 1)]).await;
    run(
        &mut conn,
        "UPDATE entity SET body = '{\"properties\":' WHERE identifier = 'a'",
    )
    .await;
    let refused = world.store().entity(&service(), &id("a")).await.unwrap_err();
    assert!(
        matches!(refused, StoreError::Damaged { what: "entity", .. }),
        "{refused}"
    );
    assert!(refused.to_string().contains("service/a"), "{refused}");
    assert_eq!(world.value("b", "n").await, 1);
}

#[tokio::test]
async fn an_entity_with_one_contributor_has_one_body() {
    let Some(backend) = backend().await else { return };
    let mut conn = backend.other().await;
    let world = World::open(Box::new(backend)).await;
    let (one, two) = (world.partition("git-main").await, world.partition("git-other").await);
    let bodies = async |conn: &mut PgConnection| {
        sqlx::query_scalar::<_, bool>("SELECT body IS NOT NULL FROM contribution ORDER BY item")
            .fetch_all(conn)
            .await
            .unwrap()
    };
    world
        .pass(&one, vec![item("a", 1, vec![entity("x", json!({"a": 1}))])])
        .await;
    assert_eq!(bodies(&mut conn).await, [false]);
    world
        .pass(&two, vec![item("b", 1, vec![entity("x", json!({"b": 1}))])])
        .await;
    assert_eq!(bodies(&mut conn).await, [true, true]);
    world.pass(&one, vec![]).await;
    assert_eq!(bodies(&mut conn).await, [false]);
    assert_eq!(world.find("x").await.unwrap().entity, entity("x", json!({"b": 1})));
}

#[tokio::test]
async fn a_read_only_database_answers_reads_and_says_why_it_takes_no_writes() {
    let Some(backend) = backend().await else { return };
    let store = backend.store().await;
    store.put_setting("a", &json!(1)).await.unwrap();
    let name = backend.url.rsplit('/').next().unwrap();
    let mut conn = backend.other().await;
    run(
        &mut conn,
        &format!("ALTER DATABASE {name} SET default_transaction_read_only = on"),
    )
    .await;
    // A new session has it; so has a start.
    let store = {
        drop(store);
        backend.store().await
    };
    let refused = store.put_setting("a", &json!(2)).await.unwrap_err();
    assert!(
        refused.is_unavailable() && refused.to_string().contains("takes no writes now"),
        "{refused}"
    );
    assert_eq!(store.setting("a").await.unwrap(), Some(json!(1)));
    store.ping().await.unwrap();
    let mut conn = backend.other().await;
    run(&mut conn, "SET default_transaction_read_only = off").await;
    run(
        &mut conn,
        &format!("ALTER DATABASE {name} RESET default_transaction_read_only"),
    )
    .await;
    // Without a start, by connections that are made anew.
    let began = std::time::Instant::now();
    while let Err(refused) = store.put_setting("a", &json!(2)).await {
        assert!(refused.to_string().contains("takes no writes now"), "{refused}");
        assert!(began.elapsed() < std::time::Duration::from_secs(20), "{refused}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(store.setting("a").await.unwrap(), Some(json!(2)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_goes_and_comes_back_loses_nothing() {
    let Some(mut server) = Server::start() else { return };
    let backend = Temporary::new(server.database().await);
    let world = World::open(Box::new(backend)).await;
    let part = world.partition("git-main").await;
    let pass = world.begin(&part).await;
    world.page(&part, Some(pass.id), vec![simple("a", 1)]).await;
    let position = world.store().position().await.unwrap();
    server.stop();
    let late = PageWrite {
        upserts: vec![simple("b", 1)],
        ..world.write(&part, Some(pass.id))
    };
    for refused in [
        world.store().ping().await.unwrap_err(),
        world.store().apply_page(late.clone()).await.unwrap_err(),
        world.store().setting("a").await.unwrap_err(),
    ] {
        assert!(
            refused.is_unavailable() && refused.to_string().contains("does not answer"),
            "{refused:?}"
        );
    }
    server.start_again();
    eventually("the database to answer again", async || {
        world.store().ping().await.is_ok()
    })
    .await;
    assert_eq!(world.store().position().await.unwrap(), position);
    assert_eq!(world.find("a").await.unwrap().version, position);
    world.store().apply_page(late).await.unwrap();
    assert_eq!(world.store().position().await.unwrap(), position + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_connections_leave_pages_whole_or_not_at_all() {
    let Some(backend) = backend().await else { return };
    let mut killer = backend.other().await;
    let world = World::open(Box::new(backend)).await;
    let part = world.partition("git-main").await;
    let pass = world.begin(&part).await;
    let store = world.store();
    let pages = async {
        for page in 0..60 {
            let items: Vec<_> = (0..40).map(|n| simple(&format!("p{page}-{n}"), 1)).collect();
            loop {
                let write = PageWrite {
                    upserts: items.clone(),
                    items: 40,
                    ..world.write(&part, Some(pass.id))
                };
                match store.apply_page(write).await {
                    Ok(_) => break,
                    Err(error) => {
                        assert!(error.is_unavailable(), "{error:?}");
                        // Whole, or not at all.
                        let keys: Vec<&str> = items.iter().map(|item| item.key.as_str()).collect();
                        let states = store.item_states(part.id, &keys).await.unwrap_or_default();
                        let there = states.iter().flatten().count();
                        assert!(there == 0 || there == 40, "{there}");
                        if there == 40 {
                            break;
                        }
                    }
                }
            }
        }
    };
    let killed = std::sync::atomic::AtomicI64::new(0);
    let kill = async {
        while killed.load(Relaxed) < 40 {
            let now = sqlx::query_scalar::<_, i64>(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                 WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL",
            )
            .fetch_one(&mut killer)
            .await
            .unwrap();
            killed.fetch_add(now, Relaxed);
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        _ = pages => {}
        () = kill => {}
    }
    assert!(killed.load(Relaxed) > 0, "nothing was cut off");
    let changes = store.changes(0, 10_000).await.unwrap();
    assert_eq!(changes.len(), 60 * 40);
    assert!(changes.windows(2).all(|w| w[1].position == w[0].position + 1));
}

/// A way to the database that can be stopped: what is sent then waits for ever, as that of a process does that is paused.
struct Stopping {
    port: u16,
    stopped: Arc<AtomicBool>,
}

impl Stopping {
    async fn before(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let this = Self {
            port: listener.local_addr().unwrap().port(),
            stopped: Arc::default(),
        };
        let stopped = this.stopped.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
                tokio::spawn(pass_on(from_client, to_server, stopped.clone()));
                tokio::spawn(pass_on(from_server, to_client, stopped.clone()));
            }
        });
        this
    }
}

async fn pass_on(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, stopped: Arc<AtomicBool>) {
    let mut bytes = [0; 16 * 1024];
    while let Ok(n @ 1..) = from.read(&mut bytes).await {
        if stopped.load(Relaxed) {
            // Both ends stay open.
            std::future::pending::<()>().await;
        }
        if to.write_all(&bytes[..n]).await.is_err() {
            return;
        }
    }
}

/// The database ends a transaction whose process says no more, so that others get at what it held.
#[tokio::test]
async fn a_process_that_is_paused_in_a_transaction_holds_nobody_up_for_long() {
    let Some(backend) = backend().await else { return };
    let port = shared().unwrap().port;
    let way = Stopping::before(port).await;
    let paused = backend.url.replace(&format!(":{port}/"), &format!(":{}/", way.port));
    assert_ne!(paused, backend.url);
    let paused = Temporary::with_key(paused, backend.key.clone()).store().await;
    let (mut other, mut watcher) = (backend.other().await, backend.other().await);
    let world = World::open(Box::new(backend)).await;
    let part = world.partition("git-main").await;
    // It waits for its row, is paused, and then gets it.
    let mut held = other.begin().await.unwrap();
    run(
        &mut held,
        &format!("SELECT id FROM partition WHERE id = {} FOR UPDATE", part.id),
    )
    .await;
    let write = |key: &str| PageWrite {
        upserts: vec![simple(key, 1)],
        items: 1,
        ..world.write(&part, None)
    };
    let first = write("paused");
    let waits = tokio::spawn(async move { paused.apply_page(first).await });
    let waiting =
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')";
    let until_it_waits = async {
        while !sqlx::query_scalar::<_, bool>(waiting)
            .fetch_one(&mut watcher)
            .await
            .unwrap()
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), until_it_waits)
        .await
        .unwrap();
    way.stopped.store(true, Relaxed);
    held.commit().await.unwrap();
    let written = tokio::time::timeout(Duration::from_secs(50), world.store().apply_page(write("other"))).await;
    assert!(
        written.is_ok_and(|written| written.is_ok()),
        "another process is held up"
    );
    let states = world.store().item_states(part.id, &["paused", "other"]).await.unwrap();
    assert_eq!(states.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true]);
    waits.abort();
}

#[tokio::test]
async fn what_the_database_says_is_told_apart() {
    let Some(backend) = backend().await else { return };
    let mut conn = backend.other().await;
    let world = World::open(Box::new(backend)).await;
    let part = world.partition("git-main").await;
    let pass = world.begin(&part).await;
    let store = world.store();
    run(&mut conn, "CREATE SEQUENCE tries").await;
    let say = |table: &str, times: u32, code: &str| {
        format!(
            "CREATE OR REPLACE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             IF nextval('tries') <= {times} THEN RAISE EXCEPTION 'said no' USING ERRCODE = '{code}'; END IF; RETURN NEW; END $$; \
             CREATE OR REPLACE TRIGGER no BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION no(); \
             ALTER SEQUENCE tries RESTART"
        )
    };
    // A full disk is no fault of what was asked, and asking again at once is of no use.
    run(&mut conn, &say("setting", 1, "53100")).await;
    let refused = store.put_setting("a", &json!(1)).await.unwrap_err();
    assert!(
        refused.is_unavailable() && refused.to_string().contains("disk is full"),
        "{refused}"
    );
    store.put_setting("a", &json!(1)).await.unwrap();
    // What was given up for another transaction is done again, and once.
    run(&mut conn, &say("setting", 5, "40001")).await;
    store.put_setting("b", &json!(1)).await.unwrap();
    run(&mut conn, &say("change", 5, "40P01")).await;
    world.page(&part, Some(pass.id), vec![simple("a", 1)]).await;
    assert_eq!(store.position().await.unwrap(), 1);
    assert_eq!(store.passes(None, None, 1).await.unwrap()[0].counts.pages, 1);
    // Anything else is a fault.
    run(&mut conn, &say("change", 1, "22000")).await;
    let write = PageWrite {
        upserts: vec![simple("b", 1)],
        ..world.write(&part, Some(pass.id))
    };
    let refused = store.apply_page(write.clone()).await.unwrap_err();
    assert!(
        !refused.is_unavailable() && refused.to_string().contains("said no"),
        "{refused}"
    );
    assert_eq!(world.item(&part, "b").await, None);
    store.apply_page(write).await.unwrap();
}
