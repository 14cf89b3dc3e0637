//! A token bucket for each credential, shared by all integrations that use it.

use http::{HeaderMap, StatusCode, header};
use seawall_domain::CredentialName;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How many requests a credential may send.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// In the long run.
    pub per_second: f64,
    /// At once, after a pause.
    pub burst: f64,
}

impl Default for Rate {
    fn default() -> Self {
        Self {
            per_second: 100.0,
            burst: 200.0,
        }
    }
}

/// The buckets of all credentials. Cheap to clone.
#[derive(Clone, Default)]
pub struct Buckets {
    rate: Rate,
    inner: Arc<Mutex<HashMap<CredentialName, Bucket>>>,
}

struct Bucket {
    tokens: f64,
    filled: Instant,
    /// The tool asked to wait until then.
    blocked: Option<Instant>,
}

/// Whether a request may go.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Now.
    Go,
    /// Not within the caller's patience; seconds until it may.
    RetryAfter(u64),
}

impl Buckets {
    /// Buckets that all fill at `rate`.
    pub fn new(rate: Rate) -> Self {
        Self {
            rate,
            inner: Arc::default(),
        }
    }

    /// Takes a token, waiting for it up to `patience`.
    pub(crate) async fn turn(&self, name: &CredentialName, patience: Duration) -> Turn {
        let wait = self.take(name, Instant::now());
        if wait.is_zero() {
            return Turn::Go;
        }
        if wait > patience {
            self.give_back(name);
            return Turn::RetryAfter(wait.as_secs() + 1);
        }
        tokio::time::sleep(wait).await;
        Turn::Go
    }

    /// Takes a token and says how long until it is really there.
    fn take(&self, name: &CredentialName, now: Instant) -> Duration {
        let mut all = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = all.entry(name.clone()).or_insert_with(|| Bucket {
            tokens: self.rate.burst,
            filled: now,
            blocked: None,
        });
        let gained = now.saturating_duration_since(bucket.filled).as_secs_f64() * self.rate.per_second;
        bucket.tokens = (bucket.tokens + gained).min(self.rate.burst) - 1.0;
        bucket.filled = now;
        let refill = Duration::from_secs_f64((-bucket.tokens).max(0.0) / self.rate.per_second);
        let blocked = bucket
            .blocked
            .map_or(Duration::ZERO, |until| until.saturating_duration_since(now));
        refill.max(blocked)
    }

    fn give_back(&self, name: &CredentialName) {
        let mut all = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = all.get_mut(name) {
            bucket.tokens += 1.0;
        }
    }

    /// Learns from a response that the tool wants to be left alone for a while (RFC 9110, Retry-After in seconds).
    pub(crate) fn observe(&self, name: &CredentialName, status: StatusCode, headers: &HeaderMap) {
        if status != StatusCode::TOO_MANY_REQUESTS && status != StatusCode::SERVICE_UNAVAILABLE {
            return;
        }
        let seconds = headers
            .get(header::RETRY_AFTER)
            .and_then(|v| v.to_str().ok())
            .and_then(|v| v.parse::<u64>().ok());
        if let Some(seconds) = seconds {
            let until = Instant::now() + Duration::from_secs(seconds.min(3600));
            let mut all = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(bucket) = all.get_mut(name) {
                bucket.blocked = Some(bucket.blocked.map_or(until, |b| b.max(until)));
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_what_follows_waits_its_turn() {
        let buckets = Buckets::new(Rate {
            per_second: 10.0,
            burst: 2.0,
        });
        let (name, now) = (CredentialName::new("token").unwrap(), Instant::now());
        assert_eq!(buckets.take(&name, now), Duration::ZERO);
        assert_eq!(buckets.take(&name, now), Duration::ZERO);
        assert_eq!(buckets.take(&name, now), Duration::from_millis(100));
        assert_eq!(buckets.take(&name, now + Duration::from_millis(300)), Duration::ZERO);
    }

    #[test]
    fn a_tool_that_asks_for_a_pause_gets_it() {
        let buckets = Buckets::default();
        let name = CredentialName::new("token").unwrap();
        buckets.take(&name, Instant::now());
        let headers = HeaderMap::from_iter([(header::RETRY_AFTER, "30".parse().unwrap())]);
        buckets.observe(&name, StatusCode::TOO_MANY_REQUESTS, &headers);
        assert!(buckets.take(&name, Instant::now()) > Duration::from_secs(29));
    }
}
