//! Logging in to OpenBao by AppRole: <https://openbao.org/api-docs/auth/approle/>.
//!
//! All credentials of one role share a login. It is renewed while nobody asks for it too, since a secret id may be good for one
//! login alone; where it can be renewed no further, or was revoked, the next reading logs in anew.

use super::{Answer, OpenbaoPath, address, errors, send};
use crate::credential::Unminted;
use http::{Request, StatusCode};
use seawall_domain::credential::AppRole;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, Instant},
};

/// What a role logs in with.
pub struct RoleIds {
    /// The role's.
    pub role_id: String,
    /// That of this host, which is secret.
    pub secret_id: String,
}

/// Logins by who logs in where. One for a process.
#[derive(Default)]
pub struct Logins(Mutex<HashMap<(String, AppRole), Arc<Login>>>);

impl Logins {
    /// The login that this path is read with.
    pub(super) fn of(&self, from: &OpenbaoPath) -> Arc<Login> {
        let role = from.approle.clone();
        let Some(role) = role else { return Arc::default() };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry((from.address.clone(), role)).or_default().clone()
    }

    /// Ends those that `is_used` does not say to keep, by server and role: a reading that needs one logs in anew.
    pub fn retain(&self, is_used: impl Fn(&str, &AppRole) -> bool) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(address, role), _| is_used(address, role));
    }
}

/// One role's login at one server.
#[derive(Default)]
pub(super) struct Login(tokio::sync::Mutex<Option<Session>>);

struct Session {
    token: String,
    /// When the token ends; none: it does not.
    ends: Option<Instant>,
}

/// A token with so much left is used; less may be over when the server looks at it.
const MARGIN: Duration = Duration::from_secs(1);

impl Login {
    /// A token that is good now. Those who come together log in once.
    pub(super) async fn token(self: &Arc<Self>, from: &OpenbaoPath, ids: &RoleIds) -> Result<String, Unminted> {
        let mut session = self.0.lock().await;
        let is_good = |session: &&Session| session.ends.is_none_or(|ends| ends > Instant::now() + MARGIN);
        if let Some(session) = session.as_ref().filter(is_good) {
            return Ok(session.token.clone());
        }
        let (made, renew) = log_in(from, ids).await?;
        let token = made.token.clone();
        *session = Some(made);
        if let Some(lives) = renew {
            drop(tokio::spawn(keep(
                Arc::downgrade(self),
                from.clone(),
                token.clone(),
                lives,
            )));
        }
        Ok(token)
    }

    /// Ends the login, if this is still its token.
    pub(super) async fn forget(&self, token: &str) {
        let mut session = self.0.lock().await;
        if session.as_ref().is_some_and(|session| session.token == token) {
            *session = None;
        }
    }
}

/// Renews a token at two thirds of its life, as long as it is the login's. Where the server gives it no more time, or refuses,
/// it is used to its end.
async fn keep(login: Weak<Login>, from: OpenbaoPath, token: String, mut lives: Duration) {
    loop {
        tokio::time::sleep(lives * 2 / 3).await;
        let Some(login) = login.upgrade() else { return };
        let body = json!({}).to_string().into_bytes();
        let request = Request::post(address(&from, "auth/token/renew-self")).header("x-vault-token", &token);
        let answer = send(&from, request, body).await;
        let mut session = login.0.lock().await;
        let Some(session) = session.as_mut().filter(|session| session.token == token) else {
            return;
        };
        match answer.map(|(status, said)| (status, lease(&said["auth"]))) {
            Ok((StatusCode::OK, (Some(lease), true))) => {
                session.ends = Some(Instant::now() + lease);
                // What is left of its greatest life; the last of it is not halved for ever.
                if lease <= MARGIN * 2 {
                    return;
                }
                lives = lease;
            }
            Ok((status, _)) if !status.is_server_error() => {
                tracing::info!(%status, address = from.address, "a login to OpenBao is renewed no further; it is used to its end");
                return;
            }
            failed => {
                let why = failed.map_or_else(|error| error.to_string(), |(status, _)| status.to_string());
                tracing::warn!("a login to OpenBao could not be renewed: {why}");
                let left = session
                    .ends
                    .map_or(Duration::ZERO, |ends| ends.saturating_duration_since(Instant::now()));
                if left <= MARGIN * 2 {
                    return;
                }
                lives = left;
            }
        }
    }
}

/// A session, and its life where it can be renewed.
async fn log_in(from: &OpenbaoPath, ids: &RoleIds) -> Result<(Session, Option<Duration>), Unminted> {
    let mount = from.approle.as_ref().map_or("approle", |role| role.mount.as_str());
    let path = format!("auth/{mount}/login");
    let body = json!({"role_id": ids.role_id, "secret_id": ids.secret_id})
        .to_string()
        .into_bytes();
    let request = Request::post(address(from, &path)).header("content-type", "application/json");
    let (status, said): Answer = send(from, request, body).await?;
    let url = address(from, &path);
    // Whatever the server says of them: it is shown to people.
    let said_why = || {
        let words = errors(&said).replace(&ids.secret_id, "***");
        words.replace(&ids.role_id, "***")
    };
    match status {
        StatusCode::OK => {}
        StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN => {
            return Err(Unminted::refused(format!(
                "{url} does not let the role in: {}",
                said_why()
            )));
        }
        StatusCode::NOT_FOUND => {
            let why = format!("{url} is not there; is AppRole enabled at `auth/{mount}`? Elsewhere write `mount`");
            return Err(Unminted::refused(why));
        }
        other => return Err(Unminted::later(format!("{url}: {other}: {}", said_why()))),
    }
    let token = said["auth"]["client_token"].as_str().map(str::to_owned);
    let token = token.ok_or_else(|| Unminted::later(format!("{url} answered without a token")))?;
    let (lives, renewable) = lease(&said["auth"]);
    let session = Session {
        token,
        ends: lives.map(|lives| Instant::now() + lives),
    };
    Ok((session, lives.filter(|_| renewable)))
}

/// How long a token lives, if it ends, and whether it can be renewed.
fn lease(auth: &Value) -> (Option<Duration>, bool) {
    let seconds = auth["lease_duration"].as_u64().filter(|seconds| *seconds > 0);
    (seconds.map(Duration::from_secs), auth["renewable"] == true)
}
