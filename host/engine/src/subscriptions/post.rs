//! How a message leaves the host. The HTTP client is passed in.

use async_trait::async_trait;
use seawall_domain::subscription::Destination;

/// Sends messages.
#[async_trait]
pub trait Post: Send + Sync + 'static {
    /// Sends one, and reads the beginning of the answer within bounds of time and size. Redirects are not followed, and no
    /// address is connected to that [`Destination::check`] refuses.
    ///
    /// # Errors
    /// Why there was no answer, in words.
    async fn post(&self, message: Message) -> Result<Reply, String>;
}

/// A message on its way.
#[derive(Debug, Clone)]
pub struct Message {
    /// Where it goes.
    pub to: Destination,
    /// Its headers, those of the signature among them.
    pub headers: Vec<(String, String)>,
    /// Its body, as it was signed.
    pub body: String,
}

/// What was answered.
#[derive(Debug, Clone, Default)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// `Retry-After`, as it came.
    pub retry_after: Option<String>,
    /// `Location`, as it came.
    pub location: Option<String>,
    /// The beginning of the body.
    pub text: String,
}

impl Reply {
    /// Why the message was not taken, in words.
    pub(super) fn words(&self) -> String {
        let mut out = format!("the receiver answered {}", self.status);
        if let (300..=399, Some(to)) = (self.status, &self.location) {
            let to = seawall_domain::text::cut(to, 200);
            out.push_str(&format!(
                ", a redirect to {to}, which is not followed: set that address where it is meant"
            ));
        } else if !self.text.trim().is_empty() {
            out.push_str(&format!(": {}", seawall_domain::text::cut(self.text.trim(), 200)));
        }
        out
    }
}

/// How long `Retry-After` asks to wait, in milliseconds: seconds, or a date (RFC 9110, 10.2.3).
pub(super) fn wish(header: &str, now: i64) -> Option<i64> {
    let text = header.trim();
    if let Ok(seconds) = text.parse::<i64>() {
        return seconds.checked_mul(1000).filter(|ms| *ms >= 0);
    }
    let at = jiff::fmt::rfc2822::parse(text).ok()?;
    Some((at.timestamp().as_millisecond() - now).max(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_is_seconds_or_a_date() {
        assert_eq!(wish("120", 0), Some(120_000));
        assert_eq!(wish("Thu, 01 Jan 1970 00:01:00 GMT", 10_000), Some(50_000));
        assert_eq!(wish("Thu, 01 Jan 1970 00:01:00 GMT", 90_000), Some(0));
        for nonsense in ["", "-1", "soon", "99999999999999999999"] {
            assert_eq!(wish(nonsense, 0), None, "{nonsense}");
        }
    }

    #[test]
    fn a_redirect_says_where_to() {
        let reply = Reply {
            status: 308,
            location: Some("https://other.example".into()),
            ..Reply::default()
        };
        assert!(
            reply.words().contains("308, a redirect to https://other.example"),
            "{}",
            reply.words()
        );
    }
}
