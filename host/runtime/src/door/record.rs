//! What a request was and how it ended: one record each, refusals included.

use super::DoorConfig;
use http::{Method, StatusCode, Uri};
use ipnet::IpNet;
use seawall_domain::{CredentialName, Digest, Millis, egress::Target};
use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

/// Where records go. Called once a request has ended; must not block.
pub type RecordSink = Arc<dyn Fn(Record) + Send + Sync>;

/// One request of a plugin.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
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
    /// Normalised, or as it was asked for where it could not be.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Without query.
    pub path: String,
    /// Whether it was let through.
    pub allowed: bool,
    /// `network[0]`, `git[0]`: the manifest's rule that allowed it, or that was nearest.
    pub rule: Option<String>,
    /// That rule's path pattern that matched, as the manifest has it; none for refusals.
    pub pattern: Option<String>,
    /// Why it was refused or failed, or a note.
    pub reason: Option<String>,
    /// The manifest's lines that would allow it.
    pub suggestion: Option<String>,
    /// Of the response.
    pub status: Option<u16>,
    /// Bytes of the request's body.
    pub sent: u64,
    /// Bytes of the response's body.
    pub received: u64,
    /// Microseconds to the end of the response's body.
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

/// A record that is still being filled. Where it is dropped before its end, since the call ended first, it is written all the same:
/// the request may have reached the tool.
pub(crate) struct Open {
    /// None once it is written.
    record: Option<Record>,
    started: Instant,
    sink: RecordSink,
    sent: Option<Arc<AtomicU64>>,
}

impl Open {
    pub(super) fn new(config: &DoorConfig, method: &Method, uri: &Uri) -> Self {
        let record = Record {
            at: (config.now)(),
            integration: config.integration.clone(),
            digest: config.digest.clone(),
            method: method.as_str().to_owned(),
            scheme: uri.scheme_str().unwrap_or("https").to_owned(),
            host: uri.host().unwrap_or_default().to_owned(),
            port: uri
                .port_u16()
                .unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 }),
            path: seawall_domain::text::cut(uri.path(), 500).into_owned(),
            allowed: true,
            rule: None,
            pattern: None,
            reason: None,
            suggestion: None,
            status: None,
            sent: 0,
            received: 0,
            micros: 0,
            credential: None,
            unchanged: false,
            address: None,
            private_range: None,
        };
        Self {
            record: Some(record),
            started: Instant::now(),
            sink: config.records.clone(),
            sent: None,
        }
    }

    fn set(&mut self, set: impl FnOnce(&mut Record)) {
        if let Some(record) = &mut self.record {
            set(record);
        }
    }

    pub(super) fn target(&mut self, target: &Target) {
        self.set(|record| {
            record.host = target.host.to_string();
            record.port = target.port;
        });
    }

    pub(super) fn rule(&mut self, rule: String) {
        self.set(|record| record.rule = Some(rule));
    }

    pub(super) fn pattern(&mut self, pattern: String) {
        self.set(|record| record.pattern = Some(pattern));
    }

    pub(super) fn credential(&mut self, name: &CredentialName) {
        self.set(|record| record.credential = Some(name.to_string()));
    }

    pub(super) fn sent(&mut self, sent: Arc<AtomicU64>) {
        self.sent = Some(sent);
    }

    pub(super) fn note(&mut self, note: &str) {
        self.set(|record| record.reason = Some(note.to_owned()));
    }

    /// What the client was connected to; a request that was sent again counts where it went last.
    pub(super) fn connected(&mut self, address: IpAddr, private_range: Option<IpNet>) {
        self.set(|record| {
            record.address = Some(address);
            record.private_range = private_range;
        });
    }

    pub(super) fn unchanged(&mut self) {
        self.set(|record| record.unchanged = true);
    }

    pub(super) fn status(&mut self, status: StatusCode) {
        self.set(|record| record.status = Some(status.as_u16()));
    }

    pub(super) fn stopped(mut self, let_through: bool, reason: String, suggestion: Option<String>) {
        self.set(|record| {
            record.allowed = let_through;
            record.reason = Some(reason);
            record.suggestion = suggestion;
        });
        self.write(0);
    }

    pub(super) fn end(mut self, received: u64) {
        self.write(received);
    }

    fn write(&mut self, received: u64) {
        let Some(mut record) = self.record.take() else {
            return;
        };
        record.received = received;
        record.sent = self.sent.take().map_or(0, |s| s.load(Ordering::Relaxed));
        record.micros = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        (self.sink)(record);
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.note("the call ended before there was an answer");
        self.write(0);
    }
}
