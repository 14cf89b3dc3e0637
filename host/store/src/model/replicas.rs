//! What processes that share a database tell each other by way of it.

use seawall_domain::Millis;
use std::collections::BTreeMap;

/// What has moved in a database, for those who only want to know whether they have to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulse {
    /// The position of the newest change.
    pub position: i64,
    /// The id of the newest delivery; 0 where there was none.
    pub deliveries: i64,
    /// How often each part of what is configured has changed.
    pub parts: BTreeMap<Part, i64>,
    /// The database's clock.
    pub now: Millis,
}

/// A part of what is configured, of which processes keep something in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Blueprints.
    Blueprints,
    /// Plugins, where they came from, decisions about them and the policy.
    Grants,
    /// Integrations.
    Integrations,
    /// Credentials.
    Credentials,
    /// Settings.
    Settings,
    /// Subscriptions.
    Subscriptions,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Blueprints,
        Self::Grants,
        Self::Integrations,
        Self::Credentials,
        Self::Settings,
        Self::Subscriptions,
    ];

    /// Its name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Blueprints => "blueprints",
            Self::Grants => "grants",
            Self::Integrations => "integrations",
            Self::Credentials => "credentials",
            Self::Settings => "settings",
            Self::Subscriptions => "subscriptions",
        }
    }
}

/// One row of the change log, without what changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// Its position.
    pub position: i64,
    /// The entity's row id.
    pub entity: i64,
    /// Whether the entity went.
    pub removed: bool,
}

/// Work that one process at a time does, and the number under which this one does it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duty {
    /// What is done.
    pub name: String,
    /// Grows whenever another process takes it: what is written under an older one is refused.
    pub fence: i64,
}
