//! Reads the catalog as it stands. For actions alone, and only where the manifest asks with `capabilities.catalog`.

use crate::{
    bindings::catalog,
    entity::{Entity, EntityRef},
};

/// An entity, if there is one. In native tests there is none.
pub fn get(id: &EntityRef) -> Option<Entity> {
    if cfg!(not(target_arch = "wasm32")) {
        return None;
    }
    catalog::get(&id.clone().into()).map(Entity::from)
}

/// The targets of an entity's relation. In native tests there are none.
pub fn related(id: &EntityRef, relation: &str) -> Vec<Entity> {
    if cfg!(not(target_arch = "wasm32")) {
        return Vec::new();
    }
    let entities = catalog::related(&id.clone().into(), relation);
    entities.into_iter().map(Entity::from).collect()
}
