//! `seawall plugin push`.

use super::{
    registry::{Access, bar},
    sigfile,
};
use crate::cli::{
    Global,
    error::{CliError, Result},
    output::{at, fields},
};
use seawall_domain::Digest;
use seawall_registry::{Artifact, Reference, SigningKey};
use serde_json::json;
use std::path::PathBuf;

/// Pushes a plugin to an OCI registry, as the Wasm community stores components, and signs it where a key is given. Signatures
/// that stand beside the file (FILE.sig.json) go along. Prints the reference that is pinned to its digest
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall plugin push dist/unleash.wasm ghcr.io/acme/unleash:1.2.0 --key acme.key
  seawall plugin push dist/unleash.wasm ghcr.io/acme/unleash --tag 1.2.0 --tag 1.2 --tag latest
  echo $TOKEN | seawall plugin push dist/unleash.wasm ghcr.io/acme/unleash:1.2.0 --username ann --password-stdin

Plain HTTP is spoken with registries on this machine alone (127.0.0.1, localhost). SSL_CERT_FILE names further authorities.")]
pub(crate) struct Push {
    /// The component
    file: PathBuf,
    /// Where to: REGISTRY/PATH[:TAG] [default tag: the plugin's version]
    #[arg(value_name = "REF")]
    reference: String,
    /// A further tag; repeatable
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// The private key to sign with, as `seawall plugin keygen` writes it
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    #[command(flatten)]
    access: Access,
}

impl Push {
    pub(super) async fn run(self, global: &Global) -> Result {
        let base = Reference::parse(&self.reference)?;
        if base.digest().is_some() {
            return Err(CliError::Usage(format!(
                "`{base}` has a digest, which is what a push gives; leave it out"
            )));
        }
        let key = self.key.as_deref().map(SigningKey::read).transpose()?;
        let mut artifact = Artifact::of(super::read(&self.file)?)?;
        let beside = sigfile::of(&self.file, None)?;
        sigfile::check(&beside, &Digest::of(&artifact.component), &[])?;
        let mut signatures = Vec::new();
        if let Some(manifest) = beside.manifest.filter(|_| !beside.signatures.is_empty()) {
            if Digest::of(manifest.as_bytes()) != artifact.digest() {
                return Err(CliError::Usage(format!(
                    "what {} signs is another artifact of the same component, made by another program; push that with `oras cp` or \
                     `cosign copy`, or remove the file to push this one",
                    sigfile::beside(&self.file).display()
                )));
            }
            artifact.manifest = manifest;
            signatures = beside.signatures;
        }
        let references = self.references(&base, &artifact)?;
        let registry = self.access.open(&base)?;
        let (bar, progress) = bar(
            &format!("pushing to {}", base.repository()),
            artifact.component.len() as u64,
        );
        let pushed = registry
            .push(&artifact, &references, &signatures, key.as_ref(), &progress)
            .await;
        bar.finish_and_clear();
        let pushed = pushed?;
        let tags: Vec<_> = references.iter().filter_map(Reference::tag).collect();
        let answer = json!({
            "reference": pushed.reference.to_string(),
            "tags": tags,
            "manifestDigest": artifact.digest(),
            "digest": Digest::of(&artifact.component),
            "signatures": pushed.signatures,
            "referrers": pushed.referrers,
        });
        global.output().one(&answer, |answer| {
            let signed = match at(answer, "/signatures").as_str() {
                "0" => "no; sign it with `seawall plugin sign`, or push with --key".to_owned(),
                n => format!("{n} signature{}", if n == "1" { "" } else { "s" }),
            };
            fields(&[
                ("pushed", at(answer, "/reference")),
                ("tags", at(answer, "/tags")),
                ("component", at(answer, "/digest")),
                ("signed", signed),
                (
                    "install it",
                    format!("seawall plugin install {}", at(answer, "/reference")),
                ),
            ])
        })
    }

    fn references(&self, base: &Reference, artifact: &Artifact) -> Result<Vec<Reference>> {
        let mut tags: Vec<String> = base.tag().map(str::to_owned).into_iter().collect();
        tags.extend(self.tags.iter().cloned());
        if tags.is_empty() {
            // A plus, which versions may have, is none of a tag's characters.
            tags.push(artifact.bundle.manifest.version.to_string().replace('+', "_"));
        }
        tags.iter().map(|tag| Ok(base.with_tag(tag)?)).collect()
    }
}
