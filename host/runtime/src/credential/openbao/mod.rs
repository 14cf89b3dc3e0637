//! Secrets in OpenBao, or in Vault, whose API it shares.

mod login;

pub use login::{Logins, RoleIds};

use super::{Kept, Unminted, fetch::fetch};
use http::{Request, StatusCode};
use seawall_domain::credential::OpenbaoPath;
use serde_json::Value;
use std::time::Duration;

/// How long a secret without a lease is good for: one that is rotated is used after so long, or when the tool refuses the old one.
const FRESH: Duration = Duration::from_secs(60);

/// How the host says who it is.
pub enum Access<'a> {
    /// With this token.
    Token(String),
    /// By AppRole: with the token of a login that lives on between readings.
    AppRole {
        /// Where logins live.
        logins: &'a Logins,
        /// Whose login it is.
        ids: RoleIds,
    },
}

/// Reads a field of a secret.
///
/// # Errors
/// Where the server, the login, the token, the path or the field is wrong.
pub async fn read(from: &OpenbaoPath, access: Access<'_>) -> Result<Kept, Unminted> {
    match access {
        Access::Token(token) => {
            let answer = get(from, &from.path, &token).await?;
            let name = from.token.as_ref().map_or("", |name| name.as_str());
            field(from, &answer, &format!("the token of `{name}`"))
        }
        Access::AppRole { logins, ids } => {
            let login = logins.of(from);
            let mut token = login.token(from, &ids).await?;
            let mut answer = get(from, &from.path, &token).await?;
            if answer.0 == StatusCode::FORBIDDEN && is_revoked(from, &token).await? {
                // Revoked before its end: the role may still log in.
                login.forget(&token).await;
                token = login.token(from, &ids).await?;
                answer = get(from, &from.path, &token).await?;
            }
            field(
                from,
                &answer,
                "the login by AppRole; do the role's policies allow to read it?",
            )
        }
    }
}

/// Whether the server does not know the token any more. A token may be forbidden to ask that: then it is had anew for nothing.
async fn is_revoked(from: &OpenbaoPath, token: &str) -> Result<bool, Unminted> {
    let (status, _) = get(from, "auth/token/lookup-self", token).await?;
    Ok(status == StatusCode::FORBIDDEN)
}

type Answer = (StatusCode, Value);

async fn get(from: &OpenbaoPath, path: &str, token: &str) -> Result<Answer, Unminted> {
    send(
        from,
        Request::get(address(from, path)).header("x-vault-token", token),
        Vec::new(),
    )
    .await
}

fn address(from: &OpenbaoPath, path: &str) -> String {
    format!("{}/v1/{path}", from.address.trim_end_matches('/'))
}

async fn send(from: &OpenbaoPath, request: http::request::Builder, body: Vec<u8>) -> Result<Answer, Unminted> {
    let request = request
        .header("x-vault-request", "true")
        .body(body)
        .map_err(|e| Unminted::refused(format!("{}: {e}; has the token a line break?", from.address)))?;
    let answer = fetch(request, from.ca.as_deref()).await?;
    let said = serde_json::from_slice(answer.body()).unwrap_or_default();
    Ok((answer.status(), said))
}

/// The field of an answer. `by` says who asked, for errors.
fn field(from: &OpenbaoPath, (status, said): &Answer, by: &str) -> Result<Kept, Unminted> {
    let url = address(from, &from.path);
    match *status {
        StatusCode::OK => {}
        StatusCode::FORBIDDEN => {
            let why = format!("{url} is not allowed with {by}: {}", errors(said));
            return Err(Unminted::refused(why));
        }
        StatusCode::NOT_FOUND => {
            let why = format!(
                "{url} is not there; version 2 of the key-value engine has `data` in its paths: `secret/data/NAME`"
            );
            return Err(Unminted::refused(why));
        }
        other => return Err(Unminted::later(format!("{url}: {other}: {}", errors(said)))),
    }
    // Version 2 of the key-value engine nests: {data: {data: {…}, metadata: {…}}}.
    let data = match &said["data"] {
        nested if nested["metadata"].is_object() && nested["data"].is_object() => &nested["data"],
        flat => flat,
    };
    let secret = data[&from.field].as_str().ok_or_else(|| {
        let fields: Vec<&str> = data
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name.as_str())
            .collect();
        Unminted::refused(format!(
            "{url} has no text field `{}`; it has: {}",
            from.field,
            if fields.is_empty() {
                "none".to_owned()
            } else {
                fields.join(", ")
            }
        ))
    })?;
    let lease = said["lease_duration"].as_u64().filter(|seconds| *seconds > 0);
    Ok(Kept {
        secret: secret.to_owned(),
        second: None,
        fresh: Some(lease.map_or(FRESH, Duration::from_secs).min(FRESH)),
    })
}

fn errors(said: &Value) -> String {
    let all: Vec<&str> = said["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if all.is_empty() {
        "no reason".to_owned()
    } else {
        all.join("; ")
    }
}
