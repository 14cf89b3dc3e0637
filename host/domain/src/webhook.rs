//! Deliveries: how their signatures are checked, and which of their headers a plugin sees.
//!
//! Schemes are those of the tools' own pages: GitHub "Validating webhook deliveries", GitLab "Webhooks: secret token",
//! Slack "Verifying requests", PagerDuty "Webhook signatures" (v3), and Standard Webhooks 1.0.

use crate::{CredentialName, Millis};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// How the deliveries of an integration are checked, as its document says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Whose way of signing it is.
    pub scheme: Scheme,
    /// The credential whose secret the tool signs with, or sends.
    pub secret: CredentialName,
    /// For `hmac` and `token`: the header that holds the signature or the token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// For `hmac` and `token`: what stands before it in the header, such as `sha256=` or `Bearer `.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// For `hmac`, `token` and `basic`: the header that names a delivery, by which a second one of the same is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_header: Option<String>,
}

/// A way of signing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    /// `X-Hub-Signature-256`: HMAC-SHA256 of the body, in hex.
    Github,
    /// `X-Gitlab-Token`: the secret itself.
    Gitlab,
    /// `X-Slack-Signature`: HMAC-SHA256 of version, time and body, in hex.
    Slack,
    /// `X-PagerDuty-Signature`: one or more HMAC-SHA256 of the body, in hex.
    Pagerduty,
    /// `webhook-signature`: one or more HMAC-SHA256 of id, time and body, in base64.
    Standard,
    /// HMAC-SHA256 of the body in a header of one's own, in hex or base64.
    Hmac,
    /// The secret itself in a header of one's own; `Authorization: Bearer …` where none is named.
    Token,
    /// `Authorization: Basic …`; the secret is `user:password`.
    Basic,
}

/// Signatures with a time are taken for so long after it, and before it where clocks differ.
const TOLERANCE: Millis = 5 * 60 * 1000;

/// Headers that prove who sent a delivery, or carry sessions: neither kept nor given to a plugin.
const PROOFS: &[&str] = &[
    "authorization",
    "cookie",
    "proxy-authorization",
    "webhook-signature",
    "x-gitlab-token",
    "x-hub-signature",
    "x-hub-signature-256",
    "x-pagerduty-signature",
    "x-slack-signature",
];

/// Why a delivery is not taken, in words for who set the tool up. No part of a secret is in them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unproven(String);

/// A header by its name in lower case.
pub type Headers<'h> = &'h [(String, String)];

impl Webhook {
    /// What of the document does not fit its scheme: a field and what to write.
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let mut all = Vec::new();
        let own = matches!(self.scheme, Scheme::Hmac | Scheme::Token);
        let named = matches!(self.scheme, Scheme::Hmac | Scheme::Token | Scheme::Basic);
        if self.scheme == Scheme::Hmac && self.header.is_none() {
            let why =
                "the scheme `hmac` needs the header that holds the signature, for example `header: X-Signature-256`";
            all.push(("header", why.to_owned()));
        }
        for (field, given, fits) in [
            ("header", &self.header, own),
            ("prefix", &self.prefix, own),
            ("id_header", &self.id_header, named),
        ] {
            if given.is_some() && !fits {
                all.push((field, format!("the scheme has its own `{field}`; leave it out")));
            }
        }
        for (field, name) in [("header", &self.header), ("id_header", &self.id_header)] {
            let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
            if let Some(name) = name
                && (name.is_empty() || !name.chars().all(is_token))
            {
                all.push((
                    field,
                    format!("expected a header's name, such as `X-Signature-256`, found `{name}`"),
                ));
            }
        }
        all
    }

    /// Checks who sent a delivery, in constant time. Nothing of the body is read before.
    ///
    /// # Errors
    /// [`Unproven`], in words for who set the tool up.
    pub fn verify(&self, secret: &str, headers: Headers<'_>, body: &[u8], now: Millis) -> Result<(), Unproven> {
        let (header, prefix) = self.proof();
        let given = get(headers, &header).ok_or_else(|| {
            Unproven(format!(
                "the header `{header}` is missing; set the tool up to sign its deliveries with the secret"
            ))
        })?;
        let wrong = || {
            Unproven(format!(
                "what `{header}` holds does not fit the secret; is it the same in the tool?"
            ))
        };
        let proven = match self.scheme {
            Scheme::Gitlab | Scheme::Token => given
                .strip_prefix(prefix.as_str())
                .is_some_and(|token| equal(token.as_bytes(), secret.as_bytes())),
            Scheme::Basic => given
                .strip_prefix(prefix.as_str())
                .is_some_and(|token| equal(token.as_bytes(), STANDARD.encode(secret).as_bytes())),
            Scheme::Github | Scheme::Hmac => given
                .strip_prefix(prefix.as_str())
                .is_some_and(|signature| signed(secret.as_bytes(), &[body], signature)),
            Scheme::Pagerduty => {
                // Each secret in use signs; one of them is this one.
                let parts = given.split(',').filter_map(|part| part.trim().strip_prefix("v1="));
                any(parts.map(|signature| signed(secret.as_bytes(), &[body], signature)))
            }
            Scheme::Slack => {
                let time = timely(headers, "x-slack-request-timestamp", now)?;
                let parts: [&[u8]; 4] = [b"v0:", time.as_bytes(), b":", body];
                given
                    .strip_prefix(prefix.as_str())
                    .is_some_and(|signature| signed(secret.as_bytes(), &parts, signature))
            }
            Scheme::Standard => {
                let time = timely(headers, "webhook-timestamp", now)?;
                let id =
                    get(headers, "webhook-id").ok_or_else(|| Unproven("the header `webhook-id` is missing".into()))?;
                let key = secret.strip_prefix("whsec_").and_then(|key| STANDARD.decode(key).ok());
                let key = key.unwrap_or_else(|| secret.as_bytes().to_vec());
                let parts: [&[u8]; 5] = [id.as_bytes(), b".", time.as_bytes(), b".", body];
                let given = given.split(' ').filter_map(|part| part.strip_prefix("v1,"));
                any(given.map(|signature| signed(&key, &parts, signature)))
            }
        };
        if proven { Ok(()) } else { Err(wrong()) }
    }

    /// What tells a delivery from another, by which a second one of the same is known. None where the tool names none.
    pub fn id(&self, headers: Headers<'_>, body: &[u8]) -> Option<String> {
        let named = |name: &str| get(headers, name).filter(|id| !id.is_empty()).map(str::to_owned);
        match self.scheme {
            // The same for each attempt of one delivery; older versions have none.
            Scheme::Gitlab => named("idempotency-key"),
            Scheme::Standard => named("webhook-id"),
            // Its time is signed too: another delivery of an equal body has another one.
            Scheme::Slack => named("x-slack-signature"),
            // The body alone is signed, and holds ids and times of its own: a replay could name any delivery.
            Scheme::Github | Scheme::Pagerduty => Some(crate::Digest::of(body).to_string()),
            Scheme::Hmac | Scheme::Token | Scheme::Basic => self.id_header.as_deref().and_then(named),
        }
    }

    /// The headers that are kept and given to the plugin: all but those that prove who sent it.
    pub fn kept(&self, headers: Vec<(String, String)>) -> Vec<(String, String)> {
        let own = self.proof().0.to_ascii_lowercase();
        let proof = |name: &str| PROOFS.contains(&name) || name == own;
        headers
            .into_iter()
            .filter(|(name, _)| !proof(&name.to_ascii_lowercase()))
            .collect()
    }

    /// What to answer to a tool that wants to see that it reached the right place, in plain text: Slack's challenge.
    pub fn challenge(&self, body: &[u8]) -> Option<String> {
        if self.scheme != Scheme::Slack {
            return None;
        }
        let body: serde_json::Value = serde_json::from_slice(body).ok()?;
        let asked = body["type"] == "url_verification";
        body["challenge"].as_str().filter(|_| asked).map(str::to_owned)
    }

    /// The header that holds the proof, and what stands before it there.
    fn proof(&self) -> (String, String) {
        let (header, prefix) = match self.scheme {
            Scheme::Github => ("x-hub-signature-256", "sha256="),
            Scheme::Gitlab => ("x-gitlab-token", ""),
            Scheme::Slack => ("x-slack-signature", "v0="),
            Scheme::Pagerduty => ("x-pagerduty-signature", ""),
            Scheme::Standard => ("webhook-signature", ""),
            Scheme::Basic => ("authorization", "Basic "),
            Scheme::Token if self.header.is_none() => ("authorization", "Bearer "),
            Scheme::Hmac | Scheme::Token => ("", ""),
        };
        let own = |own: &Option<String>, scheme: &str| own.clone().unwrap_or_else(|| scheme.to_owned());
        (own(&self.header, header), own(&self.prefix, prefix))
    }
}

fn get<'h>(headers: Headers<'h>, name: &str) -> Option<&'h str> {
    let mut all = headers.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name));
    all.next().map(|(_, value)| value.as_str())
}

fn equal(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

/// Whether any is true, without a short cut.
fn any(all: impl Iterator<Item = bool>) -> bool {
    all.fold(false, |any, one| any | one)
}

/// Whether `signature`, in hex or base64, is the HMAC-SHA256 of the parts one after another.
fn signed(key: &[u8], parts: &[&[u8]], signature: &str) -> bool {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return false;
    };
    parts.iter().for_each(|part| mac.update(part));
    let given = hex::decode(signature).ok().or_else(|| STANDARD.decode(signature).ok());
    given.is_some_and(|given| mac.verify_slice(&given).is_ok())
}

/// The time that a delivery says it was signed at, in seconds since 1970, where it is not too far from now.
fn timely<'h>(headers: Headers<'h>, name: &str, now: Millis) -> Result<&'h str, Unproven> {
    let text = get(headers, name).ok_or_else(|| Unproven(format!("the header `{name}` is missing")))?;
    let at: Option<Millis> = text.parse().ok().and_then(|seconds: Millis| seconds.checked_mul(1000));
    let at = at.ok_or_else(|| Unproven(format!("`{name}` is no time in seconds since 1970")))?;
    if (now - at).abs() > TOLERANCE {
        return Err(Unproven(format!(
            "`{name}` is more than 5 minutes from now: a delivery that is sent again, or a clock that is wrong"
        )));
    }
    Ok(text)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const NOW: Millis = 1_614_265_330_000;

    fn webhook(value: Value) -> Webhook {
        let mut all = json!({"secret": "hook"});
        all.as_object_mut().unwrap().extend(value.as_object().unwrap().clone());
        serde_json::from_value(all).unwrap()
    }

    fn headers(all: &[(&str, &str)]) -> Vec<(String, String)> {
        all.iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn mac(key: &[u8], text: &str) -> Vec<u8> {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().to_vec()
    }

    #[test]
    fn the_tools_own_published_examples_are_proven() {
        // GitHub: "Validating webhook deliveries", "Testing the webhook payload validation".
        let github = webhook(json!({"scheme": "github"}));
        let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let given = headers(&[("x-hub-signature-256", signature)]);
        assert_eq!(
            github.verify("It's a Secret to Everybody", &given, b"Hello, World!", NOW),
            Ok(())
        );
        // Standard Webhooks: the libraries' shared example.
        let standard = webhook(json!({"scheme": "standard"}));
        let given = headers(&[
            ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
            ("webhook-timestamp", "1614265330"),
            ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        ]);
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        assert_eq!(standard.verify(secret, &given, br#"{"test": 2432232314}"#, NOW), Ok(()));
        assert_eq!(
            standard.id(&given, b"").as_deref(),
            Some("msg_p5jXN8AQM9LWM0D4loKWxJek")
        );
        // Slack: "Verifying requests from Slack".
        let slack = webhook(json!({"scheme": "slack"}));
        let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
        let given = headers(&[
            ("X-Slack-Request-Timestamp", "1531420618"),
            (
                "X-Slack-Signature",
                "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
            ),
        ]);
        let secret = "8f742231b10e8888abcd99yyyzzz85a5";
        assert_eq!(slack.verify(secret, &given, body.as_bytes(), 1_531_420_618_000), Ok(()));
    }

    #[test]
    fn each_scheme_takes_what_fits_and_nothing_else() {
        let hex = |key: &str, text: &str| hex::encode(mac(key.as_bytes(), text));
        let body = "{\"a\":1}";
        let time = (NOW / 1000).to_string();
        let cases = [
            (
                webhook(json!({"scheme": "github"})),
                headers(&[("X-Hub-Signature-256", &format!("sha256={}", hex("s3cret", body)))]),
            ),
            (
                webhook(json!({"scheme": "gitlab"})),
                headers(&[("X-Gitlab-Token", "s3cret")]),
            ),
            (
                webhook(json!({"scheme": "slack"})),
                headers(&[
                    ("x-slack-request-timestamp", &time),
                    (
                        "x-slack-signature",
                        &format!("v0={}", hex("s3cret", &format!("v0:{time}:{body}"))),
                    ),
                ]),
            ),
            (
                webhook(json!({"scheme": "pagerduty"})),
                headers(&[(
                    "x-pagerduty-signature",
                    &format!("v1={}, v1={}", hex("older", body), hex("s3cret", body)),
                )]),
            ),
            (
                webhook(json!({"scheme": "hmac", "header": "X-Sig"})),
                headers(&[("x-sig", &STANDARD.encode(mac(b"s3cret", body)))]),
            ),
            (
                webhook(json!({"scheme": "hmac", "header": "X-Sig", "prefix": "sha256="})),
                headers(&[("x-sig", &format!("sha256={}", hex("s3cret", body)))]),
            ),
            (
                webhook(json!({"scheme": "token"})),
                headers(&[("authorization", "Bearer s3cret")]),
            ),
            (
                webhook(json!({"scheme": "token", "header": "X-Token"})),
                headers(&[("x-token", "s3cret")]),
            ),
            (
                webhook(json!({"scheme": "basic"})),
                headers(&[("authorization", "Basic czNjcmV0")]),
            ),
        ];
        for (webhook, given) in cases {
            assert!(webhook.problems().is_empty(), "{webhook:?}");
            assert_eq!(
                webhook.verify("s3cret", &given, body.as_bytes(), NOW),
                Ok(()),
                "{webhook:?}"
            );
            webhook.verify("s3cres", &given, body.as_bytes(), NOW).unwrap_err();
            webhook.verify("s3cret", &[], body.as_bytes(), NOW).unwrap_err();
            webhook.verify("", &given, body.as_bytes(), NOW).unwrap_err();
            let signs = !matches!(webhook.scheme, Scheme::Gitlab | Scheme::Token | Scheme::Basic);
            assert_eq!(
                webhook.verify("s3cret", &given, b"{}", NOW).is_err(),
                signs,
                "{webhook:?}"
            );
            let late = webhook.verify("s3cret", &given, body.as_bytes(), NOW + TOLERANCE + 1000);
            assert_eq!(late.is_err(), webhook.scheme == Scheme::Slack, "{webhook:?}");
            // What proves is not kept.
            let kept = webhook.kept(given.clone());
            assert!(
                kept.iter().all(|(name, _)| name == "x-slack-request-timestamp"),
                "{kept:?}"
            );
        }
    }

    #[test]
    fn says_what_does_not_fit_a_scheme() {
        let fields = |value| {
            webhook(value)
                .problems()
                .into_iter()
                .map(|(field, _)| field)
                .collect::<Vec<_>>()
        };
        assert_eq!(fields(json!({"scheme": "hmac"})), ["header"]);
        assert_eq!(
            fields(json!({"scheme": "github", "header": "X-A", "id_header": "X-B"})),
            ["header", "id_header"]
        );
        assert_eq!(fields(json!({"scheme": "hmac", "header": "X A"})), ["header"]);
        assert_eq!(fields(json!({"scheme": "basic", "id_header": "X-Id"})), [""; 0]);
    }

    #[test]
    fn slack_sees_its_challenge_again() {
        let body = br#"{"type": "url_verification", "challenge": "abc"}"#;
        assert_eq!(
            webhook(json!({"scheme": "slack"})).challenge(body).as_deref(),
            Some("abc")
        );
        assert_eq!(webhook(json!({"scheme": "github"})).challenge(body), None);
    }
}
