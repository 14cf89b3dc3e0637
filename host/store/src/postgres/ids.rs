//! Row ids of entities and items, reserved in blocks: the database is asked once for many, and none is given out twice.

use super::ask;
use crate::Result;
use sqlx::{PgConnection, Row};
use std::{
    ops::Range,
    sync::{Mutex, PoisonError},
};

/// What the sequences count up by (migration 1).
pub(crate) const BLOCK: i64 = 1024;

/// Ids that this process has reserved and not used.
#[derive(Default)]
pub(super) struct Ids {
    entity: Reserved,
    item: Reserved,
}

#[derive(Default)]
struct Reserved(Mutex<Vec<Range<i64>>>);

impl Ids {
    pub(super) async fn entities(&self, conn: &mut PgConnection, count: usize, keep: bool) -> Result<Vec<i64>> {
        const MORE: &str = "SELECT nextval('entity_ids') FROM generate_series(1, $1)";
        self.entity.take(conn, MORE, count, keep).await
    }

    pub(super) async fn items(&self, conn: &mut PgConnection, count: usize, keep: bool) -> Result<Vec<i64>> {
        const MORE: &str = "SELECT nextval('item_ids') FROM generate_series(1, $1)";
        self.item.take(conn, MORE, count, keep).await
    }
}

impl Reserved {
    async fn take(&self, conn: &mut PgConnection, more: &'static str, count: usize, keep: bool) -> Result<Vec<i64>> {
        let mut taken = Vec::with_capacity(count);
        self.take_reserved(&mut taken, count);
        while taken.len() < count {
            let missing = i64::try_from(count - taken.len()).unwrap_or(i64::MAX);
            let rows = ask(more, keep)
                .bind((missing + BLOCK - 1) / BLOCK)
                .fetch_all(&mut *conn)
                .await?;
            let mut blocks = rows
                .iter()
                .map(|row| row.try_get(0).map(|first: i64| first..first + BLOCK))
                .collect::<Result<Vec<_>, _>>()?;
            // The lowest are given out first: taken from the end.
            blocks.reverse();
            let mut reserved = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            blocks.append(&mut reserved);
            *reserved = blocks;
            drop(reserved);
            self.take_reserved(&mut taken, count);
        }
        Ok(taken)
    }

    fn take_reserved(&self, taken: &mut Vec<i64>, count: usize) {
        let mut reserved = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while taken.len() < count
            && let Some(block) = reserved.last_mut()
        {
            let wanted = count - taken.len();
            taken.extend(block.by_ref().take(wanted));
            if block.is_empty() {
                reserved.pop();
            }
        }
    }
}
