//! What is wrong with a subscription, field by field.

use super::{Retry, Subscription};
use ipnet::IpNet;
use std::{collections::BTreeMap, net::IpAddr};
use url::{Host, Url};

/// Headers that the host writes itself, or that belong to the connection (RFC 9110, 7.6.1).
const OWN: [&str; 11] = [
    "connection",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
const MOST_HEADERS: usize = 20;
const MOST_BYTES: usize = 4_096;

impl Subscription {
    /// What of it is wrong: a JSON pointer and what to write instead. `never` are the policy's ranges.
    pub fn problems(&self, never: &[IpNet]) -> Vec<(String, String)> {
        let mut wrong = Vec::new();
        if let Err(why) = self.check_url(never) {
            wrong.push(("/url".to_owned(), why));
        }
        for (i, field) in self.fields.iter().enumerate() {
            if field.trim().is_empty() {
                let why = "expected a field: a property, `relations.NAME`, `$title`, `$icon` or `$team`";
                wrong.push((format!("/fields/{i}"), why.to_owned()));
            }
        }
        let Retry {
            tries,
            first_seconds,
            most_seconds,
        } = self.retry;
        if !(1..=50).contains(&tries) {
            wrong.push(("/retry/tries".to_owned(), format!("expected 1 to 50, found {tries}")));
        }
        if !(0.1..=3_600.0).contains(&first_seconds) {
            let why = format!("expected 0.1 to 3600, found {first_seconds}");
            wrong.push(("/retry/firstSeconds".to_owned(), why));
        }
        if !(0.1..=86_400.0).contains(&most_seconds) || most_seconds < first_seconds {
            let why = format!("expected `firstSeconds` to 86400, found {most_seconds}");
            wrong.push(("/retry/mostSeconds".to_owned(), why));
        }
        wrong
    }

    fn check_url(&self, never: &[IpNet]) -> Result<(), String> {
        let url =
            Url::parse(&self.url).map_err(|e| format!("{e}; expected an address such as https://example.com/hook"))?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(format!("expected https://…, found `{}:`", url.scheme()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(
                "it holds a user or a password; give them as a header: `headers: {Authorization: …}`".to_owned(),
            );
        }
        if url.fragment().is_some() {
            return Err("it ends with `#…`, which is not sent; leave that out".to_owned());
        }
        if url.scheme() == "http" && self.private_ranges.is_empty() {
            let why = "plain http goes to private addresses alone: write https://…, or name the receiver's addresses in \
                       `privateRanges`";
            return Err(why.to_owned());
        }
        let address: IpAddr = match url.host() {
            Some(Host::Ipv4(v4)) => v4.into(),
            Some(Host::Ipv6(v6)) => v6.into(),
            Some(Host::Domain(_)) => return Ok(()),
            None => return Err("it has no host".to_owned()),
        };
        self.destination(never).check(address)
    }
}

/// What is wrong with a subscription's headers: a JSON pointer and what to write instead. Values are not repeated.
pub fn header_problems(headers: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let mut wrong = Vec::new();
    if headers.len() > MOST_HEADERS {
        wrong.push(("/headers".to_owned(), format!("at most {MOST_HEADERS} are sent")));
    }
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    for (name, value) in headers {
        let at = format!("/headers/{}", name.replace('~', "~0").replace('/', "~1"));
        let lower = name.to_ascii_lowercase();
        if name.is_empty() || !name.chars().all(is_token) {
            wrong.push((
                at,
                "this is no header's name; expected one such as `Authorization`".to_owned(),
            ));
        } else if lower.starts_with("webhook-") || OWN.contains(&lower.as_str()) {
            wrong.push((at, format!("`{name}` is the host's own; leave it out")));
        } else if value.len() > MOST_BYTES || value.trim() != value || value.chars().any(|c| !(' '..='~').contains(&c))
        {
            let why = format!("expected printable ASCII without outer spaces, at most {MOST_BYTES} characters");
            wrong.push((at, why));
        }
    }
    wrong
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[track_caller]
    fn check(document: Value, expect: &[(&str, &str)]) {
        let subscription: Subscription = serde_json::from_value(document.clone()).unwrap();
        let wrong = subscription.problems(&["10.9.0.0/16".parse().unwrap()]);
        assert_eq!(wrong.len(), expect.len(), "{document}: {wrong:?}");
        for ((pointer, why), (at, part)) in wrong.iter().zip(expect) {
            assert!(pointer == at && why.contains(part), "{document}: {wrong:?}");
        }
    }

    #[test]
    fn an_address_is_public_or_named() {
        check(json!({"url": "https://example.com/hook"}), &[]);
        check(json!({"url": "https://93.184.216.34/hook"}), &[]);
        check(json!({"url": "nonsense"}), &[("/url", "https://example.com/hook")]);
        check(json!({"url": "ftp://example.com"}), &[("/url", "expected https")]);
        check(json!({"url": "https://u:p@example.com"}), &[("/url", "Authorization")]);
        check(json!({"url": "https://example.com/#x"}), &[("/url", "not sent")]);
        check(json!({"url": "http://example.com"}), &[("/url", "`privateRanges`")]);
        check(json!({"url": "https://127.0.0.1/"}), &[("/url", "loopback")]);
        check(json!({"url": "https://[::ffff:10.0.0.1]/"}), &[("/url", "private")]);
        check(json!({"url": "https://2130706433/"}), &[("/url", "loopback")]);
        let ranges = json!(["127.0.0.0/8", "10.0.0.0/8"]);
        check(json!({"url": "http://127.0.0.1:80/", "privateRanges": ranges}), &[]);
        check(json!({"url": "http://10.1.0.1/", "privateRanges": ranges}), &[]);
        check(
            json!({"url": "http://10.9.0.1/", "privateRanges": ranges}),
            &[("/url", "private")],
        );
        check(
            json!({"url": "http://8.8.8.8/", "privateRanges": ranges}),
            &[("/url", "plain http")],
        );
        check(
            json!({"url": "https://169.254.169.254/", "privateRanges": ["169.254.0.0/16"]}),
            &[("/url", "metadata")],
        );
    }

    #[test]
    fn bounds_are_checked() {
        check(
            json!({"url": "https://example.com", "fields": [" "], "retry": {"tries": 0, "firstSeconds": 0, "mostSeconds": 1e9}}),
            &[
                ("/fields/0", "expected a field"),
                ("/retry/tries", "1 to 50"),
                ("/retry/firstSeconds", "0.1"),
                ("/retry/mostSeconds", "86400"),
            ],
        );
    }

    #[test]
    fn headers_are_not_the_hosts_own() {
        let wrong = |name: &str, value: &str| {
            let headers = BTreeMap::from([(name.to_owned(), value.to_owned())]);
            !header_problems(&headers).is_empty()
        };
        assert!(!wrong("Authorization", "Bearer x"));
        for (name, value) in [
            ("Webhook-Id", "x"),
            ("Content-Length", "1"),
            ("a b", "x"),
            ("", "x"),
            ("X", "a\r\nb"),
            ("X", " a"),
            ("X", "ü"),
        ] {
            assert!(wrong(name, value), "{name}: {value:?}");
        }
    }
}
