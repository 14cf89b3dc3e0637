//! Between the WIT's types and the domain's.

use crate::bindings::{exports::seawall::plugin as role, seawall::plugin::types};
use seawall_domain::{
    Entity, Failure,
    item::{Change, LocatedChange, Next, Page},
    run::RuleVerdict,
};

/// An entity as plugins see it; `target_of` gives the blueprint that a relation points to.
pub(crate) fn entity(entity: &Entity, target_of: impl Fn(&str, &str) -> Option<String>) -> types::Entity {
    let blueprint = entity.blueprint.as_str();
    let relations = entity
        .relations
        .iter()
        .filter_map(|(name, target)| Some((name, target_of(blueprint, name)?, target)))
        .flat_map(|(name, blueprint, target)| {
            target.targets().iter().map(move |id| types::Relation {
                name: name.clone(),
                target: types::EntityRef {
                    blueprint: blueprint.clone(),
                    identifier: id.to_string(),
                },
            })
        })
        .collect();
    types::Entity {
        id: types::EntityRef {
            blueprint: blueprint.to_owned(),
            identifier: entity.identifier.to_string(),
        },
        title: entity.title.clone(),
        properties: serde_json::to_vec(&entity.properties).unwrap_or_else(|_| b"{}".to_vec()),
        relations,
    }
}

pub(crate) fn failure(failure: types::Failure) -> Failure {
    match failure {
        types::Failure::InvalidConfig(m) => Failure::InvalidConfig(m),
        types::Failure::Unauthorized(m) => Failure::Unauthorized(m),
        types::Failure::NotFound(m) => Failure::NotFound(m),
        types::Failure::RateLimited(ms) => Failure::RateLimited(ms),
        types::Failure::CursorExpired => Failure::CursorExpired,
        types::Failure::Unavailable(m) => Failure::Unavailable(m),
        types::Failure::Failed(m) => Failure::Failed(m),
    }
}

fn change(change: types::Change) -> Change {
    match change {
        types::Change::Upsert(item) => Change::Upsert {
            kind: item.id.kind,
            key: item.id.key,
            value: item.value,
        },
        types::Change::Delete(id) => Change::Delete {
            kind: id.kind,
            key: id.key,
        },
    }
}

pub(crate) fn located(changes: Vec<types::LocatedChange>) -> Vec<LocatedChange> {
    changes
        .into_iter()
        .map(|c| LocatedChange {
            partition: c.partition,
            change: change(c.change),
        })
        .collect()
}

pub(crate) fn page(page: role::ingestor::Page) -> Page {
    Page {
        changes: page.changes.into_iter().map(change).collect(),
        next: match page.next {
            role::ingestor::Next::More(cursor) => Next::More(cursor),
            role::ingestor::Next::SnapshotComplete(cursor) => Next::SnapshotComplete(cursor),
            role::ingestor::Next::CaughtUp(cursor) => Next::CaughtUp(cursor),
        },
    }
}

pub(crate) fn verdict(verdict: role::rule::Verdict) -> RuleVerdict {
    match verdict {
        role::rule::Verdict::Pass => RuleVerdict::Pass,
        role::rule::Verdict::Fail(why) => RuleVerdict::Fail(why),
        role::rule::Verdict::NotApplicable => RuleVerdict::NotApplicable,
    }
}
