//! Where a component came from, and who vouches for it: what an installation hands over beside the bytes.

use crate::{
    Digest,
    oci::{MAX_MANIFEST_BYTES, Manifest},
    signature::Signature,
};
use serde::{Deserialize, Serialize};

/// What a component has for a source that no registry gave.
pub const FILE: &str = "file";
/// The most signatures of one component that are looked at.
pub const MAX_SIGNATURES: usize = 32;
/// The most bytes of what one signature signs.
pub const MAX_PAYLOAD_BYTES: usize = 64 << 10;

/// See the module. A signature is about a manifest, and the manifest about the component: `manifest` ties them together.
/// `seawall plugin pull` and `seawall plugin sign` write one beside the component, as `FILE.sig.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Provenance {
    /// Where it was pulled from, pinned: `ghcr.io/acme/unleash:1.2.0@sha256:…`. None: a file.
    pub reference: Option<String>,
    /// The artifact's manifest, byte by byte as it is stored and signed. None where there is no artifact.
    pub manifest: Option<String>,
    /// Signatures of the manifest.
    pub signatures: Vec<Signature>,
}

/// Why what was handed over does not fit together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Tampered {
    /// The bytes are not those that the manifest is about.
    #[error(
        "the component's digest is {found}, and its manifest is about {expected}: one of them was changed since it was published"
    )]
    Component {
        /// Of the bytes.
        found: Digest,
        /// What the manifest says.
        expected: Digest,
    },
    /// A signature is about something else.
    #[error("signature {number} is about {}, and the manifest's digest is {found}: one of them was changed since it was signed", list(.expected))]
    Signature {
        /// Which, from 1.
        number: usize,
        /// Of the manifest.
        found: Digest,
        /// What the signature says.
        expected: Vec<Digest>,
    },
    /// The reference names another manifest.
    #[error("`{reference}` names another manifest than the one that came with it, whose digest is {found}")]
    Reference {
        /// As it was given.
        reference: String,
        /// Of the manifest.
        found: Digest,
    },
    /// What came cannot be read.
    #[error("{0}")]
    Unreadable(String),
}

impl Provenance {
    /// Of a component that a file holds, and nothing else is known of.
    pub fn file() -> Self {
        Self::default()
    }

    /// `file`, or the reference.
    pub fn source(&self) -> &str {
        self.reference.as_deref().unwrap_or(FILE)
    }

    /// The digest of the artifact's manifest.
    pub fn manifest_digest(&self) -> Option<Digest> {
        self.manifest.as_ref().map(|text| Digest::of(text.as_bytes()))
    }

    /// Checks that component, manifest, reference and signatures are about each other. Who signed is another question:
    /// [`crate::trust::Trust::signers`].
    ///
    /// # Errors
    /// What does not fit.
    pub fn check(&self, component: &Digest) -> Result<(), Tampered> {
        let unreadable = |why: &str| Err(Tampered::Unreadable(why.to_owned()));
        let Some(text) = &self.manifest else {
            if self.reference.is_some() || !self.signatures.is_empty() {
                return unreadable("a reference or a signature came without the manifest that it is about");
            }
            return Ok(());
        };
        if text.len() > MAX_MANIFEST_BYTES {
            return unreadable("the manifest is larger than one may be");
        }
        let manifest = Manifest::parse(text.as_bytes());
        let manifest = manifest.map_err(|why| Tampered::Unreadable(format!("the manifest cannot be read: {why}")))?;
        let layer = manifest
            .component()
            .map_err(|why| Tampered::Unreadable(format!("the manifest: {why}")))?;
        if layer.digest != *component {
            return Err(Tampered::Component {
                found: component.clone(),
                expected: layer.digest.clone(),
            });
        }
        let digest = Digest::of(text.as_bytes());
        if let Some(reference) = &self.reference
            && reference.rsplit_once('@').map(|(_, pinned)| pinned) != Some(digest.as_str())
        {
            return Err(Tampered::Reference {
                reference: reference.clone(),
                found: digest,
            });
        }
        if self.signatures.len() > MAX_SIGNATURES {
            return unreadable("there are more signatures than are looked at");
        }
        for (i, signature) in self.signatures.iter().enumerate() {
            if signature.payload.len() > MAX_PAYLOAD_BYTES {
                return unreadable("a signature's payload is larger than one may be");
            }
            let subjects = signature.subjects();
            if !subjects.contains(&digest) {
                return Err(Tampered::Signature {
                    number: i + 1,
                    found: digest,
                    expected: subjects,
                });
            }
        }
        Ok(())
    }
}

fn list(digests: &[Digest]) -> String {
    let all: Vec<_> = digests.iter().map(Digest::as_str).collect();
    if all.is_empty() {
        "no manifest".to_owned()
    } else {
        all.join(", ")
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::{
        oci::{Annotations, Descriptor, WASM, WASM_CONFIG},
        signature::{Format, simple_signing},
    };

    fn published(component: &[u8]) -> Provenance {
        let manifest = Manifest {
            schema_version: 2,
            media_type: None,
            artifact_type: None,
            config: Descriptor::of(WASM_CONFIG, b"{}"),
            layers: vec![Descriptor::of(WASM, component)],
            subject: None,
            annotations: Annotations::new(),
        };
        let text = serde_json::to_string(&manifest).unwrap();
        let digest = Digest::of(text.as_bytes());
        Provenance {
            reference: Some(format!("ghcr.io/acme/a:1@{digest}")),
            manifest: Some(text),
            signatures: vec![Signature {
                format: Format::SimpleSigning,
                payload: simple_signing("ghcr.io/acme/a", &digest),
                signature: vec![],
            }],
        }
    }

    #[test]
    fn all_that_came_has_to_be_about_the_component() {
        let (good, digest) = (published(b"a"), Digest::of(b"a"));
        assert_eq!(good.check(&digest), Ok(()));
        assert_eq!(Provenance::file().check(&digest), Ok(()));
        assert!(matches!(good.check(&Digest::of(b"b")), Err(Tampered::Component { .. })));
        let other = published(b"b");
        let mixed = |change: fn(&mut Provenance, Provenance)| {
            let mut mixed = good.clone();
            change(&mut mixed, other.clone());
            mixed.check(&digest)
        };
        assert!(matches!(
            mixed(|to, from| to.signatures = from.signatures),
            Err(Tampered::Signature { number: 1, .. })
        ));
        assert!(matches!(
            mixed(|to, from| to.reference = from.reference),
            Err(Tampered::Reference { .. })
        ));
        assert!(matches!(
            mixed(|to, _| to.reference = Some("ghcr.io/acme/a:1".into())),
            Err(Tampered::Reference { .. })
        ));
        assert!(matches!(
            mixed(|to, _| to.manifest = None),
            Err(Tampered::Unreadable(_))
        ));
        assert!(matches!(
            mixed(|to, _| to.manifest = Some("{}".into())),
            Err(Tampered::Unreadable(_))
        ));
        let attested = |to: &mut Provenance, _| to.signatures[0].payload = br#"{"critical":{"type":"other"}}"#.to_vec();
        assert!(matches!(mixed(attested), Err(Tampered::Signature { .. })));
    }
}
