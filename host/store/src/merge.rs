//! From what items say to entities: what is gathered in a transaction, and what it comes to. Asks no database.

use crate::{EntityRow, Result, body};
use seawall_domain::{
    BlueprintId, Entity, EntityId, Millis,
    blueprint::{Schema, defaults},
    entity::{Derived, PEOPLE, Precedence, Spoken, diff, diff_of_removal, ranked},
};
use serde_json::{Map, Value};
use std::{collections::HashMap, sync::Arc};

/// An integration, or a source of clients.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) name: Arc<str>,
    pub(crate) client: bool,
}

/// What the merge asks of its database.
pub(crate) trait Ranks {
    /// The blueprint with this row id.
    fn blueprint(&mut self, id: i64) -> Result<BlueprintId>;
    /// What holds for entities of this blueprint.
    fn rules(&mut self, blueprint: i64) -> Result<Arc<Rules>>;
    /// The source with this row id.
    fn source(&mut self, integration: i64) -> Result<Source>;
}

/// The merge of what sources say, given in order of integration and item.
fn merged<'a>(
    ranks: &mut impl Ranks,
    blueprint: i64,
    all: impl IntoIterator<Item = (i64, &'a Entity)>,
) -> Result<Option<Entity>> {
    let rules = ranks.rules(blueprint)?;
    let mut named = Vec::new();
    for (integration, entity) in all {
        named.push((ranks.source(integration)?, entity));
    }
    // Clients stand behind all integrations, whose words they correct, and people behind all clients, such as imports and jobs; stable
    // otherwise.
    named.sort_by_key(|(source, _)| (source.client, *source.name == *PEOPLE));
    let spoken: Vec<_> = named
        .iter()
        .map(|(source, entity)| Spoken {
            source: &source.name,
            entity,
        })
        .collect();
    Ok(ranked(&rules.precedence, &spoken))
}

/// What of a blueprint the merge needs.
#[derive(Default)]
pub(crate) struct Rules {
    /// Whose word counts where several sources speak.
    pub(crate) precedence: Precedence,
    /// What properties have that no source says anything of.
    defaults: Map<String, Value>,
}

/// The part of a blueprint that [`Rules`] are of.
#[derive(serde::Deserialize)]
struct OfBlueprint {
    #[serde(default)]
    precedence: Precedence,
    #[serde(default)]
    schema: Schema,
}

impl Rules {
    /// Those of a blueprint, from its column; none where the blueprint is not there.
    pub(crate) fn of(body: Option<&str>) -> Result<Self> {
        let Some(body) = body else { return Ok(Self::default()) };
        let read: OfBlueprint = body::from_json("blueprint", body)?;
        Ok(Self {
            precedence: read.precedence,
            defaults: defaults(&read.schema.properties),
        })
    }
}

/// Who speaks in a transaction: a person who gave a name, or else the source.
pub(crate) fn speaker<'c>(cause: &'c str, source: &'c str) -> &'c str {
    let named = cause.strip_prefix("write:").and_then(|rest| rest.strip_prefix(source));
    named.and_then(|rest| rest.strip_prefix(':')).unwrap_or(source)
}

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

    /// Whether several items say something of it.
    pub(crate) fn is_shared(&self) -> bool {
        self.says.iter().filter(|(_, said)| said.is_some()).count() > 1
    }

    /// Of an entity that is new: what items of an integration say together; none where at most one says anything.
    pub(crate) fn together(&mut self, integration: i64, ranks: &mut impl Ranks) -> Result<Option<Said>> {
        self.says.sort_by_key(|(item, _)| *item);
        if !self.is_shared() {
            return Ok(None);
        }
        let all = self.says.iter().filter_map(|(_, said)| said.as_ref());
        let all = all.map(|said| (integration, &said.said().entity));
        merged(ranks, self.blueprint, all)?.map(Said::new).transpose()
    }

    /// Its body column as a new entity; none where nobody says anything.
    pub(crate) fn body<'a>(&'a self, together: Option<&'a Said>) -> Option<&'a str> {
        let first = || self.says.iter().find_map(|(_, said)| said.as_ref().map(Says::said));
        together.or_else(first).map(|said| said.body.as_str())
    }

    /// What it has from its beginning beside what is said of it, and the column that says so.
    pub(crate) fn first_derived(&self, ranks: &mut impl Ranks) -> Result<(Derived, Option<String>)> {
        let derived = Derived::defaults(ranks.rules(self.blueprint)?.defaults.clone());
        Ok((derived.clone(), body::derived_column(&derived)?))
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
    pub(crate) derived: Option<String>,
    pub(crate) created_at: Millis,
    pub(crate) created_by: Option<String>,
    pub(crate) updated_at: Millis,
    pub(crate) updated_by: Option<String>,
    pub(crate) version: i64,
}

impl Stored {
    /// A row with what the host computed of it.
    pub(crate) fn row(&self, entity: Entity, version: i64) -> Result<EntityRow> {
        let derived = body::derived(self.derived.as_deref())?;
        let row = EntityRow {
            id: self.id,
            entity,
            derived: Derived::default(),
            defaulted: Vec::new(),
            created_at: self.created_at,
            created_by: self.created_by.clone(),
            updated_at: self.updated_at,
            updated_by: self.updated_by.clone(),
            version,
        };
        Ok(row.with(derived))
    }

    /// Notes that somebody changes it, where that is seen; without a name, who changed it last stays.
    pub(crate) fn touch(&mut self, diff: &Map<String, Value>, by: Option<&str>, now: Millis) {
        if diff.is_empty() {
            return;
        }
        self.updated_at = now;
        if let Some(by) = by {
            self.updated_by = Some(by.to_owned());
        }
    }
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
    /// Nobody says anything of it any more. The diff is the last that the log can say of it: what it was on a day is told
    /// backwards from here.
    Gone(Map<String, Value>),
    /// It changes.
    Updated(Box<Replaced>),
}

/// What an entity is now.
pub(crate) struct Replaced {
    pub(crate) entity: Entity,
    pub(crate) body: String,
    /// Empty where it is seen nowhere.
    pub(crate) diff: Map<String, Value>,
}

/// Settles what `touch` makes of a stored entity. `known` are its contributions, in their order.
pub(crate) fn settle<S: Says>(
    stored: &Stored,
    known: Vec<Contribution>,
    touch: Touch<S>,
    integration: i64,
    ranks: &mut impl Ranks,
) -> Result<Settled> {
    let mut all = contributors(known);
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
    let outcome = if alone && all[0].text(&stored.body) == stored.body {
        Outcome::Same
    } else {
        outcome(stored, all, (touch.blueprint, &touch.identifier), ranks)?
    };
    Ok(Settled {
        written,
        withdrawn,
        outcome,
    })
}

/// Merges anew what the sources of an entity say, after the precedence of its blueprint has changed.
pub(crate) fn merge_again(
    stored: &Stored,
    known: Vec<Contribution>,
    name: (i64, &EntityId),
    ranks: &mut impl Ranks,
) -> Result<Outcome> {
    if known.len() < 2 {
        return Ok(Outcome::Same);
    }
    outcome::<Said>(stored, contributors(known), name, ranks)
}

fn contributors<S>(known: Vec<Contribution>) -> Vec<Contributor<S>> {
    known
        .into_iter()
        .map(|c| Contributor {
            integration: c.integration,
            item: c.item,
            stored: Some(c.body),
            new: None,
        })
        .collect()
}

fn outcome<S: Says>(
    stored: &Stored,
    all: Vec<Contributor<S>>,
    (blueprint, identifier): (i64, &EntityId),
    ranks: &mut impl Ranks,
) -> Result<Outcome> {
    let name = ranks.blueprint(blueprint)?;
    let decode = |text: &str| body::decode(name.clone(), identifier.clone(), text);
    if all.is_empty() {
        let mut entity = decode(&stored.body)?;
        body::derived(stored.derived.as_deref())?.overlay(&mut entity);
        return Ok(Outcome::Gone(diff_of_removal(&entity)));
    }
    let spoken = all
        .into_iter()
        .map(|c| match c {
            Contributor {
                integration,
                new: Some(said),
                ..
            } => Ok((integration, said.into_entity())),
            c => Ok((c.integration, decode(c.text(&stored.body))?)),
        })
        .collect::<Result<Vec<_>>>()?;
    let all = spoken.iter().map(|(source, entity)| (*source, entity));
    let Some(after) = merged(ranks, blueprint, all)? else {
        return Ok(Outcome::Same);
    };
    let body = body::encode(&after)?;
    if body == stored.body {
        return Ok(Outcome::Same);
    }
    let (mut shown_before, mut shown_after) = (decode(&stored.body)?, after.clone());
    if diff(&shown_before, &shown_after).is_empty() {
        return Ok(Outcome::Same);
    }
    // What is seen: a value may come in the place of the same default.
    let derived = body::derived(stored.derived.as_deref())?;
    derived.overlay(&mut shown_before);
    derived.overlay(&mut shown_after);
    let diff = diff(&shown_before, &shown_after);
    Ok(Outcome::Updated(Box::new(Replaced {
        entity: after,
        body,
        diff,
    })))
}

/// What new computed values make of an entity.
pub(crate) struct Computed {
    /// What its sources say.
    pub(crate) said: Entity,
    /// The column.
    pub(crate) column: Option<String>,
    /// Empty where they show nowhere.
    pub(crate) diff: Map<String, Value>,
}

/// What changes where `new` values are computed of an entity; none where they are what they were.
pub(crate) fn compute(
    stored: &Stored,
    blueprint: BlueprintId,
    identifier: EntityId,
    new: &Derived,
) -> Result<Option<Computed>> {
    let known = body::derived(stored.derived.as_deref())?;
    if known == *new {
        return Ok(None);
    }
    let said = body::decode(blueprint, identifier, &stored.body)?;
    let (mut before, mut after) = (said.clone(), said.clone());
    known.overlay(&mut before);
    new.overlay(&mut after);
    Ok(Some(Computed {
        diff: diff(&before, &after),
        column: body::derived_column(new)?,
        said,
    }))
}
