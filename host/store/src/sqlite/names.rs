//! Blueprints by row id: their names are stored once.

use crate::Result;
use rusqlite::{Connection, OptionalExtension};
use seawall_domain::BlueprintId;
use std::collections::HashMap;

/// What the writer remembers between transactions. Thrown away when one fails, since it may hold what was rolled back.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) names: Names,
    pub(super) sweep: Option<super::sweep::Progress>,
}

/// Row ids that are already known. Rows are never changed or removed.
#[derive(Default)]
pub(super) struct Names {
    blueprints: HashMap<BlueprintId, i64>,
    by_id: HashMap<i64, BlueprintId>,
}

impl Names {
    /// The row id of a blueprint's name, made where it is new.
    pub(super) fn blueprint(&mut self, conn: &Connection, name: &BlueprintId) -> Result<i64> {
        if let Some(id) = self.blueprints.get(name) {
            return Ok(*id);
        }
        let found = conn
            .prepare_cached("SELECT id FROM blueprint_name WHERE name = ?1")?
            .query_row([name.as_str()], |row| row.get(0))
            .optional()?;
        let id = match found {
            Some(id) => id,
            None => {
                conn.execute("INSERT INTO blueprint_name (name) VALUES (?1)", [name.as_str()])?;
                conn.last_insert_rowid()
            }
        };
        self.blueprints.insert(name.clone(), id);
        self.by_id.insert(id, name.clone());
        Ok(id)
    }

    /// The blueprint with this row id.
    pub(super) fn name(&mut self, conn: &Connection, id: i64) -> Result<BlueprintId> {
        if let Some(name) = self.by_id.get(&id) {
            return Ok(name.clone());
        }
        let name = read_name(conn, id)?;
        self.by_id.insert(id, name.clone());
        Ok(name)
    }
}

/// The blueprint with this row id.
pub(super) fn read_name(conn: &Connection, id: i64) -> Result<BlueprintId> {
    let name: String = conn
        .prepare_cached("SELECT name FROM blueprint_name WHERE id = ?1")?
        .query_row([id], |row| row.get(0))?;
    crate::body::identifier("blueprint", name)
}
