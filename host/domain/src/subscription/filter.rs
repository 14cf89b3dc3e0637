//! Which changes.

use crate::BlueprintId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What happened to an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// It came.
    Created,
    /// It changed.
    Updated,
    /// It went.
    Deleted,
}

impl Kind {
    /// As messages and events name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
        }
    }
}

impl std::str::FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "created" => Ok(Self::Created),
            "updated" => Ok(Self::Updated),
            "deleted" => Ok(Self::Deleted),
            other => Err(format!("expected `created`, `updated` or `deleted`, found `{other}`")),
        }
    }
}

/// Which changes; all conditions must hold, and an empty one always does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeFilter {
    /// Of one of these blueprints.
    pub blueprints: Vec<BlueprintId>,
    /// Of one of these kinds.
    pub kinds: Vec<Kind>,
    /// Of the entity with this identifier.
    pub identifier: Option<String>,
    /// Of updates only those that change one of these: a property, `relations.NAME`, `$title`, `$icon` or `$team`. What came or
    /// went is not held to it.
    pub fields: Vec<String>,
    /// Whose cause begins so: `write:people`, `pass:12`.
    pub cause: Option<String>,
}

/// A change as a filter sees it.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// The entity's blueprint.
    pub blueprint: &'a str,
    /// The entity's identifier.
    pub identifier: &'a str,
    /// What happened.
    pub kind: Kind,
    /// `{"properties.tier": [old, new]}`.
    pub diff: &'a Map<String, Value>,
    /// What did it.
    pub cause: &'a str,
}

impl ChangeFilter {
    /// Whether a change is among them.
    pub fn matches(&self, change: Seen<'_>) -> bool {
        let blueprint = self.blueprints.is_empty() || self.blueprints.iter().any(|b| b.as_str() == change.blueprint);
        let kind = self.kinds.is_empty() || self.kinds.contains(&change.kind);
        let identifier = self.identifier.as_deref().is_none_or(|own| own == change.identifier);
        let cause = self
            .cause
            .as_deref()
            .is_none_or(|prefix| change.cause.starts_with(prefix));
        let field = self.fields.is_empty()
            || change.kind != Kind::Updated
            || self.fields.iter().any(|field| change.diff.contains_key(&path(field)));
        blueprint && kind && identifier && cause && field
    }
}

/// A field as a change's diff names it.
fn path(field: &str) -> String {
    match field.strip_prefix('$') {
        Some(own) => own.to_owned(),
        None if field.starts_with("relations.") || field.starts_with("properties.") => field.to_owned(),
        None => format!("properties.{field}"),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(filter: &ChangeFilter, kind: Kind, diff: Value, expect: bool) {
        let diff = diff.as_object().unwrap();
        let change = Seen {
            blueprint: "service",
            identifier: "pay",
            kind,
            diff,
            cause: "write:people:jane",
        };
        assert_eq!(filter.matches(change), expect, "{filter:?} {diff:?}");
    }

    #[test]
    fn all_conditions_must_hold() {
        let all = ChangeFilter::default();
        check(&all, Kind::Created, json!({}), true);
        let of = |blueprint: &str| ChangeFilter {
            blueprints: vec![blueprint.parse().unwrap()],
            ..all.clone()
        };
        check(&of("service"), Kind::Created, json!({}), true);
        check(&of("team"), Kind::Created, json!({}), false);
        let kinds = ChangeFilter {
            kinds: vec![Kind::Deleted],
            ..of("service")
        };
        check(&kinds, Kind::Created, json!({}), false);
        check(&kinds, Kind::Deleted, json!({}), true);
        let named = |identifier: &str, cause: &str| ChangeFilter {
            identifier: Some(identifier.into()),
            cause: Some(cause.into()),
            ..all.clone()
        };
        check(&named("pay", "write:"), Kind::Updated, json!({}), true);
        check(&named("pa", "write:"), Kind::Updated, json!({}), false);
        check(&named("pay", "pass:"), Kind::Updated, json!({}), false);
    }

    #[test]
    fn fields_are_of_updates_alone() {
        let fields = |all: &[&str]| ChangeFilter {
            fields: all.iter().map(|field| (*field).to_owned()).collect(),
            ..ChangeFilter::default()
        };
        let diff = || json!({"properties.tier": [1, 2], "relations.team": ["a", "b"], "title": ["x", "y"]});
        for (field, expect) in [
            ("tier", true),
            ("properties.tier", true),
            ("relations.team", true),
            ("$title", true),
            ("title", false),
            ("team", false),
            ("$team", false),
        ] {
            check(&fields(&[field]), Kind::Updated, diff(), expect);
        }
        check(&fields(&["nothing", "tier"]), Kind::Updated, diff(), true);
        check(&fields(&["nothing"]), Kind::Created, json!({}), true);
        check(&fields(&["nothing"]), Kind::Deleted, diff(), true);
    }
}
