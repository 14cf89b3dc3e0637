//! What comes from git is read-only at every other door: one check before the handlers that change definitions.
//!
//! A request may say who speaks (`?source=git:platform`), and of which file (`&file=`, `&digest=`); then the definition is that
//! source's from then on. These parameters are taken off before a handler sees the request.

use super::{App, problem::Problem};
use axum::{
    extract::{Request, State},
    http::{Method, StatusCode, Uri},
    middleware::Next,
    response::{IntoResponse, Response},
};
use percent_encoding::percent_decode_str;
use seawall_domain::definition::{Kind, Owner};

/// Who speaks, as the request says it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Speaker {
    /// None where it does not.
    pub(crate) source: Option<String>,
    /// Whether what others keep in git is changed all the same.
    pub(crate) overrides: bool,
}

/// What a request says beside what its handler reads.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    source: Option<String>,
    file: Option<String>,
    digest: Option<String>,
    overrides: bool,
}

/// The most characters of a source's name, of a file and of a digest.
const MOST: usize = 1_000;

/// See the module.
pub(super) async fn guard(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let Some((kind, name)) = target(request.method(), request.uri()) else {
        request.extensions_mut().insert(Speaker::default());
        return next.run(request).await;
    };
    let removes = request.method() == Method::DELETE;
    let said = match split(request.uri()) {
        Ok((said, rest)) => {
            *request.uri_mut() = rest;
            said
        }
        Err(problem) => return (*problem).into_response(),
    };
    // Taking a grant back is never refused, whoever asks.
    let revokes = removes && kind == Kind::Grant;
    let looks = kind == Kind::Blueprint && request.method() == Method::PUT && is_dry(request.uri(), "dryRun");
    if !said.overrides && !revokes && !looks {
        match app.engine.locked_by(kind, &name, said.source.as_deref()).await {
            Ok(None) => {}
            Ok(Some(owner)) => return refused(&owner).into_response(),
            Err(error) => return Problem::from(error).into_response(),
        }
    }
    request.extensions_mut().insert(Speaker {
        source: said.source.clone(),
        overrides: said.overrides,
    });
    let response = next.run(request).await;
    let Some(source) = said.source.filter(|_| !looks && response.status().is_success()) else {
        return response;
    };
    let noted = if removes {
        app.engine.disown(kind, &name).await
    } else {
        let owner = Owner {
            kind,
            name,
            source,
            file: said.file,
            digest: said.digest,
        };
        app.engine.own(owner).await
    };
    match noted {
        Ok(()) => response,
        Err(error) => Problem::from(error).into_response(),
    }
}

/// The definition that a request changes. Taking a grant back is not among them: that must always be possible.
fn target(method: &Method, uri: &Uri) -> Option<(Kind, String)> {
    let path: Vec<String> = uri
        .path()
        .strip_prefix("/api/v1/")?
        .split('/')
        .map(|name| percent_decode_str(name).decode_utf8_lossy().into_owned())
        .collect();
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let puts = method == Method::PUT || method == Method::PATCH;
    let changes = puts || method == Method::DELETE;
    let dry = is_dry(uri, "dry_run");
    match path[..] {
        ["blueprints", name] if changes => Some((Kind::Blueprint, name.to_owned())),
        ["integrations", name] if changes => Some((Kind::Integration, name.to_owned())),
        ["credentials", name] if changes => Some((Kind::Credential, name.to_owned())),
        ["plugins", name, "grant"] if puts => Some((Kind::Grant, name.to_owned())),
        ["plugins", name, "grant"] if changes && names_source(uri) => Some((Kind::Grant, name.to_owned())),
        ["policy"] if puts && !dry => Some((Kind::Policy, "policy".to_owned())),
        ["definitions", kind, name] if changes => Some((Kind::of(kind)?, name.to_owned())),
        _ => None,
    }
}

/// Whether a request only looks at what it would do.
fn is_dry(uri: &Uri, parameter: &str) -> bool {
    let query = uri.query().unwrap_or_default().as_bytes();
    url::form_urlencoded::parse(query).any(|(name, value)| name == parameter && value == "true")
}

fn names_source(uri: &Uri) -> bool {
    let query = uri.query().unwrap_or_default().as_bytes();
    url::form_urlencoded::parse(query).any(|(name, _)| name == "source")
}

/// What is said of the source, and the address without it.
fn split(uri: &Uri) -> Result<(Said, Uri), Box<Problem>> {
    let Some(query) = uri.query() else {
        return Ok((Said::default(), uri.clone()));
    };
    let mut said = Said::default();
    let mut rest = url::form_urlencoded::Serializer::new(String::new());
    let (mut count, mut taken) = (0, 0);
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        count += 1;
        let into = match &*name {
            "source" => &mut said.source,
            "file" => &mut said.file,
            "digest" => &mut said.digest,
            "override" => {
                taken += 1;
                said.overrides = match &*value {
                    "true" => true,
                    "false" => false,
                    other => {
                        let why = format!(
                            "expected `true` or `false`, found `{}`",
                            seawall_domain::text::cut(other, 80)
                        );
                        return Err(Box::new(Problem::invalid("override", why)));
                    }
                };
                continue;
            }
            _ => {
                rest.append_pair(&name, &value);
                continue;
            }
        };
        taken += 1;
        if value.is_empty() || value.chars().count() > MOST || value.chars().any(char::is_control) {
            let why =
                format!("expected 1 to {MOST} characters, none of them a control character, such as `git:platform`");
            return Err(Box::new(Problem::invalid(name.into_owned(), why)));
        }
        *into = Some(value.into_owned());
    }
    if taken == 0 {
        return Ok((said, uri.clone()));
    }
    let path = uri.path();
    let rest = match count == taken {
        true => path.to_owned(),
        false => format!("{path}?{}", rest.finish()),
    };
    let rest = rest
        .parse()
        .map_err(|_| Box::new(Problem::invalid("query", "it is no query of an address")))?;
    Ok((said, rest))
}

pub(super) fn refused(owner: &Owner) -> Problem {
    let file = owner
        .file
        .as_ref()
        .map(|file| format!(", in {file}"))
        .unwrap_or_default();
    Problem::new(
        StatusCode::CONFLICT,
        "owned",
        "It is kept in git",
        format!(
            "{} `{}` comes from {}{file}: change it there and apply, or set `{}` to false to change it here too (add `?override=true` to do so once)",
            owner.kind.word(),
            owner.name,
            owner.source,
            seawall_domain::definition::LOCKED,
        ),
    )
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn of(method: Method, uri: &str) -> Option<(Kind, String)> {
        target(&method, &uri.parse().unwrap())
    }

    #[test]
    fn only_what_changes_a_definition_is_looked_at() {
        let blueprint = Some((Kind::Blueprint, "a/b".to_owned()));
        assert_eq!(of(Method::PUT, "/api/v1/blueprints/a%2Fb?x=1"), blueprint);
        assert_eq!(of(Method::GET, "/api/v1/blueprints/a%2Fb"), None);
        assert_eq!(of(Method::PUT, "/api/v1/blueprints/a/entities/b"), None);
        assert_eq!(of(Method::POST, "/api/v1/integrations/a/sync"), None);
        assert_eq!(of(Method::PUT, "/api/v1/policy?dry_run=true"), None);
        assert_eq!(
            of(Method::PUT, "/api/v1/plugins/p/grant"),
            Some((Kind::Grant, "p".to_owned()))
        );
        assert_eq!(
            of(Method::DELETE, "/api/v1/plugins/p/grant"),
            None,
            "a grant can always be taken back"
        );
        let scorecard = Some((Kind::Scorecard, "a/b".to_owned()));
        assert_eq!(of(Method::DELETE, "/api/v1/definitions/Scorecard/a%2Fb"), scorecard);
    }

    #[test]
    fn what_is_said_of_the_source_is_taken_off_the_address() {
        let cut = |uri: &str| split(&uri.parse().unwrap()).map_err(|problem| format!("{problem:?}"));
        let (said, rest) = cut("/api/v1/policy?reason=a%20b&source=git%3Aplatform&file=p.yaml&digest=d").unwrap();
        assert_eq!(
            (said.source.as_deref(), said.file.as_deref()),
            (Some("git:platform"), Some("p.yaml"))
        );
        assert_eq!(rest.to_string(), "/api/v1/policy?reason=a+b");
        let (said, rest) = cut("/a?override=true").unwrap();
        assert!(said.overrides);
        assert_eq!(rest.to_string(), "/a");
        for wrong in ["/a?source=", "/a?override=yes", "/a?file=%0a"] {
            cut(wrong).unwrap_err();
        }
    }
}
