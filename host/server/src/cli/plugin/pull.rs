//! `seawall plugin pull`.

use super::{
    registry::{Access, bar},
    sigfile,
};
use crate::cli::{
    Global,
    error::Result,
    output::{at, fields},
};
use seawall_domain::{Digest, bundle::Bundle};
use seawall_registry::{Reference, RegistryError};
use serde_json::json;
use std::path::PathBuf;

/// Pulls a plugin from an OCI registry into a file, and its signatures beside it, as FILE.sig.json: both together can be
/// installed on a machine without a way out
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall plugin pull ghcr.io/acme/unleash:1.2.0
  seawall plugin pull ghcr.io/acme/unleash:1.2.0@sha256:… --file unleash.wasm --key acme.pub
Then, on the other machine:
  seawall plugin install unleash.wasm --signature unleash.wasm.sig.json")]
pub(crate) struct Pull {
    /// What: REGISTRY/PATH:TAG, with or without @DIGEST
    #[arg(value_name = "REF")]
    reference: String,
    /// Where to [default: NAME.wasm]
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// A public key; repeatable: one of them has to have signed it, or nothing is written
    #[arg(long, value_name = "FILE")]
    key: Vec<PathBuf>,
    #[command(flatten)]
    access: Access,
}

impl Pull {
    pub(super) async fn run(self, global: &Global) -> Result {
        let keys = sigfile::keys(&self.key)?;
        let reference = Reference::parse(&self.reference)?;
        let registry = self.access.open(&reference)?;
        let found = registry.find(&reference).await?;
        let (bar, progress) = bar(&format!("pulling {reference}"), found.layer.size);
        let pulled = registry.pull(found, &progress).await;
        bar.finish_and_clear();
        let pulled = pulled?;
        let digest = Digest::of(&pulled.component);
        let by = sigfile::check(&pulled.provenance, &digest, &keys)?;
        let bundle = Bundle::extract(&pulled.component)
            .map_err(|e| RegistryError::Tampered(format!("`{reference}` is no plugin: {e}")))?;
        let name = format!("{}.wasm", bundle.manifest.name);
        let file = self.file.unwrap_or_else(|| name.into());
        let signatures = sigfile::beside(&file);
        sigfile::write(&file, &pulled.component)?;
        sigfile::write(&signatures, sigfile::text(&pulled.provenance)?.as_bytes())?;
        let answer = json!({
            "reference": pulled.reference.to_string(),
            "file": file,
            "signatureFile": signatures,
            "digest": digest,
            "signatures": pulled.provenance.signatures.len(),
            "signedBy": by,
        });
        global.output().one(&answer, |answer| {
            fields(&[
                ("pulled", at(answer, "/reference")),
                ("file", at(answer, "/file")),
                (
                    "signatures",
                    format!("{} in {}", at(answer, "/signatures"), at(answer, "/signatureFile")),
                ),
                ("signed by", at(answer, "/signedBy")),
                ("component", at(answer, "/digest")),
            ])
        })
    }
}
