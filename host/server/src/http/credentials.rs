//! `/credentials`: secrets go in and never come out.

use super::{
    App,
    extract::{Json as Body, Path},
    listing::Page,
    problem::Problem,
    time,
};
use axum::{Json, extract::State, http::StatusCode};
use seawall_domain::{
    CredentialName,
    credential::{Credential, Exchange, SecretSource},
};
use seawall_engine::CredentialView as View;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A credential, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CredentialView {
    /// Names it.
    name: String,
    /// `{"env": NAME}`, `{"file": PATH}`, `{"openbao": {…}}` or `"sealed"`.
    #[schema(value_type = Object)]
    source: SecretSource,
    /// What is made of the secret: `{"oauth2": {…}}`, `{"github-app": {…}}`, `{"aws-sigv4": {…}}` or
    /// `{"client-certificate": {…}}`; none: it is attached as it is.
    #[schema(value_type = Option<Object>)]
    exchange: Option<Exchange>,
    /// Integrations that use it.
    used_by: Vec<String>,
    /// Seconds since it was last read or exchanged by this process; none where nothing has needed it yet.
    age_seconds: Option<u64>,
    /// Seconds until what was made of it ends and is made anew; none where it does not end.
    ends_in_seconds: Option<u64>,
    /// Why it could not be read or exchanged the last time.
    error: Option<String>,
    /// Last change.
    updated_at: String,
}

/// A credential to set.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CredentialBody {
    /// `{"env": NAME}`, `{"file": PATH}`, `{"openbao": {…}}` or `"sealed"`.
    #[schema(value_type = Object)]
    source: SecretSource,
    /// What is made of the secret: `{"oauth2": {…}}`, `{"github-app": {…}}`, `{"aws-sigv4": {…}}` or
    /// `{"client-certificate": {…}}`; absent: it is attached as it is.
    #[schema(value_type = Option<Object>)]
    exchange: Option<Exchange>,
    /// The secret, where it is to be sealed. Left out, a sealed credential keeps the one that it has.
    secret: Option<String>,
}

fn view(view: View) -> CredentialView {
    CredentialView {
        name: view.row.name.to_string(),
        source: view.row.source,
        exchange: view.row.exchange,
        used_by: view.used_by.iter().map(ToString::to_string).collect(),
        age_seconds: view.status.age.map(|age| age.as_secs()),
        ends_in_seconds: view.status.rest.map(|rest| rest.as_secs()),
        error: view.status.error,
        updated_at: time::show(view.row.updated_at),
    }
}

/// All credentials, by name.
#[utoipa::path(get, path = "/credentials", tag = "credentials", responses((status = 200, body = Page<CredentialView>)))]
pub(super) async fn list(State(app): State<App>) -> Result<Json<Page<CredentialView>>, Problem> {
    let items = app.engine.credentials().await?.into_iter().map(view).collect();
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
    let wanted = Credential {
        name,
        source: body.source,
        exchange: body.exchange,
    };
    app.engine.put_credential(wanted, body.secret.as_deref()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Reads the secret and exchanges it, as the next request would. 409 with the reason where that does not work.
#[utoipa::path(post, path = "/credentials/{credential}/check", tag = "credentials", params(("credential" = String, Path, description = "Its name")),
    responses((status = 200, body = CredentialView), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn check(
    State(app): State<App>,
    Path(name): Path<CredentialName>,
) -> Result<Json<CredentialView>, Problem> {
    Ok(Json(view(app.engine.check_credential(&name).await?)))
}

/// Removes a credential that nothing uses.
#[utoipa::path(delete, path = "/credentials/{credential}", tag = "credentials", params(("credential" = String, Path, description = "Its name")),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn remove(State(app): State<App>, Path(name): Path<CredentialName>) -> Result<StatusCode, Problem> {
    app.engine.remove_credential(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes a new master key and seals every secret under it. Nothing stops meanwhile.
#[utoipa::path(post, path = "/master-key/rotate", tag = "credentials", responses((status = 204), (status = 409, body = Problem)))]
pub(super) async fn rotate_master_key(State(app): State<App>) -> Result<StatusCode, Problem> {
    app.engine.rotate_master_key().await?;
    Ok(StatusCode::NO_CONTENT)
}
