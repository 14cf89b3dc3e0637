//! Items of a transaction: what is known of them, and what is written of many at once.

use super::tx::{Tx, q};
use crate::{
    Result, body,
    page::Item,
    sql::{escape, unescape},
};
use seawall_domain::{Severity, report::entities_set_aside};
use sqlx::Row;
use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

/// An item's narrow row.
#[derive(Clone, Copy)]
pub(super) struct Known {
    pub(super) id: i64,
    pub(super) live_pass: Option<i64>,
}

/// Keys as the column holds them.
pub(super) fn escaped<'k>(keys: impl IntoIterator<Item = &'k str>) -> Vec<Cow<'k, str>> {
    keys.into_iter().map(escape).collect()
}

impl<'p> Tx<'_, 'p> {
    /// Those of the keys that the partition has.
    pub(super) async fn find(&mut self, keys: impl Iterator<Item = &str>) -> Result<HashMap<String, Known>> {
        let rows = q!(
            self,
            "SELECT key, id, live_pass FROM item WHERE partition = $1 AND key = ANY($2)"
        )
        .bind(self.partition)
        .bind(escaped(keys))
        .fetch_all(&mut *self.tx)
        .await?;
        rows.iter()
            .map(|row| {
                let known = Known {
                    id: row.try_get(1)?,
                    live_pass: row.try_get(2)?,
                };
                Ok((unescape(row.try_get(0)?), known))
            })
            .collect()
    }

    /// Those of the keys that changes outside the pass have removed since it began.
    pub(super) async fn deleted_outside(
        &mut self,
        pass: i64,
        keys: impl Iterator<Item = &str>,
    ) -> Result<HashSet<String>> {
        let rows = q!(self, "SELECT key FROM pass_deleted WHERE pass = $1 AND key = ANY($2)")
            .bind(pass)
            .bind(escaped(keys))
            .fetch_all(&mut *self.tx)
            .await?;
        rows.iter().map(|row| Ok(unescape(row.try_get(0)?))).collect()
    }

    /// Notes for an open pass that these were removed outside it, and that those came back.
    pub(super) async fn note_outside(&mut self, pass: i64, removed: &[&str], back: &[&str]) -> Result<()> {
        if !removed.is_empty() {
            let insert = q!(
                self,
                "INSERT INTO pass_deleted (pass, key) SELECT $1, key FROM unnest($2::text[]) AS n(key) ON CONFLICT DO NOTHING"
            )
            .bind(pass)
            .bind(escaped(removed.iter().copied()));
            self.run(insert).await?;
        }
        if !back.is_empty() {
            let delete = q!(self, "DELETE FROM pass_deleted WHERE pass = $1 AND key = ANY($2)")
                .bind(pass)
                .bind(escaped(back.iter().copied()));
            self.run(delete).await?;
        }
        Ok(())
    }

    /// Notes that these items no longer say what they said; what they say anew comes after. Their reports go.
    pub(super) async fn retract(&mut self, items: &[i64]) -> Result<()> {
        if items.is_empty() {
            return Ok(());
        }
        let delete = q!(self, "DELETE FROM rejected WHERE item = ANY($1)").bind(items);
        self.run(delete).await?;
        let said = q!(
            self,
            "SELECT c.item, e.blueprint, e.identifier FROM contribution c JOIN entity e ON e.id = c.entity \
             WHERE c.item = ANY($1) ORDER BY c.item"
        )
        .bind(items)
        .fetch_all(&mut *self.tx)
        .await?;
        for row in &said {
            let identifier = body::identifier("entity", row.try_get(2)?)?;
            self.touched.retract(row.try_get(1)?, identifier, row.try_get(0)?);
        }
        Ok(())
    }

    /// Removes items with everything that hangs on them.
    pub(super) async fn remove(&mut self, items: &[i64]) -> Result<()> {
        if items.is_empty() {
            return Ok(());
        }
        self.retract(items).await?;
        let delete = q!(
            self,
            "DELETE FROM item i USING item_value v WHERE v.id = ANY($1) AND i.partition = v.partition AND i.key = v.key"
        )
        .bind(items);
        self.run(delete).await?;
        let delete = q!(self, "DELETE FROM item_value WHERE id = ANY($1)").bind(items);
        self.run(delete).await?;
        self.items -= items.len() as i64;
        Ok(())
    }

    /// Adds items under their new ids.
    pub(super) async fn add(&mut self, items: &[(i64, &'p Item)], live_pass: Option<i64>) -> Result<()> {
        if items.is_empty() {
            return Ok(());
        }
        let ids: Vec<i64> = items.iter().map(|(id, _)| *id).collect();
        let keys = escaped(items.iter().map(|(_, item)| item.key.as_str()));
        let hashes: Vec<&[u8]> = items.iter().map(|(_, item)| item.hash.as_slice()).collect();
        let values: Vec<&[u8]> = items.iter().map(|(_, item)| item.value.as_slice()).collect();
        let narrow = q!(
            self,
            "INSERT INTO item (partition, key, id, hash, live_pass, changed_at) \
             SELECT $1, n.key, n.id, n.hash, $2, $3 FROM unnest($4::text[], $5::bigint[], $6::bytea[]) AS n(key, id, hash)"
        )
        .bind(self.partition)
        .bind(live_pass)
        .bind(self.now)
        .bind(&keys)
        .bind(&ids)
        .bind(hashes);
        self.run(narrow).await?;
        let wide = q!(
            self,
            "INSERT INTO item_value (id, partition, key, value) \
             SELECT n.id, $1, n.key, n.value FROM unnest($2::bigint[], $3::text[], $4::bytea[]) AS n(id, key, value)"
        )
        .bind(self.partition)
        .bind(ids)
        .bind(keys)
        .bind(values);
        self.run(wide).await?;
        self.items += items.len() as i64;
        Ok(())
    }

    /// Changes items that are there, and notes that they no longer say what they said.
    pub(super) async fn change(&mut self, items: &[(Known, &'p Item)]) -> Result<()> {
        if items.is_empty() {
            return Ok(());
        }
        let ids: Vec<i64> = items.iter().map(|(known, _)| known.id).collect();
        self.retract(&ids).await?;
        let keys = escaped(items.iter().map(|(_, item)| item.key.as_str()));
        let hashes: Vec<&[u8]> = items.iter().map(|(_, item)| item.hash.as_slice()).collect();
        let values: Vec<&[u8]> = items.iter().map(|(_, item)| item.value.as_slice()).collect();
        let live_passes: Vec<Option<i64>> = items.iter().map(|(known, _)| known.live_pass).collect();
        let narrow = q!(
            self,
            "UPDATE item i SET hash = n.hash, live_pass = n.live_pass, changed_at = $2 \
             FROM unnest($3::text[], $4::bytea[], $5::bigint[]) AS n(key, hash, live_pass) \
             WHERE i.partition = $1 AND i.key = n.key"
        )
        .bind(self.partition)
        .bind(self.now)
        .bind(keys)
        .bind(hashes)
        .bind(live_passes);
        self.run(narrow).await?;
        let wide = q!(
            self,
            "UPDATE item_value v SET value = n.value FROM unnest($1::bigint[], $2::bytea[]) AS n(id, value) WHERE v.id = n.id"
        )
        .bind(ids)
        .bind(values);
        self.run(wide).await?;
        Ok(())
    }

    /// Keeps what came with items and could not be taken as it was, and counts it.
    pub(super) async fn report(&mut self, items: &[(i64, &'p Item)]) -> Result<()> {
        let (mut ids, mut bodies) = (Vec::new(), Vec::new());
        for (id, item) in items {
            self.result.counts.set_aside += entities_set_aside(&item.reports);
            for report in &item.reports {
                match report.severity {
                    // Nothing was lost, so there is nothing to look at; the page counts them.
                    Severity::Converted => continue,
                    Severity::LeftOut => self.result.counts.left_out += 1,
                    Severity::SetAside => {}
                }
                ids.push(*id);
                bodies.push(body::to_json("report", report)?);
            }
        }
        if ids.is_empty() {
            return Ok(());
        }
        let insert = q!(
            self,
            "INSERT INTO rejected (item, partition, body, at) \
             SELECT n.item, $1, n.body, $2 FROM unnest($3::bigint[], $4::text[]) AS n(item, body)"
        )
        .bind(self.partition)
        .bind(self.now)
        .bind(ids)
        .bind(bodies);
        self.run(insert).await?;
        Ok(())
    }
}
