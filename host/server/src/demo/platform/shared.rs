//! What all tools of the sample platform do: check a token, answer 429 to too many, answer 304 to what has not changed,
//! and say that they are a sample.

use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use sha2::Digest as _;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

/// Said in every answer.
const SAMPLE: &str = "sample data of `seawall demo`; not the real tool";

/// How a tool is guarded.
#[derive(Debug)]
pub(super) struct Guard {
    /// The tool that it answers as.
    pub(super) tool: &'static str,
    /// The header that holds the token, and the header's whole value; none lets everybody in.
    pub(super) token: Option<(HeaderName, String)>,
    /// The answer without it.
    pub(super) refusal: (StatusCode, Value),
    /// Requests at once, and requests a second after that.
    pub(super) rate: (f64, f64),
}

struct Guarded {
    guard: Guard,
    bucket: Mutex<(f64, Instant)>,
}

/// Puts the guard before a tool.
pub(super) fn guarded(router: Router, guard: Guard) -> Router {
    let bucket = Mutex::new((guard.rate.0, Instant::now()));
    let state = Arc::new(Guarded { guard, bucket });
    router
        .fallback(missing)
        .layer(middleware::from_fn(unchanged))
        .layer(middleware::from_fn_with_state(state, enter))
}

async fn missing() -> Response {
    (
        StatusCode::NOT_FOUND,
        Json(json!({"errors": ["this sample has no such path"]})),
    )
        .into_response()
}

async fn enter(State(state): State<Arc<Guarded>>, request: Request, next: Next) -> Response {
    let mut response = if request.uri().path() == "/" {
        format!("{}: {SAMPLE}\n", state.guard.tool).into_response()
    } else if !state.is_let_in(request.headers()) {
        let (status, body) = state.guard.refusal.clone();
        (status, Json(body)).into_response()
    } else if let Err(seconds) = state.take() {
        let headers = [(header::RETRY_AFTER, seconds.to_string())];
        (
            StatusCode::TOO_MANY_REQUESTS,
            headers,
            Json(json!({"errors": ["too many requests"]})),
        )
            .into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.insert("x-sample", HeaderValue::from_static(SAMPLE));
    if let Ok(left) = HeaderValue::try_from(state.left().to_string()) {
        headers.insert("x-ratelimit-remaining", left);
    }
    response
}

impl Guarded {
    fn is_let_in(&self, headers: &HeaderMap) -> bool {
        let Some((name, value)) = &self.guard.token else {
            return true;
        };
        headers
            .get(name)
            .is_some_and(|given| given.as_bytes() == value.as_bytes())
    }

    /// Takes a request from the bucket, or says after how many seconds there is one.
    fn take(&self) -> Result<(), u64> {
        let (burst, each) = self.guard.rate;
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let (left, last) = *bucket;
        let left = burst.min(left + now.duration_since(last).as_secs_f64() * each);
        if left < 1.0 {
            *bucket = (left, now);
            return Err(((1.0 - left) / each).ceil() as u64);
        }
        *bucket = (left - 1.0, now);
        Ok(())
    }

    fn left(&self) -> u64 {
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner).0 as u64
    }
}

/// Gives answers an ETag, and answers 304 to who has it already.
async fn unchanged(request: Request, next: Next) -> Response {
    let is_get = request.method() == Method::GET;
    let known = request.headers().get(header::IF_NONE_MATCH).cloned();
    let response = next.run(request).await;
    if !is_get || response.status() != StatusCode::OK {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, usize::MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let hash = hex::encode(&sha2::Sha256::digest(&bytes)[..8]);
    let Ok(tag) = HeaderValue::try_from(format!("\"{hash}\"")) else {
        return Response::from_parts(parts, Body::from(bytes));
    };
    if known.as_ref() == Some(&tag) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response();
    }
    parts.headers.insert(header::ETAG, tag);
    Response::from_parts(parts, Body::from(bytes))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use axum::routing::get;
    use tower::ServiceExt;

    fn router() -> Router {
        let guard = Guard {
            tool: "T",
            token: Some((header::AUTHORIZATION, "secret".into())),
            refusal: (StatusCode::FORBIDDEN, json!({"errors": ["no"]})),
            rate: (3.0, 0.001),
        };
        guarded(Router::new().route("/x", get(|| async { "same" })), guard)
    }

    async fn ask(router: &Router, token: &str, tag: Option<&HeaderValue>) -> Response {
        let mut request = Request::get("/x").header("authorization", token);
        if let Some(tag) = tag {
            request = request.header("if-none-match", tag);
        }
        router
            .clone()
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn checks_the_token_answers_304_and_429() {
        let router = router();
        assert_eq!(ask(&router, "wrong", None).await.status(), StatusCode::FORBIDDEN);
        let first = ask(&router, "secret", None).await;
        assert_eq!(first.status(), StatusCode::OK);
        let tag = first.headers()[header::ETAG].clone();
        assert_eq!(
            ask(&router, "secret", Some(&tag)).await.status(),
            StatusCode::NOT_MODIFIED
        );
        assert_eq!(ask(&router, "secret", None).await.status(), StatusCode::OK);
        let refused = ask(&router, "secret", None).await;
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        assert!(refused.headers().contains_key(header::RETRY_AFTER));
    }
}
