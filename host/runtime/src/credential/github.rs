//! Installation tokens of a GitHub App.
//!
//! <https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app>: a JWT (RFC 7519) that is signed with
//! RS256 by the app's key buys a token of an hour. The JWT is three lines of JSON, so that no library is needed for it.

use super::{Unminted, fetch::fetch};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{Request, header};
use ring::{
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use rustls::pki_types::{PrivateKeyDer, pem::PemObject};
use seawall_domain::credential::GithubApp;
use serde::Deserialize;
use serde_json::json;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// GitHub allows ten minutes, and asks for a clock that is not ahead.
const JWT_LIVES: u64 = 9 * 60;
const SKEW: u64 = 60;
/// An installation token lives an hour; it is made anew a little before.
const LIVES: Duration = Duration::from_secs(55 * 60);

#[derive(Deserialize)]
struct Answer {
    token: String,
}

/// A token, and how long it lives.
pub(super) async fn token(app: &GithubApp, pem: &str) -> Result<(String, Duration), Unminted> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let jwt = jwt(&app.app_id, pem, now).map_err(Unminted::refused)?;
    let url = format!(
        "{}/app/installations/{}/access_tokens",
        app.api_url.trim_end_matches('/'),
        app.installation_id
    );
    let mut body = json!({});
    if !app.permissions.is_empty() {
        body["permissions"] = json!(app.permissions);
    }
    if !app.repositories.is_empty() {
        body["repositories"] = json!(app.repositories);
    }
    let request = Request::post(&url)
        .header(header::AUTHORIZATION, format!("Bearer {jwt}"))
        .header(header::ACCEPT, "application/vnd.github+json")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::USER_AGENT, "seawall")
        .header("x-github-api-version", "2022-11-28")
        .body(body.to_string().into_bytes())
        .map_err(|e| Unminted::refused(format!("{url}: {e}")))?;
    let answer = fetch(request, app.ca.as_deref()).await?;
    let status = answer.status();
    if status.is_success() {
        let found: Answer = serde_json::from_slice(answer.body())
            .map_err(|_| Unminted::later(format!("{url} answered something else than a token")))?;
        return Ok((found.token, LIVES));
    }
    let said: serde_json::Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    let said = said["message"].as_str().unwrap_or("no reason");
    let why = format!("{url} gives no token: {status}: {}", said.replace(&jwt, "***"));
    Err(match status.as_u16() {
        401 | 403 | 404 | 422 => Unminted::refused(why),
        _ => Unminted::later(why),
    })
}

/// `header.claims.signature`.
fn jwt(app: &str, pem: &str, now: u64) -> Result<String, String> {
    let key = "the secret of a GitHub App is its private key, an RSA key as PEM (the file that GitHub gives)";
    let key = match PrivateKeyDer::from_pem_slice(pem.as_bytes()) {
        Ok(PrivateKeyDer::Pkcs1(der)) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
        Ok(PrivateKeyDer::Pkcs8(der)) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
        _ => return Err(format!("{key}; this is none")),
    }
    .map_err(|e| format!("{key}; this is none: {e}"))?;
    let claims = json!({"iat": now - SKEW, "exp": now + JWT_LIVES, "iss": app});
    let part = |json: &serde_json::Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let signed = format!("{}.{}", part(&json!({"alg": "RS256", "typ": "JWT"})), part(&claims));
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        signed.as_bytes(),
        &mut signature,
    )
    .map_err(|_| "the app's key cannot sign".to_owned())?;
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}
