//! From what items say to entities: contributions, merge, change rows. A relation is in its entity's body; the way back
//! from a target is the read index's to know.

use super::{body, tx::Tx};
use crate::{ChangeKind, EntityRow, Result};
use rusqlite::{Connection, OptionalExtension, params};
use seawall_domain::{
    Entity, EntityId, Millis,
    entity::{Derived, Spoken, diff, diff_of_removal, ranked},
};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// What an item says of an entity, with its body column.
pub(super) struct Said {
    pub(super) entity: Entity,
    body: String,
}

impl Said {
    pub(super) fn new(entity: Entity) -> Result<Self> {
        Ok(Self {
            body: body::encode(&entity)?,
            entity,
        })
    }
}

/// What a transaction's items say, gathered by entity. None: the item says nothing of it any more.
#[derive(Default)]
pub(super) struct Touched {
    at: HashMap<(i64, EntityId), usize>,
    all: Vec<Touch>,
}

struct Touch {
    blueprint: i64,
    identifier: EntityId,
    says: Vec<(i64, Option<Said>)>,
}

impl Touched {
    pub(super) fn say(&mut self, blueprint: i64, item: i64, said: Said) {
        let identifier = said.entity.identifier.clone();
        self.put(blueprint, identifier, item, Some(said));
    }

    pub(super) fn retract(&mut self, blueprint: i64, identifier: EntityId, item: i64) {
        self.put(blueprint, identifier, item, None);
    }

    fn put(&mut self, blueprint: i64, identifier: EntityId, item: i64, said: Option<Said>) {
        let next = self.all.len();
        let at = *self.at.entry((blueprint, identifier.clone())).or_insert(next);
        if at == next {
            self.all.push(Touch {
                blueprint,
                identifier,
                says: vec![(item, said)],
            });
            return;
        }
        let says = &mut self.all[at].says;
        match says.iter_mut().find(|(i, _)| *i == item) {
            Some((_, before)) => *before = said,
            None => says.push((item, said)),
        }
    }

    /// In order of name, which all writers share.
    fn into_sorted(self) -> Vec<Touch> {
        let mut all = self.all;
        all.sort_by(|a, b| (a.blueprint, &a.identifier).cmp(&(b.blueprint, &b.identifier)));
        all
    }
}

impl Touch {
    /// Whether any item says something of it.
    fn is_said(&self) -> bool {
        self.says.iter().any(|(_, said)| said.is_some())
    }
}

pub(super) struct Stored {
    pub(super) id: i64,
    pub(super) body: String,
    pub(super) derived: Option<String>,
    pub(super) created_at: Millis,
    pub(super) version: i64,
}

impl Stored {
    /// A row with what the host computed of it.
    pub(super) fn row(&self, mut entity: Entity, updated_at: Millis, version: i64) -> Result<EntityRow> {
        let derived = body::derived(self.derived.as_deref())?;
        derived.overlay(&mut entity);
        Ok(EntityRow {
            id: self.id,
            entity,
            derived,
            created_at: self.created_at,
            updated_at,
            version,
        })
    }
}

/// One who says something of an entity.
struct Contributor {
    integration: i64,
    item: i64,
    /// The row's body; none where there is no row yet.
    stored: Option<Option<String>>,
    new: Option<Said>,
}

impl Contributor {
    /// What it says. The sole contributor's words are the entity's.
    fn text<'a>(&'a self, entity: &'a str) -> &'a str {
        match (&self.new, &self.stored) {
            (Some(said), _) => &said.body,
            (None, Some(Some(body))) => body,
            _ => entity,
        }
    }
}

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
                "SELECT id, body, created_at, version, derived FROM entity WHERE blueprint = ?1 AND identifier = ?2",
            )?
            .query_row(params![blueprint, identifier.as_str()], |row| {
                Ok(Stored {
                    id: row.get(0)?,
                    body: row.get(1)?,
                    created_at: row.get(2)?,
                    version: row.get(3)?,
                    derived: row.get(4)?,
                })
            })
            .optional()?)
    }

    /// The merge of what sources say, given in order of integration and item.
    fn merged<'a>(
        &mut self,
        blueprint: i64,
        all: impl IntoIterator<Item = (i64, &'a Entity)>,
    ) -> Result<Option<Entity>> {
        let precedence = self.names.precedence(self.conn, blueprint)?;
        let mut named = Vec::new();
        for (integration, entity) in all {
            named.push((self.names.source(self.conn, integration)?, entity));
        }
        // Clients stand behind all integrations, whose words they correct; stable otherwise.
        named.sort_by_key(|(source, _)| source.client);
        let spoken: Vec<_> = named
            .iter()
            .map(|(source, entity)| Spoken {
                source: &source.name,
                entity,
            })
            .collect();
        Ok(ranked(&precedence, &spoken))
    }

    /// Creates the entity; gives the touch back where there is one of this name.
    fn create_entity(&mut self, mut touch: Touch, any_gone: bool) -> Result<Option<Touch>> {
        touch.says.sort_by_key(|(item, _)| *item);
        let said = |touch: &Touch| touch.says.iter().filter(|(_, said)| said.is_some()).count();
        let alone = said(&touch) == 1;
        let merged = if alone {
            None
        } else {
            let own = self.integration;
            let all = touch.says.iter().filter_map(|(_, said)| said.as_ref());
            self.merged(touch.blueprint, all.map(|said| (own, &said.entity)))?
                .map(Said::new)
                .transpose()?
        };
        let only = touch.says.iter().find_map(|(_, said)| said.as_ref());
        let Some(body) = merged.as_ref().or(only).map(|said| &said.body) else {
            return Ok(None);
        };
        let (id, version) = (self.seq.entity + 1, self.seq.change + 1);
        let created = self
            .conn
            .prepare_cached(
                "INSERT INTO entity (id, blueprint, identifier, created_at, updated_at, version, body) \
                 VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6) ON CONFLICT (blueprint, identifier) DO NOTHING",
            )?
            .execute(params![
                id,
                touch.blueprint,
                touch.identifier.as_str(),
                self.now,
                version,
                body
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
        let mut entity = merged.map(|said| said.entity);
        for (item, said) in touch.says {
            if let Some(said) = said {
                let body = (!alone).then_some(said.body.as_str());
                put_contribution(self.conn, id, self.integration, item, body)?;
                entity.get_or_insert(said.entity);
            }
        }
        self.result.counts.created += 1;
        self.result.upserted.extend(entity.map(|entity| EntityRow {
            id,
            entity,
            derived: Derived::default(),
            created_at: self.now,
            updated_at: self.now,
            version,
        }));
        Ok(None)
    }

    fn change_entity(&mut self, stored: Stored, touch: Touch) -> Result<()> {
        let mut all = self.contributors(stored.id)?;
        for (item, said) in touch.says {
            let place = all.binary_search_by_key(&(self.integration, item), |c| (c.integration, c.item));
            match (place, said) {
                (Ok(at), Some(said)) => all[at].new = Some(said),
                (Ok(at), None) => {
                    all.remove(at);
                    self.conn
                        .prepare_cached(
                            "DELETE FROM contribution WHERE entity = ?1 AND integration = ?2 AND item = ?3",
                        )?
                        .execute(params![stored.id, self.integration, item])?;
                }
                (Err(at), Some(said)) => {
                    all.insert(
                        at,
                        Contributor {
                            integration: self.integration,
                            item,
                            stored: None,
                            new: Some(said),
                        },
                    );
                }
                (Err(_), None) => {}
            }
        }
        let alone = all.len() == 1;
        for c in &all {
            let wanted = (!alone).then(|| c.text(&stored.body));
            if c.stored.as_ref().map(Option::as_deref) != Some(wanted) {
                put_contribution(self.conn, stored.id, c.integration, c.item, wanted)?;
            }
        }
        if all.is_empty() {
            return self.delete_entity(&stored, touch.blueprint, &touch.identifier);
        }
        if alone && all[0].text(&stored.body) == stored.body {
            return Ok(());
        }
        let name = self.names.name(self.conn, touch.blueprint)?;
        let decode = |text: &str| body::decode(name.clone(), touch.identifier.clone(), text);
        let spoken = all
            .into_iter()
            .map(|c| match c {
                Contributor {
                    integration,
                    new: Some(said),
                    ..
                } => Ok((integration, said.entity)),
                c => Ok((c.integration, decode(c.text(&stored.body))?)),
            })
            .collect::<Result<Vec<_>>>()?;
        let merged = self.merged(touch.blueprint, spoken.iter().map(|(source, entity)| (*source, entity)))?;
        let Some(after) = merged else { return Ok(()) };
        self.replace_entity(&stored, &decode(&stored.body)?, after)
    }

    /// Stores what an entity is now, where that differs.
    fn replace_entity(&mut self, stored: &Stored, before: &Entity, after: Entity) -> Result<()> {
        let text = body::encode(&after)?;
        if text == stored.body {
            return Ok(());
        }
        let diff = diff(before, &after);
        if diff.is_empty() {
            return Ok(());
        }
        let version = self.log(stored.id, ChangeKind::Updated, stored.version, Some(&diff))?;
        self.conn
            .prepare_cached("UPDATE entity SET updated_at = ?2, version = ?3, body = ?4 WHERE id = ?1")?
            .execute(params![stored.id, self.now, version, text])?;
        self.result.counts.updated += 1;
        self.result.upserted.push(stored.row(after, self.now, version)?);
        Ok(())
    }

    /// Merges anew what the sources of an entity say, after the precedence of its blueprint has changed.
    pub(super) fn merge_again(&mut self, blueprint: i64, identifier: &EntityId) -> Result<()> {
        let Some(stored) = self.find_entity(blueprint, identifier)? else {
            return Ok(());
        };
        let all = self.contributors(stored.id)?;
        if all.len() < 2 {
            return Ok(());
        }
        let name = self.names.name(self.conn, blueprint)?;
        let decode = |text: &str| body::decode(name.clone(), identifier.clone(), text);
        let spoken = all
            .iter()
            .map(|c| Ok((c.integration, decode(c.text(&stored.body))?)))
            .collect::<Result<Vec<_>>>()?;
        let merged = self.merged(blueprint, spoken.iter().map(|(source, entity)| (*source, entity)))?;
        match merged {
            Some(after) => self.replace_entity(&stored, &decode(&stored.body)?, after),
            None => Ok(()),
        }
    }

    fn delete_entity(&mut self, stored: &Stored, blueprint: i64, identifier: &EntityId) -> Result<()> {
        // The last that the log can say of it: what it was on a day is told backwards from here.
        let name = self.names.name(self.conn, blueprint)?;
        let mut entity = body::decode(name, identifier.clone(), &stored.body)?;
        body::derived(stored.derived.as_deref())?.overlay(&mut entity);
        let diff = diff_of_removal(&entity);
        let version = self.log(stored.id, ChangeKind::Deleted, stored.version, Some(&diff))?;
        self.conn
            .prepare_cached("DELETE FROM entity WHERE id = ?1")?
            .execute([stored.id])?;
        self.conn
            .prepare_cached("INSERT INTO entity_gone (id, blueprint, identifier, version) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![stored.id, blueprint, identifier.as_str(), version])?;
        self.result.counts.deleted += 1;
        self.result.removed.push(stored.id);
        Ok(())
    }

    fn contributors(&self, entity: i64) -> Result<Vec<Contributor>> {
        let mut find = self.conn.prepare_cached(
            "SELECT integration, item, body FROM contribution WHERE entity = ?1 ORDER BY integration, item",
        )?;
        let rows = find.query_map([entity], |row| {
            Ok(Contributor {
                integration: row.get(0)?,
                item: row.get(1)?,
                stored: Some(row.get(2)?),
                new: None,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Where the history of the entity that had this name ends; 0 where none had it.
    fn last_of_gone(&self, blueprint: i64, identifier: &EntityId) -> Result<i64> {
        super::read::last_of_gone(self.conn, blueprint, identifier).map(Option::unwrap_or_default)
    }

    pub(super) fn log(
        &mut self,
        entity: i64,
        kind: ChangeKind,
        previous: i64,
        diff: Option<&Map<String, Value>>,
    ) -> Result<i64> {
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
                kind_number(kind),
                previous,
                self.now,
                self.cause,
                diff
            ])?;
        Ok(self.seq.change)
    }
}

fn put_contribution(conn: &Connection, entity: i64, integration: i64, item: i64, body: Option<&str>) -> Result<()> {
    conn.prepare_cached(
        "INSERT OR REPLACE INTO contribution (entity, integration, item, body) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![entity, integration, item, body])?;
    Ok(())
}

/// A change's kind as its column holds it.
fn kind_number(kind: ChangeKind) -> i64 {
    match kind {
        ChangeKind::Created => 1,
        ChangeKind::Updated => 2,
        ChangeKind::Deleted => 3,
    }
}

/// Reads it back.
pub(super) fn kind_of(number: i64) -> Option<ChangeKind> {
    match number {
        1 => Some(ChangeKind::Created),
        2 => Some(ChangeKind::Updated),
        3 => Some(ChangeKind::Deleted),
        _ => None,
    }
}
