//! A plugin is called as a script says, with all that its manifest asks granted, and nothing is stored: what `plugin record`
//! and `plugin test` do.

mod outside;
mod pull;

use crate::{
    EngineError, PreviewRequest, Result,
    engine::Blueprints,
    sync::{
        page::mapped,
        preview::{Kept, check, rules, sandbox},
    },
};
use seawall_domain::{
    CredentialName, Entity, Report,
    cassette::{Outcome, Script},
    integration::with_defaults,
    mapping::Mapping,
};
use seawall_runtime::{
    CallError, Line, Sandbox,
    door::{Record, Transport},
};
use std::sync::PoisonError;

/// What is to be done.
pub struct Rehearsal<'a> {
    /// Plugin, config, secrets and addresses; its kind is not looked at.
    pub setting: &'a PreviewRequest,
    /// What the plugin is called for.
    pub script: &'a Script,
    /// Whether its requests are sent, recorded or replayed.
    pub transport: Transport,
    /// Gets a line for each step.
    pub say: &'a (dyn Fn(&str) + Sync),
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Rehearsed {
    /// What the plugin made of it.
    pub outcome: Outcome,
    /// What it said.
    pub log: Vec<Line>,
    /// Its requests, refused ones too.
    pub requests: Vec<Record>,
    /// A text that holds the secret of a credential, by that credential's name: looks in what will be written to a file.
    pub guard: Guard,
}

/// Finds secrets in texts.
#[derive(Default)]
pub struct Guard(Option<std::sync::Arc<seawall_runtime::door::Door>>);

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Guard")
    }
}

impl Guard {
    /// The credential whose secret is in `text`.
    pub fn shown_in(&self, text: &[u8]) -> Option<&CredentialName> {
        self.0.as_ref()?.shown_in(text)
    }
}

/// Calls the plugin. How it failed is part of what came of it.
///
/// # Errors
/// Where config, mapping, blueprints or script do not fit the plugin.
pub async fn rehearse(rehearsal: Rehearsal<'_>) -> Result<Rehearsed> {
    let setting = rehearsal.setting;
    check(setting)?;
    let bundle = setting.plugin.bundle();
    let (mapping, blueprints) = rules(bundle)?;
    let (log, records) = (Kept::<Line>::default(), Kept::<Record>::default());
    let (sandbox, _held) = sandbox(setting, rehearsal.transport.clone(), &log, &records).await?;
    let stage = Stage {
        config: with_defaults(&bundle.manifest.config, &setting.config)
            .to_string()
            .into_bytes(),
        sandbox,
        mapping,
        blueprints,
        rehearsal,
    };
    let mut outcome = Outcome::default();
    let ended = match stage.rehearsal.script {
        Script::Pull(pull) => stage.pull(pull, &mut outcome).await,
        Script::Operation(operation) => stage.operation(operation, &mut outcome).await,
        Script::Delivery(delivery) => stage.delivery(delivery, &mut outcome).await,
    };
    match ended {
        Ok(()) => {}
        Err(EngineError::Plugin(error)) => outcome.failed = Some(error.to_string()),
        Err(other) => return Err(other),
    }
    Ok(Rehearsed {
        outcome,
        log: std::mem::take(&mut *log.lock().unwrap_or_else(PoisonError::into_inner)),
        requests: std::mem::take(&mut *records.lock().unwrap_or_else(PoisonError::into_inner)),
        guard: Guard(stage.sandbox.door.clone()),
    })
}

struct Stage<'a> {
    rehearsal: Rehearsal<'a>,
    sandbox: Sandbox,
    mapping: Option<Mapping>,
    blueprints: Blueprints,
    /// As plugins get it.
    config: Vec<u8>,
}

/// What items became.
#[derive(Default)]
struct Made {
    entities: Vec<Entity>,
    reports: Vec<Report>,
}

impl Stage<'_> {
    fn say(&self, line: &str) {
        (self.rehearsal.say)(line);
    }

    fn is_live(&self) -> bool {
        !matches!(self.rehearsal.transport, Transport::Replay(_))
    }

    /// Maps an item as a pass would.
    fn map(&self, of: (&str, usize), key: &str, value: &[u8], made: &mut Made) -> Result<(), CallError> {
        let Some(mapping) = &self.mapping else { return Ok(()) };
        let kinds = &self.rehearsal.setting.plugin.bundle().manifest.kinds;
        let strict = kinds.iter().any(|(kind, ask)| kind.as_str() == of.0 && ask.strict);
        let mapped = mapped(mapping, of, key, value, &self.blueprints, strict, None)?;
        made.entities.extend(mapped.entities);
        made.reports.extend(mapped.reports);
        Ok(())
    }
}
