//! Whom to trust: the system's authorities, about 150 of them, read once for all integrations. Reading them for each
//! client was a good part of a start with 20 plugins.

use hyper_rustls::ConfigBuilderExt;
use rustls::{ClientConfig, client::Resumption};
use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// An authority that an operator installs is seen by clients that are made after so long: without a restart, where the
/// integration is put again.
const FRESH: Duration = Duration::from_secs(60);

static SHARED: Mutex<Option<(Instant, ClientConfig)>> = Mutex::new(None);

/// A configuration for one integration's client: authorities are shared, sessions are its own.
pub(super) fn config() -> ClientConfig {
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    let mut config = match &*shared {
        Some((read, config)) if read.elapsed() < FRESH => config.clone(),
        _ => {
            let config = read();
            *shared = Some((Instant::now(), config.clone()));
            config
        }
    };
    drop(shared);
    config.resumption = Resumption::default();
    config
}

/// Operators trust their own authorities by installing them in the system; where there are none, Mozilla's.
fn read() -> ClientConfig {
    let trusting = ClientConfig::builder()
        .with_native_roots()
        .unwrap_or_else(|_| ClientConfig::builder().with_webpki_roots());
    trusting.with_no_client_auth()
}
