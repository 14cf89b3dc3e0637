//! Putting a blueprint where another one may be: what it takes along is refused or goes with it, and it is said what it does.

use super::{BlueprintEffect, dependants::Dependants};
use crate::{Engine, Result, blueprints::is_strict};
use seawall_domain::{Blueprint, BlueprintId, blueprint::CompiledBlueprint};
use std::{collections::BTreeSet, sync::Arc};

/// How the model is changed.
#[derive(Debug, Clone, Default)]
pub struct ModelChange {
    /// What uses that which goes, goes too. Without, such a change is refused.
    pub dependants: bool,
    /// Blueprints that are removed along with it: what they use counts for nothing.
    pub along: BTreeSet<BlueprintId>,
    /// Who changes it, such as `git:platform`: what others keep in git is not changed for its sake.
    pub source: Option<String>,
    /// Also where others keep it in git.
    pub overrides: bool,
    /// What is wrong with what a blueprint computes is kept, and does not keep it out.
    pub keep_faults: bool,
}

impl ModelChange {
    fn is_strict(&self) -> bool {
        !self.keep_faults && self.source.as_deref().is_none_or(is_strict)
    }
}

/// A blueprint that was put.
#[derive(Debug, Clone)]
pub struct BlueprintPut {
    /// As it is now.
    pub blueprint: Blueprint,
    /// What that did.
    pub effect: BlueprintEffect,
}

/// A blueprint that may be put, and what goes with what it no longer has.
pub(super) struct Plan {
    pub(super) compiled: Arc<CompiledBlueprint>,
    pub(super) dependants: Dependants,
}

impl Engine {
    /// Creates or replaces a blueprint, and says what that does to what is there. Entities are checked against it in the
    /// background.
    ///
    /// # Errors
    /// A blueprint that is wrong; [`EngineError::Conflict`] where something uses what it no longer has.
    pub async fn change_blueprint(
        &self,
        blueprint: &Blueprint,
        source: &str,
        how: &ModelChange,
    ) -> Result<BlueprintPut> {
        let plan = self.plan_blueprint(blueprint, how).await?;
        let name = &blueprint.identifier;
        if !how.dependants {
            plan.dependants.refuse(&format!("what this takes out of `{name}` is"))?;
        }
        self.may_change(&plan.dependants, name, how).await?;
        let mut effect = self.effect_of(&plan).await?;
        let others = plan.dependants.blueprints.keys().filter(|other| *other != name);
        effect.also_recomputes.extend(others.cloned());
        effect.also_recomputes.sort();
        effect.also_recomputes.dedup();
        self.part_with(plan.dependants, name).await?;
        let blueprint = plan.compiled.blueprint().clone();
        self.put_compiled(&plan.compiled, source).await?;
        Ok(BlueprintPut { blueprint, effect })
    }

    pub(super) async fn plan_blueprint(&self, blueprint: &Blueprint, how: &ModelChange) -> Result<Plan> {
        let name = &blueprint.identifier;
        // What it uses of its own and goes is taken out of it before it is judged.
        let mut compiled = Arc::new(self.judged(blueprint, how.is_strict() && !how.dependants)?);
        let mut after = (*self.all_blueprints()).clone();
        after.insert(name.clone(), compiled.clone());
        let dependants = self.dependants(after, how).await?;
        if how.dependants {
            let less = dependants.blueprints.get(name).unwrap_or(blueprint);
            compiled = Arc::new(self.judged(less, how.is_strict())?);
        }
        Ok(Plan { compiled, dependants })
    }
}
