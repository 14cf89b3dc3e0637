//! Requests of plugins.

use ipnet::IpNet;
use seawall_domain::{Digest, Millis};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// One request of a plugin, or one refusal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EgressRow {
    /// Row id, rising; 0 before it is stored.
    pub id: i64,
    /// When it started.
    pub at: Millis,
    /// The integration.
    pub integration: String,
    /// The component.
    pub digest: Digest,
    /// Upper case.
    pub method: String,
    /// `http` or `https`.
    pub scheme: String,
    /// Normalised.
    pub host: String,
    /// Always given.
    pub port: u16,
    /// Without query.
    pub path: String,
    /// `allowed` or `refused`.
    pub allowed: bool,
    /// The rule that allowed it (`network[0]`), or that was nearest.
    pub rule: Option<String>,
    /// That rule's path pattern that matched, as the manifest has it; none for refusals.
    pub pattern: Option<String>,
    /// Why it was refused, or failed.
    pub reason: Option<String>,
    /// Of the response.
    pub status: Option<u16>,
    /// Bytes of the request's body.
    pub sent: u64,
    /// Bytes of the response's body.
    pub received: u64,
    /// Microseconds to the end of the body.
    pub micros: u64,
    /// The credential that was attached.
    pub credential: Option<String>,
    /// Whether the tool said that nothing has changed, and the host answered from what it had kept.
    pub unchanged: bool,
    /// The address that was connected to; none where nothing was.
    pub address: Option<IpAddr>,
    /// The private range of the grant that opened this address; none for public ones.
    pub private_range: Option<IpNet>,
}

/// Which egress records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EgressFilter {
    /// Of one integration.
    pub integration: Option<String>,
    /// Of any of these components; none: of all.
    pub digests: Option<Vec<Digest>>,
    /// To one host, or connected to one address; an IPv6 address in brackets, as URLs have it.
    pub host: Option<String>,
    /// Only allowed or only refused ones.
    pub allowed: Option<bool>,
    /// From this time on.
    pub since: Option<Millis>,
    /// Before this time.
    pub until: Option<Millis>,
}

/// What a plugin really used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EgressUsageRow {
    /// The component.
    pub digest: Digest,
    /// The integration.
    pub integration: String,
    /// `network[0]`; empty for refusals that were near no rule.
    pub rule: String,
    /// The rule's path pattern that matched; empty for refusals, and where it was not kept yet.
    pub pattern: String,
    /// Upper case.
    pub method: String,
    /// Host.
    pub host: String,
    /// Whether they were allowed.
    pub allowed: bool,
    /// How many.
    pub count: u64,
    /// How many of them the tool answered with 304, and the host from what it had kept.
    pub unchanged: u64,
    /// Bytes of request bodies.
    pub sent: u64,
    /// Bytes of response bodies.
    pub received: u64,
    /// First one.
    pub first_at: Millis,
    /// Last one.
    pub last_at: Millis,
}

/// What a plugin used of its grant beside requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapabilityUsageRow {
    /// The component.
    pub digest: Digest,
    /// The integration.
    pub integration: String,
    /// `files[0]`, `catalog`, or `private_ranges[10.0.0.0/8]`.
    pub capability: String,
    /// How many calls were given the directory, how often the catalog was read, how many requests went into the range.
    pub count: u64,
    /// First one.
    pub first_at: Millis,
    /// Last one.
    pub last_at: Millis,
}

impl CapabilityUsageRow {
    /// What requests into a private range of the grant are counted as.
    pub fn of_range(range: &IpNet) -> String {
        format!("private_ranges[{range}]")
    }
}
