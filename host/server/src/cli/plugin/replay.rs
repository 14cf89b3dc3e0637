//! Calling a plugin on a cassette: no socket is opened.

use super::{cassettes, setting::invalid, steps::Steps};
use crate::cli::error::{CliError, Result};
use seawall_domain::cassette::{Cassette, LeftOver, Miss};
use seawall_engine::{PreviewRequest, Rehearsal, Rehearsed, rehearse, system_clock};
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

/// Calls `plugin`, whose folder is `dir`, as the cassette says.
pub(super) async fn replay(plugin: &Plugin, cassette: &Cassette, dir: &Path, steps: &Steps) -> Result<Replayed> {
    let manifest = &plugin.bundle().manifest;
    if manifest.name != cassette.plugin {
        return Err(CliError::Usage(format!(
            "the cassette is of the plugin `{}`, and this one is `{}`",
            cassette.plugin, manifest.name
        )));
    }
    let mut config = cassette.config.clone();
    cassettes::absolute(manifest, &mut config, dir)?;
    let setting = PreviewRequest {
        plugin: plugin.clone(),
        config,
        secrets: HashMap::new(),
        private_ranges: Vec::new(),
        kind: None,
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
    .map_err(invalid)?;
    Ok(Replayed {
        rehearsed,
        missed: replay.missed(),
        left_over: replay.left_over(),
    })
}
