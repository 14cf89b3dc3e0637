//! What is attached now.

use crate::door::redact::{Redactor, needles};
use rustls::pki_types::{
    CertificateDer, PrivateKeyDer,
    pem::{self, PemObject},
};
use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

/// Secrets of one credential that are cut out of answers, those before it included.
const REMEMBERED: usize = 12;

/// A secret as requests use it, until it ends. Never printed.
#[derive(Clone)]
pub struct Live(Arc<Inner>);

struct Inner {
    used: Use,
    /// What is cut out of answers, the newest first.
    secrets: Vec<String>,
    redactor: Redactor,
    /// When it is to be made anew; none: never by itself.
    renew: Option<Instant>,
    /// When it is of no use any more.
    ends: Option<Instant>,
    made: Instant,
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Live(…)")
    }
}

/// How it is used.
#[derive(PartialEq, Eq)]
pub(crate) enum Use {
    /// This text is attached as the manifest says.
    Text(String),
    /// Requests are signed.
    SigV4 {
        access_key_id: String,
        secret: String,
        session_token: Option<String>,
        region: Option<String>,
        service: Option<String>,
    },
    /// The connection shows a certificate.
    Certificate(Identity),
}

/// A client certificate with those that follow it, and its key.
#[derive(PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
}

impl Identity {
    /// Reads both from PEM texts; the first error says which text is to be mended, without repeating it.
    pub(crate) fn read(key: &str, certificate: Option<&str>) -> Result<Self, String> {
        let words = |what: &str, e: &pem::Error| match e {
            pem::Error::NoItemsFound => format!("{what} holds no PEM section of that sort"),
            _ => format!("{what} is no valid PEM"),
        };
        let found = PrivateKeyDer::from_pem_slice(key.as_bytes());
        let found = found.map_err(|e| words("the secret of a client certificate is its private key, but it", &e))?;
        let text = certificate.unwrap_or(key);
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
        let chain = chain.map_err(|e| words("the client certificate", &e))?;
        if chain.is_empty() {
            let why = "there is no client certificate: write it in `exchange.client-certificate.certificate`, or put it before the key in the secret";
            return Err(why.to_owned());
        }
        Ok(Self { chain, key: found })
    }
}

impl Live {
    /// `secrets` are cut out of answers; `lives` is how long it is of use.
    pub(crate) fn new<'s>(used: Use, secrets: impl IntoIterator<Item = &'s str>, lives: Option<Duration>) -> Self {
        let made = Instant::now();
        // A little before its end, so that no request is sent with what ends on its way.
        let margin = |lives: Duration| (lives / 10).min(Duration::from_secs(60));
        let secrets: Vec<String> = secrets.into_iter().map(str::to_owned).collect();
        Self(Arc::new(Inner {
            used,
            redactor: Redactor::new(secrets.iter().flat_map(|secret| needles(secret)).collect()),
            secrets,
            renew: lives.map(|lives| made + lives.saturating_sub(margin(lives))),
            ends: lives.map(|lives| made + lives),
            made,
        }))
    }

    /// Cuts what was used before it out of answers too: a tool may show a secret that it no longer takes, and another tool may
    /// take it still.
    pub(crate) fn after(mut self, old: Option<&Self>) -> Self {
        if let (Some(inner), Some(old)) = (Arc::get_mut(&mut self.0), old) {
            for secret in &old.0.secrets {
                if inner.secrets.len() < REMEMBERED && !inner.secrets.contains(secret) {
                    inner.secrets.push(secret.clone());
                }
            }
            inner.redactor = Redactor::new(inner.secrets.iter().flat_map(|secret| needles(secret)).collect());
        }
        self
    }

    /// A text that is attached as it is and never ends.
    pub fn text(secret: String) -> Self {
        let used = Use::Text(secret.clone());
        Self::new(used, [secret.as_str()], None)
    }

    pub(crate) fn used(&self) -> &Use {
        &self.0.used
    }

    /// Finds it, and what it was made of, in each form in which a tool may echo it.
    pub(crate) fn redactor(&self) -> Redactor {
        self.0.redactor.clone()
    }

    pub(crate) fn is_due(&self) -> bool {
        self.0.renew.is_some_and(|at| at <= Instant::now())
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.0.ends.is_some_and(|at| at <= Instant::now())
    }

    pub(crate) fn age(&self) -> Duration {
        self.0.made.elapsed()
    }

    /// Seconds until it ends.
    pub(crate) fn rest(&self) -> Option<Duration> {
        self.0.ends.map(|at| at.saturating_duration_since(Instant::now()))
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}
