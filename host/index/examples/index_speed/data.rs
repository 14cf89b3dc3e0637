//! Pages of made-up entities, as the index takes them.

use crate::{
    Result,
    shape::{OWNERS, entity},
};
use seawall_domain::Entity;
use seawall_index::Row;

pub(crate) const PAGE: usize = 500;

pub(crate) fn page(blueprint: &str, numbers: impl Iterator<Item = usize>, version: usize) -> Result<Vec<Entity>> {
    let one = |number| Ok(serde_json::from_value(entity(blueprint, number, version, OWNERS))?);
    numbers.map(one).collect()
}

pub(crate) fn rows(entities: &[Entity], first_id: usize) -> Result<Vec<Row<'_>>> {
    let row = |(at, entity)| -> Result<Row<'_>> {
        let id = i64::try_from(first_id + at)?;
        Ok(Row {
            id,
            entity,
            created_at: 1_700_000_000_000 + id,
            updated_at: 1_750_000_000_000 + id * 7,
            created_by: None,
            updated_by: None,
            version: i64::MAX,
        })
    };
    entities.iter().enumerate().map(row).collect()
}
