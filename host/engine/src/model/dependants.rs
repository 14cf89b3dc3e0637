//! What uses that which a change takes away: parts of other blueprints, and saved views.

use super::ModelChange;
use crate::{Engine, EngineError, Result, engine::Blueprints};
use seawall_domain::{
    Blueprint, BlueprintId,
    blueprint::uses::{self, Use},
    definition::Kind,
    query::{Shape, View},
};
use serde::Serialize;
use std::collections::BTreeMap;

/// Something that would be in vain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Dependant {
    /// A part of a blueprint.
    Part(Use),
    /// A saved view.
    View {
        /// `view`.
        what: &'static str,
        /// Its name.
        name: String,
        /// What it needs and would not find, in words.
        needs: String,
    },
}

impl std::fmt::Display for Dependant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Part(part) => part.fmt(f),
            Self::View { name, needs, .. } => write!(f, "view `{name}` (needs {needs})"),
        }
    }
}

/// All that a change takes along.
pub(super) struct Dependants {
    pub(super) all: Vec<Dependant>,
    /// Blueprints that lose parts, as they would be.
    pub(super) blueprints: BTreeMap<BlueprintId, Blueprint>,
    /// Views that lose columns, as they would be; none of those that would go.
    views: BTreeMap<String, Option<View>>,
    /// All blueprints as they would be.
    pub(super) after: Blueprints,
}

impl Dependants {
    /// Refuses where there are any. `change` is what is asked for, as half a sentence.
    pub(super) fn refuse(&self, change: &str) -> Result<()> {
        if self.all.is_empty() {
            return Ok(());
        }
        let all: Vec<_> = self.all.iter().map(ToString::to_string).collect();
        Err(EngineError::Conflict(format!(
            "{change} used by {}; change these first, or say `dependants=true` if they are to go with it",
            all.join(", ")
        )))
    }
}

impl Engine {
    /// What the way to `after` takes along.
    pub(super) async fn dependants(&self, after: Blueprints, how: &ModelChange) -> Result<Dependants> {
        let before = self.all_blueprints();
        let found = uses::dependants(&before, after, &how.along).map_err(|e| EngineError::Internal(e.to_string()))?;
        let shape = |all: &Blueprints| Shape::of(all.values().map(|compiled| compiled.blueprint()));
        let (old, new) = (self.shape(), shape(&found.after));
        let mut all: Vec<_> = found.uses.into_iter().map(Dependant::Part).collect();
        let mut views = BTreeMap::new();
        for (name, view) in self.views().await? {
            let Some((needs, left)) = crate::views::lost(&view, &old, &new) else {
                continue;
            };
            let what = "view";
            all.push(Dependant::View {
                what,
                name: name.clone(),
                needs,
            });
            views.insert(name, left);
        }
        Ok(Dependants {
            all,
            blueprints: found.blueprints,
            views,
            after: found.after,
        })
    }

    /// Refuses where dependants are others' to change.
    pub(super) async fn may_change(&self, dependants: &Dependants, but: &BlueprintId, how: &ModelChange) -> Result<()> {
        for name in dependants
            .blueprints
            .keys()
            .filter(|name| *name != but && !how.overrides)
        {
            let owner = self
                .locked_by(Kind::Blueprint, name.as_str(), how.source.as_deref())
                .await?;
            if let Some(owner) = owner {
                return Err(EngineError::Conflict(format!(
                    "`{name}` would lose parts, and it comes from {}: change it there first (add `override=true` to do it all the same)",
                    owner.source
                )));
            }
        }
        Ok(())
    }

    /// Takes the parts away from all blueprints but one, and from views.
    pub(super) async fn part_with(&self, dependants: Dependants, but: &BlueprintId) -> Result<()> {
        let sources: BTreeMap<_, _> = self
            .blueprints()
            .await?
            .into_iter()
            .map(|row| (row.blueprint.identifier, row.source))
            .collect();
        for (name, blueprint) in dependants.blueprints.iter().filter(|(name, _)| *name != but) {
            let source = sources.get(name).map_or("api", String::as_str);
            // Its own faults, where it has any, are no more than they were.
            self.put_compiled(&self.judged(blueprint, false)?, source).await?;
        }
        if !dependants.views.is_empty() {
            self.replace_views(&dependants.views).await?;
        }
        Ok(())
    }
}
