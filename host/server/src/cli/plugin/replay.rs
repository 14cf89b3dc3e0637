//! Calling a plugin on a cassette: no socket is opened.

use super::{cassettes, steps::Steps};
use crate::cli::error::{CliError, Result};
use seawall_domain::{
    cassette::{Cassette, LeftOver, Miss},
    document::Document,
};
use seawall_engine::{EngineError, PreviewRequest, Problem, Rehearsal, Rehearsed, rehearse, system_clock};
use seawall_runtime::{
    Plugin,
    door::{Replay, Transport},
};
use std::{collections::HashMap, path::Path};

/// What came of it.
pub(super) struct Replayed {
    pub(super) rehearsed: Rehearsed,
    /// What the plugin asked and the cassette lacks.
    pub(super) missed: Vec<Miss>,
    /// What the cassette has and the plugin did not ask.
    pub(super) left_over: Vec<LeftOver>,
}

/// Calls `plugin`, whose folder is `dir`, as the cassette says. `text` is the cassette's file with its name.
pub(super) async fn replay(
    plugin: &Plugin,
    cassette: &Cassette,
    text: (&str, &str),
    dir: &Path,
    steps: &Steps,
) -> Result<Replayed> {
    let manifest = &plugin.bundle().manifest;
    if manifest.name != cassette.plugin {
        let found = format!(
            "expected `{}`, which this plugin is, found `{}`",
            manifest.name, cassette.plugin
        );
        return Err(wrong(EngineError::Invalid(vec![Problem::at("/plugin", found)]), text));
    }
    let mut config = cassette.config.clone();
    cassettes::absolute(manifest, &mut config, dir)?;
    let setting = PreviewRequest {
        plugin: plugin.clone(),
        config,
        secrets: HashMap::new(),
        private_ranges: Vec::new(),
        kind: None,
        checkouts: None,
        now: system_clock,
    };
    let replay = Replay::new(cassette).map_err(CliError::Usage)?;
    let rehearsed = rehearse(Rehearsal {
        setting: &setting,
        script: &cassette.run,
        transport: Transport::Replay(replay.clone()),
        say: &|line| steps.now(line),
    })
    .await
    .map_err(|error| wrong(error, text))?;
    Ok(Replayed {
        rehearsed,
        missed: replay.missed(),
        left_over: replay.left_over(),
    })
}

/// What of a cassette does not fit the plugin, with its place.
fn wrong(error: EngineError, (file, text): (&str, &str)) -> CliError {
    let EngineError::Invalid(problems) = error else {
        return CliError::Usage(format!("{file}: {error}"));
    };
    let document = Document::parse(file, text).ok();
    let line = |problem: &Problem| {
        let inner = ["/inputs", "/target"]
            .iter()
            .any(|part| problem.pointer.starts_with(part));
        let pointer = match inner {
            true => format!("/run/operation{}", problem.pointer),
            false => problem.pointer.clone(),
        };
        let place = document
            .as_ref()
            .map_or_else(|| file.to_owned(), |document| document.named(&pointer));
        format!("{place}: {}", problem.detail)
    };
    CliError::Usage(problems.iter().map(line).collect::<Vec<_>>().join("\n"))
}
