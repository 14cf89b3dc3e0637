//! The master key: the operator gives the same one to every process that shares the database.

use super::{PgStore, ask, tx::BEGIN};
use crate::{
    MasterKey, Result, StoreError,
    sql::{Conn, Style, Tx, credentials},
};
use sqlx::{Connection, PgConnection, Row};
use std::sync::PoisonError;

/// What the check is sealed for, and what it says.
const NAME: &str = "master-key-check";

/// Fails where the key is not the one that this database's secrets are sealed under.
pub(super) async fn check(conn: &mut PgConnection, key: &MasterKey) -> Result<()> {
    let other = || {
        StoreError::Seal(
            "the master key is not the one that this database's secrets are sealed under: every process that shares a database \
             has the same key; copy `master.key` from the data folder of one that works, or set SEAWALL_MASTER_KEY to its content"
                .to_owned(),
        )
    };
    let mut tx = conn.begin().await?;
    let known = ask("SELECT sealed FROM master_key_check WHERE id = 1", false)
        .fetch_optional(&mut *tx)
        .await?;
    if let Some(row) = known {
        return key.unseal(NAME, row.try_get(0)?).map(drop).map_err(|_| other());
    }
    // A database that came from elsewhere has secrets, but no check.
    let style = Style {
        keep: false,
        wrap: false,
    };
    let sealed = credentials::first_sealed(&mut Conn::Postgres(&mut tx, style)).await?;
    if let Some((name, sealed)) = sealed {
        key.unseal(&name, &sealed).map_err(|_| other())?;
    }
    ask(
        "INSERT INTO master_key_check (id, sealed) VALUES (1, $1) ON CONFLICT DO NOTHING",
        false,
    )
    .bind(key.seal(NAME, NAME)?)
    .execute(&mut *tx)
    .await?;
    // Another process may have been faster, with another key.
    let row = ask("SELECT sealed FROM master_key_check WHERE id = 1", false)
        .fetch_one(&mut *tx)
        .await?;
    key.unseal(NAME, row.try_get(0)?).map_err(|_| other())?;
    tx.commit().await?;
    Ok(())
}

impl PgStore {
    /// Puts every sealed credential under `new`, in one transaction. From then on the database opens with `new` alone: other
    /// processes that have it open with the old key can neither seal nor unseal, and have to be started with the new one.
    ///
    /// # Errors
    /// [`StoreError::Seal`] where one does not open; then nothing is changed.
    pub async fn change_master_key(&self, new: MasterKey) -> Result<()> {
        let old = self.master_key();
        let mut tx = Tx::Postgres(self.pool.begin_with(BEGIN).await?, self.keep);
        credentials::rewrap(&mut tx.conn(), |name, sealed| old.rewrap(&new, name, sealed)).await?;
        crate::sql::query("UPDATE master_key_check SET sealed = $1 WHERE id = 1")
            .bind(new.seal(NAME, NAME)?)
            .execute(&mut tx.conn())
            .await?;
        tx.commit().await?;
        *self.key.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }
}
