//! What clients say of entities: created, changed, taken back. It is a contribution like an integration's: a pass never
//! overwrites it, and it overwrites nothing that an integration says, but stands before it (see
//! [`seawall_domain::entity::Precedence`]).

mod body;
mod remove;
mod write;

use crate::{Engine, EngineError, Problem, Result};
pub(crate) use body::lacking;
pub use seawall_domain::entity::PEOPLE;
use seawall_domain::{BlueprintId, Entity, EntityId, entity::merge};
use seawall_store::{EntityRow, Expect, ItemWrite, PageWrite};
use serde_json::Value;

/// Who speaks, and how.
#[derive(Debug, Clone)]
pub struct Speaker {
    /// The source: `people`, or a name with a colon such as `ci:deploy`.
    pub source: String,
    /// Who it was, for the history.
    pub by: Option<String>,
    /// Whether a relation's target that does not exist is created, with its identifier alone.
    pub create_missing: bool,
}

/// One entity that is written.
#[derive(Debug, Clone)]
pub struct EntityWrite {
    /// Its blueprint.
    pub blueprint: BlueprintId,
    /// Its identifier.
    pub identifier: EntityId,
    /// In Port's shape, an object.
    pub body: Value,
    /// Merge it into what the source says already (RFC 7396: null takes a value back), instead of replacing that.
    pub merge: bool,
    /// What the entity must be like.
    pub when: When,
}

impl EntityWrite {
    /// The key of the item that holds what the source says of the entity.
    fn key(&self) -> String {
        format!("{}/{}", self.blueprint, self.identifier)
    }
}

/// When a write is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// In any case.
    Always,
    /// Where there is no such entity.
    Absent,
    /// Where it is at this version.
    Version(i64),
}

/// What became of one.
#[derive(Debug, Clone, PartialEq)]
pub enum Written {
    /// It is new.
    Created(EntityRow),
    /// It, or what this source says of it, has changed.
    Updated {
        /// As it is now.
        row: EntityRow,
        /// Fields in which another source's word counts, so that this write is not seen.
        shadowed: Vec<String>,
    },
    /// The source says that already.
    Unchanged(EntityRow),
    /// It is wrong; nothing of it was stored.
    Rejected(Vec<Problem>),
}

/// What became of a removal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// Sources that still speak of the entity, which is therefore still there.
    pub left: Vec<String>,
}

impl Engine {
    /// What all but this source say of an entity.
    pub(crate) async fn others(&self, entity: i64, source: &str) -> Result<Option<Entity>> {
        let all = self.inner.store.contributions(entity).await?;
        let others = all
            .iter()
            .filter(|c| !(c.source.client && c.source.integration == source));
        Ok(merge(others.map(|c| &c.says)))
    }

    async fn put_words(
        &self,
        speaker: &Speaker,
        partition: i64,
        upserts: Vec<ItemWrite>,
        deletes: Vec<String>,
        expect: Vec<Expect>,
    ) -> Result<()> {
        let cause = match &speaker.by {
            Some(by) => format!("write:{}:{by}", speaker.source),
            None => format!("write:{}", speaker.source),
        };
        let page = PageWrite {
            partition,
            pass: None,
            fence: 0,
            items: upserts.len() as u64,
            upserts,
            deletes,
            unchanged: Vec::new(),
            cursor: None,
            converted: 0,
            cause,
            expect,
            renewal: false,
            duty: None,
            delivery: None,
            now: self.now(),
        };
        let result = self.inner.store.apply_page(page).await?;
        self.index(&result);
        Ok(())
    }
}

/// Names of clients' sources cannot be those of integrations.
fn check_source(source: &str) -> Result<()> {
    let fine = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
    let right = source == PEOPLE
        || source
            .split_once(':')
            .is_some_and(|(kind, name)| fine(kind) && fine(name));
    if right && source.len() <= 200 {
        return Ok(());
    }
    Err(EngineError::invalid(
        "source",
        format!(
            "`{}` is no source: expected `{PEOPLE}`, or a kind and a name such as `ci:deploy` or `git:platform`",
            seawall_domain::text::cut(source, 100)
        ),
    ))
}
