//! The last statement of a transaction: it takes the positions of its changes, and writes what names them. Who holds the counter
//! waits for nobody.

use super::tx::{Tx, q};
use crate::{ChangeKind, EntityRow, Result, StoreError, body, merge::Stored};
use seawall_domain::EntityId;
use serde_json::{Map, Value};
use sqlx::Row;

/// What the last statement writes, column by column. A place is a position from the transaction's first one on.
#[derive(Default)]
pub(super) struct Changes {
    made: Made,
    updated: Updated,
    buried: Buried,
    log: Log,
    /// Entities as they are after the commit, and the places of those whose version is one.
    upserted: Vec<(EntityRow, Option<i64>)>,
}

#[derive(Default)]
struct Made {
    id: Vec<i64>,
    blueprint: Vec<i64>,
    identifier: Vec<String>,
    place: Vec<i64>,
    body: Vec<String>,
    derived: Vec<Option<String>>,
}

#[derive(Default)]
struct Updated {
    id: Vec<i64>,
    /// None: its version stays.
    place: Vec<Option<i64>>,
    body: Vec<String>,
    derived: Vec<Option<String>>,
    at: Vec<i64>,
    by: Vec<Option<String>>,
}

#[derive(Default)]
struct Buried {
    id: Vec<i64>,
    blueprint: Vec<i64>,
    identifier: Vec<String>,
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
    fn log(&mut self, entity: i64, kind: ChangeKind, previous: i64, diff: Option<&Map<String, Value>>) -> Result<i64> {
        self.log.entity.push(entity);
        self.log.kind.push(body::kind_number(kind));
        self.log.previous.push(previous);
        self.log
            .diff
            .push(diff.map(|diff| body::to_json("diff", diff)).transpose()?);
        Ok(self.log.entity.len() as i64)
    }

    /// An entity comes. `previous` is where the history of one that had its name ends.
    pub(super) fn create(
        &mut self,
        id: i64,
        (blueprint, identifier): (i64, &EntityId),
        previous: i64,
        (body, derived): (String, Option<String>),
    ) -> Result<Place> {
        let place = self.log(id, ChangeKind::Created, previous, None)?;
        self.made.id.push(id);
        self.made.blueprint.push(blueprint);
        self.made.identifier.push(identifier.to_string());
        self.made.place.push(place);
        self.made.body.push(body);
        self.made.derived.push(derived);
        Ok(Place(place))
    }

    /// An entity goes.
    pub(super) fn bury(
        &mut self,
        stored: &Stored,
        (blueprint, identifier): (i64, &EntityId),
        diff: &Map<String, Value>,
    ) -> Result<()> {
        let place = self.log(stored.id, ChangeKind::Deleted, stored.version, Some(diff))?;
        self.buried.id.push(stored.id);
        self.buried.blueprint.push(blueprint);
        self.buried.identifier.push(identifier.to_string());
        self.buried.place.push(place);
        Ok(())
    }

    /// An entity gets the columns of `new`. Without a difference no position is taken, and its version stays.
    pub(super) fn update(&mut self, new: &Stored, diff: &Map<String, Value>) -> Result<Option<Place>> {
        let place = if diff.is_empty() {
            None
        } else {
            Some(self.log(new.id, ChangeKind::Updated, new.version, Some(diff))?)
        };
        self.updated.id.push(new.id);
        self.updated.place.push(place);
        self.updated.body.push(new.body.clone());
        self.updated.derived.push(new.derived.clone());
        self.updated.at.push(new.updated_at);
        self.updated.by.push(new.updated_by.clone());
        Ok(place.map(Place))
    }

    /// An entity as it is after the commit, its version being the position of `place`.
    pub(super) fn show(&mut self, row: EntityRow, place: Option<Place>) {
        self.upserted.push((row, place.map(|place| place.0)));
    }

    /// Entities that go.
    pub(super) fn buried(&self) -> &[i64] {
        &self.buried.id
    }
}

/// Where a change stands among those of its transaction.
#[derive(Clone, Copy)]
pub(super) struct Place(i64);

impl Tx<'_, '_> {
    /// Takes the positions and writes what names them: the last statement before the commit.
    pub(super) async fn write_entities(&mut self, changes: Changes) -> Result<()> {
        let count = changes.log.entity.len() as i64;
        if count == 0 && changes.updated.id.is_empty() {
            let row = q!(self, "SELECT value FROM sequence WHERE name = 'change'")
                .fetch_one(&mut *self.tx)
                .await?;
            self.result.position = row.try_get(0)?;
            return Ok(());
        }
        let (made, updated, buried, log) = (changes.made, changes.updated, changes.buried, changes.log);
        let expected = (made.id.len() as i64, updated.id.len() as i64);
        let row = q!(
            self,
            "WITH p AS (UPDATE sequence SET value = value + $1 WHERE name = 'change' RETURNING value - $1 AS base), \
             made AS (INSERT INTO entity \
                (id, blueprint, identifier, created_at, updated_at, version, body, derived, created_by, updated_by) \
                SELECT n.id, n.blueprint, n.identifier, $2, $2, p.base + n.place, n.body, n.derived, $22, $22 \
                FROM p, unnest($3::bigint[], $4::bigint[], $5::text[], $6::bigint[], $7::text[], $21::text[]) \
                    AS n(id, blueprint, identifier, place, body, derived) \
                ON CONFLICT (blueprint, identifier) DO NOTHING RETURNING id), \
             updated AS (UPDATE entity e \
                SET updated_at = n.moment, updated_by = n.who, version = coalesce(p.base + n.place, e.version), body = n.body, \
                    derived = n.derived \
                FROM p, unnest($8::bigint[], $9::bigint[], $10::text[], $11::text[], $23::bigint[], $24::text[]) \
                    AS n(id, place, body, derived, moment, who) \
                WHERE e.id = n.id RETURNING e.id), \
             buried AS (INSERT INTO entity_gone (id, blueprint, identifier, version) \
                SELECT n.id, n.blueprint, n.identifier, p.base + n.place \
                FROM p, unnest($12::bigint[], $13::bigint[], $14::text[], $15::bigint[]) AS n(id, blueprint, identifier, place)), \
             logged AS (INSERT INTO change (position, entity, kind, previous, at, cause, diff) \
                SELECT p.base + n.place, n.entity, n.kind, n.previous, $2, $16, n.diff \
                FROM p, unnest($17::bigint[], $18::bigint[], $19::bigint[], $20::text[]) WITH ORDINALITY \
                    AS n(entity, kind, previous, diff, place)) \
             SELECT p.base, (SELECT count(*) FROM made), (SELECT count(*) FROM updated) FROM p"
        )
        .bind(count)
        .bind(self.now)
        .bind(made.id)
        .bind(made.blueprint)
        .bind(made.identifier)
        .bind(made.place)
        .bind(made.body)
        .bind(updated.id)
        .bind(updated.place)
        .bind(updated.body)
        .bind(updated.derived)
        .bind(buried.id)
        .bind(buried.blueprint)
        .bind(buried.identifier)
        .bind(buried.place)
        .bind(crate::sql::escape(self.cause).into_owned())
        .bind(log.entity)
        .bind(log.kind)
        .bind(log.previous)
        .bind(log.diff)
        .bind(made.derived)
        .bind(self.by.as_deref())
        .bind(updated.at)
        .bind(updated.by)
        .fetch_one(&mut *self.tx)
        .await?;
        if (row.try_get(1)?, row.try_get(2)?) != expected {
            return Err(StoreError::InTheWay(
                "another writer made an entity of the same name at the same time".into(),
            ));
        }
        let base: i64 = row.try_get(0)?;
        self.result.upserted = changes
            .upserted
            .into_iter()
            .map(|(mut row, place)| {
                if let Some(place) = place {
                    row.version = base + place;
                }
                row
            })
            .collect();
        self.result.position = base + count;
        Ok(())
    }
}
