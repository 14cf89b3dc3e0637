//! The numbers that a database gives out: none is given out twice, also not by a copy.

use super::tables::TABLES;
use crate::{
    Result,
    postgres::BLOCK,
    sql::{Conn, get, made, query},
};

/// The last number that was given out of each sort, or a larger one.
pub(super) struct Numbers {
    /// Positions of changes.
    change: i64,
    entity: i64,
    item: i64,
    /// By table.
    rows: Vec<(&'static str, &'static str, i64)>,
}

impl Numbers {
    pub(super) async fn read(conn: &mut Conn<'_>) -> Result<Self> {
        let change = kept(conn, "change").await?;
        let (entity, item) = match conn {
            Conn::Sqlite(_) => (kept(conn, "entity").await?, kept(conn, "item").await?),
            Conn::Postgres(..) => (
                sequence(conn, "entity_ids").await?.map_or(0, |last| last + BLOCK - 1),
                sequence(conn, "item_ids").await?.map_or(0, |last| last + BLOCK - 1),
            ),
        };
        let mut rows = Vec::new();
        for (table, column) in TABLES.iter().filter_map(|t| Some((t.name, t.serial?))) {
            let last = match conn {
                Conn::Sqlite(_) => {
                    let row = made(format!(
                        "SELECT max(coalesce((SELECT seq FROM sqlite_sequence WHERE name = '{table}'), 0), \
                         coalesce((SELECT max({column}) FROM {table}), 0))"
                    ))
                    .fetch_one(conn)
                    .await?;
                    get(&row, 0)?
                }
                Conn::Postgres(..) => sequence(conn, &format!("{table}_{column}_seq")).await?.unwrap_or(0),
            };
            rows.push((table, column, last));
        }
        Ok(Self {
            change,
            entity,
            item,
            rows,
        })
    }

    pub(super) async fn write(&self, conn: &mut Conn<'_>) -> Result<()> {
        keep(conn, "change", self.change).await?;
        match conn {
            Conn::Sqlite(_) => {
                keep(conn, "entity", self.entity).await?;
                keep(conn, "item", self.item).await?;
            }
            Conn::Postgres(..) => {
                set(conn, "entity_ids", self.entity).await?;
                set(conn, "item_ids", self.item).await?;
            }
        }
        for (table, column, last) in &self.rows {
            match conn {
                Conn::Sqlite(_) => {
                    query("DELETE FROM sqlite_sequence WHERE name = $1")
                        .bind(*table)
                        .execute(conn)
                        .await?;
                    query("INSERT INTO sqlite_sequence (name, seq) VALUES ($1, $2)")
                        .bind(*table)
                        .bind(*last)
                        .execute(conn)
                        .await?;
                }
                Conn::Postgres(..) => set(conn, &format!("{table}_{column}_seq"), *last).await?,
            }
        }
        Ok(())
    }
}

async fn kept(conn: &mut Conn<'_>, name: &str) -> Result<i64> {
    let row = query("SELECT value FROM sequence WHERE name = $1")
        .bind(name)
        .fetch_one(conn)
        .await?;
    get(&row, 0)
}

async fn keep(conn: &mut Conn<'_>, name: &str, value: i64) -> Result<()> {
    query("UPDATE sequence SET value = $2 WHERE name = $1")
        .bind(name)
        .bind(value)
        .execute(conn)
        .await?;
    Ok(())
}

/// What a sequence gave out last; none where it has given out nothing.
async fn sequence(conn: &mut Conn<'_>, name: &str) -> Result<Option<i64>> {
    let row = made(format!("SELECT last_value, is_called FROM {name}"))
        .fetch_one(conn)
        .await?;
    Ok(get::<bool, _>(&row, 1)?.then_some(get(&row, 0)?))
}

async fn set(conn: &mut Conn<'_>, name: &str, last: i64) -> Result<()> {
    if last > 0 {
        made(format!("SELECT setval('{name}', $1)"))
            .bind(last)
            .fetch_one(conn)
            .await?;
    }
    Ok(())
}
