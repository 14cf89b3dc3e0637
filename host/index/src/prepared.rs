//! A row made ready to be written: hashed and in canonical form before any lock is taken.

use crate::probe::Probe;
use hashbrown::DefaultHashBuilder;
use seawall_domain::{Entity, Millis};
use std::hash::BuildHasher as _;

/// An entity as the database has it.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// The database's row id; never given to another entity.
    pub id: i64,
    /// The entity.
    pub entity: &'a Entity,
    /// When it first appeared.
    pub created_at: Millis,
    /// When it last changed.
    pub updated_at: Millis,
    /// Who created it, where that is known.
    pub created_by: Option<&'a str>,
    /// Who changed it last, where that is known.
    pub updated_by: Option<&'a str>,
    /// The position of the change that made it so in the change log. Of two rows of an id the higher one counts.
    pub version: i64,
}

pub(crate) struct Prepared<'a> {
    pub(crate) row: Row<'a>,
    pub(crate) identifier: &'a str,
    pub(crate) identifier_hash: u64,
    pub(crate) title: Option<Probe<'a>>,
    pub(crate) team: Option<Probe<'a>>,
    pub(crate) icon: Option<Probe<'a>>,
    pub(crate) created_by: Option<Probe<'a>>,
    pub(crate) updated_by: Option<Probe<'a>>,
    pub(crate) properties: Vec<(&'a str, Probe<'a>)>,
    pub(crate) relations: Vec<(&'a str, Probe<'a>)>,
}

impl<'a> Prepared<'a> {
    pub(crate) fn new(row: Row<'a>, hasher: &DefaultHashBuilder) -> Self {
        let entity = row.entity;
        let identifier = entity.identifier.as_str();
        // Filtered iterators have no size, and growing step by step would copy every value twice.
        let mut properties = Vec::with_capacity(entity.properties.len());
        for (name, value) in &entity.properties {
            if let Some(probe) = Probe::value(value, hasher) {
                properties.push((name.as_str(), probe));
            }
        }
        let mut relations = Vec::with_capacity(entity.relations.len());
        for (name, target) in &entity.relations {
            if let Some(probe) = Probe::relation(target, hasher) {
                relations.push((name.as_str(), probe));
            }
        }
        Self {
            row,
            identifier,
            identifier_hash: hasher.hash_one(identifier),
            title: entity.title.as_deref().map(|title| Probe::string(title, hasher)),
            team: Probe::strings(entity.team.iter().map(String::as_str), hasher),
            icon: entity.icon.as_deref().map(|icon| Probe::string(icon, hasher)),
            created_by: row.created_by.map(|by| Probe::string(by, hasher)),
            updated_by: row.updated_by.map(|by| Probe::string(by, hasher)),
            properties,
            relations,
        }
    }
}
