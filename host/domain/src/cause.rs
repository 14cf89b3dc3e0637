//! What did a change of an entity, as the change log keeps it: one text, so that a change and who did it are one row.
//!
//! `pass:12`, `write:people:ann`, `mapping:github`: what did it. Whose integration that was and who asked for it stand behind it,
//! each behind a character that no name can hold.

use crate::entity::PEOPLE;
use std::fmt;

/// Stands before each part behind the first (ASCII's unit separator).
const BEHIND: char = '\u{1f}';
const OF: &str = "of=";
const BY: &str = "by=";
/// What a cause of clients' words begins with.
const WRITE: &str = "write:";
/// Causes that name their integration themselves.
const NAMING: [&str; 2] = ["mapping:", "integration-removed:"];

/// What did a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cause<'a> {
    /// `pass:12`, `delivery:7`, `run:…`, `write:people:ann`, `mapping:github`, `blueprint:service`, `derived`.
    pub what: &'a str,
    /// The integration whose pass, delivery, run or mapping it was; none of what was stored before that was kept.
    pub integration: Option<&'a str>,
    /// Who asked for it, where anybody said so.
    pub by: Option<&'a str>,
}

impl<'a> Cause<'a> {
    /// One of which nothing else is known.
    pub fn new(what: &'a str) -> Self {
        Self {
            what,
            integration: None,
            by: None,
        }
    }

    /// With whose integration it was.
    #[must_use]
    pub fn of(self, integration: &'a str) -> Self {
        Self {
            integration: Some(integration),
            ..self
        }
    }

    /// With who asked for it.
    #[must_use]
    pub fn by(self, by: Option<&'a str>) -> Self {
        Self { by, ..self }
    }

    /// Reads what the log keeps.
    pub fn read(stored: &'a str) -> Self {
        let mut parts = stored.split(BEHIND);
        let mut cause = Self::new(parts.next().unwrap_or_default());
        for part in parts {
            cause.integration = part.strip_prefix(OF).or(cause.integration);
            cause.by = part.strip_prefix(BY).or(cause.by);
        }
        let named = NAMING.iter().find_map(|kind| cause.what.strip_prefix(kind));
        cause.integration = cause.integration.or(named);
        cause.by = cause.by.or_else(|| writer(cause.what));
        cause
    }
}

/// As the log keeps it.
impl fmt::Display for Cause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)?;
        let named = NAMING.iter().any(|kind| self.what.starts_with(kind));
        if let Some(integration) = self.integration.filter(|_| !named) {
            write!(f, "{BEHIND}{OF}{integration}")?;
        }
        match self.by {
            Some(by) => write!(f, "{BEHIND}{BY}{by}"),
            None => Ok(()),
        }
    }
}

/// Of `write:people:jane` and `write:ci:deploy:jane` it is `jane`.
fn writer(what: &str) -> Option<&str> {
    let rest = what.strip_prefix(WRITE)?;
    let of_people = rest.strip_prefix(PEOPLE).and_then(|rest| rest.strip_prefix(':'));
    // Another source of clients has a kind and a name.
    let by = of_people.or_else(|| rest.splitn(3, ':').nth(2))?;
    (!by.is_empty()).then_some(by)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_says_who_wrote() {
        let who = |what| Cause::read(what).by;
        assert_eq!(who("write:people:jane"), Some("jane"));
        assert_eq!(who("write:people:a:b"), Some("a:b"));
        assert_eq!(who("write:ci:deploy:jane"), Some("jane"));
        for nobody in [
            "write:people",
            "write:people:",
            "write:ci:deploy",
            "pass:12",
            "run:x",
            "derived",
        ] {
            assert_eq!(who(nobody), None, "{nobody}");
        }
    }

    #[test]
    fn a_cause_reads_as_it_was_written() {
        for cause in [
            Cause::new("pass:12").of("github"),
            Cause::new("blueprint:a:b by c").by(Some("ann: of=x")),
            Cause::new("mapping:github").of("github").by(Some("ann")),
            Cause::new("derived"),
        ] {
            assert_eq!(Cause::read(&cause.to_string()), cause);
        }
        assert_eq!(Cause::read("integration-removed:github").integration, Some("github"));
        // What was stored before integrations were named.
        assert_eq!(Cause::read("pass:12"), Cause::new("pass:12"));
    }
}
