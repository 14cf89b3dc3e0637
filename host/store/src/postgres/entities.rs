//! From what items say to entities: contributions, merge, change rows.
//!
//! First all entities that the transaction touches are locked, in the order of their names, and everything is written that does
//! not name a position. Then one statement takes the positions and writes what names them: who holds the counter waits for nobody.

use super::tx::{Tx, q};
use crate::{
    ChangeKind, EntityRow, Result, StoreError, body,
    merge::{Contribution, Outcome, Said, Stored, Touch, settle},
};
use seawall_domain::EntityId;
use sqlx::Row;
use std::collections::HashMap;

/// What the last statement writes, column by column. `place` is the position from the transaction's first one on.
#[derive(Default)]
pub(super) struct Changes {
    made: Made,
    updated: Updated,
    buried: Buried,
    log: Log,
    /// Entities as they are after the commit; their versions are places until then.
    upserted: Vec<EntityRow>,
}

#[derive(Default)]
struct Made {
    id: Vec<i64>,
    blueprint: Vec<i64>,
    identifier: Vec<EntityId>,
    place: Vec<i64>,
    body: Vec<String>,
}

#[derive(Default)]
struct Updated {
    id: Vec<i64>,
    place: Vec<i64>,
    body: Vec<String>,
}

#[derive(Default)]
struct Buried {
    id: Vec<i64>,
    blueprint: Vec<i64>,
    identifier: Vec<EntityId>,
    place: Vec<i64>,
}

#[derive(Default)]
struct Log {
    entity: Vec<i64>,
    kind: Vec<i64>,
    previous: Vec<i64>,
    diff: Vec<Option<String>>,
}

impl Changes {
    fn log(&mut self, entity: i64, kind: ChangeKind, previous: i64, diff: Option<String>) -> i64 {
        self.log.entity.push(entity);
        self.log.kind.push(body::kind_number(kind));
        self.log.previous.push(previous);
        self.log.diff.push(diff);
        self.log.entity.len() as i64
    }
}

/// Contributions to write and to drop.
#[derive(Default)]
struct Words {
    entity: Vec<i64>,
    integration: Vec<i64>,
    item: Vec<i64>,
    body: Vec<Option<String>>,
    withdrawn: Vec<(i64, i64)>,
}

impl Words {
    fn put(&mut self, entity: i64, said: Contribution) {
        self.entity.push(entity);
        self.integration.push(said.integration);
        self.item.push(said.item);
        self.body.push(said.body);
    }
}

type Name = (i64, EntityId);

impl Tx<'_, '_> {
    /// Settles what becomes of the touched entities, and writes everything that names no position.
    pub(super) async fn prepare_entities(&mut self) -> Result<Changes> {
        let mut changes = Changes::default();
        let touched = std::mem::take(&mut self.touched).into_sorted();
        if touched.is_empty() {
            return Ok(changes);
        }
        let mut stored = self.lock_entities(&touched).await?;
        let mut contributions = self.contributions(stored.values().map(|s| s.id).collect()).await?;
        let blueprints = stored.keys().map(|(blueprint, _)| *blueprint);
        self.store.names.load(&mut self.tx, blueprints, self.store.keep).await?;
        let is_new = |touch: &&Touch<&Said>| {
            touch.is_said() && !stored.contains_key(&(touch.blueprint, touch.identifier.clone()))
        };
        let new: Vec<&Touch<&Said>> = touched.iter().filter(is_new).collect();
        let mut gone = self.last_of_gone(&new).await?;
        let mut ids = self
            .store
            .ids
            .entities(&mut self.tx, new.len(), self.store.keep)
            .await?
            .into_iter();
        let mut words = Words::default();
        for touch in touched {
            let name = (touch.blueprint, touch.identifier.clone());
            if let Some(stored) = stored.remove(&name) {
                let known = contributions.remove(&stored.id).unwrap_or_default();
                self.change_entity(stored, known, touch, &mut changes, &mut words)?;
            } else if touch.is_said()
                && let Some(id) = ids.next()
            {
                let previous = gone.remove(&name).unwrap_or_default();
                self.create_entity(id, previous, touch, &mut changes, &mut words)?;
            }
        }
        self.write_words(words).await?;
        if !changes.buried.id.is_empty() {
            let delete = q!(self, "DELETE FROM entity WHERE id = ANY($1)").bind(&changes.buried.id);
            self.run(delete).await?;
        }
        Ok(changes)
    }

    fn create_entity(
        &mut self,
        id: i64,
        previous: i64,
        mut touch: Touch<&Said>,
        changes: &mut Changes,
        words: &mut Words,
    ) -> Result<()> {
        let together = touch.together()?;
        let Some(body) = touch.body(together.as_ref()) else {
            return Ok(());
        };
        let place = changes.log(id, ChangeKind::Created, previous, None);
        changes.made.id.push(id);
        changes.made.blueprint.push(touch.blueprint);
        changes.made.identifier.push(touch.identifier.clone());
        changes.made.place.push(place);
        changes.made.body.push(body.to_owned());
        let (entity, contributions) = touch.created(together);
        for (item, body) in contributions {
            words.put(
                id,
                Contribution {
                    integration: self.integration,
                    item,
                    body,
                },
            );
        }
        self.result.counts.created += 1;
        changes.upserted.extend(entity.map(|entity| EntityRow {
            id,
            entity,
            created_at: self.now,
            updated_at: self.now,
            version: place,
        }));
        Ok(())
    }

    fn change_entity(
        &mut self,
        stored: Stored,
        known: Vec<Contribution>,
        touch: Touch<&Said>,
        changes: &mut Changes,
        words: &mut Words,
    ) -> Result<()> {
        let (blueprint, identifier) = (touch.blueprint, touch.identifier.clone());
        let names = &self.store.names;
        let settled = settle(&stored, known, touch, self.integration, || names.name(blueprint))?;
        words
            .withdrawn
            .extend(settled.withdrawn.iter().map(|item| (stored.id, *item)));
        settled.written.into_iter().for_each(|said| words.put(stored.id, said));
        match settled.outcome {
            Outcome::Same => {}
            Outcome::Gone => {
                let place = changes.log(stored.id, ChangeKind::Deleted, stored.version, None);
                changes.buried.id.push(stored.id);
                changes.buried.blueprint.push(blueprint);
                changes.buried.identifier.push(identifier);
                changes.buried.place.push(place);
                self.result.counts.deleted += 1;
                self.result.removed.push(stored.id);
            }
            Outcome::Updated { entity, body, diff } => {
                let diff = body::to_json("diff", &diff)?;
                let place = changes.log(stored.id, ChangeKind::Updated, stored.version, Some(diff));
                changes.updated.id.push(stored.id);
                changes.updated.place.push(place);
                changes.updated.body.push(body);
                self.result.counts.updated += 1;
                changes.upserted.push(EntityRow {
                    id: stored.id,
                    entity: *entity,
                    created_at: stored.created_at,
                    updated_at: self.now,
                    version: place,
                });
            }
        }
        Ok(())
    }

    /// Those of the touched entities that there are. They stay as they are until the transaction ends.
    async fn lock_entities(&mut self, touched: &[Touch<&Said>]) -> Result<HashMap<Name, Stored>> {
        let (blueprints, identifiers) = names(touched.iter());
        let rows = q!(
            self,
            "SELECT e.id, e.blueprint, e.identifier, e.body, e.created_at, e.version \
             FROM unnest($1::bigint[], $2::text[]) AS n(blueprint, identifier) \
             JOIN entity e ON e.blueprint = n.blueprint AND e.identifier = n.identifier \
             ORDER BY e.blueprint, e.identifier FOR UPDATE OF e"
        )
        .bind(blueprints)
        .bind(identifiers)
        .fetch_all(&mut *self.tx)
        .await?;
        rows.iter()
            .map(|row| {
                let name = (row.try_get(1)?, body::identifier("entity", row.try_get(2)?)?);
                let stored = Stored {
                    id: row.try_get(0)?,
                    body: row.try_get(3)?,
                    created_at: row.try_get(4)?,
                    version: row.try_get(5)?,
                };
                Ok((name, stored))
            })
            .collect()
    }

    /// Who says what of entities, in order.
    async fn contributions(&mut self, entities: Vec<i64>) -> Result<HashMap<i64, Vec<Contribution>>> {
        let mut all: HashMap<i64, Vec<Contribution>> = HashMap::new();
        if entities.is_empty() {
            return Ok(all);
        }
        let rows = q!(
            self,
            "SELECT entity, integration, item, body FROM contribution WHERE entity = ANY($1) ORDER BY entity, integration, item"
        )
        .bind(entities)
        .fetch_all(&mut *self.tx)
        .await?;
        for row in &rows {
            all.entry(row.try_get(0)?).or_default().push(Contribution {
                integration: row.try_get(1)?,
                item: row.try_get(2)?,
                body: row.try_get(3)?,
            });
        }
        Ok(all)
    }

    /// Where the histories of entities that had these names end.
    async fn last_of_gone(&mut self, new: &[&Touch<&Said>]) -> Result<HashMap<Name, i64>> {
        if new.is_empty() {
            return Ok(HashMap::new());
        }
        let (blueprints, identifiers) = names(new.iter().copied());
        let rows = q!(
            self,
            "SELECT g.blueprint, g.identifier, max(g.version) \
             FROM unnest($1::bigint[], $2::text[]) AS n(blueprint, identifier) \
             JOIN entity_gone g ON g.blueprint = n.blueprint AND g.identifier = n.identifier GROUP BY g.blueprint, g.identifier"
        )
        .bind(blueprints)
        .bind(identifiers)
        .fetch_all(&mut *self.tx)
        .await?;
        rows.iter()
            .map(|row| {
                let name = (row.try_get(0)?, body::identifier("entity", row.try_get(1)?)?);
                Ok((name, row.try_get(2)?))
            })
            .collect()
    }

    async fn write_words(&mut self, words: Words) -> Result<()> {
        if !words.withdrawn.is_empty() {
            let (entities, items): (Vec<i64>, Vec<i64>) = words.withdrawn.into_iter().unzip();
            let delete = q!(
                self,
                "DELETE FROM contribution c USING unnest($2::bigint[], $3::bigint[]) AS n(entity, item) \
                 WHERE c.entity = n.entity AND c.integration = $1 AND c.item = n.item"
            )
            .bind(self.integration)
            .bind(entities)
            .bind(items);
            self.run(delete).await?;
        }
        if !words.entity.is_empty() {
            let insert = q!(
                self,
                "INSERT INTO contribution (entity, integration, item, body) \
                 SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[]) \
                 ON CONFLICT (entity, integration, item) DO UPDATE SET body = excluded.body"
            )
            .bind(words.entity)
            .bind(words.integration)
            .bind(words.item)
            .bind(words.body);
            self.run(insert).await?;
        }
        Ok(())
    }

    /// Takes the positions and writes what names them: the last statement before the commit.
    pub(super) async fn write_entities(&mut self, changes: Changes) -> Result<()> {
        let count = changes.log.entity.len() as i64;
        if count == 0 {
            let row = q!(self, "SELECT value FROM sequence WHERE name = 'change'")
                .fetch_one(&mut *self.tx)
                .await?;
            self.result.position = row.try_get(0)?;
            return Ok(());
        }
        let (made, updated, buried, log) = (changes.made, changes.updated, changes.buried, changes.log);
        let expected = (made.id.len() as i64, updated.id.len() as i64);
        let text = |names: &[EntityId]| names.iter().map(EntityId::to_string).collect::<Vec<_>>();
        let row = q!(
            self,
            "WITH p AS (UPDATE sequence SET value = value + $1 WHERE name = 'change' RETURNING value - $1 AS base), \
             made AS (INSERT INTO entity (id, blueprint, identifier, created_at, updated_at, version, body) \
                SELECT n.id, n.blueprint, n.identifier, $2, $2, p.base + n.place, n.body \
                FROM p, unnest($3::bigint[], $4::bigint[], $5::text[], $6::bigint[], $7::text[]) \
                    AS n(id, blueprint, identifier, place, body) \
                ON CONFLICT (blueprint, identifier) DO NOTHING RETURNING id), \
             updated AS (UPDATE entity e SET updated_at = $2, version = p.base + n.place, body = n.body \
                FROM p, unnest($8::bigint[], $9::bigint[], $10::text[]) AS n(id, place, body) WHERE e.id = n.id RETURNING e.id), \
             buried AS (INSERT INTO entity_gone (id, blueprint, identifier, version) \
                SELECT n.id, n.blueprint, n.identifier, p.base + n.place \
                FROM p, unnest($11::bigint[], $12::bigint[], $13::text[], $14::bigint[]) AS n(id, blueprint, identifier, place)), \
             logged AS (INSERT INTO change (position, entity, kind, previous, at, cause, diff) \
                SELECT p.base + n.place, n.entity, n.kind, n.previous, $2, $15, n.diff \
                FROM p, unnest($16::bigint[], $17::bigint[], $18::bigint[], $19::text[]) WITH ORDINALITY \
                    AS n(entity, kind, previous, diff, place)) \
             SELECT p.base, (SELECT count(*) FROM made), (SELECT count(*) FROM updated) FROM p"
        )
        .bind(count)
        .bind(self.now)
        .bind(made.id)
        .bind(made.blueprint)
        .bind(text(&made.identifier))
        .bind(made.place)
        .bind(made.body)
        .bind(updated.id)
        .bind(updated.place)
        .bind(updated.body)
        .bind(buried.id)
        .bind(buried.blueprint)
        .bind(text(&buried.identifier))
        .bind(buried.place)
        .bind(crate::sql::escape(self.cause).into_owned())
        .bind(log.entity)
        .bind(log.kind)
        .bind(log.previous)
        .bind(log.diff)
        .fetch_one(&mut *self.tx)
        .await?;
        if (row.try_get(1)?, row.try_get(2)?) != expected {
            return Err(StoreError::InTheWay(
                "another writer made an entity of the same name at the same time".into(),
            ));
        }
        let base: i64 = row.try_get(0)?;
        self.result.upserted = changes.upserted;
        for row in &mut self.result.upserted {
            row.version += base;
        }
        self.result.position = base + count;
        Ok(())
    }
}

fn names<'t>(touched: impl Iterator<Item = &'t Touch<&'t Said>>) -> (Vec<i64>, Vec<&'t str>) {
    touched
        .map(|touch| (touch.blueprint, touch.identifier.as_str()))
        .unzip()
}
