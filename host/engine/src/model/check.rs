//! Holding what was said to a blueprint as it is now: items of integrations are mapped anew, words of clients are checked.

use super::{PIECE, Stride, progress::Step, progress::Walk};
use crate::{
    Engine, EngineError, Result, engine::Blueprints, history::author, replicas::OnDuty, settings::Work, site::Site,
};
use seawall_domain::{
    BlueprintId, Entity, EntityId, IntegrationName, Report, Severity,
    blueprint::{Check, CompiledBlueprint, Outcome},
    cause::Cause,
};
use seawall_store::{ClientSourceRow, Expect, ItemRow, ItemWrite, PageWrite, StoreError};
use serde_json::json;
use std::{sync::Arc, time::Duration};

/// So often a piece is made anew where a pass was faster.
const TRIES: usize = 8;
/// How long another task's mapping is waited for between two looks.
const WAIT: Duration = Duration::from_millis(200);

impl Engine {
    /// Looks at all that was checked against a blueprint as it was, or as long as it was there.
    pub(crate) async fn check_again(&self, name: &BlueprintId, on_duty: &OnDuty) -> Result<()> {
        self.stored_blueprints().await?;
        let integrations = self.giving(name).await?;
        let sources = self.inner.store.client_sources().await?;
        let items = |(_, items): &(IntegrationName, u64)| *items;
        let mut stride = Stride {
            total: integrations.iter().map(items).sum::<u64>() + sources.iter().map(|source| source.items).sum::<u64>(),
            ..Stride::default()
        };
        let walk = self.walk(Step::Check, name);
        for (integration, items) in integrations {
            stride.within = Some(integration.clone());
            walk.is_at(stride.clone());
            if let Err(error) = self.map_again(&integration, on_duty).await {
                tracing::error!(%integration, blueprint = %name, "its items could not be mapped anew, and are at its next pass: {error}");
            }
            stride.done += items;
        }
        stride.within = None;
        for source in sources {
            walk.is_at(stride.clone());
            let items = source.items;
            self.check_client(&source, name, on_duty, (&walk, &stride)).await?;
            stride.done += items;
        }
        if !on_duty.is_over() {
            walk.is_at(stride);
            walk.ends();
        }
        Ok(())
    }

    /// The integrations that may give entities of a blueprint, with how many items each has.
    async fn giving(&self, name: &BlueprintId) -> Result<Vec<(IntegrationName, u64)>> {
        let (with, without) = self.with_and_without(name)?;
        let mut out = Vec::new();
        for row in self.inner.store.integrations().await? {
            let integration = row.integration.name;
            // One that is not granted or cannot run holds what it held.
            let Ok(site) = self.site(&integration).await else {
                continue;
            };
            if self.maps_otherwise(&site, &with, &without).await? {
                let partitions = self.inner.store.partitions(site.row.id).await?;
                out.push((integration, partitions.iter().map(|p| p.items).sum()));
            }
        }
        Ok(out)
    }

    /// All blueprints with one of this name, and all without: what depends on it differs between the two, whether it is there
    /// or not.
    fn with_and_without(&self, name: &BlueprintId) -> Result<(Blueprints, Blueprints)> {
        let mut with = (*self.all_blueprints()).clone();
        let mut without = with.clone();
        if without.remove(name).is_none() {
            let bare = serde_json::from_value(json!({"identifier": name})).map_err(|e| e.to_string());
            let bare = bare.and_then(|bare| CompiledBlueprint::new(bare).map_err(|e| e.to_string()));
            with.insert(name.clone(), Arc::new(bare.map_err(EngineError::Internal)?));
        }
        Ok((with, without))
    }

    async fn maps_otherwise(&self, site: &Site, with: &Blueprints, without: &Blueprints) -> Result<bool> {
        let Some(mapping) = &site.mapping else { return Ok(false) };
        let kinds = self.inner.store.kinds(site.row.id).await?;
        Ok(kinds
            .iter()
            .any(|kind| mapping.digest(kind, with) != mapping.digest(kind, without)))
    }

    /// Maps an integration's items anew, and returns when that is done, whoever did it.
    async fn map_again(&self, integration: &IntegrationName, on_duty: &OnDuty) -> Result<()> {
        let work = Work::Remap(integration.clone());
        self.note_work(&work).await?;
        loop {
            self.work_off(&work).await?;
            if on_duty.is_over() || self.is_noted(Work::REMAPS, integration.as_str()).await?.is_none() {
                return Ok(());
            }
            tokio::select! {
                () = tokio::time::sleep(WAIT) => {}
                () = on_duty.token().cancelled() => {}
            }
        }
    }

    /// Checks what a source of clients says of a blueprint's entities. Of a blueprint that is gone nothing is left.
    async fn check_client(
        &self,
        source: &ClientSourceRow,
        name: &BlueprintId,
        on_duty: &OnDuty,
        (walk, from): (&Walk<'_>, &Stride),
    ) -> Result<()> {
        let mut stride = from.clone();
        let mut after = format!("{name}/");
        while !on_duty.is_over() {
            let Some((last, count)) = self.check_words(source, name, &after).await? else {
                break;
            };
            after = last;
            stride.done += count;
            walk.is_at(stride.clone());
        }
        Ok(())
    }

    /// Checks the words behind a key; gives the last key and how many they were.
    async fn check_words(
        &self,
        source: &ClientSourceRow,
        name: &BlueprintId,
        after: &str,
    ) -> Result<Option<(String, u64)>> {
        let prefix = format!("{name}/");
        for _ in 0..TRIES {
            let mut items = self.inner.store.items(source.partition, after, PIECE).await?;
            items.retain(|item| item.key.starts_with(&prefix));
            let Some(last) = items.last().map(|item| item.key.clone()) else {
                return Ok(None);
            };
            let count = items.len() as u64;
            let page = self.words_checked(source, name, items).await?;
            match self.inner.store.apply_page(page).await {
                Ok(result) => {
                    self.index(&result);
                    return Ok(Some((last, count)));
                }
                Err(StoreError::Changed(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(EngineError::Conflict(format!(
            "what `{}` says changes all the time",
            source.name
        )))
    }

    async fn words_checked(
        &self,
        source: &ClientSourceRow,
        name: &BlueprintId,
        items: Vec<ItemRow>,
    ) -> Result<PageWrite> {
        let all = self.all_blueprints();
        let mut page = PageWrite {
            partition: source.partition,
            pass: None,
            fence: 0,
            upserts: Vec::new(),
            deletes: Vec::new(),
            unchanged: Vec::new(),
            cursor: None,
            items: items.len() as u64,
            converted: 0,
            cause: Cause::new(&format!("blueprint:{name}"))
                .by(author().by.as_deref())
                .to_string(),
            expect: Vec::new(),
            renewal: true,
            duty: None,
            delivery: None,
            now: self.now(),
        };
        for item in items {
            page.expect.push(Expect::Item {
                key: item.key.clone(),
                hash: Some(item.hash),
            });
            let Some(compiled) = all.get(name) else {
                page.deletes.push(item.key);
                continue;
            };
            let entity: Entity = serde_json::from_slice(&item.value)
                .map_err(|e| EngineError::Internal(format!("{}, {}: {e}", source.name, item.key)))?;
            let (entity, reports) = self.word_checked(&source.name, compiled, &item.key, entity).await?;
            page.upserts.push(ItemWrite {
                key: item.key,
                hash: item.hash,
                value: item.value,
                entities: entity.into_iter().collect(),
                reports,
            });
        }
        Ok(page)
    }

    /// What stands of what a client says of an entity; none where it lacks what nobody else says either.
    async fn word_checked(
        &self,
        source: &str,
        compiled: &CompiledBlueprint,
        key: &str,
        mut entity: Entity,
    ) -> Result<(Option<Entity>, Vec<Report>)> {
        let mut reports = Vec::new();
        let check = Check {
            kind: "entity",
            key,
            strict: false,
            conversions: false,
            client: true,
        };
        compiled.check(&mut entity, check, &mut reports);
        for report in &mut reports {
            report.message = report.message.replace("the request", &format!("what `{source}` says"));
            report.message.push_str(" (left out)");
        }
        let mut lacks = crate::clients::lacking(compiled, &entity, None);
        if !lacks.is_empty() {
            let others = self
                .said_by_others(source, &entity.blueprint, &entity.identifier)
                .await?;
            lacks = crate::clients::lacking(compiled, &entity, others.as_ref());
        }
        if lacks.is_empty() {
            return Ok((Some(entity), reports));
        }
        reports.extend(lacks.iter().map(|lack| set_aside(key, lack)));
        Ok((None, reports))
    }

    async fn said_by_others(
        &self,
        source: &str,
        blueprint: &BlueprintId,
        identifier: &EntityId,
    ) -> Result<Option<Entity>> {
        match self.inner.store.entity(blueprint, identifier).await? {
            Some(row) => self.others(row.id, source).await,
            None => Ok(None),
        }
    }
}

/// A report of an entity that lacks what is required. `lack` points to that.
fn set_aside(key: &str, lack: &crate::Problem) -> Report {
    let field = lack.pointer.trim_start_matches('/').replacen('/', ".", 1);
    Report {
        severity: Severity::SetAside,
        kind: "entity".to_owned(),
        key: key.to_owned(),
        entity: Some(key.to_owned()),
        field: Some(field.replace("~1", "/").replace("~0", "~")),
        expression: None,
        value: None,
        rule: "required".to_owned(),
        message: format!("{}, and nobody says it (the whole entity is set aside)", lack.detail),
    }
}

/// An entity held to a blueprint, as a whole.
pub(super) fn checked(compiled: &CompiledBlueprint, entity: &mut Entity) -> (Outcome, Vec<Report>) {
    let mut reports = Vec::new();
    let key = entity.identifier.to_string();
    let check = Check {
        kind: "entity",
        key: &key,
        strict: false,
        conversions: false,
        client: false,
    };
    let outcome = compiled.check(entity, check, &mut reports);
    (outcome, reports)
}
