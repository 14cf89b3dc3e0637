//! A fetch's requests through an integration's door.

use seawall_domain::limits::Limits;
use seawall_git::{Answer, Wire, WireError};
use seawall_runtime::door::{Door, Errand, ErrandAnswer, ErrandError};
use std::sync::Arc;

/// See the module.
pub(super) struct ThroughTheDoor(Errand);

/// A fetch is three requests, and two more where a name is unknown.
const REQUESTS: u32 = 10;
/// What stands around a pack, and the names of a repository.
const AROUND: u64 = 16 << 20;

impl ThroughTheDoor {
    /// For one update, under an integration's limits.
    pub(super) fn new(door: &Arc<Door>, limits: &Limits) -> Self {
        let packs = limits.checkout_pack_bytes;
        Self(door.errand(&Limits {
            timeout_ms: limits.checkout_timeout_ms,
            // The pack itself is counted without what it is wrapped in.
            response_bytes: packs.saturating_add(packs / 50).saturating_add(AROUND),
            requests: REQUESTS,
            ..*limits
        }))
    }
}

fn failed(error: ErrandError) -> WireError {
    match error {
        ErrandError::Refused(_) => WireError::Refused(error.to_string()),
        ErrandError::Crossed("response_bytes") => WireError::TooLarge,
        ErrandError::Failed(_) | ErrandError::Crossed(_) => WireError::Failed(error.to_string()),
    }
}

#[async_trait::async_trait]
impl Wire for ThroughTheDoor {
    async fn send(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Box<dyn Answer>, WireError> {
        let answer = self.0.send(method, url, headers, body).await.map_err(failed)?;
        Ok(Box::new(Heard(answer)))
    }
}

struct Heard(ErrandAnswer);

#[async_trait::async_trait]
impl Answer for Heard {
    fn status(&self) -> u16 {
        self.0.status
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.0.header(name)
    }

    async fn piece(&mut self) -> Result<Option<bytes::Bytes>, WireError> {
        self.0.piece().await.map_err(failed)
    }
}
