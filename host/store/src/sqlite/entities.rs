//! Entities of a transaction in SQLite: contributions, merge, change rows. A relation is in its entity's body; the way back
//! from a target is the read index's to know.

use super::tx::Tx;
use crate::{
    ChangeKind, EntityRow, Result, body,
    merge::{Contribution, Outcome, Said, Stored, Touch, merge_again, settle},
};
use rusqlite::{Connection, OptionalExtension, Row, params};
use seawall_domain::{EntityId, entity::Derived};
use serde_json::{Map, Value};

impl Tx<'_> {
    pub(super) fn write_entities(&mut self) -> Result<()> {
        let touched = std::mem::take(&mut self.touched).into_sorted();
        let any_gone = self
            .conn
            .prepare_cached("SELECT 1 FROM entity_gone LIMIT 1")?
            .exists([])?;
        // A page is mostly of new entities, or mostly of known ones: what the last one was decides what is tried first.
        let mut new = true;
        for touch in touched {
            let touch = match (new, touch.is_said()) {
                (true, true) => match self.create_entity(touch, any_gone)? {
                    None => continue,
                    Some(known) => known,
                },
                _ => touch,
            };
            match self.find_entity(touch.blueprint, &touch.identifier)? {
                Some(stored) => {
                    new = false;
                    self.change_entity(stored, touch)?;
                }
                None => {
                    new = true;
                    if touch.is_said() {
                        self.create_entity(touch, any_gone)?;
                    }
                }
            }
        }
        Ok(())
    }

    pub(super) fn find_entity(&self, blueprint: i64, identifier: &EntityId) -> Result<Option<Stored>> {
        Ok(self
            .conn
            .prepare_cached(
                "SELECT id, body, created_at, version, derived, updated_at, created_by, updated_by FROM entity \
                 WHERE blueprint = ?1 AND identifier = ?2",
            )?
            .query_row(params![blueprint, identifier.as_str()], stored)
            .optional()?)
    }

    /// Creates the entity; gives the touch back where there is one of this name.
    fn create_entity(&mut self, mut touch: Touch<Said>, any_gone: bool) -> Result<Option<Touch<Said>>> {
        let together = touch.together(self.integration, &mut self.names.ranks(self.conn))?;
        let Some(body) = touch.body(together.as_ref()) else {
            return Ok(None);
        };
        let (derived, column) = touch.first_derived(&mut self.names.ranks(self.conn))?;
        let (id, version) = (self.seq.entity + 1, self.seq.change + 1);
        let created = self
            .conn
            .prepare_cached(
                "INSERT INTO entity (id, blueprint, identifier, created_at, updated_at, version, body, derived, created_by, updated_by) \
                 VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6, ?7, ?8, ?8) ON CONFLICT (blueprint, identifier) DO NOTHING",
            )?
            .execute(params![
                id,
                touch.blueprint,
                touch.identifier.as_str(),
                self.now,
                version,
                body,
                column,
                self.by
            ])?;
        if created == 0 {
            return Ok(Some(touch));
        }
        self.seq.entity = id;
        let previous = if any_gone {
            self.last_of_gone(touch.blueprint, &touch.identifier)?
        } else {
            0
        };
        self.log(id, ChangeKind::Created, previous, None)?;
        let (entity, contributions) = touch.created(together);
        for (item, body) in contributions {
            put_contribution(self.conn, id, self.integration, item, body.as_deref())?;
        }
        self.result.counts.created += 1;
        let row = |entity| EntityRow {
            id,
            entity,
            derived: Derived::default(),
            defaulted: Vec::new(),
            created_at: self.now,
            created_by: self.by.clone(),
            updated_at: self.now,
            updated_by: self.by.clone(),
            version,
        };
        let row = entity.map(|entity| row(entity).with(derived));
        self.result.upserted.extend(row);
        Ok(None)
    }

    fn change_entity(&mut self, stored: Stored, touch: Touch<Said>) -> Result<()> {
        let known = self.contributions(stored.id)?;
        let (blueprint, identifier) = (touch.blueprint, touch.identifier.clone());
        let settled = settle(
            &stored,
            known,
            touch,
            self.integration,
            &mut self.names.ranks(self.conn),
        )?;
        for item in settled.withdrawn {
            self.conn
                .prepare_cached("DELETE FROM contribution WHERE entity = ?1 AND integration = ?2 AND item = ?3")?
                .execute(params![stored.id, self.integration, item])?;
        }
        for c in settled.written {
            put_contribution(self.conn, stored.id, c.integration, c.item, c.body.as_deref())?;
        }
        self.become_of(stored, blueprint, &identifier, settled.outcome)
    }

    /// Stores what becomes of an entity.
    fn become_of(&mut self, mut stored: Stored, blueprint: i64, identifier: &EntityId, outcome: Outcome) -> Result<()> {
        match outcome {
            Outcome::Same => {}
            Outcome::Gone(diff) => {
                let version = self.log(stored.id, ChangeKind::Deleted, stored.version, Some(&diff))?;
                self.conn
                    .prepare_cached("DELETE FROM entity WHERE id = ?1")?
                    .execute([stored.id])?;
                self.conn
                    .prepare_cached(
                        "INSERT INTO entity_gone (id, blueprint, identifier, version) VALUES (?1, ?2, ?3, ?4)",
                    )?
                    .execute(params![stored.id, blueprint, identifier.as_str(), version])?;
                self.result.counts.deleted += 1;
                self.result.removed.push(stored.id);
            }
            Outcome::Updated(new) => {
                let version = self.log_seen(&stored, &new.diff)?;
                stored.touch(&new.diff, self.by.as_deref(), self.now);
                self.conn
                    .prepare_cached(
                        "UPDATE entity SET updated_at = ?2, updated_by = ?3, version = ?4, body = ?5 WHERE id = ?1",
                    )?
                    .execute(params![
                        stored.id,
                        stored.updated_at,
                        stored.updated_by,
                        version,
                        new.body
                    ])?;
                self.result.counts.updated += 1;
                self.result.upserted.push(stored.row(new.entity, version)?);
            }
        }
        Ok(())
    }

    /// Merges anew what the sources of an entity say, after the precedence of its blueprint has changed.
    pub(super) fn merge_again(&mut self, blueprint: i64, identifier: &EntityId) -> Result<()> {
        let Some(stored) = self.find_entity(blueprint, identifier)? else {
            return Ok(());
        };
        let known = self.contributions(stored.id)?;
        let outcome = merge_again(
            &stored,
            known,
            (blueprint, identifier),
            &mut self.names.ranks(self.conn),
        )?;
        self.become_of(stored, blueprint, identifier, outcome)
    }

    fn contributions(&self, entity: i64) -> Result<Vec<Contribution>> {
        let mut find = self.conn.prepare_cached(
            "SELECT integration, item, body FROM contribution WHERE entity = ?1 ORDER BY integration, item",
        )?;
        let rows = find.query_map([entity], |row| {
            Ok(Contribution {
                integration: row.get(0)?,
                item: row.get(1)?,
                body: row.get(2)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Where the history of the entity that had this name ends; 0 where none had it.
    fn last_of_gone(&self, blueprint: i64, identifier: &EntityId) -> Result<i64> {
        super::read::last_of_gone(self.conn, blueprint, identifier).map(Option::unwrap_or_default)
    }

    /// Logs an update where it is seen, and gives the entity's version.
    pub(super) fn log_seen(&mut self, stored: &Stored, diff: &Map<String, Value>) -> Result<i64> {
        if diff.is_empty() {
            return Ok(stored.version);
        }
        self.log(stored.id, ChangeKind::Updated, stored.version, Some(diff))
    }

    fn log(&mut self, entity: i64, kind: ChangeKind, previous: i64, diff: Option<&Map<String, Value>>) -> Result<i64> {
        self.seq.change += 1;
        let diff = diff.map(|diff| body::to_json("diff", diff)).transpose()?;
        self.conn
            .prepare_cached(
                "INSERT INTO change (position, entity, kind, previous, at, cause, diff) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                self.seq.change,
                entity,
                body::kind_number(kind),
                previous,
                self.now,
                self.cause,
                diff
            ])?;
        Ok(self.seq.change)
    }
}

/// A stored entity, from the columns id, body, created_at, version, derived, updated_at, created_by and updated_by.
pub(super) fn stored(row: &Row<'_>) -> rusqlite::Result<Stored> {
    Ok(Stored {
        id: row.get(0)?,
        body: row.get(1)?,
        created_at: row.get(2)?,
        version: row.get(3)?,
        derived: row.get(4)?,
        updated_at: row.get(5)?,
        created_by: row.get(6)?,
        updated_by: row.get(7)?,
    })
}

fn put_contribution(conn: &Connection, entity: i64, integration: i64, item: i64, body: Option<&str>) -> Result<()> {
    conn.prepare_cached(
        "INSERT OR REPLACE INTO contribution (entity, integration, item, body) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![entity, integration, item, body])?;
    Ok(())
}
