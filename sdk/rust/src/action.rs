//! Does something in a tool, and follows it to its end.

use crate::{
    bindings::{action::exports::seawall::plugin::action as wit, types},
    entity::Entity,
    failure::{Failure, Result},
    json::Json,
    panic::report_panics,
    webhook::Located,
};
use serde::{Serialize, de::DeserializeOwned};
use std::{marker::PhantomData, time::Duration};

/// Runs the operations that the manifest declares.
pub trait Action {
    /// Starts the operation. [`Progress::Succeeded`] where it is done by the time this returns.
    fn start(call: &Invocation) -> Result<Progress>;

    /// Looks how it goes. `state` is what [`Progress::Running`] held last, also after a restart of the host.
    fn poll(call: &Invocation, state: &Json) -> Result<Progress>;

    /// Ends it before its time. Called again until it succeeds, so it has to bear repetition.
    fn cancel(call: &Invocation, state: &Json) -> Result<()>;
}

/// What is to be done.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// One of the manifest's operations.
    pub operation: String,
    /// The same for every attempt of one run: pass it on where the tool takes an idempotency key.
    pub run: String,
    /// The entity that it works on, where the operation has one.
    pub target: Option<Entity>,
    config: Json,
    inputs: Json,
}

impl Invocation {
    /// The integration's config, which the host has checked against the manifest's schema.
    pub fn config<T: DeserializeOwned>(&self) -> Result<T> {
        let parsed = self.config.parse();
        parsed.map_err(|e| Failure::invalid_config(format!("the config does not fit: {e}")))
    }

    /// The inputs, which the host has checked against the operation's schema.
    pub fn inputs<T: DeserializeOwned>(&self) -> Result<T> {
        let parsed = self.inputs.parse();
        parsed.map_err(|e| Failure::failed(format!("the inputs of {} do not fit: {e}", self.operation)))
    }
}

/// How it goes.
#[derive(Debug, Clone)]
pub enum Progress {
    /// Not done yet.
    Running {
        /// Handed back to `poll` and `cancel`.
        state: Json,
        /// When to look again (up to 49 days).
        poll_after: Duration,
        /// What a person reads while it runs, such as `waiting for the plan`.
        label: Option<String>,
    },
    /// Done.
    Succeeded(Outcome),
    /// The tool did not do it, and why.
    Failed(String),
}

impl Progress {
    /// Not done yet: keep this state, and look again after this time.
    pub fn running(state: &impl Serialize, poll_after: Duration) -> Result<Self> {
        Ok(Self::Running {
            state: Json::from(state)?,
            poll_after,
            label: None,
        })
    }

    /// The same with what a person reads while it runs.
    pub fn labelled(self, text: impl Into<String>) -> Self {
        match self {
            Self::Running { state, poll_after, .. } => Self::Running {
                state,
                poll_after,
                label: Some(text.into()),
            },
            done => done,
        }
    }
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// A JSON object for the steps that follow.
    pub outputs: Json,
    /// A page in the tool where a person can follow up.
    pub link: Option<String>,
    /// What the tool now holds because of this.
    pub changes: Vec<Located>,
}

impl Outcome {
    /// An outcome with these outputs.
    pub fn new(outputs: &impl Serialize) -> Result<Self> {
        Ok(Self {
            outputs: Json::from(outputs)?,
            link: None,
            changes: Vec::new(),
        })
    }
}

impl From<wit::Invocation> for Invocation {
    fn from(call: wit::Invocation) -> Self {
        Self {
            operation: call.operation,
            run: call.run,
            target: call.target.map(Entity::from),
            config: Json::from_bytes(call.config),
            inputs: Json::from_bytes(call.inputs),
        }
    }
}

impl From<Progress> for wit::Progress {
    fn from(progress: Progress) -> Self {
        match progress {
            Progress::Running {
                state,
                poll_after,
                label,
            } => Self::Running(wit::Running {
                state: state.into_bytes(),
                poll_after_ms: u32::try_from(poll_after.as_millis()).unwrap_or(u32::MAX),
                label,
            }),
            Progress::Succeeded(outcome) => Self::Succeeded(wit::Outcome {
                outputs: outcome.outputs.into_bytes(),
                link: outcome.link,
                changes: outcome.changes.into_iter().map(Into::into).collect(),
            }),
            Progress::Failed(why) => Self::Failed(why),
        }
    }
}

/// Stands between the component's exports and the author's trait.
#[doc(hidden)]
pub struct ActionRole<T: Action>(PhantomData<T>);

impl<T: Action> wit::Guest for ActionRole<T> {
    fn start(call: wit::Invocation) -> Result<wit::Progress, types::Failure> {
        report_panics();
        Ok(T::start(&call.into())?.into())
    }

    fn poll(call: wit::Invocation, state: Vec<u8>) -> Result<wit::Progress, types::Failure> {
        report_panics();
        Ok(T::poll(&call.into(), &Json::from_bytes(state))?.into())
    }

    fn cancel(call: wit::Invocation, state: Vec<u8>) -> Result<(), types::Failure> {
        report_panics();
        Ok(T::cancel(&call.into(), &Json::from_bytes(state))?)
    }
}
