//! Outgoing webhooks: who is told of which changes, and what could not be told.

mod courier;
mod lane;
mod letters;
mod message;
mod post;
mod round;

pub use post::{Message, Post, Reply};

pub(crate) use courier::Couriers;

use crate::{Engine, EngineError, Problem, Result};
use seawall_domain::{
    Millis, SubscriptionName,
    subscription::{Secrets, Subscription, header_problems},
};
use seawall_store::{SubscriptionRow, SubscriptionWrite};
use std::collections::BTreeMap;

/// A subscription and how it stands.
#[derive(Debug, Clone)]
pub struct SubscriptionView {
    /// What is stored.
    pub row: SubscriptionRow,
    /// The names of its further headers.
    pub headers: Vec<String>,
    /// Until when the secret before signs too.
    pub previous_until: Option<Millis>,
    /// How many changes, fitting or not, it has not been told of.
    pub behind: i64,
}

/// What a person asks for.
#[derive(Debug, Clone)]
pub struct SubscriptionRequest {
    /// Its name.
    pub name: SubscriptionName,
    /// What is told to whom.
    pub wanted: Subscription,
    /// Whether nothing is to be sent.
    pub paused: bool,
    /// Further headers; none: those that it has.
    pub headers: Option<BTreeMap<String, String>>,
    /// Where a new one begins; none: with what comes next.
    pub after: Option<i64>,
    /// The secret of a new one.
    pub secret: String,
}

impl Engine {
    /// All subscriptions, by name.
    ///
    /// # Errors
    /// The database's.
    pub async fn subscriptions(&self) -> Result<Vec<SubscriptionView>> {
        let mut views = Vec::new();
        for row in self.inner.store.subscriptions().await? {
            views.push(self.view_of(row).await?);
        }
        Ok(views)
    }

    /// One subscription.
    ///
    /// # Errors
    /// Where it does not exist.
    pub async fn subscription(&self, name: &SubscriptionName) -> Result<SubscriptionView> {
        let row = self.subscription_row(name).await?;
        self.view_of(row).await
    }

    async fn view_of(&self, row: SubscriptionRow) -> Result<SubscriptionView> {
        let secrets = self.inner.store.subscription_secrets(&row.name).await?;
        let now = self.now();
        let (mut headers, mut previous_until) = (Vec::new(), None);
        if let Some(secrets) = secrets {
            headers = secrets.headers.into_keys().collect();
            previous_until = secrets.previous.map(|(_, until)| until).filter(|until| *until > now);
        }
        Ok(SubscriptionView {
            behind: (self.position() - row.position).max(0),
            headers,
            previous_until,
            row,
        })
    }

    pub(crate) async fn subscription_row(&self, name: &SubscriptionName) -> Result<SubscriptionRow> {
        let all = self.inner.store.subscriptions().await?;
        all.into_iter().find(|row| row.name == *name).ok_or_else(|| {
            EngineError::not_found_but(
                "subscription",
                name,
                "`seawall subscription list` shows those that exist",
            )
        })
    }

    /// Creates or replaces a subscription; true where it is new, and its secret is the one of the request. One that is there
    /// keeps its secret and its place.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] with each field that is wrong; [`EngineError::Gone`] where it is to begin before the log does.
    pub async fn put_subscription(&self, request: SubscriptionRequest) -> Result<(SubscriptionView, bool)> {
        let never = self.policy().await?.never.private_ranges;
        let mut problems = request.wanted.problems(&never);
        problems.extend(request.headers.iter().flat_map(header_problems));
        if let Some(Err(why)) = request.wanted.ca.as_deref().map(seawall_runtime::door::authorities) {
            problems.push(("/ca".to_owned(), why));
        }
        let mut problems: Vec<_> = problems.into_iter().map(|(at, why)| Problem::at(at, why)).collect();
        match self.check_blueprints(&request.wanted.blueprints, "/blueprints") {
            Err(EngineError::Invalid(more)) => problems.extend(more),
            other => other?,
        }
        if !problems.is_empty() {
            return Err(EngineError::Invalid(problems));
        }
        let store = &self.inner.store;
        let known = store.subscription_secrets(&request.name).await?;
        let position = match (&known, request.after) {
            (Some(_), Some(_)) => {
                let why = "the subscription is there and goes on where it is; leave `after` out, or remove it first";
                return Err(EngineError::invalid("/after", why));
            }
            (None, Some(after)) => {
                // Says where the log does not reach back so far.
                self.changes(&request.wanted.filter(), Some(after), 1).await?;
                after
            }
            _ => store.position().await?,
        };
        let secrets = match (known, request.headers) {
            (Some(_), None) => None,
            (Some(secrets), Some(headers)) => Some(Secrets { headers, ..secrets }),
            (None, headers) => Some(Secrets {
                headers: headers.unwrap_or_default(),
                ..Secrets::new(request.secret)
            }),
        };
        let write = SubscriptionWrite {
            name: request.name.clone(),
            wanted: request.wanted,
            paused: request.paused,
            secrets,
            position,
        };
        let new = store.put_subscription(&write, self.now()).await?;
        self.inner.couriers.wake();
        Ok((self.subscription(&request.name).await?, new))
    }

    /// Gives a subscription a new secret. The one before signs for 24 hours more.
    ///
    /// # Errors
    /// Where it does not exist.
    pub async fn rotate_subscription(&self, name: &SubscriptionName, secret: String) -> Result<SubscriptionView> {
        let row = self.subscription_row(name).await?;
        let store = &self.inner.store;
        if let Some(mut secrets) = store.subscription_secrets(name).await? {
            secrets.rotate(secret, self.now());
            store.put_subscription_secrets(name, &secrets, self.now()).await?;
        }
        self.view_of(row).await
    }

    /// Pauses or resumes a subscription. Changes of meanwhile are told when it goes on.
    ///
    /// # Errors
    /// Where it does not exist.
    pub async fn pause_subscription(&self, name: &SubscriptionName, paused: bool) -> Result<SubscriptionView> {
        self.subscription_row(name).await?;
        self.inner.store.pause_subscription(name, paused, self.now()).await?;
        self.inner.couriers.wake();
        self.subscription(name).await
    }

    /// Removes a subscription with its letters.
    ///
    /// # Errors
    /// Where it does not exist.
    pub async fn remove_subscription(&self, name: &SubscriptionName) -> Result<()> {
        self.subscription_row(name).await?;
        self.inner.store.remove_subscription(name).await?;
        self.inner.couriers.wake();
        Ok(())
    }
}
