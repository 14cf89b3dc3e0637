//! One page, one transaction.

use super::{
    names::Memory,
    tx::{self, Tx},
};
use crate::{
    Expect, PageResult, Result, body,
    page::{self, Item, Page},
};
use rusqlite::{Connection, OptionalExtension, params};
use seawall_domain::{Report, report::entities_set_aside};

impl Page {
    /// Stores it, inside a transaction of the caller's.
    pub(super) fn apply(self, conn: &Connection, memory: &mut Memory) -> Result<PageResult> {
        let mut tx = Tx::begin(conn, &mut memory.names, self.partition, self.cause, self.now)?;
        for expected in &self.expect {
            tx.check(expected)?;
        }
        let turn = match self.pass {
            Some(pass) => {
                tx.check_fence(self.fence)?;
                tx::head(conn, pass)?.must_run(pass, self.partition)?;
                tx.result.counts.pages = 1;
                conn.prepare_cached("UPDATE partition SET cursor = ?2 WHERE id = ?1")?
                    .execute(params![self.partition, self.cursor])?;
                Turn::Pass {
                    pass,
                    any_deleted: any_deleted(conn, pass)?,
                }
            }
            None if self.renewal => Turn::Renewal,
            None => Turn::Live {
                open: tx::open_pass(conn, self.partition)?,
            },
        };
        tx.result.counts.items = self.items;
        tx.result.counts.converted = self.converted;
        tx.result.counts.unchanged = self.unchanged.len() as u64;
        tx.listed = page::ids(&self.unchanged);
        if let Turn::Live { open: Some(pass) } = turn
            && !tx.listed.is_empty()
        {
            tx::list(conn, pass, &tx.listed)?;
            memory.sweep = None;
        }
        for key in &self.deletes {
            tx.delete(key, &turn)?;
        }
        for item in self.upserts {
            tx.upsert(item, &turn)?;
        }
        if let Some((delivery, attempts)) = self.delivery {
            conn.prepare_cached(
                "UPDATE delivery SET state = 'done', attempts = ?2, error = NULL, due = 0, ended_at = ?3, headers = NULL, \
                 body = NULL WHERE id = ?1",
            )?
            .execute(params![delivery, attempts, self.now])?;
        }
        tx.finish(self.pass)
    }
}

/// Where a page comes from.
enum Turn {
    /// A pass, and whether changes outside it have removed any item while it runs.
    Pass { pass: i64, any_deleted: bool },
    /// A change outside a pass, and the pass that is open beside it.
    Live { open: Option<i64> },
    /// What is stored, mapped anew.
    Renewal,
}

fn any_deleted(conn: &Connection, pass: i64) -> Result<bool> {
    Ok(conn
        .prepare_cached("SELECT 1 FROM pass_deleted WHERE pass = ?1 LIMIT 1")?
        .exists([pass])?)
}

/// An item's narrow row.
struct Known {
    id: i64,
    live_pass: Option<i64>,
}

impl Tx<'_> {
    /// Fails where something is not as it was when the page was made.
    fn check(&mut self, expected: &Expect) -> Result<()> {
        let as_expected = match expected {
            Expect::Entity {
                blueprint,
                identifier,
                version,
            } => {
                let blueprint = self.names.blueprint(self.conn, blueprint)?;
                self.find_entity(blueprint, identifier)?.map(|stored| stored.version) == *version
            }
            Expect::Item { key, hash } => {
                let known: Option<Vec<u8>> = self
                    .conn
                    .prepare_cached("SELECT hash FROM item WHERE partition = ?1 AND key = ?2")?
                    .query_row(params![self.partition, key], |row| row.get(0))
                    .optional()?;
                known.as_deref() == hash.as_ref().map(<[u8; 16]>::as_slice)
            }
        };
        if as_expected {
            Ok(())
        } else {
            Err(page::changed(expected))
        }
    }

    fn find(&self, key: &str) -> Result<Option<Known>> {
        Ok(self
            .conn
            .prepare_cached("SELECT id, live_pass FROM item WHERE partition = ?1 AND key = ?2")?
            .query_row(params![self.partition, key], |row| {
                Ok(Known {
                    id: row.get(0)?,
                    live_pass: row.get(1)?,
                })
            })
            .optional()?)
    }

    fn upsert(&mut self, item: Item, turn: &Turn) -> Result<()> {
        let mut live_pass = match *turn {
            Turn::Pass { .. } | Turn::Renewal => None,
            Turn::Live { open } => open,
        };
        // What is not known is written without looking for it first, unless the item before was known.
        let undisturbed = matches!(turn, Turn::Pass { any_deleted: false, .. } | Turn::Live { open: None });
        if self.new_items && undisturbed && self.insert(&item, live_pass)? {
            return self.listed_and_said(self.seq.item, item, turn);
        }
        let known = self.find(&item.key)?;
        self.new_items = known.is_none();
        match *turn {
            Turn::Pass { pass, any_deleted } => {
                // A late page: what came outside the pass since it began is newer.
                if known.as_ref().is_some_and(|k| k.live_pass == Some(pass))
                    || (any_deleted && known.is_none() && self.was_deleted(pass, &item.key)?)
                {
                    self.result.counts.unchanged += 1;
                    return Ok(());
                }
            }
            Turn::Live { open: Some(pass) } => {
                self.conn
                    .prepare_cached("DELETE FROM pass_deleted WHERE pass = ?1 AND key = ?2")?
                    .execute(params![pass, item.key])?;
            }
            Turn::Live { open: None } => {}
            Turn::Renewal => live_pass = known.as_ref().and_then(|k| k.live_pass),
        }
        let id = match known {
            Some(known) => {
                self.conn
                    .prepare_cached(
                        "UPDATE item SET hash = ?3, live_pass = ?4, changed_at = ?5 WHERE partition = ?1 AND key = ?2",
                    )?
                    .execute(params![
                        self.partition,
                        item.key,
                        item.hash.as_slice(),
                        live_pass,
                        self.now
                    ])?;
                self.conn
                    .prepare_cached("UPDATE item_value SET value = ?2 WHERE id = ?1")?
                    .execute(params![known.id, item.value])?;
                self.forget_reports(known.id)?;
                self.retract(known.id)?;
                known.id
            }
            None => {
                self.insert(&item, live_pass)?;
                self.seq.item
            }
        };
        self.listed_and_said(id, item, turn)
    }

    /// Adds an item under the next id; false where there is one of this key.
    fn insert(&mut self, item: &Item, live_pass: Option<i64>) -> Result<bool> {
        let id = self.seq.item + 1;
        let added = self
            .conn
            .prepare_cached(
                "INSERT INTO item (partition, key, id, hash, live_pass, changed_at) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
            )?
            .execute(params![
                self.partition,
                item.key,
                id,
                item.hash.as_slice(),
                live_pass,
                self.now
            ])?;
        if added == 0 {
            return Ok(false);
        }
        self.seq.item = id;
        self.items += 1;
        self.conn
            .prepare_cached("INSERT INTO item_value (id, partition, key, value) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![id, self.partition, item.key, item.value])?;
        Ok(true)
    }

    /// Notes that the page lists the item, what came with it, and what it says.
    fn listed_and_said(&mut self, id: i64, item: Item, turn: &Turn) -> Result<()> {
        if matches!(turn, Turn::Pass { .. }) {
            self.listed.insert(body::as_u64(id));
        }
        self.report(id, &item.reports)?;
        for said in item.says {
            let blueprint = self.names.blueprint(self.conn, said.blueprint())?;
            self.touched.say(blueprint, id, said);
        }
        Ok(())
    }

    fn delete(&mut self, key: &str, turn: &Turn) -> Result<()> {
        let known = self.find(key)?;
        match (turn, &known) {
            (Turn::Pass { pass, .. }, Some(known)) if known.live_pass == Some(*pass) => return Ok(()),
            (Turn::Live { open: Some(pass) }, _) => {
                self.conn
                    .prepare_cached("INSERT OR IGNORE INTO pass_deleted (pass, key) VALUES (?1, ?2)")?
                    .execute(params![pass, key])?;
            }
            _ => {}
        }
        match known {
            Some(known) => self.remove(known.id, key),
            None => Ok(()),
        }
    }

    /// Removes an item with everything that hangs on it.
    pub(super) fn remove(&mut self, id: i64, key: &str) -> Result<()> {
        self.conn
            .prepare_cached("DELETE FROM item WHERE partition = ?1 AND key = ?2")?
            .execute(params![self.partition, key])?;
        self.conn
            .prepare_cached("DELETE FROM item_value WHERE id = ?1")?
            .execute([id])?;
        self.items -= 1;
        self.forget_reports(id)?;
        self.retract(id)
    }

    /// Notes that the item no longer says what it said; what it says anew comes after.
    fn retract(&mut self, item: i64) -> Result<()> {
        let mut said = self.conn.prepare_cached(
            "SELECT e.blueprint, e.identifier FROM contribution c JOIN entity e ON e.id = c.entity WHERE c.item = ?1",
        )?;
        let mut rows = said.query([item])?;
        while let Some(row) = rows.next()? {
            self.touched
                .retract(row.get(0)?, body::identifier("entity", row.get(1)?)?, item);
        }
        Ok(())
    }

    fn was_deleted(&self, pass: i64, key: &str) -> Result<bool> {
        Ok(self
            .conn
            .prepare_cached("SELECT 1 FROM pass_deleted WHERE pass = ?1 AND key = ?2")?
            .exists(params![pass, key])?)
    }

    fn forget_reports(&self, item: i64) -> Result<()> {
        self.conn
            .prepare_cached("DELETE FROM rejected WHERE item = ?1")?
            .execute([item])?;
        Ok(())
    }

    fn report(&mut self, item: i64, reports: &[Report]) -> Result<()> {
        use seawall_domain::Severity;
        self.result.counts.set_aside += entities_set_aside(reports);
        for report in reports {
            match report.severity {
                // Nothing was lost, so there is nothing to look at; the page counts them.
                Severity::Converted => continue,
                Severity::LeftOut => self.result.counts.left_out += 1,
                Severity::SetAside => {}
            }
            self.conn
                .prepare_cached("INSERT INTO rejected (item, partition, body, at) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![
                    item,
                    self.partition,
                    body::to_json("report", report)?,
                    self.now
                ])?;
        }
        Ok(())
    }
}
