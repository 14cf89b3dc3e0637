//! Path, query and body, with rejections as problem+json that point to the field.

use super::{MAX_BODY, MAX_BULK, problem::Problem, strict};
use axum::{
    extract::{
        FromRequest, FromRequestParts, Path as AxumPath, Request,
        path::ErrorKind,
        rejection::{BytesRejection, PathRejection},
    },
    http::{StatusCode, header, request::Parts},
};
use bytes::Bytes;
use seawall_domain::document::MAX_DEPTH;
use serde::de::DeserializeOwned;

/// Parameters in the path.
pub(crate) struct Path<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match AxumPath::<T>::from_request_parts(parts, state).await {
            Ok(AxumPath(value)) => Ok(Self(value)),
            Err(rejection) => Err(Problem::invalid("path", plain(&rejection))),
        }
    }
}

/// What is wrong, without the framework's own words before it and without names of types.
fn plain(rejection: &PathRejection) -> String {
    if let PathRejection::FailedToDeserializePathParams(failed) = rejection
        && let ErrorKind::ParseError { value, .. } | ErrorKind::ParseErrorAtKey { value, .. } = failed.kind()
    {
        return format!(
            "expected a whole number, found `{}`",
            seawall_domain::text::cut(value, 80)
        );
    }
    let text = rejection.body_text();
    text.strip_prefix("Invalid URL: ").unwrap_or(&text).to_owned()
}

/// Parameters in the query.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let reader = serde_urlencoded::Deserializer::new(url::form_urlencoded::parse(query.as_bytes()));
        serde_path_to_error::deserialize(reader).map(Self).map_err(|e| {
            let words = e.inner().to_string();
            // serde says which parameters there are, in this form, and not where.
            let unknown = words
                .strip_prefix("unknown field `")
                .and_then(|rest| rest.split_once('`'));
            let name = unknown.map_or_else(|| e.path().to_string(), |(name, _)| name.to_owned());
            let pairs = url::form_urlencoded::parse(query.as_bytes());
            let given = pairs
                .into_iter()
                .find(|(given, _)| *given == name)
                .map(|(_, value)| value);
            let detail = match (unknown, given) {
                (Some((name, rest)), _) => format!("there is no parameter `{name}`{rest}"),
                (None, Some(value)) => format!("{words}, found `{}`", seawall_domain::text::cut(&value, 80)),
                (None, None) => words,
            };
            Problem::invalid(name, detail)
        })
    }
}

/// A JSON body, of as many levels as a definition or an entity may have, and those that it puts around them.
pub(crate) struct Json<T, const AROUND: usize = 0>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync, const AROUND: usize> FromRequest<S> for Json<T, AROUND> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        json(request, state, MAX_BODY, MAX_DEPTH + AROUND).await.map(Self)
    }
}

/// A JSON body of many entities, on a route that takes more than others.
pub(crate) struct Bulk<T, const AROUND: usize = 0>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync, const AROUND: usize> FromRequest<S> for Bulk<T, AROUND> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        json(request, state, MAX_BULK, MAX_DEPTH + AROUND).await.map(Self)
    }
}

/// A body of at most so many bytes and levels.
async fn json<T: DeserializeOwned, S: Send + Sync>(
    request: Request,
    state: &S,
    bytes: usize,
    levels: usize,
) -> Result<T, Problem> {
    let kind = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or("application/json");
    if !kind.starts_with("application/json") {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "media-type",
            "The body has another type",
            format!("expected `Content-Type: application/json`, found `{kind}`"),
        ));
    }
    let bytes = body(request, state, bytes).await?;
    if is_deeper(&bytes, levels) {
        let why = format!("objects and lists are nested deeper than {levels} levels; nest them less");
        return Err(Problem::invalid("", why));
    }
    parse(&bytes)
}

/// The whole body, of a route that takes at most `most` bytes.
pub(crate) async fn body<S: Send + Sync>(request: Request, state: &S, most: usize) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state).await.map_err(|e: BytesRejection| {
        if e.status() == StatusCode::PAYLOAD_TOO_LARGE {
            Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too-large",
                "The body is too large",
                format!(
                    "at most {} MiB are taken here; send less at once, and a list in several requests",
                    most / (1 << 20)
                ),
            )
        } else {
            Problem::new(
                StatusCode::BAD_REQUEST,
                "body",
                "The body could not be read",
                e.body_text(),
            )
        }
    })
}

/// Whether brackets are nested deeper than so many levels. What is no JSON is told when it is read.
fn is_deeper(json: &[u8], most: usize) -> bool {
    let (mut depth, mut in_text, mut escaped) = (0usize, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => depth += 1,
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > most {
            return true;
        }
    }
    false
}

/// JSON with the place of what is wrong.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value: T = strict::read(&mut reader).map_err(|e| {
        let pointer = pointer(e.path());
        let inner = e.inner();
        if inner.to_string().starts_with("recursion limit exceeded") {
            return Problem::invalid(pointer, "this is nested deeper than 128 levels; nest it less");
        }
        if inner.is_syntax() || inner.is_eof() {
            Problem::new(
                StatusCode::BAD_REQUEST,
                "json",
                "The body is no JSON",
                inner.to_string(),
            )
        } else {
            let words = inner.to_string();
            let words = words.split(" at line ").next().unwrap_or(&words);
            match words
                .strip_prefix("missing field `")
                .and_then(|rest| rest.strip_suffix('`'))
            {
                Some(field) => Problem::invalid(format!("{pointer}/{field}"), "it is missing, and has to be there"),
                None => Problem::invalid(pointer, in_json(words)),
            }
        }
    })?;
    reader
        .end()
        .map_err(|e| Problem::new(StatusCode::BAD_REQUEST, "json", "The body is no JSON", e.to_string()))?;
    Ok(value)
}

/// serde speaks of Rust's types; who sent the body knows JSON's.
fn in_json(words: &str) -> String {
    let mut out = words.to_owned();
    for (rust, json) in [
        ("invalid type: sequence", "found a list"),
        ("invalid type: map", "found an object"),
        ("invalid type: null", "found null"),
        ("invalid type: string", "found the text"),
        ("invalid type: integer", "found the number"),
        ("invalid type: floating point", "found the number"),
        ("invalid type: boolean", "found"),
        ("expected a sequence", "expected a list"),
        ("expected a map", "expected an object"),
        ("expected a string", "expected a text"),
        ("expected a boolean", "expected true or false"),
        ("invalid value: integer", "found the number"),
        ("expected u16", "expected a whole number from 0 to 65535"),
        ("expected u32", "expected a whole number from 0 to 4294967295"),
        ("expected u64", "expected a whole number"),
        ("expected usize", "expected a whole number"),
    ] {
        out = out.replace(rust, json);
    }
    match out.find("expected struct ") {
        Some(at) => format!("{}expected an object", &out[..at]),
        None => out,
    }
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut out = String::new();
    for segment in path.iter() {
        match segment {
            Segment::Seq { index } => out.push_str(&format!("/{index}")),
            Segment::Map { key } => out.push_str(&format!("/{}", key.replace('~', "~0").replace('/', "~1"))),
            // In JSON the variant is the key of an object: `{"openbao": {…}}`.
            Segment::Enum { variant } => out.push_str(&format!("/{variant}")),
            Segment::Unknown => {}
        }
    }
    out
}
