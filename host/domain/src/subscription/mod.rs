//! Subscriptions: who is told of changes, of which, and how a message is signed and tried again.
//!
//! Messages are those of Standard Webhooks 1.0.0
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>).

mod check;
mod filter;
mod retry;
mod sign;

pub use check::header_problems;
pub use filter::{ChangeFilter, Kind, Seen};
pub use retry::{AfterAnswer, Answered, Retry};
pub use sign::{SECRET_BYTES, secret, signature};

use crate::{BlueprintId, Millis, egress::AddressPolicy};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, net::IpAddr};

/// A subscription as people write it, without what is secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Subscription {
    /// Where messages go: `https://…`, or `http://…` to addresses that `privateRanges` names.
    pub url: String,
    /// Only entities of these blueprints; empty: all.
    #[serde(default)]
    pub blueprints: Vec<BlueprintId>,
    /// Only these kinds of changes; empty: all.
    #[serde(default)]
    pub kinds: Vec<Kind>,
    /// Of updates only those that change one of these fields; empty: all. See [`ChangeFilter::fields`].
    #[serde(default)]
    pub fields: Vec<String>,
    /// Private addresses that it may lead to, loopback among them. Others than public ones are refused.
    #[serde(default)]
    pub private_ranges: Vec<IpNet>,
    /// Authorities that the receiver's certificate may come from, as PEM; absent: the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// When a message that was not taken is sent again.
    #[serde(default)]
    pub retry: Retry,
    /// Leaves out the entity itself, so that a message says what changed and no more.
    #[serde(default)]
    pub thin: bool,
}

impl Subscription {
    /// The changes that it is told of.
    pub fn filter(&self) -> ChangeFilter {
        ChangeFilter {
            blueprints: self.blueprints.clone(),
            kinds: self.kinds.clone(),
            fields: self.fields.clone(),
            ..ChangeFilter::default()
        }
    }

    /// Where its messages may go; `never` are the policy's ranges.
    pub fn destination(&self, never: &[IpNet]) -> Destination {
        Destination {
            url: self.url.clone(),
            addresses: AddressPolicy {
                private_ranges: self.private_ranges.clone(),
                never: never.to_vec(),
            },
            plaintext: self.url.to_ascii_lowercase().starts_with("http:"),
            ca: self.ca.clone(),
        }
    }
}

/// Where messages go, and to which addresses alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The address of the receiver.
    pub url: String,
    /// Judges each address that its name resolves to.
    pub addresses: AddressPolicy,
    /// Without TLS, and so to the named private ranges alone.
    pub plaintext: bool,
    /// See [`Subscription::ca`].
    pub ca: Option<String>,
}

impl Destination {
    /// Whether messages may go to an address.
    ///
    /// # Errors
    /// Why not, with what to write.
    pub fn check(&self, address: IpAddr) -> Result<(), String> {
        self.addresses.check(address).map_err(|kind| {
            let range = IpNet::from(address);
            format!("{address} is no public address ({kind}); where that is meant, name it: `privateRanges: [{range}]`")
        })?;
        let plain = address.to_canonical();
        let named = self.addresses.private_ranges.iter().any(|range| range.contains(&plain));
        if self.plaintext && !named {
            return Err(format!(
                "{address} is not in `privateRanges`, and plain http goes nowhere else; write https://…"
            ));
        }
        Ok(())
    }
}

/// What is secret of a subscription. It is sealed where it is stored, and never shown again.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secrets {
    /// `whsec_…`; messages are signed with it.
    pub current: String,
    /// The secret before, and until when messages are signed with it too.
    #[serde(default)]
    pub previous: Option<(String, Millis)>,
    /// Further headers of each message, such as `Authorization`.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}

/// A secret that was replaced signs for so long beside the new one.
pub const ROTATION: Millis = 24 * 3600 * 1000;

impl Secrets {
    /// The first secret of a subscription.
    pub fn new(current: String) -> Self {
        Self {
            current,
            previous: None,
            headers: BTreeMap::new(),
        }
    }

    /// Puts a new secret in the place of the current one, which signs for 24 hours more.
    pub fn rotate(&mut self, new: String, now: Millis) {
        let old = std::mem::replace(&mut self.current, new);
        self.previous = Some((old, now + ROTATION));
    }

    /// The secrets that sign at a time: the current one first.
    pub fn in_force(&self, now: Millis) -> Vec<&str> {
        let old = self.previous.as_ref().filter(|(_, until)| *until > now);
        std::iter::once(self.current.as_str())
            .chain(old.map(|(secret, _)| secret.as_str()))
            .collect()
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets(…)")
    }
}

/// How long the change log is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Retention {
    /// Changes that are older than so many days may go.
    pub days: u32,
    /// So many of the newest stay, however old.
    pub rows: u64,
    /// What a subscription has not been told of yet stays for so many days, even where it is older than `days`.
    pub pending_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            days: 90,
            rows: 100_000,
            pending_days: 120,
        }
    }
}

impl Retention {
    /// What of it cannot be: a JSON pointer, and what to write instead.
    pub fn problems(&self) -> Vec<(String, String)> {
        if self.pending_days >= self.days {
            return Vec::new();
        }
        let why = format!(
            "expected at least `days`, which is {}, found {}",
            self.days, self.pending_days
        );
        vec![("/pendingDays".to_owned(), why)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_was_replaced_signs_for_a_day_more() {
        let mut secrets = Secrets::new("old".into());
        assert_eq!(secrets.in_force(0), ["old"]);
        secrets.rotate("new".into(), 1_000);
        assert_eq!(secrets.in_force(1_000 + ROTATION - 1), ["new", "old"]);
        assert_eq!(secrets.in_force(1_000 + ROTATION), ["new"]);
        assert!(!format!("{secrets:?}").contains("new"));
    }
}
