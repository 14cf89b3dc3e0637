//! Definitions as code: documents with a `kind` that describe everything a person sets up.
//!
//! A document is flat: `kind`, and beside it the fields that the thing has everywhere else (`seawall integration add`,
//! `seawall credential add`, `PUT /blueprints/…`). Blueprints of Port's and entities of Backstage's are known by their shape
//! and need no `kind`.

pub mod blueprint;
mod difference;
mod export;
mod fit;
mod grant;
mod history;
mod load;
mod order;
mod plan;
mod pointed;
mod read;
mod schema;
mod settings;
mod subscription;
mod view;

pub use difference::{FieldChange, differences};
pub use export::{file_name, text};
pub use fit::{Fit, fit};
pub use grant::{GrantDefinition, RuleDefinition, granted, of_grant};
pub use history::{Author, Decided, DefinitionChange, Happened};
pub use load::{Loaded, load};
pub use order::in_order;
pub use plan::{Change, May, Owner, State, Step, is_beyond_documents, is_placeholder, plan};
pub use pointed::{Pointed, pointed};
pub use read::canonical;
pub use schema::{schema, schemas};
pub use settings::{Locking, Settings};
pub use subscription::SubscriptionDefinition;

use crate::Digest;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// What sources begin with whose definitions are kept in git, and are read-only elsewhere.
pub const GIT: &str = "git:";
/// The setting that says whether they are; true where it was never set.
pub const LOCKED: &str = "definitions.locked";

/// What a definition is of. In the order in which they are applied: each may need those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// What no grant may contain, and who decides. There is one.
    Policy,
    /// What holds for the whole server. There is one.
    Settings,
    /// The type of entities.
    Blueprint,
    /// A name for a secret, and where it comes from.
    Credential,
    /// What a plugin may do.
    Grant,
    /// A plugin put to work.
    Integration,
    /// A mapping file of a tool that has no integration yet.
    Mapping,
    /// A team of people.
    Team,
    /// What a person may do.
    Role,
    /// A question with a yes or no.
    Gate,
    /// A self-service action.
    Action,
    /// What starts an action.
    Automation,
    /// Rules for the entities of a blueprint.
    Scorecard,
    /// A question with a name.
    View,
    /// One thing in the catalog.
    Entity,
    /// Who is told of changes. The last, so that a new one is not told of what was applied with it.
    Subscription,
}

impl Kind {
    /// All of them, in order.
    pub const ALL: [Self; 16] = [
        Self::Policy,
        Self::Settings,
        Self::Blueprint,
        Self::Credential,
        Self::Grant,
        Self::Integration,
        Self::Mapping,
        Self::Team,
        Self::Role,
        Self::Gate,
        Self::Action,
        Self::Automation,
        Self::Scorecard,
        Self::View,
        Self::Entity,
        Self::Subscription,
    ];

    /// As a document's `kind` says it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Policy => "Policy",
            Self::Settings => "Settings",
            Self::Blueprint => "Blueprint",
            Self::Credential => "Credential",
            Self::Grant => "Grant",
            Self::Integration => "Integration",
            Self::Mapping => "Mapping",
            Self::Team => "Team",
            Self::Role => "Role",
            Self::Gate => "Gate",
            Self::Action => "Action",
            Self::Automation => "Automation",
            Self::Scorecard => "Scorecard",
            Self::View => "View",
            Self::Entity => "Entity",
            Self::Subscription => "Subscription",
        }
    }

    /// As a sentence says it.
    pub fn word(self) -> String {
        self.name().to_lowercase()
    }

    /// Whether this version only keeps such documents and gives them back, and does nothing by them.
    pub fn is_kept(self) -> bool {
        matches!(
            self,
            Self::Mapping | Self::Team | Self::Role | Self::Gate | Self::Action | Self::Automation | Self::Scorecard
        )
    }

    /// Whether there is exactly one, which can be changed and never removed.
    pub fn is_single(self) -> bool {
        matches!(self, Self::Policy | Self::Settings)
    }

    /// The kind of that name, in any case.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Kind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::of(name).ok_or_else(|| {
            let known = Self::ALL.map(Self::name);
            let near = crate::text::nearest(name, known).map(|near| format!("; did you mean `{near}`?"));
            format!(
                "there is no kind `{name}`{}; there are: {}",
                near.unwrap_or_default(),
                known.join(", ")
            )
        })
    }
}

/// One definition in its canonical form: without `kind`, with defaults filled in, so that equal ones are equal.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// Of what.
    pub kind: Kind,
    /// Unique within its kind. An entity is `BLUEPRINT/IDENTIFIER`, and so is a scorecard.
    pub name: String,
    /// The definition.
    pub value: Value,
    /// Where it was read.
    pub origin: Origin,
}

impl Definition {
    /// What it is known by.
    pub fn key(&self) -> (Kind, String) {
        (self.kind, self.name.clone())
    }
}

/// Where a definition was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The file, relative to the folder; empty for what was made of other definitions.
    pub file: String,
    /// The line, where it is known.
    pub line: Option<u32>,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        match self.line {
            Some(line) => write!(f, ":{line}"),
            None => Ok(()),
        }
    }
}

/// The digest of a canonical definition, by which drift is seen. The same in every process.
pub fn digest(value: &Value) -> String {
    let mut text = String::new();
    crate::text::canonical(value, &mut text);
    Digest::of(text.as_bytes()).as_str().to_owned()
}

#[cfg(test)]
mod tests;
