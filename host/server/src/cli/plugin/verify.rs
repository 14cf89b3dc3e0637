//! `seawall plugin verify`.

use super::{
    registry::{Access, Target, bar},
    sigfile,
};
use crate::cli::{
    Global,
    error::{CliError, Result},
    output::{at, fields},
};
use seawall_domain::Digest;
use serde_json::json;
use std::path::PathBuf;

/// Checks that a plugin is signed by a key, and that what was signed is these bytes. Exit code 1 where it is not
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall plugin verify dist/unleash.wasm --key acme.pub
  seawall plugin verify ghcr.io/acme/unleash:1.2.0 --key acme.pub --key cosign.pub")]
pub(crate) struct Verify {
    /// The component, or a reference
    #[arg(value_name = "FILE|REF")]
    target: String,
    /// A public key, as `seawall plugin keygen` or cosign write it; repeatable: one of them has to have signed
    #[arg(long, value_name = "FILE", required = true)]
    key: Vec<PathBuf>,
    /// A file's signatures [default: FILE.sig.json]
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
    #[command(flatten)]
    access: Access,
}

impl Verify {
    pub(super) async fn run(self, global: &Global) -> Result {
        let keys = sigfile::keys(&self.key)?;
        let (bytes, provenance) = match Target::parse(&self.target)? {
            Target::Path(path) => (super::read(&path)?, sigfile::of(&path, self.signature.as_deref())?),
            Target::Reference(_) if self.signature.is_some() => {
                return Err(CliError::Usage(
                    "--signature is for files; a registry has its own".into(),
                ));
            }
            Target::Reference(reference) => {
                let registry = self.access.open(&reference)?;
                let found = registry.find(&reference).await?;
                let (bar, progress) = bar("pulling", found.layer.size);
                let pulled = registry.pull(found, &progress).await?;
                bar.finish_and_clear();
                (pulled.component, pulled.provenance)
            }
        };
        let digest = Digest::of(&bytes);
        let by = sigfile::check(&provenance, &digest, &keys)?;
        let answer = json!({
            "digest": digest,
            "source": provenance.source(),
            "manifestDigest": provenance.manifest_digest(),
            "signatures": provenance.signatures.len(),
            "signedBy": by,
        });
        global.output().one(&answer, |answer| {
            fields(&[
                ("signed by", at(answer, "/signedBy")),
                ("source", at(answer, "/source")),
                ("component", at(answer, "/digest")),
                ("manifest", at(answer, "/manifestDigest")),
                ("signatures", at(answer, "/signatures")),
            ])
        })
    }
}
