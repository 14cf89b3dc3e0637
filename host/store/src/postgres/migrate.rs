//! Migrations: each in its turn and once, whoever starts first. Not sqlx's own runner, which takes an advisory lock and leaves
//! prepared statements on connections that a pooler gives to others.

use super::ask;
use crate::{Result, StoreError};
use sqlx::{Connection, Executor, PgConnection, Row, migrate::Migrator};

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations/postgres");

/// As sqlx's tools expect it; and one row, which whoever migrates holds.
const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS _sqlx_migrations (
        version BIGINT PRIMARY KEY,
        description TEXT NOT NULL,
        installed_on TIMESTAMPTZ NOT NULL DEFAULT now(),
        success BOOLEAN NOT NULL,
        checksum BYTEA NOT NULL,
        execution_time BIGINT NOT NULL
    );
    CREATE TABLE IF NOT EXISTS migration_turn (id BIGINT PRIMARY KEY);
    INSERT INTO migration_turn (id) VALUES (1) ON CONFLICT DO NOTHING;";

/// How often two that make the tables at once may get in each other's way.
const TRIES: u32 = 20;

/// The newest schema that this binary knows.
fn newest() -> i64 {
    MIGRATIONS.iter().map(|m| m.version).max().unwrap_or_default()
}

/// Brings the schema up to date, unless a newer binary has been here.
pub(crate) async fn migrate(conn: &mut PgConnection) -> Result<()> {
    // Where nothing is to be done nothing is written: the user may have no right to make tables.
    if applied(conn).await? == Some(newest()) {
        return Ok(());
    }
    let mut tries = 0;
    while let Err(error) = conn.execute(TABLES).await {
        tries += 1;
        if tries == TRIES || !is_made_by_another(&error) {
            return Err(error.into());
        }
        super::again::breathe(tries).await;
    }
    let mut tx = conn.begin().await?;
    ask("SELECT id FROM migration_turn FOR UPDATE", false)
        .fetch_all(&mut *tx)
        .await?;
    let known: Vec<i64> = ask("SELECT version FROM _sqlx_migrations ORDER BY version", false)
        .fetch_all(&mut *tx)
        .await?
        .iter()
        .map(|row| row.try_get(0))
        .collect::<Result<_, _>>()?;
    for migration in MIGRATIONS.iter().filter(|m| !known.contains(&m.version)) {
        let started = std::time::Instant::now();
        tx.execute(migration.sql.clone())
            .await
            .map_err(|e| sqlx::migrate::MigrateError::ExecuteMigration(e, migration.version))?;
        ask(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
             VALUES ($1, $2, TRUE, $3, $4)",
            false,
        )
        .bind(migration.version)
        .bind(&*migration.description)
        .bind(&*migration.checksum)
        .bind(i64::try_from(started.elapsed().as_nanos()).unwrap_or(i64::MAX))
        .execute(&mut *tx)
        .await?;
    }
    tx.commit().await?;
    Ok(())
}

/// The newest schema that was applied; none in an empty database.
async fn applied(conn: &mut PgConnection) -> Result<Option<i64>> {
    let mut tx = conn.begin().await?;
    let there = ask(
        "SELECT 1 FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = '_sqlx_migrations'",
        false,
    )
    .fetch_optional(&mut *tx)
    .await?;
    if there.is_none() {
        return Ok(None);
    }
    let found: Option<i64> = ask("SELECT max(version) FROM _sqlx_migrations", false)
        .fetch_one(&mut *tx)
        .await?
        .try_get(0)?;
    match found {
        Some(found) if found > newest() => Err(StoreError::NewerSchema { found, known: newest() }),
        found => Ok(found),
    }
}

/// `CREATE TABLE IF NOT EXISTS` of two at once: the later one runs into the catalog's own unique indexes.
fn is_made_by_another(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|e| e.code());
    matches!(code.as_deref(), Some("23505" | "42P07" | "42710" | "40001" | "40P01"))
}
