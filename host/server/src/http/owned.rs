//! What comes from git is read-only at every other door: one check before the handlers that change definitions. Behind them, who
//! changed what is noted.
//!
//! A request may say who speaks (`?source=git:platform`), and of which file (`&file=`, `&digest=`); then the definition is that
//! source's from then on. It may say which person (`&by=`) and why (`&reason=`), for the history. These parameters are taken off
//! before a handler sees the request, unless it is one that reads them itself.

mod target;

use super::{App, problem::Problem};
use axum::{
    extract::{Request, State},
    http::{StatusCode, Uri},
    middleware::Next,
    response::{IntoResponse, Response},
};
use seawall_domain::definition::{Author, Kind, Owner};
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};
use target::{Target, target};
use tokio::sync::Mutex;
use utoipa::openapi::{
    OpenApi, RefOr, Required,
    path::{ParameterBuilder, ParameterIn},
    schema,
};

/// Who speaks, as the request says it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Speaker {
    /// None where it does not.
    pub(crate) source: Option<String>,
    /// Whether what others keep in git is changed all the same.
    pub(crate) overrides: bool,
}

/// Changes of one definition come one after another, so that each is noted with what it really changed.
#[derive(Clone)]
pub(crate) struct Turns(Arc<[Mutex<()>; 32]>);

impl Default for Turns {
    fn default() -> Self {
        Self(Arc::new(std::array::from_fn(|_| Mutex::default())))
    }
}

impl Turns {
    fn of(&self, kind: Kind, name: &str) -> &Mutex<()> {
        let mut hasher = DefaultHasher::new();
        (kind, name).hash(&mut hasher);
        &self.0[hasher.finish() as usize % self.0.len()]
    }
}

/// What a request says beside what its handler reads.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    source: Option<String>,
    file: Option<String>,
    digest: Option<String>,
    by: Option<String>,
    reason: Option<String>,
    overrides: bool,
}

/// The most characters of a source's name, of a file and of a digest.
const MOST: usize = 1_000;

/// See the module.
pub(super) async fn guard(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let Some(target) = target(request.method(), request.uri()) else {
        request.extensions_mut().insert(Speaker::default());
        return next.run(request).await;
    };
    let said = match split(request.uri(), target.reads) {
        Ok((said, rest)) => {
            *request.uri_mut() = rest;
            said
        }
        Err(problem) => return (*problem).into_response(),
    };
    if target.locks && !said.overrides {
        match app
            .engine
            .locked_by(target.kind, &target.name, said.source.as_deref())
            .await
        {
            Ok(None) => {}
            Ok(Some(owner)) => return refused(&owner).into_response(),
            Err(error) => return Problem::from(error).into_response(),
        }
    }
    request.extensions_mut().insert(Speaker {
        source: said.source.clone(),
        overrides: said.overrides,
    });
    if target.looks {
        return next.run(request).await;
    }
    // What has begun is noted also where nobody waits for the answer any more.
    let done = tokio::spawn(changed(app, target, said, request, next));
    match done.await {
        Ok(response) => response,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Problem::from(seawall_engine::EngineError::Internal("the host stops".into())).into_response(),
        },
    }
}

/// Lets the handler change a definition, and notes what it did and whose the definition is.
async fn changed(app: App, target: Target, said: Said, request: Request, next: Next) -> Response {
    let Target {
        kind, name, removes, ..
    } = target;
    let _turn = app.turns.of(kind, &name).lock().await;
    let author = Author {
        by: said.by,
        source: said.source.clone(),
        file: said.file.clone(),
        reason: said.reason,
    };
    let begun = match app.engine.begin_change(kind, &name, &author).await {
        Ok(begun) => begun,
        Err(error) => return Problem::from(error).into_response(),
    };
    let response = seawall_engine::speaking(author, next.run(request)).await;
    let succeeded = response.status().is_success();
    let noted = async {
        if let Some(begun) = begun {
            app.engine.end_change(begun).await?;
        }
        match said.source.filter(|_| succeeded) {
            None => Ok(()),
            Some(_) if removes => app.engine.disown(kind, &name).await,
            Some(source) => {
                let owner = Owner {
                    kind,
                    name,
                    source,
                    file: said.file,
                    digest: said.digest,
                };
                app.engine.own(owner).await
            }
        }
    };
    match noted.await {
        Ok(()) => response,
        Err(error) => Problem::from(error).into_response(),
    }
}

/// Adds the parameters to what changes definitions.
pub(super) fn document(openapi: &mut OpenApi) {
    let parameter = |name: &str, description: &str, kind: schema::Type| {
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Query)
            .required(Required::False)
            .description(Some(description))
            .schema(Some(schema::Object::with_type(kind)));
        RefOr::T(parameter.build())
    };
    let text = schema::Type::String;
    let all = [
        parameter("by", "Who does it, for the history", text.clone()),
        parameter("reason", "Why, for the history", text.clone()),
        parameter(
            "source",
            "Whose the definition is from then on, such as `git:platform`",
            text.clone(),
        ),
        parameter("file", "Where that source describes it", text.clone()),
        parameter(
            "digest",
            "The digest of what it describes, by which drift is seen",
            text,
        ),
        parameter(
            "override",
            "`true`: changes what a source in git owns all the same, once",
            schema::Type::Boolean,
        ),
    ];
    for (path, item) in &mut openapi.paths.paths {
        let method = |name: &str| name.parse().unwrap_or_default();
        let operations = [
            ("PUT", &mut item.put),
            ("DELETE", &mut item.delete),
            ("POST", &mut item.post),
        ];
        for (name, operation) in operations {
            let plain = path
                .replace("{kind}", Kind::Action.name())
                .replace("{setting}", seawall_domain::definition::LOCKED)
                .replace(['{', '}'], "");
            let changes = plain
                .parse()
                .ok()
                .is_some_and(|uri| target(&method(name), &uri).is_some());
            let Some(operation) = operation.as_mut().filter(|_| changes) else {
                continue;
            };
            let known = operation.parameters.get_or_insert_default();
            let is_known = |new: &RefOr<utoipa::openapi::path::Parameter>, known: &[RefOr<_>]| {
                let RefOr::T(new) = new else { return true };
                known.iter().any(
                    |old| matches!(old, RefOr::T(utoipa::openapi::path::Parameter { name, .. }) if *name == new.name),
                )
            };
            for new in &all {
                if !is_known(new, known) {
                    known.push(new.clone());
                }
            }
        }
    }
}

/// What is said of the source, and the address without it; but for what its handler reads itself.
fn split(uri: &Uri, reads: &[&str]) -> Result<(Said, Uri), Box<Problem>> {
    let Some(query) = uri.query() else {
        return Ok((Said::default(), uri.clone()));
    };
    let mut said = Said::default();
    let mut rest = url::form_urlencoded::Serializer::new(String::new());
    let (mut left, mut taken) = (false, false);
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let is_ours = said.take(&name, &value)?;
        if is_ours && !reads.contains(&&*name) {
            taken = true;
        } else {
            rest.append_pair(&name, &value);
            left = true;
        }
    }
    if !taken {
        return Ok((said, uri.clone()));
    }
    let path = uri.path();
    let rest = match left {
        false => path.to_owned(),
        true => format!("{path}?{}", rest.finish()),
    };
    let rest = rest
        .parse()
        .map_err(|_| Box::new(Problem::invalid("query", "it is no query of an address")))?;
    Ok((said, rest))
}

impl Said {
    /// Takes a parameter, where it is one of these.
    fn take(&mut self, name: &str, value: &str) -> Result<bool, Box<Problem>> {
        let into = match name {
            "source" => &mut self.source,
            "file" => &mut self.file,
            "digest" => &mut self.digest,
            "by" => &mut self.by,
            "reason" => &mut self.reason,
            "override" => {
                self.overrides = value.parse().map_err(|_| {
                    let found = seawall_domain::text::cut(value, 80);
                    Box::new(Problem::invalid(
                        name,
                        format!("expected `true` or `false`, found `{found}`"),
                    ))
                })?;
                return Ok(true);
            }
            _ => return Ok(false),
        };
        if value.is_empty() || value.chars().count() > MOST || value.chars().any(char::is_control) {
            let why =
                format!("expected 1 to {MOST} characters, none of them a control character, such as `git:platform`");
            return Err(Box::new(Problem::invalid(name.to_owned(), why)));
        }
        *into = Some(value.to_owned());
        Ok(true)
    }
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

    #[test]
    fn what_is_said_of_the_source_is_taken_off_the_address() {
        let cut = |uri: &str| split(&uri.parse().unwrap(), &["reason"]).map_err(|problem| format!("{problem:?}"));
        let (said, rest) = cut("/api/v1/policy?reason=a%20b&source=git%3Aplatform&file=p.yaml&digest=d").unwrap();
        assert_eq!(
            (said.source.as_deref(), said.file.as_deref()),
            (Some("git:platform"), Some("p.yaml"))
        );
        assert_eq!(rest.to_string(), "/api/v1/policy?reason=a+b");
        assert_eq!(said.reason.as_deref(), Some("a b"));
        let (said, rest) = cut("/a?by=ann&x=1").unwrap();
        assert_eq!(
            (said.by.as_deref(), rest.to_string()),
            (Some("ann"), "/a?x=1".to_owned())
        );
        let (said, rest) = cut("/a?override=true").unwrap();
        assert!(said.overrides);
        assert_eq!(rest.to_string(), "/a");
        for wrong in ["/a?source=", "/a?override=yes", "/a?file=%0a"] {
            cut(wrong).unwrap_err();
        }
    }
}
