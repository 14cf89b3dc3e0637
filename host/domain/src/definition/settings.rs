//! What holds for the whole server, as one document.

use crate::subscription::Retention;
use serde::{Deserialize, Serialize};

/// The settings that a document may describe. What it leaves out has its default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Of definitions.
    pub definitions: Locking,
    /// How long the change log is kept.
    pub retention: Retention,
}

/// Whether what comes from git is read-only elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Locking {
    /// It is.
    pub locked: bool,
}

impl Default for Locking {
    fn default() -> Self {
        Self { locked: true }
    }
}

impl Settings {
    /// What of them cannot be: a JSON pointer, and what to write instead.
    pub fn problems(&self) -> Vec<(String, String)> {
        let of_retention = self.retention.problems().into_iter();
        of_retention
            .map(|(pointer, why)| (format!("/retention{pointer}"), why))
            .collect()
    }
}
