//! Makes what is attached, and keeps it until it ends. One for each of the operator's credentials, whichever integrations use it.

use super::{Identity, Keeper, Kept, Live, Unminted, Use, github, oauth};
use seawall_domain::credential::Exchange;
use std::{
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

/// A secret that a tool refused is read again this often at most: a tool that refuses everything would have it read for every
/// request.
const SETTLED: Duration = Duration::from_secs(1);

/// See the module.
pub struct Minter {
    exchange: Option<Exchange>,
    keeper: Box<dyn Keeper>,
    live: RwLock<Option<Live>>,
    /// Held while one is made, so that requests which come together make one.
    making: tokio::sync::Mutex<()>,
    /// When it was last read because a tool had refused it.
    reread: RwLock<Option<Instant>>,
    error: RwLock<Option<Unminted>>,
}

/// How a credential stands in this process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// Since what is attached was made or read; none where it was not yet needed.
    pub age: Option<Duration>,
    /// Until it ends; none where it does not.
    pub rest: Option<Duration>,
    /// Why it could not be made the last time.
    pub error: Option<String>,
}

impl Minter {
    /// For a secret that `keeper` holds.
    pub fn new(exchange: Option<Exchange>, keeper: Box<dyn Keeper>) -> Arc<Self> {
        Arc::new(Self {
            exchange,
            keeper,
            live: RwLock::default(),
            making: tokio::sync::Mutex::default(),
            reread: RwLock::default(),
            error: RwLock::default(),
        })
    }

    /// A secret that is at hand.
    pub fn fixed(secret: String) -> Arc<Self> {
        let minter = Self::new(None, Box::new(Fixed));
        minter.put(Live::text(secret));
        minter
    }

    /// How it stands.
    pub fn status(&self) -> Status {
        let live = self.peek();
        let error = self.error.read().unwrap_or_else(PoisonError::into_inner);
        Status {
            age: live.as_ref().map(Live::age),
            rest: live.as_ref().and_then(Live::rest),
            error: error.as_ref().map(|e| e.why.clone()),
        }
    }

    /// What to attach now. One that is about to end is made anew first; where that fails, the old one is used to its end.
    ///
    /// # Errors
    /// Where there is none.
    pub async fn current(&self) -> Result<Live, Unminted> {
        match self.peek() {
            Some(live) if !live.is_due() => Ok(live),
            before => self.renew(before.as_ref()).await,
        }
    }

    /// What to attach after the tool refused `refused`, if it is something else: the secret is read anew, for it may have been
    /// rotated.
    pub(crate) async fn instead_of(&self, refused: &Live) -> Option<Live> {
        // Those whom the tool refused meanwhile wait for the one reading.
        let alone = self.making.lock().await;
        if let Some(now) = self.peek()
            && now.used() != refused.used()
        {
            return Some(now);
        }
        {
            let mut last = self.reread.write().unwrap_or_else(PoisonError::into_inner);
            if last.is_some_and(|last| last.elapsed() < SETTLED) {
                return None;
            }
            *last = Some(Instant::now());
        }
        let made = self.renew_alone(&alone).await.ok()?;
        (made.used() != refused.used()).then_some(made)
    }

    /// What was made last, if it was.
    pub(crate) fn peek(&self) -> Option<Live> {
        self.live.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn put(&self, live: Live) {
        *self.live.write().unwrap_or_else(PoisonError::into_inner) = Some(live);
    }

    /// Makes one in the place of `before`, unless somebody has just done so.
    async fn renew(&self, before: Option<&Live>) -> Result<Live, Unminted> {
        let alone = self.making.lock().await;
        if let Some(now) = self.peek()
            && before.is_none_or(|before| !before.is(&now))
            && !now.is_due()
        {
            return Ok(now);
        }
        self.renew_alone(&alone).await
    }

    /// The same for who holds `making`.
    async fn renew_alone(&self, _alone: &tokio::sync::MutexGuard<'_, ()>) -> Result<Live, Unminted> {
        let made = self.make().await;
        *self.error.write().unwrap_or_else(PoisonError::into_inner) = made.as_ref().err().cloned();
        match (made, self.peek()) {
            (Ok(live), old) => {
                let live = live.after(old.as_ref());
                self.put(live.clone());
                Ok(live)
            }
            (Err(error), Some(old)) if !old.has_ended() && !error.refused => {
                tracing::warn!("a credential is used on although it could not be made anew: {error}");
                Ok(old)
            }
            (Err(error), _) => Err(error),
        }
    }

    async fn make(&self) -> Result<Live, Unminted> {
        let Kept { secret, second, fresh } = self.keeper.read().await?;
        match &self.exchange {
            None => Ok(Live::new(Use::Text(secret.clone()), [secret.as_str()], fresh)),
            Some(Exchange::Oauth2(oauth2)) => {
                let made = oauth::token(oauth2, &secret, second.as_deref()).await?;
                if let Some(next) = made.refresh.filter(|next| *next != secret) {
                    self.keeper.replace(&next).await.map_err(|why| {
                        Unminted::later(format!(
                            "the server replaced the refresh token, and the new one cannot be kept: {why}"
                        ))
                    })?;
                }
                let cut = [made.token.as_str(), &secret, second.as_deref().unwrap_or_default()];
                Ok(Live::new(Use::Text(made.token.clone()), cut, made.lives))
            }
            Some(Exchange::GithubApp(app)) => {
                let (token, lives) = github::token(app, &secret).await?;
                Ok(Live::new(Use::Text(token.clone()), [token.as_str()], Some(lives)))
            }
            Some(Exchange::AwsSigv4(aws)) => {
                let used = Use::SigV4 {
                    access_key_id: aws.access_key_id.clone(),
                    secret: secret.clone(),
                    session_token: second.clone(),
                    region: aws.region.clone(),
                    service: aws.service.clone(),
                };
                let cut = [secret.as_str(), second.as_deref().unwrap_or_default()];
                Ok(Live::new(used, cut, fresh))
            }
            Some(Exchange::ClientCertificate(client)) => {
                let identity = Identity::read(&secret, client.certificate.as_deref()).map_err(Unminted::refused)?;
                Ok(Live::new(Use::Certificate(identity), [], fresh))
            }
        }
    }
}

/// Keeps nothing: what is at hand is all there is.
struct Fixed;

#[async_trait::async_trait]
impl Keeper for Fixed {
    async fn read(&self) -> Result<Kept, Unminted> {
        Err(Unminted::refused("there is no other secret"))
    }

    async fn replace(&self, _: &str) -> Result<(), String> {
        Err("there is no place for it".to_owned())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
