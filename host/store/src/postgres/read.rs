//! Reads by identity, each one statement and so one snapshot.

use super::{ask, items::escaped, names::Names};
use crate::{
    ChangeRow, EntityRow, ItemRow, ItemState, Result, SourceRow, StoreError, body,
    sql::{limit, unescape},
};
use seawall_domain::{BlueprintId, EntityId, entity::Derived};
use sqlx::{PgConnection, Row, postgres::PgRow};
use std::collections::HashMap;

/// What reads need besides a connection.
#[derive(Clone, Copy)]
pub(super) struct Reader<'s> {
    pub(super) names: &'s Names,
    pub(super) keep: bool,
}

impl Reader<'_> {
    async fn entity_rows(self, conn: &mut PgConnection, rows: Vec<PgRow>) -> Result<Vec<EntityRow>> {
        let blueprints = rows.iter().map(|row| row.try_get(1)).collect::<Result<Vec<i64>, _>>()?;
        self.names.load(conn, blueprints.iter().copied(), self.keep).await?;
        rows.iter()
            .zip(blueprints)
            .map(|(row, blueprint)| {
                let identifier = EntityId::new(row.try_get::<&str, _>(2)?).map_err(|e| StoreError::Damaged {
                    what: "entity",
                    detail: e.to_string(),
                })?;
                let derived = body::derived(row.try_get(7)?)?;
                let row = EntityRow {
                    id: row.try_get(0)?,
                    created_at: row.try_get(3)?,
                    created_by: row.try_get(8)?,
                    updated_at: row.try_get(4)?,
                    updated_by: row.try_get(9)?,
                    version: row.try_get(5)?,
                    entity: body::decode(self.names.name(blueprint)?, identifier, row.try_get(6)?)?,
                    derived: Derived::default(),
                    defaulted: Vec::new(),
                };
                Ok(row.with(derived))
            })
            .collect()
    }

    pub(super) async fn entities(self, conn: &mut PgConnection, ids: &[i64]) -> Result<Vec<EntityRow>> {
        let rows = ask(
            "SELECT e.id, e.blueprint, e.identifier, e.created_at, e.updated_at, e.version, e.body, e.derived, e.created_by, e.updated_by \
             FROM unnest($1::bigint[]) WITH ORDINALITY AS n(id, place) JOIN entity e ON e.id = n.id ORDER BY n.place",
            self.keep,
        )
        .bind(ids)
        .fetch_all(&mut *conn)
        .await?;
        self.entity_rows(conn, rows).await
    }

    pub(super) async fn entity(
        self,
        conn: &mut PgConnection,
        blueprint: &BlueprintId,
        identifier: &EntityId,
    ) -> Result<Option<EntityRow>> {
        let rows = ask(
            "SELECT id, blueprint, identifier, created_at, updated_at, version, body, derived, created_by, updated_by FROM entity \
             WHERE blueprint = (SELECT id FROM blueprint_name WHERE name = $1) AND identifier = $2",
            self.keep,
        )
        .bind(blueprint.as_str())
        .bind(identifier.as_str())
        .fetch_all(&mut *conn)
        .await?;
        Ok(self.entity_rows(conn, rows).await?.pop())
    }

    pub(super) async fn entities_named(
        self,
        conn: &mut PgConnection,
        names: &[(&BlueprintId, &EntityId)],
    ) -> Result<Vec<Option<EntityRow>>> {
        let (blueprints, identifiers): (Vec<&str>, Vec<&str>) = names
            .iter()
            .map(|(blueprint, id)| (blueprint.as_str(), id.as_str()))
            .unzip();
        let rows = ask(
            "SELECT e.id, e.blueprint, e.identifier, e.created_at, e.updated_at, e.version, e.body, e.derived, e.created_by, e.updated_by, n.place \
             FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS n(blueprint, identifier, place) \
             JOIN blueprint_name b ON b.name = n.blueprint JOIN entity e ON e.blueprint = b.id AND e.identifier = n.identifier",
            self.keep,
        )
        .bind(blueprints)
        .bind(identifiers)
        .fetch_all(&mut *conn)
        .await?;
        let places = rows
            .iter()
            .map(|row| row.try_get(10))
            .collect::<Result<Vec<i64>, _>>()?;
        let mut out: Vec<Option<EntityRow>> = names.iter().map(|_| None).collect();
        for (place, row) in places.into_iter().zip(self.entity_rows(conn, rows).await?) {
            // Places are counted from 1.
            let slot = usize::try_from(place - 1).ok().and_then(|place| out.get_mut(place));
            if let Some(slot) = slot {
                *slot = Some(row);
            }
        }
        Ok(out)
    }

    pub(super) async fn scan(self, conn: &mut PgConnection, after: i64, most: usize) -> Result<Vec<EntityRow>> {
        let rows = ask(
            "SELECT id, blueprint, identifier, created_at, updated_at, version, body, derived, created_by, updated_by FROM entity \
             WHERE id > $1 ORDER BY id LIMIT $2",
            self.keep,
        )
        .bind(after)
        .bind(limit(most))
        .fetch_all(&mut *conn)
        .await?;
        self.entity_rows(conn, rows).await
    }

    pub(super) async fn item_states(
        self,
        conn: &mut PgConnection,
        partition: i64,
        keys: &[&str],
    ) -> Result<Vec<Option<ItemState>>> {
        let escaped = escaped(keys.iter().copied());
        let rows = ask(
            "SELECT key, id, hash FROM item WHERE partition = $1 AND key = ANY($2)",
            self.keep,
        )
        .bind(partition)
        .bind(&escaped)
        .fetch_all(conn)
        .await?;
        let mut found = HashMap::with_capacity(rows.len());
        for row in &rows {
            let key: &str = row.try_get(0)?;
            let state = ItemState {
                id: row.try_get(1)?,
                hash: body::item_hash(key, row.try_get(2)?)?,
            };
            found.insert(key, state);
        }
        Ok(escaped.iter().map(|key| found.get(&**key).copied()).collect())
    }

    pub(super) async fn items_named(
        self,
        conn: &mut PgConnection,
        partition: i64,
        keys: &[&str],
    ) -> Result<Vec<Option<ItemRow>>> {
        let escaped = escaped(keys.iter().copied());
        let rows = ask(
            "SELECT i.key, i.hash, v.value, i.changed_at FROM item i JOIN item_value v ON v.id = i.id \
             WHERE i.partition = $1 AND i.key = ANY($2)",
            self.keep,
        )
        .bind(partition)
        .bind(&escaped)
        .fetch_all(conn)
        .await?;
        let mut found = HashMap::with_capacity(rows.len());
        for row in &rows {
            let item = body::item(
                unescape(row.try_get(0)?),
                row.try_get(1)?,
                row.try_get(2)?,
                row.try_get(3)?,
            )?;
            found.insert(item.key.clone(), item);
        }
        Ok(keys.iter().map(|key| found.get(*key).cloned()).collect())
    }

    pub(super) async fn sources(self, conn: &mut PgConnection, entity: i64) -> Result<Vec<SourceRow>> {
        let rows = ask(
            "SELECT n.name, p.kind, p.name, v.key, i.changed_at, n.client FROM contribution c \
             JOIN item_value v ON v.id = c.item JOIN partition p ON p.id = v.partition \
             JOIN integration n ON n.id = c.integration JOIN item i ON i.partition = v.partition AND i.key = v.key \
             WHERE c.entity = $1 ORDER BY c.integration, c.item",
            self.keep,
        )
        .bind(entity)
        .fetch_all(conn)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(SourceRow {
                    integration: row.try_get(0)?,
                    kind: unescape(row.try_get(1)?),
                    partition: unescape(row.try_get(2)?),
                    key: unescape(row.try_get(3)?),
                    changed_at: row.try_get(4)?,
                    client: row.try_get(5)?,
                })
            })
            .collect()
    }

    pub(super) async fn history(
        self,
        conn: &mut PgConnection,
        blueprint: &BlueprintId,
        identifier: &EntityId,
        before: i64,
        most: usize,
    ) -> Result<Vec<ChangeRow>> {
        // Walks from the newest change back; a query without an order takes no more of it than it needs.
        let rows = ask(
            "WITH RECURSIVE b AS (SELECT id FROM blueprint_name WHERE name = $1), \
             newest AS (SELECT coalesce( \
                (SELECT version FROM entity WHERE blueprint = (SELECT id FROM b) AND identifier = $2), \
                (SELECT max(version) FROM entity_gone WHERE blueprint = (SELECT id FROM b) AND identifier = $2)) AS position), \
             walk AS (SELECT c.* FROM change c WHERE c.position = (SELECT position FROM newest) \
                UNION ALL SELECT c.* FROM walk w JOIN change c ON c.position = w.previous AND c.position < w.position) \
             SELECT position, entity, kind, previous, at, cause, diff FROM walk WHERE position < $3 LIMIT $4",
            self.keep,
        )
        .bind(blueprint.as_str())
        .bind(identifier.as_str())
        .bind(before)
        .bind(limit(most))
        .fetch_all(conn)
        .await?;
        let mut rows = rows
            .iter()
            .map(|row| change_row(row, blueprint.to_string(), identifier.to_string()))
            .collect::<Result<Vec<_>>>()?;
        rows.sort_by_key(|row| std::cmp::Reverse(row.position));
        Ok(rows)
    }

    pub(super) async fn changes(self, conn: &mut PgConnection, after: i64, most: usize) -> Result<Vec<ChangeRow>> {
        let rows = ask(
            "SELECT c.position, c.entity, c.kind, c.previous, c.at, c.cause, c.diff, b.name, \
                    coalesce(e.identifier, g.identifier) \
             FROM change c LEFT JOIN entity e ON e.id = c.entity LEFT JOIN entity_gone g ON g.id = c.entity \
             JOIN blueprint_name b ON b.id = coalesce(e.blueprint, g.blueprint) \
             WHERE c.position > $1 ORDER BY c.position LIMIT $2",
            self.keep,
        )
        .bind(after)
        .bind(limit(most))
        .fetch_all(conn)
        .await?;
        rows.iter()
            .map(|row| change_row(row, row.try_get(7)?, row.try_get(8)?))
            .collect()
    }

    pub(super) async fn position(self, conn: &mut PgConnection) -> Result<i64> {
        let row = ask("SELECT value FROM sequence WHERE name = 'change'", self.keep)
            .fetch_one(conn)
            .await?;
        Ok(row.try_get(0)?)
    }

    pub(super) async fn ping(self, conn: &mut PgConnection) -> Result<()> {
        ask("SELECT 1", self.keep).fetch_one(conn).await?;
        Ok(())
    }
}

fn change_row(row: &PgRow, blueprint: String, identifier: String) -> Result<ChangeRow> {
    let number: i64 = row.try_get(2)?;
    let diff: Option<&str> = row.try_get(6)?;
    Ok(ChangeRow {
        position: row.try_get(0)?,
        entity: row.try_get(1)?,
        blueprint,
        identifier,
        kind: body::kind_of(number).ok_or_else(|| StoreError::Damaged {
            what: "change",
            detail: format!("there is no kind {number}"),
        })?,
        diff: diff.map_or(Ok(serde_json::Map::new()), |text| body::from_json("diff", text))?,
        at: row.try_get(4)?,
        cause: unescape(row.try_get(5)?),
    })
}
