//! Mapping one item.

mod fields;
mod reports;
mod search;

use super::{
    Find, FindError, Mapping,
    file::{EntityMapping, NO_SEARCHED_IDENTIFIER, Resource},
    template::Failure,
};
use crate::{
    BlueprintId, Entity, EntityId, Millis, Report, Severity,
    blueprint::{CompiledBlueprint, Outcome},
    text::{cut, nearest},
};
use jaq_json::{Map, Val};
use seawall_jq::{self as jq, Budget};
use serde_json::Value;
use std::{collections::HashMap, sync::Arc};

/// All blueprints by name.
pub type Blueprints = HashMap<BlueprintId, Arc<CompiledBlueprint>>;

/// What an item became.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Mapped {
    /// The entities, each checked against its blueprint.
    pub entities: Vec<Entity>,
    /// What was left out and set aside.
    pub reports: Vec<Report>,
    /// Values converted without loss.
    pub converted: u64,
    /// Whether a resource of its kind selected it. An item that none selected has no entities and no reports.
    pub selected: bool,
}

/// Why an item was not mapped at all.
#[derive(Debug, thiserror::Error)]
pub enum ItemError {
    /// It is no JSON.
    #[error(transparent)]
    NoJson(#[from] serde_json::Error),
    /// The search for a relation's targets has no answer now.
    #[error(transparent)]
    Unanswered(#[from] FindError),
}

/// How to map an item.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The item's kind.
    pub kind: &'a str,
    /// The item's key, for reports.
    pub key: &'a str,
    /// The place in [`Mapping::selectors`] of the one that the item was pulled with: only its resources map it. None: all of
    /// the kind's.
    pub selector: Option<usize>,
    /// Set an entity aside at the first thing that breaks its schema.
    pub strict: bool,
    /// Also report conversions.
    pub conversions: bool,
    /// What `now` gives; without it `now` is an error, since an unchanged item is not mapped again.
    pub now: Option<Millis>,
    /// Who answers searches for relations; without one they give no target, with a report.
    pub find: Option<&'a dyn Find>,
}

impl Mapping {
    /// Maps one item (JSON as UTF-8) of `kind`.
    ///
    /// # Errors
    /// The item is no JSON.
    pub fn map(
        &self,
        kind: &str,
        key: &str,
        item: &[u8],
        blueprints: &Blueprints,
        strict: bool,
    ) -> Result<Mapped, ItemError> {
        self.map_with(
            Call {
                kind,
                key,
                selector: None,
                strict,
                conversions: false,
                now: None,
                find: None,
            },
            item,
            blueprints,
        )
    }

    /// Maps one item (JSON as UTF-8) as `call` says.
    ///
    /// # Errors
    /// The item is no JSON, or a search has no answer now.
    pub fn map_with(&self, call: Call<'_>, item: &[u8], blueprints: &Blueprints) -> Result<Mapped, ItemError> {
        let mut job = Job {
            call,
            blueprints,
            budget: Budget::new(item.len(), call.now),
            out: Mapped::default(),
            unanswered: None,
        };
        let mut input = None;
        let is_meant = |r: &&Resource| r.kind == call.kind && call.selector.is_none_or(|place| place == r.place);
        for resource in self.resources.iter().filter(is_meant) {
            let input = match &input {
                Some(input) => input,
                None => input.insert(jq::parse(item)?),
            };
            job.resource(resource, input);
        }
        match job.unanswered {
            Some(error) => Err(error.into()),
            None => Ok(job.out),
        }
    }
}

struct Job<'a> {
    call: Call<'a>,
    blueprints: &'a Blueprints,
    budget: Budget,
    out: Mapped,
    /// Why a search had no answer, which is no matter of the item's.
    unanswered: Option<FindError>,
}

/// The entity could not be made; a report says why.
struct Aside;

impl<'a> Job<'a> {
    fn resource(&mut self, resource: &Resource, input: &Val) {
        let Some(items) = &resource.items else {
            return self.item(resource, input);
        };
        let list = match items.expression.expr.value(input, &self.budget) {
            Ok(Val::Arr(list)) => list,
            Ok(Val::Null) => return,
            Ok(other) => {
                let message = format!(
                    "itemsToParse gives {}, no list; make it one: `[…]`",
                    cut(&jq::to_json(&other).unwrap_or_default().to_string(), 60)
                );
                let failure = Failure {
                    rule: "itemsToParse",
                    ..items.expression.failure(message)
                };
                return self.failed(Severity::SetAside, "itemsToParse", &failure);
            }
            Err(message) => {
                let failure = items.expression.failure(message);
                return self.failed(Severity::SetAside, "itemsToParse", &failure);
            }
        };
        // Each sees the whole item with its own part as one more field. The map is not shared, so setting the field
        // copies nothing.
        let mut whole = match input {
            Val::Obj(map) => (**map).clone(),
            _ => Map::default(),
        };
        for part in list.iter() {
            whole.insert(Val::from(items.name.clone()), part.clone());
            let input = Val::obj(std::mem::take(&mut whole));
            self.item(resource, &input);
            if let Val::Obj(map) = input {
                whole = jaq_json::Rc::try_unwrap(map).unwrap_or_else(|shared| (*shared).clone());
            }
        }
    }

    fn item(&mut self, resource: &Resource, input: &Val) {
        match resource.query.as_ref().map(|q| (q, q.expr.holds(input, &self.budget))) {
            Some((_, Ok(false))) => return,
            Some((query, Err(message))) => {
                self.out.selected = true;
                let failure = query.failure(message);
                return self.failed(Severity::SetAside, "selector.query", &failure);
            }
            Some((_, Ok(true))) | None => self.out.selected = true,
        }
        for mapping in &resource.entities {
            // Reports until here belong to other entities.
            let (first, converted) = (self.out.reports.len(), self.out.converted);
            match self.entity(mapping, input, first) {
                Ok(entity) => self.out.entities.push(entity),
                // What was left out of an entity that does not exist is of no use to anybody.
                Err(Aside) => {
                    self.out.converted = converted;
                    let mut at = 0;
                    self.out.reports.retain(|r| {
                        at += 1;
                        at <= first || r.severity == Severity::SetAside
                    });
                }
            }
        }
    }

    fn entity(&mut self, mapping: &EntityMapping, input: &Val, first: usize) -> Result<Entity, Aside> {
        let (blueprint, compiled) = self.blueprint(mapping, input)?;
        let identifier = self.identifier(mapping, input)?;
        let mut entity = Entity {
            blueprint,
            identifier,
            title: None,
            icon: None,
            team: Vec::new(),
            properties: serde_json::Map::new(),
            relations: Default::default(),
        };
        entity.title = self.text("title", mapping.title.as_ref(), input)?;
        entity.icon = self.text("icon", mapping.icon.as_ref(), input)?;
        entity.team = self.team(mapping.team.as_ref(), input)?;
        for (name, template) in &mapping.properties {
            match template.json(input, &self.budget) {
                Ok(Value::Null) => {}
                Ok(value) => {
                    entity.properties.insert(name.clone(), value);
                }
                Err(failure) => self.left_out(&format!("properties.{name}"), &failure)?,
            }
        }
        for (name, template) in &mapping.relations {
            if let Some(target) = self.relation(name, template, input, &compiled)? {
                entity.relations.insert(name.clone(), target);
            }
        }
        let check = self.check();
        let converted = match compiled.check(&mut entity, check, &mut self.out.reports) {
            Outcome::Kept { converted } => converted,
            Outcome::SetAside => return Err(Aside),
        };
        for report in &mut self.out.reports[first..] {
            report
                .entity
                .get_or_insert_with(|| format!("{}/{}", entity.blueprint, entity.identifier));
        }
        self.out.converted += converted;
        Ok(entity)
    }

    fn blueprint(
        &mut self,
        mapping: &EntityMapping,
        input: &Val,
    ) -> Result<(BlueprintId, Arc<CompiledBlueprint>), Aside> {
        let id = match &mapping.constant {
            Some(id) => id.clone(),
            None => {
                let id = self.required("blueprint", &mapping.blueprint, input)?;
                BlueprintId::new(&id).map_err(|e| self.aside("blueprint", "blueprint", id.into(), e.to_string()))?
            }
        };
        if let Some(compiled) = self.blueprints.get(&id) {
            return Ok((id, compiled.clone()));
        }
        let meant = nearest(id.as_str(), self.blueprints.keys().map(BlueprintId::as_str));
        let meant = meant.map(|m| format!("; did you mean `{m}`?")).unwrap_or_default();
        let message = format!("there is no blueprint `{id}`{meant}; add it, or change the mapping");
        Err(self.aside("blueprint", "unknown blueprint", id.as_str().into(), message))
    }

    fn identifier(&mut self, mapping: &EntityMapping, input: &Val) -> Result<EntityId, Aside> {
        if mapping.identifier.is_search() {
            let message = NO_SEARCHED_IDENTIFIER.to_owned();
            return Err(self.aside("identifier", "not supported", Value::Null, message));
        }
        let id = self.required("identifier", &mapping.identifier, input)?;
        EntityId::new(&id).map_err(|e| self.aside("identifier", "identifier", id.into(), e.to_string()))
    }
}
