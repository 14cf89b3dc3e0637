//! Signing in: what a registry asks for with 401 (distribution, docs/spec/auth/token.md), and what is answered.

use crate::{
    Credentials, RegistryError, Result,
    http::{Http, Outgoing, allowed, authority, garbage},
    transfer::Progress,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde::Deserialize;
use url::Url;

/// The most bytes of an answer with a token.
const MAX_TOKEN: usize = 1 << 20;

#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

/// What to send as `Authorization` after a 401 with these headers; none where it does not say what it wants. `from` is where
/// it came from, `scope` what is wanted: `repository:acme/unleash:pull`.
pub(crate) async fn authorize(
    http: &Http,
    from: &Url,
    headers: &HeaderMap,
    credentials: &Credentials,
    scope: &str,
) -> Result<Option<HeaderValue>> {
    for value in headers.get_all(header::WWW_AUTHENTICATE) {
        let text = value.to_str().unwrap_or_default();
        let Ok(challenges) = http_auth::parse_challenges(text) else {
            continue;
        };
        for challenge in challenges {
            let param = |name: &str| {
                let found = challenge.params.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
                found.map(|(_, value)| value.to_unescaped())
            };
            if challenge.scheme.eq_ignore_ascii_case("bearer") {
                let Some(realm) = param("realm") else { continue };
                let realm = from
                    .join(&realm)
                    .map_err(|_| garbage(from, format!("with a token realm that is no URL (`{realm}`)")))?;
                return token(http, from, realm, param("service"), credentials, scope)
                    .await
                    .map(Some);
            }
            if challenge.scheme.eq_ignore_ascii_case("basic") {
                return Ok(basic(credentials));
            }
        }
    }
    Ok(None)
}

async fn token(
    http: &Http,
    from: &Url,
    mut realm: Url,
    service: Option<String>,
    credentials: &Credentials,
    scope: &str,
) -> Result<HeaderValue> {
    // A registry behind TLS has no business to send a password without.
    if realm.scheme() == "http" && from.scheme() == "https" {
        return Err(garbage(from, format!("with a token realm without TLS ({realm})")));
    }
    allowed(&realm)?;
    let mut outgoing = if let Credentials::Identity(token) = credentials {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "refresh_token");
        form.append_pair("client_id", "seawall").append_pair("scope", scope);
        form.append_pair("refresh_token", token);
        form.append_pair("service", service.as_deref().unwrap_or_default());
        let mut outgoing = Outgoing::new(Method::POST, realm);
        outgoing.body = Bytes::from(form.finish());
        outgoing.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
    } else {
        let mut query = realm.query_pairs_mut();
        query.append_pair("scope", scope).append_pair("client_id", "seawall");
        if let Some(service) = &service {
            query.append_pair("service", service);
        }
        drop(query);
        Outgoing::new(Method::GET, realm)
    };
    if let Some(basic) = basic(credentials) {
        outgoing.headers.insert(header::AUTHORIZATION, basic);
    }
    let answer = http.send(outgoing).await?;
    let (status, url) = (answer.status(), answer.url.clone());
    let body = answer.bytes(MAX_TOKEN, &Progress::none()).await?;
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        return Err(RegistryError::Unauthorized {
            registry: authority(from),
            what: "sign in".to_owned(),
            why: format!("{} answered {}", authority(&url), status.as_u16()),
        });
    }
    if !status.is_success() {
        return Err(RegistryError::Refused {
            registry: authority(&url),
            status: status.as_u16(),
            why: "to signing in".to_owned(),
        });
    }
    let token: Option<Token> = serde_json::from_slice(&body).ok();
    let token = token.and_then(|t| t.token.or(t.access_token)).unwrap_or_default();
    if token.is_empty() {
        return Err(garbage(&url, "something that holds no token".to_owned()));
    }
    secret(&format!("Bearer {token}")).ok_or_else(|| garbage(&url, "a token with line breaks or the like".to_owned()))
}

fn basic(credentials: &Credentials) -> Option<HeaderValue> {
    let Credentials::Basic { username, password } = credentials else {
        return None;
    };
    secret(&format!("Basic {}", STANDARD.encode(format!("{username}:{password}"))))
}

fn secret(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}
