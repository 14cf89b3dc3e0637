//! Errors as problem+json (RFC 9457), each with a stable `type` and what to do.

use axum::{
    Json,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use seawall_engine::{EngineError, Problem as FieldProblem};
use seawall_runtime::CallError;
use seawall_store::StoreError;
use serde::Serialize;
use utoipa::ToSchema;

/// An error answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// Names the kind of error; stable.
    #[serde(rename = "type")]
    #[schema(example = "https://seawall.dev/problems/invalid")]
    kind: String,
    /// The kind of error in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// This error in words, with what to do.
    detail: String,
    /// Each field that is wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Field>,
}

/// A field that is wrong.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Field {
    /// JSON pointer into the body (RFC 6901), or the name of a parameter.
    pointer: String,
    /// What is wrong and what to write instead.
    detail: String,
}

impl From<FieldProblem> for Field {
    fn from(problem: FieldProblem) -> Self {
        Self {
            pointer: problem.pointer,
            detail: problem.detail,
        }
    }
}

impl Problem {
    pub(crate) fn new(status: StatusCode, kind: &str, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("https://seawall.dev/problems/{kind}"),
            title,
            status: status.as_u16(),
            detail: detail.into(),
            errors: Vec::new(),
        }
    }

    /// A wrong field of a request.
    pub(crate) fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::fields(vec![FieldProblem {
            pointer: pointer.into(),
            detail: detail.into(),
        }])
    }

    pub(crate) fn fields(fields: Vec<FieldProblem>) -> Self {
        let detail = EngineError::Invalid(fields.clone()).to_string();
        let mut problem = Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid",
            "The request is not valid",
            detail,
        );
        problem.errors = fields.into_iter().map(Field::from).collect();
        problem
    }

    /// Something that has no such name.
    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "There is no such thing", detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self)).into_response();
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        response
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        let detail = error.to_string();
        match error {
            EngineError::NotFound { .. } => Self::not_found(detail),
            EngineError::Invalid(fields) => Self::fields(fields),
            EngineError::Conflict(_) | EngineError::Store(StoreError::Removing(_) | StoreError::Unusable(_)) => {
                Self::new(
                    StatusCode::CONFLICT,
                    "conflict",
                    "This cannot be done as things stand",
                    detail,
                )
            }
            EngineError::Precondition(_) | EngineError::Store(StoreError::Changed(_)) => Self::new(
                StatusCode::PRECONDITION_FAILED,
                "precondition-failed",
                "It has changed since it was read",
                detail,
            ),
            EngineError::Gone(_) => Self::new(StatusCode::GONE, "gone", "This is no longer kept", detail),
            EngineError::Behind(_) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "behind",
                "This position is not reflected yet",
                detail,
            ),
            EngineError::Forbidden(_) => {
                Self::new(StatusCode::FORBIDDEN, "forbidden", "The policy is against it", detail)
            }
            EngineError::Plugin(CallError::Host(_)) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "The sandbox is busy", detail)
            }
            EngineError::Plugin(_) => Self::new(
                StatusCode::BAD_GATEWAY,
                "plugin",
                "The plugin or its tool failed",
                detail,
            ),
            EngineError::Store(error) if error.is_unavailable() => {
                tracing::warn!("{detail}");
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "database",
                    "The database is not available",
                    detail,
                )
            }
            EngineError::Store(_) | EngineError::File { .. } | EngineError::Internal(_) => {
                tracing::error!("{detail}");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "The host failed", detail)
            }
        }
    }
}

/// The answer where no route is.
pub(super) async fn no_such_route(request: Request) -> Problem {
    Problem::not_found(format!(
        "there is nothing at {}; see /api/v1/openapi.json",
        request.uri().path()
    ))
}

/// The answer where a route has other methods.
pub(super) async fn no_such_method(request: Request) -> Problem {
    let detail = format!(
        "{} is not offered at {}; see /api/v1/openapi.json",
        request.method(),
        request.uri().path()
    );
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method-not-allowed",
        "This method is not offered here",
        detail,
    )
}

/// The answer where a handler panicked.
pub(super) fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal",
        "The host failed",
        "a fault of the host; its log says more",
    )
    .into_response()
}
