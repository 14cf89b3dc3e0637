//! Where an entity's values come from, and what it was on a day.

use crate::{Engine, EngineError, Result};
use seawall_domain::{
    BlueprintId, Entity, EntityId, Millis,
    entity::{Precedence, Spoken, provenance, undo},
};
use seawall_store::{ChangeKind, ChangeRow, EntityRow, SourceRow};
use std::collections::BTreeMap;

/// Changes that are read at once.
const PAGE: usize = 500;
/// Changes that are looked through for the age of values; older ones are as old as the oldest of them.
const LOOK: usize = 500;

/// Milliseconds that a client's clock may be ahead of the host's.
const AHEAD: Millis = 60_000;

/// Where one field's value comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Origin {
    /// Whose items say it, the strongest first: one, but for teams and targets that are joined. None: the host computes it, or
    /// it is the default.
    pub sources: Vec<SourceRow>,
    /// Whether it is the blueprint's default, since no source says anything.
    pub is_default: bool,
    /// Since when it is what it is.
    pub since: Millis,
    /// Why there is no value: of a calculation that comes to none.
    pub problem: Option<String>,
}

impl Engine {
    /// Of each field of an entity where it comes from, and how old it is: properties by name, `relations.NAME`, `$title`,
    /// `$icon` and `$team`.
    ///
    /// # Errors
    /// The database's.
    pub async fn origins(&self, row: &EntityRow) -> Result<BTreeMap<String, Origin>> {
        let said = self.inner.store.contributions(row.id).await?;
        let blueprints = self.all_blueprints();
        let nothing = Precedence::default();
        let precedence = blueprints
            .get(&row.entity.blueprint)
            .map_or(&nothing, |compiled| &compiled.blueprint().precedence);
        let spoken: Vec<_> = said
            .iter()
            .map(|c| Spoken {
                source: &c.source.integration,
                entity: &c.says,
            })
            .collect();
        let mut from = provenance(precedence, &spoken);
        for hosts in row.derived.properties.keys().chain(&row.defaulted) {
            from.insert(hosts.clone(), Vec::new());
        }
        if !row.derived.team.is_empty() && !from.contains_key("$team") {
            from.insert("$team".to_owned(), Vec::new());
        }
        let changes = self
            .inner
            .store
            .history(&row.entity.blueprint, &row.entity.identifier, None, LOOK)
            .await?;
        let since = |field: &str| since(&changes, field).unwrap_or(row.created_at);
        let out = from.into_iter().map(|(field, places)| {
            let origin = Origin {
                sources: places.into_iter().map(|at| said[at].source.clone()).collect(),
                is_default: row.defaulted.contains(&field),
                since: since(&field),
                problem: None,
            };
            (field, origin)
        });
        let mut out: BTreeMap<_, _> = out.collect();
        let (engine, of) = (self.clone(), row.clone());
        // One that never ends is stopped by its bounds, which takes a while.
        let absent = tokio::task::spawn_blocking(move || engine.uncalculated(&of)).await?;
        for (field, why) in absent {
            let origin = Origin {
                sources: Vec::new(),
                is_default: false,
                since: since(&field),
                problem: Some(why),
            };
            out.insert(field, origin);
        }
        Ok(out)
    }

    /// Whether the history tells all that was computed of a blueprint's entities since a moment: that does not move their
    /// `updatedAt`, so that where older changes were dropped nothing else does.
    async fn keeps_computed(&self, blueprint: &BlueprintId, since: Millis) -> Result<bool> {
        let all = self.all_blueprints();
        let known = all.get(blueprint);
        if known.is_some_and(|compiled| compiled.computed().is_empty() && compiled.defaults().is_empty()) {
            return Ok(true);
        }
        let store = &self.inner.store;
        let dropped = store.log_start().await?;
        let oldest = store.changes(dropped, 1).await?;
        Ok(dropped == 0 || oldest.first().is_some_and(|oldest| oldest.at <= since))
    }

    /// What an entity was at a moment.
    ///
    /// # Errors
    /// Where it never was, or was not there then.
    pub async fn entity_at(&self, blueprint: &BlueprintId, identifier: &EntityId, at: Millis) -> Result<Entity> {
        if at > self.now() + AHEAD {
            return Err(EngineError::invalid(
                "at",
                "this time is still to come, and nobody knows what the entity will be; name one that is past, or leave it out",
            ));
        }
        let living = self.inner.store.entity(blueprint, identifier).await?;
        let newest = living.as_ref().map(|row| row.version);
        let as_it_is = match &living {
            Some(row) if row.updated_at <= at => self.keeps_computed(blueprint, at).await?,
            _ => false,
        };
        let mut state = living.map(|row| row.entity);
        let mut before = None;
        loop {
            let changes = self.history(blueprint, identifier, before, PAGE).await?;
            for change in &changes {
                if newest.is_some_and(|newest| change.position > newest) {
                    continue;
                }
                if change.at <= at {
                    return state.ok_or_else(|| was_not_there(blueprint, identifier));
                }
                state = take_back(state, change, blueprint, identifier)?;
            }
            match changes.last() {
                Some(last) if changes.len() == PAGE => before = Some(last.position),
                None if before.is_none() && as_it_is => {
                    return state.ok_or_else(|| was_not_there(blueprint, identifier));
                }
                // Its creation was not among them.
                _ if state.is_some() => {
                    return Err(EngineError::Gone(format!(
                        "what `{blueprint}/{identifier}` was at that time is no longer kept: its history begins later; \
                         see `seawall admin retention`"
                    )));
                }
                _ => return Err(was_not_there(blueprint, identifier)),
            }
        }
    }
}

/// The state before a change.
pub(crate) fn take_back(
    state: Option<Entity>,
    change: &ChangeRow,
    blueprint: &BlueprintId,
    identifier: &EntityId,
) -> Result<Option<Entity>> {
    match change.kind {
        ChangeKind::Created => Ok(None),
        ChangeKind::Updated => Ok(state.map(|mut entity| {
            undo(&mut entity, &change.diff);
            entity
        })),
        ChangeKind::Deleted => {
            let mut entity = Entity {
                blueprint: blueprint.clone(),
                identifier: identifier.clone(),
                title: None,
                icon: None,
                team: Vec::new(),
                properties: serde_json::Map::new(),
                relations: BTreeMap::new(),
            };
            undo(&mut entity, &change.diff);
            Ok(Some(entity))
        }
    }
}

fn was_not_there(blueprint: &BlueprintId, identifier: &EntityId) -> EngineError {
    EngineError::not_found_but(
        "entity",
        format!("{blueprint}/{identifier}"),
        format!("it was not there at that time: see `seawall catalog history {blueprint} {identifier}`"),
    )
}

/// When a field last changed, as far as `changes` goes back.
fn since(changes: &[ChangeRow], field: &str) -> Option<Millis> {
    let name = match field {
        "$title" => "title".to_owned(),
        "$icon" => "icon".to_owned(),
        "$team" => "team".to_owned(),
        relation if relation.starts_with("relations.") => relation.to_owned(),
        property => format!("properties.{property}"),
    };
    // A life before the newest creation is another's.
    let life = changes
        .iter()
        .position(|change| change.kind == ChangeKind::Created)
        .map_or(changes.len(), |at| at + 1);
    let life = &changes[..life];
    let last = life.iter().find(|change| change.diff.contains_key(&name));
    last.or_else(|| life.last()).map(|change| change.at)
}
