//! From what items say to entities: what is gathered in a transaction, and what it comes to. Asks no database.

use crate::{Result, body};
use seawall_domain::{
    BlueprintId, Entity, EntityId, Millis,
    entity::{diff, merge},
};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// What an item says of an entity, with its body column.
pub(crate) struct Said {
    entity: Entity,
    body: String,
}

impl Said {
    pub(crate) fn new(entity: Entity) -> Result<Self> {
        Ok(Self {
            body: body::encode(&entity)?,
            entity,
        })
    }

    pub(crate) fn blueprint(&self) -> &BlueprintId {
        &self.entity.blueprint
    }
}

/// What an item says: its own, or borrowed where the page may have to be written once more.
pub(crate) trait Says {
    /// What it is.
    fn said(&self) -> &Said;
    /// The entity that it says.
    fn into_entity(self) -> Entity;
}

impl Says for Said {
    fn said(&self) -> &Said {
        self
    }

    fn into_entity(self) -> Entity {
        self.entity
    }
}

impl Says for &Said {
    fn said(&self) -> &Said {
        self
    }

    fn into_entity(self) -> Entity {
        self.entity.clone()
    }
}

/// What a transaction's items say, gathered by entity. None: the item says nothing of it any more.
pub(crate) struct Touched<S> {
    at: HashMap<(i64, EntityId), usize>,
    all: Vec<Touch<S>>,
}

impl<S> Default for Touched<S> {
    fn default() -> Self {
        Self {
            at: HashMap::new(),
            all: Vec::new(),
        }
    }
}

/// What is said of one entity.
pub(crate) struct Touch<S> {
    pub(crate) blueprint: i64,
    pub(crate) identifier: EntityId,
    says: Vec<(i64, Option<S>)>,
}

impl<S: Says> Touched<S> {
    pub(crate) fn say(&mut self, blueprint: i64, item: i64, said: S) {
        let identifier = said.said().entity.identifier.clone();
        self.put(blueprint, identifier, item, Some(said));
    }

    pub(crate) fn retract(&mut self, blueprint: i64, identifier: EntityId, item: i64) {
        self.put(blueprint, identifier, item, None);
    }

    fn put(&mut self, blueprint: i64, identifier: EntityId, item: i64, said: Option<S>) {
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
    pub(crate) fn into_sorted(self) -> Vec<Touch<S>> {
        let mut all = self.all;
        all.sort_by(|a, b| (a.blueprint, &a.identifier).cmp(&(b.blueprint, &b.identifier)));
        all
    }
}

impl<S: Says> Touch<S> {
    /// Whether any item says something of it.
    pub(crate) fn is_said(&self) -> bool {
        self.says.iter().any(|(_, said)| said.is_some())
    }

    /// Of an entity that is new: what its items say together; none where at most one says anything.
    pub(crate) fn together(&mut self) -> Result<Option<Said>> {
        self.says.sort_by_key(|(item, _)| *item);
        let all = || self.says.iter().filter_map(|(_, said)| said.as_ref());
        if all().count() < 2 {
            return Ok(None);
        }
        merge(all().map(|said| &said.said().entity)).map(Said::new).transpose()
    }

    /// Its body column as a new entity; none where nobody says anything.
    pub(crate) fn body<'a>(&'a self, together: Option<&'a Said>) -> Option<&'a str> {
        let first = || self.says.iter().find_map(|(_, said)| said.as_ref().map(Says::said));
        together.or_else(first).map(|said| said.body.as_str())
    }

    /// As a new entity, with its contributions: the item, and the body where there are several.
    pub(crate) fn created(self, together: Option<Said>) -> (Option<Entity>, Vec<(i64, Option<String>)>) {
        let alone = together.is_none();
        let mut entity = together.map(|said| said.entity);
        let said = self.says.into_iter().filter_map(|(item, said)| Some((item, said?)));
        let contributions = said
            .map(|(item, said)| {
                let body = (!alone).then(|| said.said().body.clone());
                if entity.is_none() {
                    entity = Some(said.into_entity());
                }
                (item, body)
            })
            .collect();
        (entity, contributions)
    }
}

/// An entity as it is stored.
pub(crate) struct Stored {
    pub(crate) id: i64,
    pub(crate) body: String,
    pub(crate) created_at: Millis,
    pub(crate) version: i64,
}

/// A row of one who says something of an entity.
pub(crate) struct Contribution {
    pub(crate) integration: i64,
    pub(crate) item: i64,
    /// None for a sole contributor: the entity's body is what it says.
    pub(crate) body: Option<String>,
}

/// One who says something of an entity.
struct Contributor<S> {
    integration: i64,
    item: i64,
    /// The row's body; none where there is no row yet.
    stored: Option<Option<String>>,
    new: Option<S>,
}

impl<S: Says> Contributor<S> {
    /// What it says. The sole contributor's words are the entity's.
    fn text<'a>(&'a self, entity: &'a str) -> &'a str {
        match (&self.new, &self.stored) {
            (Some(said), _) => &said.said().body,
            (None, Some(Some(body))) => body,
            _ => entity,
        }
    }
}

/// What a transaction does to an entity that was there before.
pub(crate) struct Settled {
    /// Contributions to write, over those that are there.
    pub(crate) written: Vec<Contribution>,
    /// Items of the integration that say nothing of it any more.
    pub(crate) withdrawn: Vec<i64>,
    pub(crate) outcome: Outcome,
}

/// What becomes of an entity.
pub(crate) enum Outcome {
    /// It stays as it is.
    Same,
    /// Nobody says anything of it any more.
    Gone,
    /// It changes.
    Updated {
        entity: Box<Entity>,
        body: String,
        diff: Map<String, Value>,
    },
}

/// Settles what `touch` makes of a stored entity. `known` are its contributions, in their order; `name` is its blueprint.
pub(crate) fn settle<S: Says>(
    stored: &Stored,
    known: Vec<Contribution>,
    touch: Touch<S>,
    integration: i64,
    name: impl FnOnce() -> Result<BlueprintId>,
) -> Result<Settled> {
    let mut all: Vec<Contributor<S>> = known
        .into_iter()
        .map(|c| Contributor {
            integration: c.integration,
            item: c.item,
            stored: Some(c.body),
            new: None,
        })
        .collect();
    let mut withdrawn = Vec::new();
    for (item, said) in touch.says {
        let place = all.binary_search_by_key(&(integration, item), |c| (c.integration, c.item));
        match (place, said) {
            (Ok(at), Some(said)) => all[at].new = Some(said),
            (Ok(at), None) => {
                all.remove(at);
                withdrawn.push(item);
            }
            (Err(at), Some(said)) => all.insert(
                at,
                Contributor {
                    integration,
                    item,
                    stored: None,
                    new: Some(said),
                },
            ),
            (Err(_), None) => {}
        }
    }
    let alone = all.len() == 1;
    let mut written = Vec::new();
    for c in &all {
        let wanted = (!alone).then(|| c.text(&stored.body));
        if c.stored.as_ref().map(Option::as_deref) != Some(wanted) {
            written.push(Contribution {
                integration: c.integration,
                item: c.item,
                body: wanted.map(str::to_owned),
            });
        }
    }
    Ok(Settled {
        written,
        withdrawn,
        outcome: outcome(stored, all, touch.identifier, name)?,
    })
}

fn outcome<S: Says>(
    stored: &Stored,
    all: Vec<Contributor<S>>,
    identifier: EntityId,
    name: impl FnOnce() -> Result<BlueprintId>,
) -> Result<Outcome> {
    if all.is_empty() {
        return Ok(Outcome::Gone);
    }
    if all.len() == 1 && all[0].text(&stored.body) == stored.body {
        return Ok(Outcome::Same);
    }
    let name = name()?;
    let decode = |text: &str| body::decode(name.clone(), identifier.clone(), text);
    let spoken = all
        .into_iter()
        .map(|c| match c {
            Contributor { new: Some(said), .. } => Ok(said.into_entity()),
            c => decode(c.text(&stored.body)),
        })
        .collect::<Result<Vec<_>>>()?;
    let Some(after) = merge(&spoken) else {
        return Ok(Outcome::Same);
    };
    let body = body::encode(&after)?;
    if body == stored.body {
        return Ok(Outcome::Same);
    }
    let diff = diff(&decode(&stored.body)?, &after);
    if diff.is_empty() {
        return Ok(Outcome::Same);
    }
    Ok(Outcome::Updated {
        entity: Box::new(after),
        body,
        diff,
    })
}
