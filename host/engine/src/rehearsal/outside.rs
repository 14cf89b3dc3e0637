//! What happens outside a pass: an operation, a delivery.

use super::{Made, Stage};
use crate::{EngineError, Problem, Result};
use seawall_domain::{
    cassette::{Changes, Delivery, Done, Operation, Outcome},
    integration::check_config,
    item::{Change, LocatedChange},
};
use seawall_runtime::{CallError, Invocation, Progress};
use serde_json::Value;
use std::{collections::BTreeMap, time::Duration};

/// An operation that is asked so often and has not ended is not one to keep.
const POLLS: u32 = 200;
/// The longest wait between two questions.
const WAIT: Duration = Duration::from_secs(30);

impl Stage<'_> {
    pub(super) async fn operation(&self, operation: &Operation, outcome: &mut Outcome) -> Result<()> {
        self.fits(operation)?;
        let plugin = &self.rehearsal.setting.plugin;
        let invocation = Invocation {
            operation: operation.name.clone(),
            run: operation.run.clone(),
            config: self.config.clone(),
            inputs: operation.inputs.to_string().into_bytes(),
            relations: operation
                .target
                .as_ref()
                .map(|target| self.relations(target))
                .unwrap_or_default(),
            target: operation.target.clone(),
        };
        self.say(&format!("starting {}", operation.name));
        let mut progress = plugin.start(&self.sandbox, invocation.clone()).await?;
        for _ in 0..POLLS {
            match progress {
                Progress::Running {
                    state,
                    poll_after_ms,
                    label,
                } => {
                    self.say(&format!(
                        "{}: {}",
                        operation.name,
                        label.as_deref().unwrap_or("running")
                    ));
                    // Of a cassette nothing comes by waiting.
                    if self.is_live() {
                        tokio::time::sleep(Duration::from_millis(poll_after_ms.into()).min(WAIT)).await;
                    }
                    progress = plugin.poll(&self.sandbox, invocation.clone(), state).await?;
                }
                Progress::Succeeded { outputs, link, changes } => {
                    outcome.operation = Some(Done {
                        state: "succeeded".into(),
                        reason: None,
                        outputs: serde_json::from_slice(&outputs).unwrap_or(Value::Null),
                        link,
                        changes: self.changes(changes)?,
                    });
                    return Ok(());
                }
                Progress::Failed(why) => {
                    outcome.operation = Some(Done {
                        state: "failed".into(),
                        reason: Some(why),
                        ..Done::default()
                    });
                    return Ok(());
                }
            }
        }
        let why = format!("the operation was asked {POLLS} times how it stands and has not ended");
        Err(EngineError::Plugin(CallError::BadAnswer(why)))
    }

    pub(super) async fn delivery(&self, delivery: &Delivery, outcome: &mut Outcome) -> Result<()> {
        let given = seawall_runtime::Delivery {
            headers: delivery.headers.clone().into_iter().collect(),
            body: delivery.body.bytes(),
        };
        self.say("giving it the delivery");
        let plugin = &self.rehearsal.setting.plugin;
        let changes = plugin.receive(&self.sandbox, self.config.clone(), given).await?;
        outcome.delivery = Some(self.changes(changes)?);
        Ok(())
    }

    /// Whether the plugin has such an operation, with such inputs and such a target.
    fn fits(&self, operation: &Operation) -> Result<()> {
        let known = &self.rehearsal.setting.plugin.bundle().manifest.operations;
        let asked = known.iter().find(|(name, _)| name.as_str() == operation.name);
        let Some((_, asked)) = asked else {
            let all: Vec<_> = known.keys().map(ToString::to_string).collect();
            let hint = match all.is_empty() {
                true => "the plugin has none".to_owned(),
                false => format!("the plugin has: {}", all.join(", ")),
            };
            return Err(EngineError::not_found_but("operation", &operation.name, hint));
        };
        if let Err(wrong) = check_config(&asked.inputs, &operation.inputs) {
            let all = wrong
                .iter()
                .map(|p| Problem::at(format!("/inputs{}", p.pointer), p.words()));
            return Err(EngineError::Invalid(all.collect()));
        }
        match (&asked.target, &operation.target) {
            (Some(wanted), Some(target)) if target.blueprint == *wanted => Ok(()),
            (Some(wanted), _) => {
                let detail = format!("the operation works on an entity of `{wanted}`: `{wanted}/IDENTIFIER`");
                Err(EngineError::invalid("/target", detail))
            }
            (None, Some(_)) => Err(EngineError::invalid(
                "/target",
                "the operation works on no entity; leave it out",
            )),
            (None, None) => Ok(()),
        }
    }

    /// The blueprint that each of the entity's relations points to.
    fn relations(&self, entity: &seawall_domain::Entity) -> BTreeMap<String, String> {
        let all = &self.rehearsal.setting.plugin.bundle().blueprints;
        let own = all.iter().find(|blueprint| blueprint.identifier == entity.blueprint);
        let relations = own.into_iter().flat_map(|blueprint| &blueprint.relations);
        relations
            .map(|(name, relation)| (name.clone(), relation.target.to_string()))
            .collect()
    }

    fn changes(&self, all: Vec<LocatedChange>) -> Result<Changes> {
        let (mut changes, mut made) = (BTreeMap::new(), Made::default());
        for LocatedChange { partition, change } in all {
            let (kind, key, item) = match change {
                Change::Upsert { kind, key, value } => {
                    self.map((&kind, 0), &key, &value, &mut made)?;
                    (kind, key, serde_json::from_slice(&value).unwrap_or(Value::Null))
                }
                Change::Delete { kind, key } => (kind, key, "removed".into()),
            };
            changes.insert(format!("{kind}/{partition}/{key}"), item);
        }
        Ok(Changes {
            changes,
            entities: Outcome::entities(&made.entities),
            reports: made.reports,
        })
    }
}
