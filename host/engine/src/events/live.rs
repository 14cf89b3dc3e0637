//! Passes and runs as they move.

use crate::Engine;
use seawall_domain::{Millis, pass::PassState, run::RunState};
use seawall_store::{PassRow, RunRow};

/// A pass or a run has moved.
#[derive(Debug, Clone, PartialEq)]
pub enum Live {
    /// A pass began or ended.
    Pass(PassMoved),
    /// A run changed.
    Run(RunMoved),
}

/// A pass that began or ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassMoved {
    /// Its id.
    pub id: i64,
    /// The name of its integration.
    pub integration: String,
    /// The kind of its partition.
    pub kind: String,
    /// The name of its partition.
    pub partition: String,
    /// How it stands now.
    pub state: PassState,
    /// The error that ended it.
    pub error: Option<String>,
    /// When.
    pub at: Millis,
}

/// A run that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunMoved {
    /// Its id.
    pub id: String,
    /// The name of its integration.
    pub integration: String,
    /// Its operation.
    pub operation: String,
    /// `(blueprint, identifier)` of the entity it works on.
    pub target: Option<(String, String)>,
    /// How it stands now.
    pub state: RunState,
    /// What a person reads while it runs, or why it failed.
    pub label: Option<String>,
    /// When.
    pub at: Millis,
}

impl Engine {
    /// Says that a pass began or ended, to those who follow.
    pub(crate) fn pass_moved(&self, integration: &str, pass: &PassRow, state: PassState, error: Option<&str>) {
        self.inner.events.announce(Live::Pass(PassMoved {
            id: pass.id,
            integration: integration.to_owned(),
            kind: pass.kind.clone(),
            partition: pass.partition_name.clone(),
            state,
            error: error.map(str::to_owned),
            at: self.now(),
        }));
    }

    /// Says how a run stands, to those who follow.
    pub(crate) fn run_moved(&self, run: &RunRow) {
        self.inner.events.announce(Live::Run(RunMoved {
            id: run.id.clone(),
            integration: run.integration.clone(),
            operation: run.operation.clone(),
            target: run.target.clone(),
            state: run.state,
            label: run.label.clone(),
            at: run.updated_at,
        }));
    }
}
