//! A token bucket for each credential, shared by all integrations that use it.

use http::{HeaderMap, StatusCode};
use seawall_domain::{CredentialName, Millis};
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

    /// Learns from a response that the tool wants to be left alone for a while, or that nothing is left of its quota. `now` is the
    /// time in milliseconds since 1970.
    pub(crate) fn observe(&self, name: &CredentialName, status: StatusCode, headers: &HeaderMap, now: Millis) {
        if let Some(pause) = pause(status, headers, now) {
            let until = Instant::now() + pause.min(LONGEST);
            let mut all = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(bucket) = all.get_mut(name) {
                bucket.blocked = Some(bucket.blocked.map_or(until, |b| b.max(until)));
            }
        }
    }
}

/// No tool is left alone for longer because of one answer.
const LONGEST: Duration = Duration::from_secs(3600);

/// How long a tool asks to be left alone: by `Retry-After` (RFC 9110: seconds or a date) where it refuses because of it, and by the
/// quota's own headers wherever nothing is left, until it is filled again: GitHub's
/// (<https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api>) and GitLab's
/// (<https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits>), both with the end in seconds since 1970.
fn pause(status: StatusCode, headers: &HeaderMap, now: Millis) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    // What a tool sends may be any number.
    let until = |end: Millis| u64::try_from(end.checked_sub(now)?).ok().map(Duration::from_millis);
    let refused = [
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::SERVICE_UNAVAILABLE,
        StatusCode::FORBIDDEN,
    ];
    let asked = text("retry-after")
        .filter(|_| refused.contains(&status))
        .and_then(|value| {
            value.parse().ok().map(Duration::from_secs).or_else(|| {
                let date = jiff::fmt::rfc2822::parse(value).ok()?;
                until(date.timestamp().as_millisecond())
            })
        });
    let spent = ["x-ratelimit", "ratelimit"].into_iter().find_map(|prefix| {
        let left: f64 = text(&format!("{prefix}-remaining"))?.parse().ok()?;
        let end: i64 = text(&format!("{prefix}-reset"))?.parse().ok()?;
        (left < 1.0).then(|| until(end.checked_mul(1000)?)).flatten()
    });
    asked.max(spent)
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
        let headers = HeaderMap::from_iter([(http::header::RETRY_AFTER, "30".parse().unwrap())]);
        buckets.observe(&name, StatusCode::TOO_MANY_REQUESTS, &headers, 0);
        assert!(buckets.take(&name, Instant::now()) > Duration::from_secs(29));
        // Whoever uses the same credential waits too, and nobody else.
        assert!(buckets.clone().take(&name, Instant::now()) > Duration::from_secs(29));
        let other = CredentialName::new("other").unwrap();
        assert_eq!(buckets.take(&other, Instant::now()), Duration::ZERO);
    }

    #[test]
    fn tools_say_in_several_ways_how_long() {
        type Headers = &'static [(&'static str, &'static str)];
        const NOW: Millis = 1_000_000_000_000;
        let cases: [(u16, Headers, Option<u64>); 13] = [
            (429, &[("retry-after", "7")], Some(7)),
            (503, &[("retry-after", "Sun, 09 Sep 2001 01:47:40 GMT")], Some(60)),
            (429, &[("retry-after", "soon")], None),
            (200, &[("retry-after", "7")], None),
            // GitHub's primary limit is a 403, its secondary one has `retry-after`.
            (
                403,
                &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1000000600")],
                Some(600),
            ),
            (403, &[("retry-after", "9")], Some(9)),
            (
                200,
                &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1000000005")],
                Some(5),
            ),
            (
                200,
                &[("x-ratelimit-remaining", "12"), ("x-ratelimit-reset", "1000000005")],
                None,
            ),
            (
                429,
                &[("ratelimit-remaining", "0"), ("ratelimit-reset", "1000000030")],
                Some(30),
            ),
            // An end that is over, and one that is none.
            (429, &[("ratelimit-remaining", "0"), ("ratelimit-reset", "30")], None),
            (
                429,
                &[("ratelimit-remaining", "0"), ("ratelimit-reset", "-9223372036854775")],
                None,
            ),
            (
                429,
                &[("ratelimit-remaining", "0"), ("ratelimit-reset", "9223372036854775807")],
                None,
            ),
            (403, &[], None),
        ];
        for (status, headers, seconds) in cases {
            let map: HeaderMap = headers
                .iter()
                .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
                .collect::<HeaderMap>();
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(
                pause(status, &map, NOW),
                seconds.map(Duration::from_secs),
                "{status} {headers:?}"
            );
        }
    }
}
