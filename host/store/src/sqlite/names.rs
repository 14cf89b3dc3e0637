//! Blueprints by row id: their names are stored once.

use crate::{
    Result,
    merge::{Ranks, Rules, Source},
};
use rusqlite::{Connection, OptionalExtension};
use seawall_domain::BlueprintId;
use std::{collections::HashMap, sync::Arc};

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
    rules: HashMap<i64, Arc<Rules>>,
    sources: HashMap<i64, Source>,
}

impl Names {
    /// For the merge.
    pub(super) fn ranks<'a>(&'a mut self, conn: &'a Connection) -> NamesOn<'a> {
        NamesOn { names: self, conn }
    }

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

    /// What holds for entities of this blueprint.
    fn rules(&mut self, conn: &Connection, blueprint: i64) -> Result<Arc<Rules>> {
        if let Some(known) = self.rules.get(&blueprint) {
            return Ok(known.clone());
        }
        let name = self.name(conn, blueprint)?;
        let body: Option<String> = conn
            .prepare_cached("SELECT body FROM blueprint WHERE identifier = ?1")?
            .query_row([name.as_str()], |row| row.get(0))
            .optional()?;
        let read = Arc::new(Rules::of(body.as_deref())?);
        self.rules.insert(blueprint, read.clone());
        Ok(read)
    }

    /// To be called where a blueprint has changed.
    pub(super) fn forget_rules(&mut self) {
        self.rules.clear();
    }

    /// The source with this row id. Names are never changed.
    pub(super) fn source(&mut self, conn: &Connection, integration: i64) -> Result<Source> {
        if let Some(known) = self.sources.get(&integration) {
            return Ok(known.clone());
        }
        let source = conn
            .prepare_cached("SELECT name, client FROM integration WHERE id = ?1")?
            .query_row([integration], |row| {
                Ok(Source {
                    name: row.get::<_, String>(0)?.into(),
                    client: row.get(1)?,
                })
            })?;
        self.sources.insert(integration, source.clone());
        Ok(source)
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

/// [`Names`] with the connection that they are read from.
pub(super) struct NamesOn<'a> {
    names: &'a mut Names,
    conn: &'a Connection,
}

impl Ranks for NamesOn<'_> {
    fn blueprint(&mut self, id: i64) -> Result<BlueprintId> {
        self.names.name(self.conn, id)
    }

    fn rules(&mut self, blueprint: i64) -> Result<Arc<Rules>> {
        self.names.rules(self.conn, blueprint)
    }

    fn source(&mut self, integration: i64) -> Result<Source> {
        self.names.source(self.conn, integration)
    }
}

/// The blueprint with this row id.
pub(super) fn read_name(conn: &Connection, id: i64) -> Result<BlueprintId> {
    let name: String = conn
        .prepare_cached("SELECT name FROM blueprint_name WHERE id = ?1")?
        .query_row([id], |row| row.get(0))?;
    crate::body::identifier("blueprint", name)
}
