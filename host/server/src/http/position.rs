//! Positions of the change log that answers reflect.
//!
//! Each answer of the API says one in the header `seawall-position`: of a read the position that it reflects at least, of a write
//! one that is not before what it wrote. A read that brings such a position, in the same header or as `?position=`, waits until it
//! is reflected, so that a client sees what it wrote whichever replica it asks.

use super::{App, problem::Problem};
use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, Uri, uri::PathAndQuery},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::time::Duration;
use utoipa::openapi::{
    OpenApi, RefOr, Required,
    path::{ParameterBuilder, ParameterIn},
    schema,
};

pub(super) const POSITION: HeaderName = HeaderName::from_static("seawall-position");
/// What a read waits for at most.
const PATIENCE: Duration = Duration::from_secs(10);
const PARAMETER: &str = "position";
/// Reads of the catalog, which take the parameter.
const CATALOG: &str = "/api/v1/blueprints/";

/// Waits for the position that a read asks for, and says which one the answer reflects.
pub(super) async fn reflect(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let asked = match reads.then(|| asked(&mut request)).transpose() {
        Ok(asked) => asked.flatten(),
        Err(problem) => return problem.into_response(),
    };
    if let Some(position) = asked
        && let Err(error) = app.engine.reflects(position, PATIENCE).await
    {
        return Problem::from(error).into_response();
    }
    let before = app.engine.position();
    let mut response = next.run(request).await;
    let reflected = if reads { before } else { app.engine.written() };
    response
        .headers_mut()
        .entry(POSITION)
        .or_insert_with(|| HeaderValue::from(reflected));
    response
}

/// The position that a read asks for; taken out of the query, which the handlers know nothing of.
fn asked(request: &mut Request) -> Result<Option<i64>, Problem> {
    let number = |text: &str| {
        let number = text.trim().parse().ok().filter(|n: &i64| *n >= 0);
        number.ok_or_else(|| {
            let found = seawall_domain::text::cut(text, 80);
            let why = format!("expected a position, as the header `{POSITION}` of a write says it, found `{found}`");
            Problem::invalid(PARAMETER, why)
        })
    };
    let mut position = match request.headers().get(&POSITION) {
        Some(value) => Some(number(&String::from_utf8_lossy(value.as_bytes()))?),
        None => None,
    };
    let query = request.uri().query().unwrap_or_default();
    if !request.uri().path().starts_with(CATALOG) || !query.contains(PARAMETER) {
        return Ok(position);
    }
    // The others stay as they were written.
    let mut rest = Vec::new();
    for pair in query.split('&') {
        match url::form_urlencoded::parse(pair.as_bytes()).next() {
            Some((name, value)) if name == PARAMETER => position = position.max(Some(number(&value)?)),
            _ => rest.push(pair),
        }
    }
    let path = request.uri().path();
    let shorter = match rest.is_empty() {
        true => path.to_owned(),
        false => format!("{path}?{}", rest.join("&")),
    };
    let mut parts = request.uri().clone().into_parts();
    if let Ok(shorter) = PathAndQuery::try_from(shorter) {
        parts.path_and_query = Some(shorter);
    }
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
    Ok(position)
}

/// Adds the parameter to the reads that take it.
pub(super) fn document(openapi: &mut OpenApi) {
    let parameter = ParameterBuilder::new()
        .name(PARAMETER)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(
            "Waits up to 10 s until the answer reflects this change position: what the header `seawall-position` of a write said. \
             The header of that name may be sent instead, with any read",
        ))
        .schema(Some(schema::Object::with_type(schema::Type::Integer)))
        .build();
    for (path, item) in &mut openapi.paths.paths {
        if let Some(read) = item.get.as_mut().filter(|_| path.starts_with(CATALOG)) {
            read.parameters
                .get_or_insert_default()
                .push(RefOr::T(parameter.clone()));
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use axum::body::Body;

    #[track_caller]
    fn check(uri: &str, header: Option<&str>, position: Option<i64>, left: &str) {
        let mut request = http::Request::get(uri);
        if let Some(header) = header {
            request = request.header("Seawall-Position", header);
        }
        let mut request = request.body(Body::empty()).unwrap();
        assert_eq!(asked(&mut request).ok().unwrap(), position, "{uri}");
        assert_eq!(request.uri(), left);
    }

    #[test]
    fn a_position_is_taken_out_of_the_query_and_nothing_else() {
        let list = "/api/v1/blueprints/a%2Fb/entities";
        check(list, None, None, list);
        check(&format!("{list}?position=12"), None, Some(12), list);
        let rest = format!("{list}?filter=a%3D%26b&limit=5");
        check(
            &format!("{list}?filter=a%3D%26b&position=12&limit=5"),
            None,
            Some(12),
            &rest,
        );
        check(&format!("{list}?position=12"), Some("15"), Some(15), list);
        check(
            "/api/v1/passes?position=1",
            Some("3"),
            Some(3),
            "/api/v1/passes?position=1",
        );
        let mut wrong = http::Request::get(format!("{list}?position=soon"))
            .body(Body::empty())
            .unwrap();
        assert!(asked(&mut wrong).is_err());
    }
}
