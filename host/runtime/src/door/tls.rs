//! Whom to trust: the system's authorities, about 150 of them, read once for all integrations. Reading them for each
//! client was a good part of a start with 20 plugins.

use crate::credential::Identity;
use hyper_rustls::ConfigBuilderExt;
use rustls::{
    ClientConfig, ConfigBuilder, RootCertStore,
    client::{Resumption, WantsClientCert},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// An authority that an operator installs is seen by clients that are made after so long: without a restart, where the
/// integration is put again.
const FRESH: Duration = Duration::from_secs(60);

static SHARED: Mutex<Option<(Instant, ClientConfig)>> = Mutex::new(None);

/// Whom a client trusts, and as whom it shows itself.
#[derive(Clone, Default)]
pub(crate) struct Trust {
    /// These authorities alone; none: the system's.
    authorities: Option<Arc<RootCertStore>>,
    identity: Option<(Vec<CertificateDer<'static>>, Arc<PrivateKeyDer<'static>>)>,
}

impl Trust {
    /// `ca` is a PEM text of one or more authorities.
    ///
    /// # Errors
    /// Where it is none.
    pub(crate) fn of(ca: Option<&str>, identity: Option<&Identity>) -> Result<Self, String> {
        let authorities = ca.map(authorities).transpose()?.map(Arc::new);
        let identity = identity.map(|it| (it.chain.clone(), Arc::new(it.key.clone_key())));
        Ok(Self { authorities, identity })
    }
}

/// Reads the authorities of a PEM text.
///
/// # Errors
/// Where there are none, or one is damaged.
pub fn authorities(ca: &str) -> Result<RootCertStore, String> {
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca.as_bytes()) {
        let certificate = certificate.map_err(|_| "`ca` is no valid PEM".to_owned())?;
        store
            .add(certificate)
            .map_err(|e| format!("a certificate in `ca` cannot be an authority: {e}"))?;
    }
    if store.is_empty() {
        return Err("`ca` holds no certificate: expected PEM, `-----BEGIN CERTIFICATE-----` and so on".to_owned());
    }
    Ok(store)
}

/// A configuration for a client that shows nothing of itself, and trusts the authorities of a PEM text alone; without one, the
/// system's.
///
/// # Errors
/// As [`authorities`].
pub fn client_config(ca: Option<&str>) -> Result<ClientConfig, String> {
    config(&Trust::of(ca, None)?)
}

/// A configuration for one integration's client: the system's authorities are shared, sessions are its own.
///
/// # Errors
/// Where key and certificate of the identity do not go together.
pub(crate) fn config(trust: &Trust) -> Result<ClientConfig, String> {
    let builder = match (&trust.authorities, &trust.identity) {
        (None, None) => return Ok(systems()),
        (Some(own), _) => ClientConfig::builder().with_root_certificates(own.clone()),
        (None, Some(_)) => trusting(),
    };
    match &trust.identity {
        None => Ok(builder.with_no_client_auth()),
        Some((chain, key)) => builder
            .with_client_auth_cert(chain.clone(), key.clone_key())
            .map_err(|e| format!("the client certificate and its key cannot be used: {e}")),
    }
}

/// The system's authorities, read anew every minute.
fn systems() -> ClientConfig {
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

fn read() -> ClientConfig {
    trusting().with_no_client_auth()
}

/// Operators trust their own authorities by installing them in the system; where there are none, Mozilla's.
fn trusting() -> ConfigBuilder<ClientConfig, WantsClientCert> {
    ClientConfig::builder()
        .with_native_roots()
        .unwrap_or_else(|_| ClientConfig::builder().with_webpki_roots())
}
