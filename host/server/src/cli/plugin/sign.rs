//! `seawall plugin sign`.

use super::{
    registry::{Access, Target},
    sigfile,
};
use crate::cli::{
    Global,
    error::{CliError, Result},
    output::{at, fields},
};
use seawall_domain::{Digest, provenance::Provenance};
use seawall_registry::{Artifact, Reference, RegistryError, SigningKey};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Signs a plugin as cosign does: in its registry, or a file, without any network. A file's signature is written beside it, as
/// FILE.sig.json, which `push` and `install` take with it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall plugin sign dist/unleash.wasm --key acme.key
  seawall plugin sign ghcr.io/acme/unleash:1.2.0@sha256:… --key acme.key")]
pub(crate) struct Sign {
    /// The component, or a reference
    #[arg(value_name = "FILE|REF")]
    target: String,
    /// The private key, as `seawall plugin keygen` writes it
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Where a file's signature goes [default: FILE.sig.json]
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
    #[command(flatten)]
    access: Access,
}

impl Sign {
    pub(super) async fn run(self, global: &Global) -> Result {
        let key = SigningKey::read(&self.key)?;
        let answer = match Target::parse(&self.target)? {
            Target::Path(path) => self.file(&path, &key)?,
            Target::Reference(reference) => self.remote(&reference, &key).await?,
        };
        global.output().one(&answer, |answer| {
            fields(&[
                ("signed", at(answer, "/signed")),
                ("by key", at(answer, "/fingerprint")),
                ("signature", at(answer, "/signature")),
            ])
        })
    }

    fn file(&self, path: &Path, key: &SigningKey) -> Result<Value> {
        let bytes = super::read(path)?;
        let digest = Digest::of(&bytes);
        let out = self.signature.clone().unwrap_or_else(|| sigfile::beside(path));
        // What is signed already keeps its manifest and signatures.
        let before = if out.exists() {
            sigfile::read(&out)?
        } else {
            Provenance::file()
        };
        sigfile::check(&before, &digest, &[])?;
        let (name, manifest) = match before.manifest {
            Some(manifest) => {
                let reference = before.reference.as_deref().map(Reference::parse).transpose()?;
                (reference.map(|reference| reference.repository()), manifest)
            }
            None => {
                let artifact = Artifact::of(bytes)?;
                (Some(artifact.bundle.manifest.name.to_string()), artifact.manifest)
            }
        };
        let about = Digest::of(manifest.as_bytes());
        let signature = key.sign(&name.unwrap_or_default(), &about)?;
        let mut signatures = before.signatures;
        signatures.push(signature);
        let provenance = Provenance {
            reference: before.reference,
            manifest: Some(manifest),
            signatures,
        };
        sigfile::write(&out, sigfile::text(&provenance)?.as_bytes())?;
        Ok(json!({"signed": about, "fingerprint": key.public()?.fingerprint(), "signature": out}))
    }

    async fn remote(&self, reference: &Reference, key: &SigningKey) -> Result<Value> {
        if self.signature.is_some() {
            return Err(CliError::Usage(
                "--signature is for files; what is in a registry is signed there".into(),
            ));
        }
        let registry = self.access.open(reference)?;
        let found = registry.find(reference).await?;
        let Some(digest) = found.reference.digest().cloned() else {
            return Err(RegistryError::NotFound(reference.to_string()).into());
        };
        if reference.digest().is_none() {
            eprintln!(
                "note: {reference} is {digest} now, which is what is signed; a digest in the reference says which you mean"
            );
        }
        let signature = key.sign(&found.reference.repository(), &digest)?;
        registry.add_signature(&found, &signature).await?;
        Ok(
            json!({"signed": found.reference.to_string(), "fingerprint": key.public()?.fingerprint(), "signature": "in the registry"}),
        )
    }
}
