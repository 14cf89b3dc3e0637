//! `POST /plugins`: a component, by itself or with where it came from and its signatures.

use super::{
    App, MAX_COMPONENT,
    extract::{self, Query},
    plugins::{self, PluginDetails},
    problem::Problem,
};
use axum::{
    Json,
    extract::{FromRequest, Multipart, Request, State, multipart::MultipartError},
    http::{StatusCode, header},
};
use seawall_domain::{oci::WASM, provenance::Provenance};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

/// Who installs.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct InstallQuery {
    /// Who installs, until people can sign in.
    by: Option<String>,
}

/// The parts of a form.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it is read part by part, and this is its documentation")]
pub(crate) struct InstallForm {
    /// The component's bytes.
    #[schema(value_type = String, format = Binary)]
    component: Vec<u8>,
    /// What `seawall plugin pull` writes to `FILE.sig.json`: `reference`, `manifest` and `signatures`.
    #[schema(value_type = Object)]
    provenance: Provenance,
}

/// Installs a component. It does not run before it is granted. 201 where it is new, 200 where this digest was installed already.
/// A component by itself comes from a file and has no signatures; a form says where from, and by whom it is signed. 403 where
/// the policy does not trust it.
#[utoipa::path(post, path = "/plugins", tag = "plugins", params(InstallQuery),
    request_body(content((Vec<u8> = "application/wasm"), (InstallForm = "multipart/form-data"))),
    responses((status = 201, body = PluginDetails), (status = 200, body = PluginDetails), (status = 403, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn install(
    State(app): State<App>,
    Query(query): Query<InstallQuery>,
    request: Request,
) -> Result<(StatusCode, Json<PluginDetails>), Problem> {
    let kind = request.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    let (component, provenance) = if kind == WASM {
        let bytes = extract::body(request, &app, MAX_COMPONENT).await?;
        (bytes.to_vec(), Provenance::file())
    } else if kind.starts_with("multipart/form-data") {
        form(request, &app).await?
    } else {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "media-type",
            "The body has another type",
            format!("expected a component as `Content-Type: {WASM}`, or a form with it, found `{kind}`"),
        ));
    };
    let by = query.by.unwrap_or_else(|| "token".to_owned());
    let (view, new) = app.engine.install(component, provenance, by).await?;
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(plugins::details(&app, view).await?)))
}

async fn form(request: Request, app: &App) -> Result<(Vec<u8>, Provenance), Problem> {
    let wrong = |e: MultipartError| Problem::new(e.status(), "body", "The body could not be read", e.body_text());
    let mut form = Multipart::from_request(request, app)
        .await
        .map_err(|e| Problem::new(e.status(), "body", "The body could not be read", e.body_text()))?;
    let (mut component, mut provenance) = (None, None);
    while let Some(field) = form.next_field().await.map_err(wrong)? {
        let name = field.name().unwrap_or_default().to_owned();
        let bytes = field.bytes().await.map_err(wrong)?;
        match name.as_str() {
            "component" => component = Some(bytes.to_vec()),
            "provenance" => provenance = Some(extract::parse(&bytes)?),
            other => {
                let detail = format!("there is no part `{other}`; there are `component` and `provenance`");
                return Err(Problem::invalid(other, detail));
            }
        }
    }
    let missing = || Problem::invalid("component", "it is missing, and has to be there");
    Ok((component.ok_or_else(missing)?, provenance.unwrap_or_default()))
}
