//! Whole pushes and pulls.

use crate::{Artifact, Reference, Registry, RegistryError, Result, SigningKey};
use seawall_domain::{
    Digest,
    bundle::MAX_COMPONENT_BYTES,
    oci::{Descriptor, MANIFEST, Manifest},
    provenance::Provenance,
    signature::Signature,
};
use std::sync::Arc;

/// Told how many bytes have gone or come.
#[derive(Clone)]
pub struct Progress(Option<Arc<dyn Fn(u64) + Send + Sync>>);

impl Progress {
    /// Nobody is told.
    pub fn none() -> Self {
        Self(None)
    }

    /// `told` is called with the bytes so far, never with fewer than before unless a transfer begins anew.
    pub fn new(told: impl Fn(u64) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(told)))
    }

    pub(crate) fn at(&self, bytes: u64) {
        if let Some(told) = &self.0 {
            told(bytes);
        }
    }
}

/// What came of a push.
#[derive(Debug, Clone)]
pub struct Pushed {
    /// Pinned.
    pub reference: Reference,
    /// How many it has now.
    pub signatures: usize,
    /// Whether the registry lists signatures as referrers (OCI 1.1); none where there are none.
    pub referrers: Option<bool>,
}

/// What came of a pull.
#[derive(Debug, Clone)]
pub struct Pulled {
    /// The component.
    pub component: Vec<u8>,
    /// Pinned, with manifest and signatures.
    pub provenance: Provenance,
    /// Pinned.
    pub reference: Reference,
}

/// What a reference leads to, before the component itself is pulled.
pub struct Found {
    /// Pinned.
    pub reference: Reference,
    /// As it is stored.
    pub manifest: String,
    /// The component.
    pub layer: Descriptor,
}

impl Registry {
    /// Pushes an artifact, its signatures, and then the tags of the references, which are of one repository. A key that signed it
    /// already does not sign it once more.
    ///
    /// # Errors
    /// The registry's.
    pub async fn push(
        &self,
        artifact: &Artifact,
        references: &[Reference],
        signatures: &[Signature],
        key: Option<&SigningKey>,
        progress: &Progress,
    ) -> Result<Pushed> {
        let first = references.first();
        let first = first.ok_or_else(|| RegistryError::Usage("there is no reference to push to".to_owned()))?;
        let (path, digest) = (first.path(), artifact.digest());
        self.put_blob(path, &artifact.config, &Progress::none()).await?;
        self.put_blob(path, &artifact.component, progress).await?;
        // By its digest first: until it is signed, no tag leads to it.
        self.put_manifest(path, digest.as_str(), &artifact.manifest).await?;
        let of = Descriptor::of(MANIFEST, artifact.manifest.as_bytes());
        let mut present = self.signatures(path, &digest).await?;
        let mut missing: Vec<Signature> = signatures.to_vec();
        missing.retain(|signature| !present.contains(signature));
        if let Some(key) = key {
            let public = key.public()?;
            if !present.iter().chain(&missing).any(|signature| signature.is_by(&public)) {
                missing.push(key.sign(&first.repository(), &digest)?);
            }
        }
        for signature in missing {
            self.attach(path, &of, &signature).await?;
            present.push(signature);
        }
        let referrers = match present.is_empty() {
            true => None,
            false => Some(self.has_referrers(path, &digest).await?),
        };
        for reference in references {
            if let Some(tag) = reference.tag() {
                self.put_manifest(path, tag, &artifact.manifest).await?;
            }
        }
        Ok(Pushed {
            reference: first.pinned(digest),
            signatures: present.len(),
            referrers,
        })
    }

    /// Adds a signature to a manifest that is there.
    ///
    /// # Errors
    /// The registry's.
    pub async fn add_signature(&self, found: &Found, signature: &Signature) -> Result<()> {
        let of = Descriptor::of(MANIFEST, found.manifest.as_bytes());
        self.attach(found.reference.path(), &of, signature).await
    }

    /// What a reference leads to.
    ///
    /// # Errors
    /// [`RegistryError::Moved`] where its tag leads to another digest than the one that it is pinned to,
    /// [`RegistryError::NoSuchDigest`] where the registry does not have that one;
    /// [`RegistryError::NotFound`]; what it is instead of a plugin.
    pub async fn find(&self, reference: &Reference) -> Result<Found> {
        let path = reference.path();
        let which = match (reference.tag(), reference.digest()) {
            (Some(tag), _) => tag.to_owned(),
            (None, Some(digest)) => digest.to_string(),
            (None, None) => {
                return Err(RegistryError::Usage(format!(
                    "`{reference}` has neither a tag nor a digest; give one, as in `{reference}:1.2.0`"
                )));
            }
        };
        let text = self.manifest(path, &which).await?;
        let text = text.ok_or_else(|| RegistryError::NotFound(reference.to_string()))?;
        let digest = Digest::of(&text);
        if let (Some(expected), Some(tag)) = (reference.digest(), reference.tag())
            && *expected != digest
        {
            let (repository, tag) = (reference.repository(), tag.to_owned());
            let (found, expected) = (digest, expected.clone());
            // A tag has moved only from what there is or was.
            return Err(match self.manifest(path, expected.as_str()).await? {
                Some(_) => RegistryError::Moved {
                    repository,
                    tag,
                    found,
                    expected,
                },
                None => RegistryError::NoSuchDigest {
                    repository,
                    tag,
                    found,
                    expected,
                },
            });
        }
        let wrong = |why: String| RegistryError::Tampered(format!("`{reference}` is no plugin: {why}"));
        let manifest = Manifest::parse(&text).map_err(wrong)?;
        let layer = manifest.component().map_err(wrong)?.clone();
        let manifest = String::from_utf8(text.to_vec()).map_err(|_| wrong("its manifest is no text".to_owned()))?;
        Ok(Found {
            reference: reference.pinned(digest),
            manifest,
            layer,
        })
    }

    /// The signatures of what was found.
    ///
    /// # Errors
    /// The registry's.
    pub async fn signatures_of(&self, found: &Found) -> Result<Vec<Signature>> {
        let digest = Digest::of(found.manifest.as_bytes());
        self.signatures(found.reference.path(), &digest).await
    }

    /// Pulls the component that was found, with its signatures.
    ///
    /// # Errors
    /// The registry's; [`RegistryError::Tampered`] where the bytes are others than those that the manifest is about.
    pub async fn pull(&self, found: Found, progress: &Progress) -> Result<Pulled> {
        let signatures = self.signatures_of(&found).await?;
        let path = found.reference.path();
        let component = self.blob(path, &found.layer, MAX_COMPONENT_BYTES, progress).await?;
        Ok(Pulled {
            component: component.to_vec(),
            provenance: Provenance {
                reference: Some(found.reference.to_string()),
                manifest: Some(found.manifest),
                signatures,
            },
            reference: found.reference,
        })
    }
}
