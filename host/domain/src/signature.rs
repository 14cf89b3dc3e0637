//! Signatures by key pair as cosign makes them: ECDSA over P-256 with SHA-256, over a text that names an artifact's manifest.
//!
//! Two such texts are in use: the older *simple signing* payload (`containers/image`, docs/containers-signature.5.md), and
//! the newer *in-toto* statement in a DSSE envelope, which cosign 3 writes as a Sigstore bundle. Both are read. Certificates
//! and transparency logs are not: who is trusted is said by keys alone, so that nothing has to be asked of anybody.

use crate::Digest;
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use rustls_pki_types::{SubjectPublicKeyInfoDer, pem::PemObject};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;

/// What stands before the point in the DER of every P-256 public key (RFC 5480), the uncompressed point's own `04` included.
const SPKI: [u8; 27] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
];
/// What a simple signing payload says that it is.
pub const SIMPLE_SIGNING: &str = "cosign container image signature";
/// What cosign's signatures say that they are, as opposed to attestations of something else by the same key.
const COSIGN_SIGN: &str = "https://sigstore.dev/cosign/sign/v1";
/// The type of an in-toto statement in a DSSE envelope.
pub const IN_TOTO: &str = "application/vnd.in-toto+json";

/// A key that signatures are checked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    point: Vec<u8>,
    fingerprint: Digest,
}

impl PublicKey {
    /// Reads a PEM file as `cosign generate-key-pair`, `openssl ec -pubout` and `seawall plugin keygen` write it.
    ///
    /// # Errors
    /// What was found instead, with what to do.
    pub fn from_pem(pem: &str) -> Result<Self, String> {
        if pem.contains("PRIVATE KEY") {
            return Err(
                "expected a public key, found a private one, which nobody else should have; give the file that ends with `.pub`"
                    .to_owned(),
            );
        }
        let wrong = |found: &str| {
            format!(
                "expected a public key as `-----BEGIN PUBLIC KEY-----` and what follows, of the type ECDSA P-256, found {found}"
            )
        };
        let der = SubjectPublicKeyInfoDer::from_pem_slice(pem.as_bytes()).map_err(|_| wrong("something else"))?;
        match der.strip_prefix(&SPKI[..]) {
            // The prefix ends with the point's first byte.
            Some(point) if point.len() == 64 => Ok(Self {
                point: der[SPKI.len() - 1..].to_vec(),
                fingerprint: Digest::of(&der),
            }),
            _ => Err(wrong("a key of another type")),
        }
    }

    /// The PEM of a point, which is 65 bytes: `04`, X, Y.
    pub fn to_spki(point: &[u8]) -> Vec<u8> {
        [&SPKI[..SPKI.len() - 1], point].concat()
    }

    /// SHA-256 of the key's DER, which tells it from others.
    pub fn fingerprint(&self) -> &Digest {
        &self.fingerprint
    }
}

/// In which text a signature names its manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// The payload itself is signed.
    SimpleSigning,
    /// A statement, signed within a DSSE envelope.
    InToto,
}

/// A signature with what it signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// What `payload` is.
    pub format: Format,
    /// What is signed, byte by byte.
    #[serde(with = "crate::text::base64")]
    pub payload: Vec<u8>,
    /// DER of the ECDSA signature.
    #[serde(with = "crate::text::base64")]
    pub signature: Vec<u8>,
}

impl Signature {
    /// Whether this key made it.
    pub fn is_by(&self, key: &PublicKey) -> bool {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &key.point)
            .verify(&self.signed(), &self.signature)
            .is_ok()
    }

    /// The bytes that the key signed.
    fn signed(&self) -> Cow<'_, [u8]> {
        match self.format {
            Format::SimpleSigning => Cow::Borrowed(&self.payload),
            // Pre-authentication encoding (secure-systems-lab/dsse, protocol.md).
            Format::InToto => {
                let head = format!("DSSEv1 {} {IN_TOTO} {} ", IN_TOTO.len(), self.payload.len());
                Cow::Owned([head.as_bytes(), &self.payload].concat())
            }
        }
    }

    /// The digests of the manifests that it is about; none where its text is no signature but something else, such as an
    /// attestation that a scan failed.
    pub fn subjects(&self) -> Vec<Digest> {
        let text: Value = serde_json::from_slice(&self.payload).unwrap_or_default();
        let all: Vec<String> = match self.format {
            Format::SimpleSigning if text["critical"]["type"] == SIMPLE_SIGNING => {
                let digest = text["critical"]["image"]["docker-manifest-digest"].as_str();
                digest.map(str::to_owned).into_iter().collect()
            }
            Format::InToto if text["predicateType"] == COSIGN_SIGN => {
                let subjects = text["subject"].as_array().into_iter().flatten();
                let digests = subjects.filter_map(|subject| subject["digest"]["sha256"].as_str());
                digests.map(|hex| format!("sha256:{hex}")).collect()
            }
            _ => Vec::new(),
        };
        all.iter().filter_map(|digest| Digest::new(digest).ok()).collect()
    }
}

/// The payload to sign for a manifest, as cosign writes it; `repository` without tag and digest.
pub fn simple_signing(repository: &str, manifest: &Digest) -> Vec<u8> {
    serde_json::json!({
        "critical": {
            "identity": {"docker-reference": repository},
            "image": {"docker-manifest-digest": manifest},
            "type": SIMPLE_SIGNING,
        },
        "optional": null,
    })
    .to_string()
    .into_bytes()
}

#[cfg(test)]
mod tests;
