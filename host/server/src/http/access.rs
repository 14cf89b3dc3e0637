//! Until people can sign in: one token, made by `serve` at its first start, and loopback only.

use super::{App, problem::Problem};
use axum::{
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use subtle::ConstantTimeEq;

/// The token that every request under `/api` carries.
pub struct Token(String);

impl Token {
    /// A token.
    pub fn new(value: String) -> Self {
        Self(value)
    }
}

pub(super) async fn require_token(State(app): State<App>, request: Request, next: Next) -> Response {
    let given = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|v| v.to_str().ok());
    // The scheme's name has no case (RFC 9110, 11.1).
    let given = given
        .and_then(|v| v.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map_or("", |(_, token)| token);
    if bool::from(given.as_bytes().ct_eq(app.token.0.as_bytes())) {
        return next.run(request).await;
    }
    let detail = "send `Authorization: Bearer TOKEN`; the token is in the file `token` of the data folder, made at the first start";
    let mut response = Problem::new(
        StatusCode::UNAUTHORIZED,
        "unauthorized",
        "The token is missing or wrong",
        detail,
    )
    .into_response();
    response
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
    response
}
