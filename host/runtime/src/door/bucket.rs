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

/// Where a tool refuses because its quota is used up, and says no more of it than that: how long it is then left alone. GitHub asks
/// for a minute at least.
const UNSAID: Duration = Duration::from_secs(60);

/// How long a tool asks to be left alone: by `Retry-After` where it refuses because of it, and by the quota's own headers wherever
/// nothing is left, until it is filled again.
fn pause(status: StatusCode, headers: &HeaderMap, now: Millis) -> Option<Duration> {
    let said = asked(status, headers, now).max(refill(headers, now).flatten());
    said.or_else(|| unsaid(status, headers, now).map(Duration::from_secs))
}

/// Seconds for `Retry-After`, where a tool refuses because its quota is used up and does not say it in that header, which is the
/// one that all clients know: with 403 alone, a plugin takes it for a refused credential.
pub(super) fn unsaid(status: StatusCode, headers: &HeaderMap, now: Millis) -> Option<u64> {
    let refused = [StatusCode::FORBIDDEN, StatusCode::TOO_MANY_REQUESTS];
    if !refused.contains(&status) || asked(status, headers, now).is_some() {
        return None;
    }
    let wait = refill(headers, now)?.unwrap_or(UNSAID).min(LONGEST);
    Some(wait.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX).max(1))
}

/// `Retry-After` of a refusal (RFC 9110): seconds or a date.
fn asked(status: StatusCode, headers: &HeaderMap, now: Millis) -> Option<Duration> {
    let refused = [
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::SERVICE_UNAVAILABLE,
        StatusCode::FORBIDDEN,
    ];
    let value = text(headers, "retry-after").filter(|_| refused.contains(&status))?;
    value.parse().ok().map(Duration::from_secs).or_else(|| {
        let date = jiff::fmt::rfc2822::parse(value).ok()?;
        until(date.timestamp().as_millisecond(), now)
    })
}

/// Whether nothing is left of a quota, and then how long until it is filled again, where that can be told: GitHub's headers
/// (<https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api>) and GitLab's
/// (<https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits>), both with the end in seconds since 1970.
fn refill(headers: &HeaderMap, now: Millis) -> Option<Option<Duration>> {
    ["x-ratelimit", "ratelimit"].into_iter().find_map(|prefix| {
        let left: f64 = text(headers, &format!("{prefix}-remaining"))?.parse().ok()?;
        let end = text(headers, &format!("{prefix}-reset")).and_then(|end| end.parse::<i64>().ok());
        // What a tool sends may be any number.
        let end = end.and_then(|end| until(end.checked_mul(1000)?, now));
        (left < 1.0).then_some(end)
    })
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

fn until(end: Millis, now: Millis) -> Option<Duration> {
    u64::try_from(end.checked_sub(now)?).ok().map(Duration::from_millis)
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
    fn a_quota_that_is_used_up_is_said_in_the_header_that_all_know() {
        const NOW: Millis = 1_000_000_000_000;
        let said = |status: u16, headers: &[(&'static str, &str)]| {
            let map: HeaderMap = headers
                .iter()
                .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
                .collect();
            unsaid(StatusCode::from_u16(status).unwrap(), &map, NOW)
        };
        let (spent, end) = (("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1000000600"));
        assert_eq!(said(403, &[spent, end]), Some(600));
        assert_eq!(
            said(429, &[("ratelimit-remaining", "0"), ("ratelimit-reset", "1000000030")]),
            Some(30)
        );
        // An end that is none, that is over, and that is too far away.
        for (end, seconds) in [("soon", 60), ("7", 60), ("1000000000", 1), ("1999999999", 3600)] {
            assert_eq!(said(403, &[spent, ("x-ratelimit-reset", end)]), Some(seconds), "{end}");
        }
        assert_eq!(said(403, &[spent]), Some(60));
        // Who says it already is not spoken for, and a refusal while something is left is one.
        assert_eq!(said(403, &[spent, end, ("retry-after", "7")]), None);
        assert_eq!(said(403, &[spent, end, ("retry-after", "soon")]), Some(600));
        assert_eq!(said(403, &[("x-ratelimit-remaining", "12"), end]), None);
        assert_eq!(said(403, &[]), None);
        assert_eq!(said(200, &[spent, end]), None);
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
            (
                429,
                &[("ratelimit-remaining", "0"), ("ratelimit-reset", "30")],
                Some(60),
            ),
            (
                429,
                &[("ratelimit-remaining", "0"), ("ratelimit-reset", "-9223372036854775")],
                Some(60),
            ),
            (
                429,
                &[("ratelimit-remaining", "0"), ("ratelimit-reset", "9223372036854775807")],
                Some(60),
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
