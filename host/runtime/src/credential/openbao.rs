//! Secrets in OpenBao, or in Vault, whose API it shares.

use super::{Kept, Unminted, fetch::fetch};
use http::{Request, StatusCode};
use seawall_domain::credential::OpenbaoPath;
use serde_json::Value;
use std::time::Duration;

/// How long a secret without a lease is good for: one that is rotated is used after so long, or when the tool refuses the old one.
const FRESH: Duration = Duration::from_secs(60);

/// Reads a field of a secret.
///
/// # Errors
/// Where the server, the token, the path or the field is wrong.
pub async fn read(from: &OpenbaoPath, token: &str) -> Result<Kept, Unminted> {
    let url = format!("{}/v1/{}", from.address.trim_end_matches('/'), from.path);
    let request = Request::get(&url)
        .header("x-vault-token", token)
        .header("x-vault-request", "true")
        .body(Vec::new())
        .map_err(|e| Unminted::refused(format!("{url}: {e}; has the token a line break?")))?;
    let answer = fetch(request, from.ca.as_deref()).await?;
    let said: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    match answer.status() {
        StatusCode::OK => {}
        StatusCode::FORBIDDEN => {
            let why = format!(
                "{url} is not allowed with the token of `{}`: {}",
                from.token,
                errors(&said)
            );
            return Err(Unminted::refused(why));
        }
        StatusCode::NOT_FOUND => {
            let why = format!(
                "{url} is not there; version 2 of the key-value engine has `data` in its paths: `secret/data/NAME`"
            );
            return Err(Unminted::refused(why));
        }
        other => return Err(Unminted::later(format!("{url}: {other}: {}", errors(&said)))),
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
