//! Sources of what clients say, and items as they are stored.

use super::{Conn, Row, count, get, limit, query};
use crate::{ClientSourceRow, ContributionRow, ItemRow, Result, SourceRow, StoreError, body};
use seawall_domain::{BlueprintId, EntityId, Millis};

/// The kind of a client source's items.
const KIND: &str = "entity";

/// The partition of a source, made where there is none.
pub(crate) async fn partition(conn: &mut Conn<'_>, source: &str, now: Millis) -> Result<i64> {
    let mut tx = conn.begin().await?;
    query(
        "INSERT INTO integration (name, body, client, created_at, updated_at) VALUES ($1, '{}', TRUE, $2, $2) \
         ON CONFLICT (name) DO NOTHING",
    )
    .bind(source)
    .bind(now)
    .execute(&mut tx.conn())
    .await?;
    let found = query("SELECT id, client FROM integration WHERE name = $1")
        .bind(source)
        .fetch_one(&mut tx.conn())
        .await?;
    if !get::<bool, _>(&found, "client")? {
        return Err(StoreError::Missing(format!(
            "a source of clients `{source}` (there is an integration of that name; choose another)"
        )));
    }
    let integration: i64 = get(&found, "id")?;
    query(
        "INSERT INTO partition (integration, kind, name) VALUES ($1, $2, '') \
         ON CONFLICT (integration, kind, name) DO NOTHING",
    )
    .bind(integration)
    .bind(KIND)
    .execute(&mut tx.conn())
    .await?;
    let partition = query("SELECT id FROM partition WHERE integration = $1 AND kind = $2")
        .bind(integration)
        .bind(KIND)
        .fetch_one(&mut tx.conn())
        .await?;
    tx.commit().await?;
    get(&partition, 0)
}

/// All sources, by name.
pub(crate) async fn sources(conn: &mut Conn<'_>) -> Result<Vec<ClientSourceRow>> {
    query(
        "SELECT n.name, n.id AS integration, p.id, p.items FROM integration n JOIN partition p ON p.integration = n.id \
         WHERE n.client ORDER BY n.name",
    )
    .fetch_all(conn)
    .await?
    .iter()
    .map(|row| {
        Ok(ClientSourceRow {
            name: get(row, "name")?,
            integration: get(row, "integration")?,
            partition: get(row, "id")?,
            items: count(row, "items")?,
        })
    })
    .collect()
}

fn item_row(row: &Row) -> Result<ItemRow> {
    body::item(
        get(row, "key")?,
        get(row, "hash")?,
        get(row, "value")?,
        get(row, "changed_at")?,
    )
}

/// Items of a partition by key, from the one behind `after`.
pub(crate) async fn items(conn: &mut Conn<'_>, partition: i64, after: &str, most: usize) -> Result<Vec<ItemRow>> {
    query(
        "SELECT i.key, i.hash, v.value, i.changed_at FROM item i JOIN item_value v ON v.id = i.id \
         WHERE i.partition = $1 AND i.key > $2 ORDER BY i.key LIMIT $3",
    )
    .bind(partition)
    .bind(after)
    .bind(limit(most))
    .fetch_all(conn)
    .await?
    .iter()
    .map(item_row)
    .collect()
}

/// What each item says of an entity, the weakest first where no precedence says otherwise. One statement, so that all is of one
/// moment.
pub(crate) async fn contributions(conn: &mut Conn<'_>, entity: i64) -> Result<Vec<ContributionRow>> {
    query(
        "SELECT n.name AS source, p.kind, p.name AS partition, v.key, i.changed_at, n.client, \
                coalesce(c.body, e.body) AS body, b.name AS blueprint, e.identifier \
         FROM contribution c JOIN entity e ON e.id = c.entity JOIN blueprint_name b ON b.id = e.blueprint \
         JOIN item_value v ON v.id = c.item JOIN partition p ON p.id = v.partition \
         JOIN integration n ON n.id = c.integration JOIN item i ON i.partition = v.partition AND i.key = v.key \
         WHERE c.entity = $1 ORDER BY n.client, n.name = 'people', c.integration, c.item",
    )
    .bind(entity)
    .fetch_all(conn)
    .await?
    .iter()
    .map(|row| {
        let blueprint: BlueprintId = body::identifier("blueprint", get(row, "blueprint")?)?;
        let identifier: EntityId = body::identifier("entity", get(row, "identifier")?)?;
        Ok(ContributionRow {
            source: SourceRow {
                integration: get(row, "source")?,
                kind: get(row, "kind")?,
                partition: get(row, "partition")?,
                key: get(row, "key")?,
                changed_at: get(row, "changed_at")?,
                client: get(row, "client")?,
            },
            says: body::decode(blueprint, identifier, get(row, "body")?)?,
        })
    })
    .collect()
}
