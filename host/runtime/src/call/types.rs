//! What goes into a call and comes out of it.

use seawall_domain::{Entity, item::LocatedChange};
use std::collections::BTreeMap;

/// What is to be listed.
#[derive(Debug, Clone)]
pub struct Scope {
    /// The integration's config, JSON as UTF-8.
    pub config: Vec<u8>,
    /// The kind.
    pub kind: String,
    /// What the mapping says beyond `query`, JSON as UTF-8.
    pub selector: Vec<u8>,
}

/// A webhook's delivery.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Headers in order.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

/// An operation that is to be done.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// The manifest's operation.
    pub operation: String,
    /// The run's id: the idempotency key.
    pub run: String,
    /// The integration's config, JSON as UTF-8.
    pub config: Vec<u8>,
    /// Inputs, JSON as UTF-8.
    pub inputs: Vec<u8>,
    /// The entity it works on.
    pub target: Option<Entity>,
    /// The blueprint that each of the target's relations points to.
    pub relations: BTreeMap<String, String>,
}

/// How an operation stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// Still running.
    Running {
        /// For the next `poll`, JSON as UTF-8.
        state: Vec<u8>,
        /// When to poll.
        poll_after_ms: u32,
        /// What a person reads.
        label: Option<String>,
    },
    /// Done.
    Succeeded {
        /// JSON as UTF-8.
        outputs: Vec<u8>,
        /// Where a person can follow up.
        link: Option<String>,
        /// What the tool now holds.
        changes: Vec<LocatedChange>,
    },
    /// Failed, and why.
    Failed(String),
}

/// What a rule judges.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The entity.
    pub entity: Entity,
    /// What the rule asked to see.
    pub related: Vec<Entity>,
}
