//! The definition that a request changes.

use axum::http::{Method, Uri};
use percent_encoding::percent_decode_str;
use seawall_domain::definition::{Kind, LOCKED};

/// The definition that a request changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) kind: Kind,
    pub(super) name: String,
    /// Whether it is removed.
    pub(super) removes: bool,
    /// Whether it is refused where the definition comes from git. What takes something back in an emergency never is.
    pub(super) locks: bool,
    /// Whether it is only looked at what a change would do.
    pub(super) looks: bool,
    /// Of the parameters of who and why, those that the handler reads itself.
    pub(super) reads: &'static [&'static str],
}

/// Both of them.
const WHO: &[&str] = &["by", "reason"];

/// The definition that a request changes, where it changes one.
pub(super) fn target(method: &Method, uri: &Uri) -> Option<Target> {
    let path: Vec<String> = uri
        .path()
        .strip_prefix("/api/v1/")?
        .split('/')
        .map(|name| percent_decode_str(name).decode_utf8_lossy().into_owned())
        .collect();
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let removes = method == Method::DELETE;
    let puts = method == Method::PUT || method == Method::PATCH;
    let changes = puts || removes;
    let posts = method == Method::POST;
    let of = |kind: Kind, name: &str| Target {
        kind,
        name: name.to_owned(),
        removes,
        locks: true,
        looks: false,
        reads: &[],
    };
    let dry = says(uri, &["dry_run", "dryRun"]);
    Some(match path[..] {
        ["blueprints", name] if changes => Target {
            locks: !dry,
            looks: dry,
            ..of(Kind::Blueprint, name)
        },
        ["integrations", name] if changes => of(Kind::Integration, name),
        ["integrations", name, "mapping"] if puts => Target {
            reads: &["by"],
            ..of(Kind::Integration, name)
        },
        ["integrations", name, "mapping", "rollback"] if posts => Target {
            reads: &["by"],
            ..of(Kind::Integration, name)
        },
        ["credentials", name] if changes => of(Kind::Credential, name),
        ["plugins", name, "grant"] if puts => of(Kind::Grant, name),
        ["plugins", name, "grant"] if removes => Target {
            locks: false,
            reads: WHO,
            ..of(Kind::Grant, name)
        },
        ["plugins", name, "grant", "tighten"] if posts => Target {
            locks: false,
            ..of(Kind::Grant, name)
        },
        ["policy"] if puts && !dry => Target {
            reads: WHO,
            ..of(Kind::Policy, "policy")
        },
        // It opens what is locked, and so is never locked itself.
        ["settings", LOCKED] if puts => Target {
            locks: false,
            ..of(Kind::Settings, "settings")
        },
        ["settings"] | ["retention"] if puts => of(Kind::Settings, "settings"),
        ["views", name] if changes => of(Kind::View, name),
        ["subscriptions", name] if changes => of(Kind::Subscription, name),
        ["subscriptions", name, "pause" | "resume" | "rotate"] if posts => Target {
            locks: false,
            ..of(Kind::Subscription, name)
        },
        ["definitions", kind, name] if changes => of(Kind::of(kind)?, name),
        _ => return None,
    })
}

/// Whether one of these parameters is `true`.
fn says(uri: &Uri, names: &[&str]) -> bool {
    let query = uri.query().unwrap_or_default().as_bytes();
    url::form_urlencoded::parse(query).any(|(name, value)| names.contains(&&*name) && value == "true")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn of(method: Method, uri: &str) -> Option<(Kind, String)> {
        target(&method, &uri.parse().unwrap()).map(|target| (target.kind, target.name))
    }

    fn locks(method: Method, uri: &str) -> bool {
        target(&method, &uri.parse().unwrap()).unwrap().locks
    }

    #[test]
    fn only_what_changes_a_definition_is_looked_at() {
        let blueprint = Some((Kind::Blueprint, "a/b".to_owned()));
        assert_eq!(of(Method::PUT, "/api/v1/blueprints/a%2Fb?x=1"), blueprint);
        for (method, uri) in [
            (Method::GET, "/api/v1/blueprints/a%2Fb"),
            (Method::PUT, "/api/v1/blueprints/a/entities/b"),
            (Method::POST, "/api/v1/integrations/a/sync"),
            (Method::PUT, "/api/v1/policy?dry_run=true"),
            (Method::POST, "/api/v1/integrations/a/mapping/preview"),
            (Method::GET, "/api/v1/settings"),
        ] {
            assert_eq!(of(method, uri), None, "{uri}");
        }
        let named = |kind, name: &str| Some((kind, name.to_owned()));
        for (method, uri, expect) in [
            (Method::PUT, "/api/v1/plugins/p/grant", named(Kind::Grant, "p")),
            (
                Method::POST,
                "/api/v1/integrations/a/mapping/rollback",
                named(Kind::Integration, "a"),
            ),
            (Method::PUT, "/api/v1/retention", named(Kind::Settings, "settings")),
            (Method::DELETE, "/api/v1/views/v", named(Kind::View, "v")),
            (
                Method::POST,
                "/api/v1/subscriptions/s/rotate",
                named(Kind::Subscription, "s"),
            ),
            (
                Method::DELETE,
                "/api/v1/definitions/Scorecard/a%2Fb",
                named(Kind::Scorecard, "a/b"),
            ),
        ] {
            assert_eq!(of(method, uri), expect, "{uri}");
        }
    }

    #[test]
    fn what_only_looks_is_never_locked() {
        let looks = |uri: &str| target(&Method::PUT, &uri.parse().unwrap()).map(|target| (target.looks, target.locks));
        assert_eq!(looks("/api/v1/blueprints/a?dryRun=true"), Some((true, false)));
        assert_eq!(looks("/api/v1/blueprints/a"), Some((false, true)));
    }

    #[test]
    fn what_takes_something_back_is_never_locked() {
        assert!(locks(Method::PUT, "/api/v1/plugins/p/grant"));
        assert!(!locks(Method::DELETE, "/api/v1/plugins/p/grant"));
        assert!(!locks(Method::POST, "/api/v1/plugins/p/grant/tighten"));
        assert!(!locks(Method::PUT, "/api/v1/settings/definitions.locked"));
        assert!(locks(Method::PUT, "/api/v1/settings"));
        assert!(!locks(Method::POST, "/api/v1/subscriptions/s/pause"));
    }
}
