//! Access tokens of an OAuth 2.0 authorisation server (RFC 6749).

use super::{Unminted, fetch::fetch};
use oauth2::{
    AuthType, ClientId, ClientSecret, RefreshToken, RequestTokenError, Scope, TokenResponse, TokenUrl,
    basic::{BasicClient, BasicErrorResponse, BasicErrorResponseType, BasicTokenResponse},
};
use seawall_domain::credential::{ClientAuth, Oauth2, Oauth2Flow};
use std::time::Duration;

/// Where the server does not say how long a token lives.
const UNSAID: Duration = Duration::from_secs(300);

pub(super) struct Made {
    pub(super) token: String,
    pub(super) lives: Option<Duration>,
    /// What the server has put in the refresh token's place, or the same again.
    pub(super) refresh: Option<String>,
}

type Answer = Result<BasicTokenResponse, RequestTokenError<Unminted, BasicErrorResponse>>;

/// Asks for a token.
pub(super) async fn token(asked: &Oauth2, secret: &str, client_secret: Option<&str>) -> Result<Made, Unminted> {
    let url = TokenUrl::new(asked.token_url.clone())
        .map_err(|e| Unminted::refused(format!("the token address `{}`: {e}", asked.token_url)))?;
    let client = BasicClient::new(ClientId::new(asked.client_id.clone()))
        .set_token_uri(url)
        .set_auth_type(match asked.client_auth {
            ClientAuth::Basic => AuthType::BasicAuth,
            ClientAuth::Post => AuthType::RequestBody,
        });
    let scopes = asked.scopes.iter().cloned().map(Scope::new);
    let ca = asked.ca.clone();
    let send = move |request| {
        let ca = ca.clone();
        async move { fetch(request, ca.as_deref()).await }
    };
    let answer: Answer = match asked.flow {
        Oauth2Flow::ClientCredentials => {
            let client = client.set_client_secret(ClientSecret::new(secret.to_owned()));
            let mut request = client.exchange_client_credentials().add_scopes(scopes);
            for (name, value) in &asked.parameters {
                request = request.add_extra_param(name, value);
            }
            request.request_async(&send).await
        }
        Oauth2Flow::RefreshToken => {
            let client = match client_secret {
                Some(secret) => client.set_client_secret(ClientSecret::new(secret.to_owned())),
                None => client,
            };
            let refresh = RefreshToken::new(secret.to_owned());
            let mut request = client.exchange_refresh_token(&refresh).add_scopes(scopes);
            for (name, value) in &asked.parameters {
                request = request.add_extra_param(name, value);
            }
            request.request_async(&send).await
        }
    };
    let answer = answer.map_err(|error| explain(asked, error, [secret, client_secret.unwrap_or_default()]))?;
    Ok(Made {
        token: answer.access_token().secret().clone(),
        lives: Some(answer.expires_in().unwrap_or(UNSAID)),
        refresh: answer.refresh_token().map(|token| token.secret().clone()),
    })
}

/// What the server said, without what is secret in it.
fn explain(asked: &Oauth2, error: RequestTokenError<Unminted, BasicErrorResponse>, secrets: [&str; 2]) -> Unminted {
    let at = &asked.token_url;
    match error {
        RequestTokenError::Request(error) => error,
        RequestTokenError::ServerResponse(said) => {
            let mut words = said.error().to_string();
            if let Some(more) = said.error_description() {
                words.push_str(&format!(": {more}"));
            }
            for secret in secrets.into_iter().filter(|s| !s.is_empty()) {
                words = words.replace(secret, "***");
            }
            let why = format!("{at} gives no token: {words}");
            match said.error() {
                BasicErrorResponseType::Extension(name)
                    if name == "temporarily_unavailable" || name == "server_error" =>
                {
                    Unminted::later(why)
                }
                _ => Unminted::refused(why),
            }
        }
        // The body is left out: it may be anything.
        RequestTokenError::Parse(error, _) => Unminted::later(format!(
            "{at} answered something else than a token at `{}`; is it the token endpoint?",
            error.path()
        )),
        RequestTokenError::Other(why) => Unminted::later(format!("{at}: {why}")),
    }
}
