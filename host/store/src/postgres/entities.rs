//! From what items say to entities: contributions and merge.
//!
//! All entities that the transaction touches are locked, in the order of their names, and everything is written that does not
//! name a position; what does is gathered for `changes`.

use super::{
    changes::Changes,
    ranks::Known,
    tx::{Tx, q},
};
use crate::{
    EntityRow, Expect, Result, body,
    merge::{Contribution, Outcome, Ranks, Said, Stored, Touch, settle, speaker},
    page,
};
use seawall_domain::{EntityId, entity::Derived};
use sqlx::{Row, postgres::PgRow};
use std::collections::{BTreeSet, HashMap};

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

/// A blueprint's row id and an identifier.
pub(super) type Name = (i64, EntityId);

/// A stored entity, from the columns id, blueprint, identifier, body, created_at, version, derived, updated_at, created_by and
/// updated_by.
pub(super) fn stored(row: &PgRow) -> Result<(Name, Stored)> {
    let name = (row.try_get(1)?, body::identifier("entity", row.try_get(2)?)?);
    let stored = Stored {
        id: row.try_get(0)?,
        body: row.try_get(3)?,
        created_at: row.try_get(4)?,
        version: row.try_get(5)?,
        derived: row.try_get(6)?,
        updated_at: row.try_get(7)?,
        created_by: row.try_get(8)?,
        updated_by: row.try_get(9)?,
    };
    Ok((name, stored))
}

impl Tx<'_, '_> {
    /// Settles what becomes of the touched entities, and writes everything that names no position. Fails where one is not as
    /// the page `expected` it.
    pub(super) async fn prepare_entities(&mut self, expected: &[Expect]) -> Result<Changes> {
        let mut changes = Changes::default();
        let touched = std::mem::take(&mut self.touched).into_sorted();
        let expected = self.expected(expected)?;
        if touched.is_empty() && expected.is_empty() {
            return Ok(changes);
        }
        let names = touched.iter().map(|touch| (touch.blueprint, &touch.identifier));
        let mut stored = self
            .lock_entities(names.chain(expected.iter().map(|(name, ..)| (name.0, &name.1))))
            .await?;
        for (name, version, expect) in expected {
            if stored.get(&name).map(|stored| stored.version) != version {
                return Err(page::changed(expect));
            }
        }
        let mut contributions = self.contributions(stored.values().map(|s| s.id).collect()).await?;
        let is_new = |touch: &&Touch<&Said>| {
            touch.is_said() && !stored.contains_key(&(touch.blueprint, touch.identifier.clone()))
        };
        let new: Vec<&Touch<&Said>> = touched.iter().filter(is_new).collect();
        let mut gone = self.last_of_gone(&new).await?;
        let merged: BTreeSet<i64> = touched.iter().map(|touch| touch.blueprint).collect();
        let speakers = contributions.values().flatten().map(|said| said.integration);
        let speakers = BTreeSet::from_iter(speakers.chain([self.integration]));
        let mut ranks = self.ranks(merged, speakers).await?;
        if !touched.is_empty() {
            self.by = Some(speaker(self.cause, &ranks.source(self.integration)?.name).to_owned());
        }
        let (store, new) = (self.store, new.len());
        let mut ids = store.ids.entities(&mut self.tx, new, store.keep).await?.into_iter();
        let mut words = Words::default();
        for touch in touched {
            let name = (touch.blueprint, touch.identifier.clone());
            if let Some(stored) = stored.remove(&name) {
                let known = contributions.remove(&stored.id).unwrap_or_default();
                let settled = settle(&stored, known, touch, self.integration, &mut ranks)?;
                words
                    .withdrawn
                    .extend(settled.withdrawn.iter().map(|item| (stored.id, *item)));
                settled.written.into_iter().for_each(|said| words.put(stored.id, said));
                self.become_of(stored, (name.0, &name.1), settled.outcome, &mut changes)?;
            } else if touch.is_said()
                && let Some(id) = ids.next()
            {
                let previous = gone.remove(&name).unwrap_or_default();
                self.create(id, previous, touch, &mut ranks, (&mut changes, &mut words))?;
            }
        }
        self.write_words(words).await?;
        if !changes.buried().is_empty() {
            let delete = q!(self, "DELETE FROM entity WHERE id = ANY($1)").bind(changes.buried());
            self.run(delete).await?;
        }
        Ok(changes)
    }

    /// Which entities have to be at which version; those of items are looked at elsewhere.
    fn expected<'e>(&self, all: &'e [Expect]) -> Result<Vec<(Name, Option<i64>, &'e Expect)>> {
        let entities = all.iter().filter_map(|expect| match expect {
            Expect::Entity {
                blueprint,
                identifier,
                version,
            } => Some((blueprint, identifier, *version, expect)),
            Expect::Item { .. } => None,
        });
        entities
            .map(|(blueprint, identifier, version, expect)| {
                let name = (self.store.names.id(blueprint)?, identifier.clone());
                Ok((name, version, expect))
            })
            .collect()
    }

    fn create(
        &mut self,
        id: i64,
        previous: i64,
        mut touch: Touch<&Said>,
        ranks: &mut Known<'_>,
        (changes, words): (&mut Changes, &mut Words),
    ) -> Result<()> {
        let together = touch.together(self.integration, ranks)?;
        let Some(body) = touch.body(together.as_ref()).map(str::to_owned) else {
            return Ok(());
        };
        let (derived, column) = touch.first_derived(ranks)?;
        let place = changes.create(id, (touch.blueprint, &touch.identifier), previous, (body, column))?;
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
        if let Some(entity) = entity {
            let row = EntityRow {
                id,
                entity,
                derived: Derived::default(),
                defaulted: Vec::new(),
                created_at: self.now,
                created_by: self.by.clone(),
                updated_at: self.now,
                updated_by: self.by.clone(),
                version: 0,
            };
            changes.show(row.with(derived), Some(place));
        }
        Ok(())
    }

    /// Notes what becomes of an entity.
    pub(super) fn become_of(
        &mut self,
        mut stored: Stored,
        name: (i64, &EntityId),
        outcome: Outcome,
        changes: &mut Changes,
    ) -> Result<()> {
        match outcome {
            Outcome::Same => {}
            Outcome::Gone(diff) => {
                changes.bury(&stored, name, &diff)?;
                self.result.counts.deleted += 1;
                self.result.removed.push(stored.id);
            }
            Outcome::Updated(new) => {
                stored.body = new.body;
                stored.touch(&new.diff, self.by.as_deref(), self.now);
                let place = changes.update(&stored, &new.diff)?;
                self.result.counts.updated += 1;
                changes.show(stored.row(new.entity, stored.version)?, place);
            }
        }
        Ok(())
    }

    /// Those of the named entities that there are. They stay as they are until the transaction ends.
    async fn lock_entities<'n>(
        &mut self,
        names: impl Iterator<Item = (i64, &'n EntityId)>,
    ) -> Result<HashMap<Name, Stored>> {
        // A name may be there twice, and a row is locked once all the same.
        let (blueprints, identifiers): (Vec<i64>, Vec<&str>) = names.map(|(b, i)| (b, i.as_str())).unzip();
        let rows = q!(
            self,
            "SELECT e.id, e.blueprint, e.identifier, e.body, e.created_at, e.version, e.derived, e.updated_at, e.created_by, \
             e.updated_by \
             FROM unnest($1::bigint[], $2::text[]) AS n(blueprint, identifier) \
             JOIN entity e ON e.blueprint = n.blueprint AND e.identifier = n.identifier \
             ORDER BY e.blueprint, e.identifier FOR UPDATE OF e"
        )
        .bind(blueprints)
        .bind(identifiers)
        .fetch_all(&mut *self.tx)
        .await?;
        rows.iter().map(stored).collect()
    }

    /// Who says what of entities, in order.
    pub(super) async fn contributions(&mut self, entities: Vec<i64>) -> Result<HashMap<i64, Vec<Contribution>>> {
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
        let names = new.iter().map(|touch| (touch.blueprint, touch.identifier.as_str()));
        let (blueprints, identifiers): (Vec<i64>, Vec<&str>) = names.unzip();
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
}
