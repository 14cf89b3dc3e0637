//! `/credentials`: secrets go in and never come out.

use super::{
    App,
    extract::{Json as Body, Path},
    listing::Page,
    problem::Problem,
    time,
};
use axum::{Json, extract::State, http::StatusCode};
use seawall_domain::{CredentialName, integration::SecretSource};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A credential, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CredentialView {
    /// Names it.
    name: String,
    /// `{"env": NAME}`, `{"file": PATH}` or `"sealed"`.
    #[schema(value_type = Object)]
    source: SecretSource,
    /// Last change.
    updated_at: String,
}

/// A credential to set.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CredentialBody {
    /// `{"env": NAME}`, `{"file": PATH}` or `"sealed"`.
    #[schema(value_type = Object)]
    source: SecretSource,
    /// The secret, where it is to be sealed.
    secret: Option<String>,
}

/// All credentials, by name.
#[utoipa::path(get, path = "/credentials", tag = "credentials", responses((status = 200, body = Page<CredentialView>)))]
pub(super) async fn list(State(app): State<App>) -> Result<Json<Page<CredentialView>>, Problem> {
    let rows = app.engine.credentials().await?;
    let items = rows
        .into_iter()
        .map(|c| CredentialView {
            name: c.name.to_string(),
            source: c.source,
            updated_at: time::show(c.updated_at),
        })
        .collect();
    Ok(Json(Page { items, next: None }))
}

/// Creates or replaces a credential. Integrations that waited for it start again.
#[utoipa::path(put, path = "/credentials/{credential}", tag = "credentials", params(("credential" = String, Path, description = "Its name")),
    request_body = CredentialBody, responses((status = 204), (status = 422, body = Problem)))]
pub(super) async fn put(
    State(app): State<App>,
    Path(name): Path<CredentialName>,
    Body(body): Body<CredentialBody>,
) -> Result<StatusCode, Problem> {
    app.engine
        .put_credential(name, body.source, body.secret.as_deref())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
