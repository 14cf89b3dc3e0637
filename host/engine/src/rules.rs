//! Rules that plugins bring: entities judged in batches, verdicts kept.

use crate::{Engine, EngineError, Problem, Result};
use seawall_domain::{
    BlueprintId, EntityId, integration,
    query::{Field, ListQuery},
    run::RuleVerdict,
};
use seawall_runtime::{Sandbox, Subject};
use seawall_store::{EntityRow, VerdictRow};
use serde_json::Value;

/// Entities handed to a rule in one call.
const BATCH: usize = 500;

/// What an evaluation came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evaluation {
    /// Entities judged.
    pub judged: u64,
    /// Of them, those that pass.
    pub passed: u64,
    /// Those that fail.
    pub failed: u64,
    /// Those that it does not concern.
    pub not_applicable: u64,
}

impl Engine {
    /// Judges all entities of a blueprint, or one of them, by a plugin's rule, and keeps the verdicts.
    ///
    /// # Errors
    /// Where the rule or the blueprint does not exist, the parameters are wrong, or the plugin is not granted.
    pub async fn evaluate(
        &self,
        plugin: &str,
        rule: &str,
        blueprint: &BlueprintId,
        identifier: Option<&EntityId>,
        params: &Value,
    ) -> Result<Evaluation> {
        let name =
            seawall_domain::PluginName::new(plugin).map_err(|e| EngineError::invalid("/plugin", e.to_string()))?;
        let view = self.granted(&name, None).await?;
        let rules = &view.row.bundle.manifest.rules;
        let ask = rules
            .iter()
            .find(|(k, _)| k.as_str() == rule)
            .map(|(_, r)| r)
            .ok_or_else(|| {
                let known: Vec<_> = rules.keys().map(|k| k.as_str()).collect();
                EngineError::not_found_but(
                    "rule",
                    format!("{plugin}/{rule}"),
                    format!("the plugin has: {}", known.join(", ")),
                )
            })?;
        if let Err(wrong) = integration::check_config(&ask.params, params) {
            let problem = |p: &integration::ConfigProblem| Problem::at(format!("/params{}", p.pointer), p.words());
            return Err(EngineError::Invalid(wrong.iter().map(problem).collect()));
        }
        if ask.blueprint.as_ref().is_some_and(|b| b != blueprint) {
            return Err(EngineError::invalid(
                "/blueprint",
                format!(
                    "the rule judges `{}` only",
                    ask.blueprint.as_ref().map_or("", BlueprintId::as_str)
                ),
            ));
        }
        let plugin = self.load(&view.row.digest).await?;
        let limits = view.row.bundle.manifest.limits.unwrap_or_default();
        let sandbox = Sandbox {
            limits,
            ..Sandbox::closed()
        };
        let params = params.to_string().into_bytes();
        let label = format!("{name}/{rule}");
        let mut total = Evaluation::default();
        let mut query = ListQuery {
            blueprint: blueprint.clone(),
            filters: identifier
                .map(|id| (Field::Identifier, Value::from(id.as_str())))
                .into_iter()
                .collect(),
            sort: Field::Identifier,
            descending: false,
            after: None,
            limit: BATCH,
        };
        if let Some(id) = identifier {
            self.entity(blueprint, id).await?;
        }
        loop {
            let listed = self.list(&query).await?;
            let subjects = self.subjects(&listed.rows, &ask.related).await;
            let now = self.now();
            let target_of = |b: &str, r: &str| self.target_of(b, r);
            let verdicts = plugin
                .evaluate(
                    &sandbox,
                    rule,
                    params.clone(),
                    &subjects,
                    u64::try_from(now).unwrap_or(0),
                    &target_of,
                )
                .await?;
            let rows: Vec<VerdictRow> = listed
                .rows
                .iter()
                .zip(verdicts)
                .map(|(row, verdict)| VerdictRow {
                    rule: label.clone(),
                    blueprint: blueprint.to_string(),
                    identifier: row.entity.identifier.to_string(),
                    verdict,
                    at: now,
                })
                .collect();
            for row in &rows {
                total.judged += 1;
                match row.verdict {
                    RuleVerdict::Pass => total.passed += 1,
                    RuleVerdict::Fail(_) => total.failed += 1,
                    RuleVerdict::NotApplicable => total.not_applicable += 1,
                }
            }
            self.inner.store.put_verdicts(&rows).await?;
            match listed.next {
                Some(place) => query.after = Some(place),
                None => return Ok(total),
            }
        }
    }

    async fn subjects(&self, rows: &[EntityRow], related: &[String]) -> Vec<Subject> {
        let mut out = Vec::with_capacity(rows.len());
        for row in rows {
            let related = if related.is_empty() {
                Vec::new()
            } else {
                self.related(&row.entity, related).await
            };
            out.push(Subject {
                entity: row.entity.clone(),
                related,
            });
        }
        out
    }
}
