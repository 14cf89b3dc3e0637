//! Removing a blueprint.

use super::ModelChange;
use crate::{Engine, EngineError, Result, settings::Work};
use seawall_domain::{BlueprintId, IntegrationName, integration::Integration, mapping::Mapping};
use std::collections::BTreeSet;

/// What may go with a blueprint, beside what uses it.
#[derive(Debug, Clone, Default)]
pub struct Removal {
    /// What uses it, and who removes it.
    pub model: ModelChange,
    /// Its entities. Without, it is refused where there are any.
    pub entities: bool,
    /// It goes although mappings give entities of it, which are all rejected from then on.
    pub force: bool,
}

/// Entities whose sources are asked, where a mapping computes the names of blueprints.
const ASKED: usize = 20;

impl Engine {
    /// Removes a blueprint.
    ///
    /// # Errors
    /// Where there is none, and where it is in use: what uses it is named.
    pub async fn remove_blueprint(&self, name: &BlueprintId, removal: &Removal) -> Result<()> {
        let all = self.all_blueprints();
        if !all.contains_key(name) {
            return Err(EngineError::not_found("blueprint", name));
        }
        let mut after = (*all).clone();
        after.remove(name);
        let dependants = self.dependants(after, &removal.model).await?;
        if !removal.model.dependants {
            dependants.refuse(&format!("`{name}` is"))?;
        }
        if !removal.force {
            self.refuse_feeding(name).await?;
        }
        let entities = self.inner.index.ids(name).len();
        if entities > 0 && !removal.entities {
            return Err(EngineError::Conflict(format!(
                "there are {entities} entities of `{name}`; say `entities=true` if they are to go with it"
            )));
        }
        self.may_change(&dependants, name, &removal.model).await?;
        self.part_with(dependants, name).await?;
        // Noted first: a host that stops in between goes on with it.
        let work = Work::Check(name.clone());
        self.note_work(&work).await?;
        let before = all.get(name).map(|known| known.blueprint());
        let change = self.blueprint_change(name, before, None, "api");
        self.inner.store.remove_blueprint(name, change.as_ref()).await?;
        self.reload_blueprints().await?;
        self.begin_anew(work).await
    }

    async fn refuse_feeding(&self, name: &BlueprintId) -> Result<()> {
        let feeding: Vec<_> = self.feeding(name).await?.iter().map(|one| format!("`{one}`")).collect();
        if feeding.is_empty() {
            return Ok(());
        }
        Err(EngineError::Conflict(format!(
            "the mapping of {} gives entities of `{name}`, and without it all of them would be rejected; change the mapping or \
             remove the integration first, or say `force=true` if that is meant",
            feeding.join(", ")
        )))
    }

    /// The integrations whose mappings give entities of a blueprint.
    async fn feeding(&self, name: &BlueprintId) -> Result<BTreeSet<IntegrationName>> {
        let mut out = BTreeSet::new();
        let mut unsure = BTreeSet::new();
        for row in self.inner.store.integrations().await? {
            let mapping = match row.removing {
                true => None,
                false => self.mapping_in_force(&row.integration).await,
            };
            let integration = row.integration.name;
            match mapping.map_or(Some(false), |mapping| mapping.feeds(name)) {
                Some(true) => drop(out.insert(integration)),
                Some(false) => {}
                None => drop(unsure.insert(integration)),
            }
        }
        if !unsure.is_empty() {
            for id in self.inner.index.ids(name).into_iter().take(ASKED) {
                let sources = self.inner.store.sources(id).await?;
                let of = |one: &&IntegrationName| sources.iter().any(|s| !s.client && s.integration == one.as_str());
                out.extend(unsure.iter().filter(of).cloned());
            }
        }
        Ok(out)
    }

    /// An integration's own mapping, or its plugin's, whether it is granted or not; none where there is none that compiles.
    async fn mapping_in_force(&self, integration: &Integration) -> Option<Mapping> {
        let value = match &integration.mapping {
            Some(own) => own.clone(),
            None => {
                let digest = integration.digest.as_ref().map(ToString::to_string);
                let reference = digest.as_deref().unwrap_or(integration.plugin.as_str());
                self.plugin(reference).await.ok()?.row.bundle.mapping?
            }
        };
        Mapping::compile(&value).ok()
    }
}
