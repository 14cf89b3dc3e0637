//! An authority of a test's own, and what it signs.

use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use std::sync::Arc;
use tokio_rustls::rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};

/// A private authority.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate and its key, as PEM.
pub struct Signed {
    /// The certificate.
    pub certificate: String,
    /// Its key.
    pub key: String,
}

impl Authority {
    /// A new one.
    ///
    /// # Panics
    /// Where there is no randomness.
    pub fn new() -> Self {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters
            .distinguished_name
            .push(DnType::CommonName, "an authority of a test");
        let key = KeyPair::generate().expect("a key");
        let certificate = parameters.self_signed(&key).expect("a certificate");
        Self {
            pem: certificate.pem(),
            issuer: Issuer::new(parameters, key),
        }
    }

    /// Its certificate, as PEM.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Signs a certificate for a name or an address.
    ///
    /// # Panics
    /// Where the name is none.
    pub fn sign(&self, name: &str) -> Signed {
        let mut parameters = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().expect("a key");
        let certificate = parameters.signed_by(&key, &self.issuer).expect("a certificate");
        Signed {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }

    /// A server for 127.0.0.1 with a certificate of this authority; with `clients`, only for clients that show one of theirs.
    ///
    /// # Panics
    /// Where the certificates do not go together.
    pub fn server(&self, clients: Option<&Self>) -> Arc<ServerConfig> {
        let own = self.sign("127.0.0.1");
        let chain = vec![CertificateDer::from_pem_slice(own.certificate.as_bytes()).expect("a certificate")];
        let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes()).expect("a key");
        let builder = ServerConfig::builder();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(clients) => {
                let mut roots = RootCertStore::empty();
                let authority = CertificateDer::from_pem_slice(clients.pem.as_bytes()).expect("an authority");
                roots.add(authority).expect("an authority");
                let verifier = WebPkiClientVerifier::builder(Arc::new(roots))
                    .build()
                    .expect("a verifier");
                builder.with_client_cert_verifier(verifier)
            }
        };
        Arc::new(builder.with_single_cert(chain, key).expect("a server"))
    }
}

impl Authority {
    /// The same server as [`Authority::server`], for clients that speak HTTP/2.
    ///
    /// # Panics
    /// Where the certificates do not go together.
    pub fn http2_server(&self) -> Arc<ServerConfig> {
        let mut config = Arc::unwrap_or_clone(self.server(None));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Arc::new(config)
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}
