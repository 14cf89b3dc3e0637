//! Checkouts of integrations: brought up to date before a pass, and handed to its calls as directories that they may read.

mod wire;

use crate::{Engine, EngineError, Result, site::Site};
use seawall_domain::{CredentialName, Failure, checkout::Checkout, limits::Limits};
use seawall_git::{Ask, Bounds, Checkouts, GitError};
use seawall_runtime::{CallError, door::Door};
use serde_json::{Value, json};
use std::{
    collections::HashSet,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use wire::ThroughTheDoor;

/// What one integration checks out, and the way out for it.
pub(crate) struct Sources {
    /// Lets through what a fetch needs, and nothing else.
    pub(crate) door: Arc<Door>,
    pub(crate) all: Vec<Source>,
    /// Commits whose notes were told.
    told: Mutex<HashSet<String>>,
}

/// One checkout.
pub(crate) struct Source {
    pub(crate) checkout: Checkout,
    /// The operator's credential that is attached.
    pub(crate) credential: Option<CredentialName>,
}

/// Checkouts that are read: they stay as long as this does.
#[derive(Clone, Default)]
pub(crate) struct Held(Vec<(Checkout, Arc<seawall_git::Checkout>)>);

impl Held {
    /// Where they are, and where the plugin sees them.
    pub(crate) fn directories(&self) -> impl Iterator<Item = (PathBuf, String)> + '_ {
        self.0
            .iter()
            .map(|(asked, here)| (here.path().to_owned(), asked.at.clone()))
    }

    /// Whether these are what an integration checks out, whatever their commits.
    pub(crate) fn are_of(&self, sources: &Sources) -> bool {
        let asked = self.0.iter().map(|(asked, _)| asked);
        asked.eq(sources.all.iter().map(|source| &source.checkout))
    }

    /// Which commits they are, to be found again.
    pub(crate) fn noted(&self) -> String {
        let one = |(asked, here): &(Checkout, Arc<seawall_git::Checkout>)| json!({"at": asked.at, "url": asked.url, "commit": here.commit()});
        Value::from(self.0.iter().map(one).collect::<Vec<_>>()).to_string()
    }
}

fn bounds(limits: &Limits) -> Bounds {
    Bounds {
        pack_bytes: limits.checkout_pack_bytes,
        bytes: limits.checkout_bytes,
        files: limits.checkout_files,
        timeout_ms: limits.checkout_timeout_ms,
    }
}

impl Source {
    fn ask<'a>(&'a self, bounds: &'a Bounds) -> Ask<'a> {
        Ask {
            url: &self.checkout.url,
            reference: self.checkout.reference.as_deref(),
            credential: self.credential.as_ref().map(CredentialName::as_str),
            with_credential: self.credential.is_some(),
            bounds,
        }
    }
}

impl Sources {
    pub(crate) fn new(door: Arc<Door>, all: Vec<Source>) -> Self {
        Self {
            door,
            all,
            told: Mutex::default(),
        }
    }

    /// Brings all of them up to date, one after the other.
    ///
    /// # Errors
    /// [`CallError`], as a plugin's call that fails for the same reason has it.
    pub(crate) async fn update(&self, checkouts: &Checkouts, limits: &Limits) -> Result<Held, CallError> {
        let bounds = bounds(limits);
        let mut all = Vec::new();
        for source in &self.all {
            let ask = source.ask(&bounds);
            let wire = ThroughTheDoor::new(&self.door, limits);
            let updating = checkouts.update(&ask, &wire);
            let updated = tokio::time::timeout(Duration::from_millis(limits.checkout_timeout_ms), updating).await;
            let here = updated.unwrap_or_else(|_| Err(bounds.late(ask.url))).map_err(failed)?;
            all.push((source.checkout.clone(), here));
        }
        Ok(Held(all))
    }

    /// What the last update of each came to; none where one of them has never been fetched.
    async fn newest(&self, checkouts: &Checkouts, limits: &Limits) -> Result<Option<Held>, GitError> {
        let bounds = bounds(limits);
        let mut all = Vec::new();
        for source in &self.all {
            let Some(here) = checkouts.newest(&source.ask(&bounds)).await? else {
                return Ok(None);
            };
            all.push((source.checkout.clone(), here));
        }
        Ok(Some(Held(all)))
    }

    /// The commits that [`Held::noted`] told; none where they are not all here any more, or the integration checks out others by
    /// now.
    async fn noted(&self, checkouts: &Checkouts, limits: &Limits, noted: &str) -> Result<Option<Held>, GitError> {
        let bounds = bounds(limits);
        let noted: Value = serde_json::from_str(noted).unwrap_or_default();
        let mut all = Vec::new();
        for source in &self.all {
            let (at, url) = (&source.checkout.at, &source.checkout.url);
            let same = |one: &&Value| one["at"] == at.as_str() && one["url"] == url.as_str();
            let commit = noted
                .as_array()
                .and_then(|all| all.iter().find(same)?["commit"].as_str());
            let Some(commit) = commit else { return Ok(None) };
            let Some(here) = checkouts.at(commit, &source.ask(&bounds)).await? else {
                return Ok(None);
            };
            all.push((source.checkout.clone(), here));
        }
        Ok(Some(Held(all)))
    }

    /// Tells what is not in the checkouts, once for each commit.
    fn tell(&self, integration: &str, held: &Held) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        for (asked, here) in &held.0 {
            if told.insert(here.commit().to_owned()) {
                for line in here.notes().lines() {
                    tracing::warn!(integration, url = asked.url, commit = here.commit(), "{line}");
                }
            }
        }
    }
}

/// How a plugin would say it, so that what follows is the same.
fn failed(error: GitError) -> CallError {
    let why = error.to_string();
    CallError::Failure(match error {
        GitError::Unauthorized(_) => Failure::Unauthorized(why),
        GitError::NotFound(_) => Failure::NotFound(why),
        GitError::RateLimited(ms) => Failure::RateLimited(ms),
        GitError::Unavailable(_) => Failure::Unavailable(why),
        GitError::Disk(_) => return CallError::Host(why),
        GitError::Refused(_) | GitError::TooLarge { .. } | GitError::Unusable(_) => Failure::Failed(why),
    })
}

impl Engine {
    /// Brings the checkouts of an integration up to date, where it has any.
    ///
    /// # Errors
    /// [`CallError`]. What was there before stays.
    pub(crate) async fn update_checkouts(
        &self,
        site: &Site,
        cancel: &tokio_util::sync::CancellationToken,
    ) -> Result<Held, CallError> {
        let Some(sources) = &site.sources else {
            return Ok(Held::default());
        };
        let held = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(CallError::Cancelled),
            () = site.revoked.cancelled() => return Err(CallError::Failure(Failure::Failed("the grant was revoked or has ended".into()))),
            held = sources.update(&self.inner.checkouts, &site.limits) => held?,
        };
        sources.tell(site.integration().name.as_str(), &held);
        Ok(held)
    }

    /// What the last pass read; none where there is nothing of it here.
    pub(crate) async fn kept_checkouts(&self, site: &Site) -> Option<Held> {
        let kept = site.sources.as_ref()?.newest(&self.inner.checkouts, &site.limits);
        kept.await.ok().flatten()
    }

    /// What a call outside a pass reads: what the last pass did, or else what there is now.
    ///
    /// # Errors
    /// As [`Engine::update_checkouts`].
    pub(crate) async fn newest_checkouts(
        &self,
        site: &Site,
        cancel: &tokio_util::sync::CancellationToken,
    ) -> Result<Held, CallError> {
        let Some(sources) = &site.sources else {
            return Ok(Held::default());
        };
        match sources
            .newest(&self.inner.checkouts, &site.limits)
            .await
            .map_err(failed)?
        {
            Some(held) => Ok(held),
            None => self.update_checkouts(site, cancel).await,
        }
    }

    /// The checkouts that a pass began with, which goes on now; none where they are gone.
    pub(crate) async fn noted_checkouts(&self, site: &Site, noted: Option<&str>) -> Result<Option<Held>, CallError> {
        match (&site.sources, noted) {
            (None, _) => Ok(Some(Held::default())),
            (Some(_), None) => Ok(None),
            (Some(sources), Some(noted)) => {
                let found = sources.noted(&self.inner.checkouts, &site.limits, noted).await;
                found.map_err(failed)
            }
        }
    }

    /// Removes the stores of repositories that no integration names any more. Where one cannot be made out, all stay.
    ///
    /// # Errors
    /// Those of an integration that is not ready.
    pub(crate) async fn forget_checkouts(&self) -> Result<()> {
        let mut used = Vec::new();
        for row in self.inner.store.integrations().await? {
            let integration = row.integration;
            let view = self.granted(&integration.plugin, integration.digest.as_ref()).await?;
            let manifest = &view.row.bundle.manifest;
            let Some(grant) = view.decision.as_ref().and_then(|decision| decision.grant.as_ref()) else {
                continue;
            };
            let checkouts = grant.checkouts(manifest, &integration.config);
            for checkout in checkouts.map_err(|e| EngineError::invalid("/config", e.to_string()))? {
                let credential = checkout.credential.as_ref();
                let credential = credential.and_then(|name| integration.credentials.get(name)).cloned();
                used.push(Source { checkout, credential });
            }
        }
        let checkouts = self.inner.checkouts.clone();
        let removed = tokio::task::spawn_blocking(move || {
            let bounds = bounds(&Limits::default());
            let asks: Vec<_> = used.iter().map(|source| source.ask(&bounds)).collect();
            checkouts.retain(&asks);
        });
        Ok(removed.await?)
    }
}
