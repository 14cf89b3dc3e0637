//! SQLite as a backend, and what only SQLite can get wrong.

use crate::world::{Backend, World, entity, id, item, service, simple};
use async_trait::async_trait;
use seawall_store::{MasterKey, SqliteStore, Store, StoreError};
use serde_json::json;
use sha2::Digest as _;
use std::path::PathBuf;

/// A policy as it was stored when an empty list stood for plugins from anywhere; its reason looks like that list.
pub(crate) const POLICY_WITH_NO_REGISTRIES: &str = r#"{"policy":{"max_days":9,"trust":{"keys":{},"require_signature":false,"registries":[],"publishers":{}}},"by":"ann","reason":"\"registries\":[],","at":1}"#;

/// A database in a folder that goes with it.
pub(crate) struct Temporary {
    dir: tempfile::TempDir,
    key: MasterKey,
}

impl Temporary {
    pub(crate) fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            key: MasterKey::random().unwrap(),
        }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("data/seawall.db")
    }
}

#[async_trait]
impl Backend for Temporary {
    async fn open(&self) -> Box<dyn Store> {
        Box::new(SqliteStore::open(&self.path(), self.key.clone()).await.unwrap())
    }
}

/// A database in a folder of somebody else's.
pub(crate) struct Fixed {
    path: PathBuf,
    key: MasterKey,
}

impl Fixed {
    pub(crate) fn new(path: &std::path::Path, key: &MasterKey) -> Self {
        Self {
            path: path.to_owned(),
            key: key.clone(),
        }
    }
}

#[async_trait]
impl Backend for Fixed {
    async fn open(&self) -> Box<dyn Store> {
        Box::new(SqliteStore::open(&self.path, self.key.clone()).await.unwrap())
    }
}

/// Another program's connection to the same file.
fn other(path: &std::path::Path) -> rusqlite::Connection {
    rusqlite::Connection::open(path).unwrap()
}

#[tokio::test]
async fn an_older_database_that_is_filled_is_brought_up_to_date() {
    let backend = Temporary::new();
    std::fs::create_dir_all(backend.path().parent().unwrap()).unwrap();
    let conn = other(&backend.path());
    // As sqlx keeps it.
    conn.execute_batch(
        "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL, \
         installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, checksum BLOB NOT NULL, \
         execution_time BIGINT NOT NULL)",
    )
    .unwrap();
    let older = [
        ("start", include_str!("../../migrations/0001_start.sql")),
        ("closing", include_str!("../../migrations/0002_closing.sql")),
    ];
    for (version, (name, sql)) in (1_i64..).zip(older) {
        conn.execute_batch(sql).unwrap();
        let checksum = sha2::Sha384::digest(sql).to_vec();
        conn.execute(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (?1, ?2, 1, ?3, 0)",
            rusqlite::params![version, name, checksum],
        )
        .unwrap();
    }
    let digest = seawall_domain::Digest::of(b"plugin");
    conn.execute(
        "INSERT INTO egress_usage (digest, integration, rule, method, host, allowed, count, sent, received, first_at, last_at) \
         VALUES (?1, 'old', 'network[0]', 'GET', 'a.example.com', 1, 7, 0, 70, 1, 2)",
        [digest.as_str()],
    )
    .unwrap();
    conn.execute(
        "INSERT INTO egress (at, integration, digest, method, scheme, host, port, path, allowed, sent, received, micros) \
         VALUES (1, 'old', ?1, 'GET', 'https', 'a.example.com', 443, '/', 1, 0, 10, 5)",
        [digest.as_str()],
    )
    .unwrap();
    drop(conn);
    let store = backend.open().await;
    let used = store.egress_usage().await.unwrap();
    assert_eq!((used.len(), used[0].count, used[0].pattern.as_str()), (1, 7, ""));
    let records = store
        .egress(&seawall_store::EgressFilter::default(), None, 10)
        .await
        .unwrap();
    assert_eq!((records.len(), records[0].pattern.as_deref()), (1, None));
    assert!(store.policies().await.unwrap().is_empty());
    assert!(store.waiting_deliveries(1, 0, 1).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_policy_that_was_stored_with_no_registries_is_read() {
    let backend = Temporary::new();
    drop(backend.open().await);
    let conn = other(&backend.path());
    conn.execute("INSERT INTO policy (body) VALUES (?1)", [POLICY_WITH_NO_REGISTRIES])
        .unwrap();
    // It was stored before the migration that leaves the list out.
    assert_eq!(
        conn.execute("DELETE FROM _sqlx_migrations WHERE version = 37", [])
            .unwrap(),
        1
    );
    drop(conn);
    let policies = backend.open().await.policies().await.unwrap();
    assert_eq!((policies.len(), policies[0].policy.max_days), (1, Some(9)));
    assert_eq!(policies[0].reason.as_deref(), Some(r#""registries":[],"#));
}

#[tokio::test]
async fn a_database_of_a_newer_binary_is_refused() {
    let backend = Temporary::new();
    drop(backend.open().await);
    let conn = other(&backend.path());
    conn.execute(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (4711, 'later', 1, x'00', 0)",
        [],
    )
    .unwrap();
    let refused = SqliteStore::open(&backend.path(), backend.key.clone())
        .await
        .unwrap_err();
    assert!(
        matches!(refused, StoreError::NewerSchema { found: 4711, .. }),
        "{refused}"
    );
    assert!(refused.to_string().contains("start a newer `seawall`"), "{refused}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let backend = Temporary::new();
    std::fs::create_dir(backend.path().parent().unwrap()).unwrap();
    std::fs::write(backend.path(), "this is a letter, not a database. ".repeat(200)).unwrap();
    let refused = SqliteStore::open(&backend.path(), backend.key.clone())
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("not a database"), "{refused}");
}

#[tokio::test]
async fn a_place_that_cannot_be_written_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    // A folder below a file cannot be made, not even by root.
    let refused = SqliteStore::open(&file.join("seawall.db"), MasterKey::random().unwrap())
        .await
        .unwrap_err();
    assert!(matches!(refused, StoreError::NotWritable { .. }), "{refused}");
    assert!(refused.to_string().contains("must be writable"), "{refused}");
}

#[tokio::test]
async fn a_read_only_database_is_refused_in_plain_words() {
    let backend = Temporary::new();
    drop(backend.open().await);
    let mut mode = std::fs::metadata(backend.path()).unwrap().permissions();
    mode.set_readonly(true);
    std::fs::set_permissions(backend.path(), mode).unwrap();
    let refused = SqliteStore::open(&backend.path(), backend.key.clone())
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("must be writable"), "{refused}");
}

#[cfg(unix)]
#[tokio::test]
async fn files_are_private_where_it_makes_them() {
    use std::os::unix::fs::PermissionsExt;
    let backend = Temporary::new();
    let store = backend.open().await;
    store.put_setting("a", &json!(1)).await.unwrap();
    let mode = |path: PathBuf| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(backend.path()), 0o600);
    assert_eq!(mode(backend.path().with_extension("db-wal")), 0o600);
    assert_eq!(mode(backend.path().parent().unwrap().into()), 0o700);
}

#[tokio::test]
async fn a_damaged_body_is_named_and_harms_no_other() {
    let backend = Temporary::new();
    let path = backend.path();
    let world = World::open(Box::new(backend)).await;
    let part = world.partition("git-main").await;
    world.pass(&part, vec![simple("a", 1), simple("b", 1)]).await;
    other(&path)
        .execute("UPDATE entity SET body = '{\"properties\":' WHERE identifier = 'a'", [])
        .unwrap();
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
    let backend = Temporary::new();
    let path = backend.path();
    let world = World::open(Box::new(backend)).await;
    let (one, two) = (world.partition("git-main").await, world.partition("git-other").await);
    let bodies = || {
        let conn = other(&path);
        let mut found = conn
            .prepare("SELECT body IS NOT NULL FROM contribution ORDER BY item")
            .unwrap();
        found
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<Vec<bool>, _>>()
            .unwrap()
    };
    world
        .pass(&one, vec![item("a", 1, vec![entity("x", json!({"a": 1}))])])
        .await;
    assert_eq!(bodies(), [false]);
    world
        .pass(&two, vec![item("b", 1, vec![entity("x", json!({"b": 1}))])])
        .await;
    assert_eq!(bodies(), [true, true]);
    world.pass(&one, vec![]).await;
    assert_eq!(bodies(), [false]);
    assert_eq!(world.find("x").await.unwrap().entity, entity("x", json!({"b": 1})));
}

#[tokio::test]
async fn a_change_of_the_master_key_that_was_cut_off_is_ended_by_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let (path, key_file) = (folder.path().join("seawall.db"), folder.path().join("master.key"));
    let next_file = folder.path().join("master.key.next");
    let name = crate::definitions::credential("token");
    let open = || SqliteStore::open_with_key_file(&path, &key_file);
    let store = open().await.unwrap();
    store.put_credential(&name, Some("correct-horse")).await.unwrap();
    let before = std::fs::read(&key_file).unwrap();
    store.rotate_master_key().await.unwrap();
    assert_eq!(
        store.unseal(&name.name).await.unwrap().as_deref(),
        Some("correct-horse")
    );
    drop(store);
    let after = std::fs::read(&key_file).unwrap();
    assert_ne!(before, after);
    assert!(!next_file.exists());
    // Cut off before the values were put under the new key: it is of no use.
    std::fs::write(&next_file, &before).unwrap();
    let store = open().await.unwrap();
    assert_eq!(
        store.unseal(&name.name).await.unwrap().as_deref(),
        Some("correct-horse")
    );
    assert!(!next_file.exists());
    drop(store);
    // Cut off behind it: the new key is the one.
    std::fs::write(&key_file, &before).unwrap();
    std::fs::write(&next_file, &after).unwrap();
    let store = open().await.unwrap();
    assert_eq!(
        store.unseal(&name.name).await.unwrap().as_deref(),
        Some("correct-horse")
    );
    assert_eq!(std::fs::read(&key_file).unwrap(), after);
    assert!(!next_file.exists());
}

#[tokio::test]
async fn a_sealed_secret_is_nowhere_in_the_file_and_moves_to_a_new_key() {
    let backend = Temporary::new();
    let (path, key) = (backend.path(), backend.key.clone());
    let store = SqliteStore::open(&path, key.clone()).await.unwrap();
    let name = crate::definitions::credential("token");
    store
        .put_credential(&name, Some("correct-horse-battery"))
        .await
        .unwrap();
    let next = MasterKey::random().unwrap();
    store.change_master_key(next.clone()).await.unwrap();
    assert_eq!(
        store.unseal(&name.name).await.unwrap().as_deref(),
        Some("correct-horse-battery")
    );
    drop(store);
    for file in std::fs::read_dir(path.parent().unwrap()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(13).any(|w| w == b"correct-horse"));
    }
    let old = SqliteStore::open(&path, key).await.unwrap();
    assert!(matches!(old.unseal(&name.name).await, Err(StoreError::Seal(_))));
    let new = SqliteStore::open(&path, next).await.unwrap();
    assert_eq!(
        new.unseal(&name.name).await.unwrap().as_deref(),
        Some("correct-horse-battery")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_of_subscriptions_move_to_a_new_master_key() {
    use crate::subscriptions::{name, write};
    let dir = tempfile::tempdir().unwrap();
    let (path, key) = (dir.path().join("seawall.db"), dir.path().join("master.key"));
    let mut secrets = seawall_domain::subscription::Secrets::new("one".into());
    secrets.headers.insert("Authorization".into(), "Bearer x".into());
    secrets.rotate("two".into(), 5);
    let store = SqliteStore::open_with_key_file(&path, &key).await.unwrap();
    store
        .put_subscription(&write("https://a.example", Some("zero")), 1)
        .await
        .unwrap();
    assert!(store.put_subscription_secrets(&name(), &secrets, 2).await.unwrap());
    let old = std::fs::read(&key).unwrap();
    store.rotate_master_key().await.unwrap();
    assert_eq!(store.subscription_secrets(&name()).await.unwrap().unwrap(), secrets);
    drop(store);
    assert_ne!(std::fs::read(&key).unwrap(), old);
    // A change that was cut off before the files changed places: the sealed values tell which key is theirs.
    std::fs::rename(&key, dir.path().join("master.key.next")).unwrap();
    std::fs::write(&key, old).unwrap();
    let store = SqliteStore::open_with_key_file(&path, &key).await.unwrap();
    assert_eq!(store.subscription_secrets(&name()).await.unwrap().unwrap(), secrets);
}
