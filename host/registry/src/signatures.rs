//! Where signatures are: cosign's own tag, `sha256-….sig`, and what refers to the manifest in the sense of OCI 1.1, where
//! cosign 3 keeps Sigstore bundles.

use crate::{Registry, RegistryError, Result, transfer::Progress};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use seawall_domain::{
    Digest,
    oci::{self, Annotations, Descriptor, MANIFEST, Manifest},
    provenance::{MAX_PAYLOAD_BYTES, MAX_SIGNATURES},
    signature::{Format, IN_TOTO, Signature},
};
use serde_json::{Value, json};

/// A layer that holds a simple signing payload.
const PAYLOAD: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
/// The annotation of such a layer that holds the signature, as base64.
const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
/// A layer that holds a Sigstore bundle, up to its version.
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.";
/// What a manifest with simple signing payloads is, where it has to say so.
const ARTIFACT_TYPE: &str = "application/vnd.dev.cosign.artifact.sig.v1+json";
/// The config that cosign gives it.
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

fn tag(manifest: &Digest) -> String {
    format!("{}.sig", manifest.as_str().replace(':', "-"))
}

impl Registry {
    /// All signatures of a manifest, by whomever, that name it. What cannot be read is passed over: others may write there.
    pub(crate) async fn signatures(&self, path: &str, manifest: &Digest) -> Result<Vec<Signature>> {
        let mut all = Vec::new();
        if let Some(text) = self.manifest(path, &tag(manifest)).await? {
            self.read_signatures(path, &text, &mut all).await?;
        }
        if let Some(index) = self.referrers(path, manifest).await? {
            // Registries are loose with `artifactType`: what a referrer holds says what it is.
            for digest in oci::listed(&index).into_iter().take(MAX_SIGNATURES) {
                if let Some(text) = self.manifest(path, digest.as_str()).await? {
                    self.read_signatures(path, &text, &mut all).await?;
                }
            }
        }
        all.retain(|signature| signature.subjects().contains(manifest));
        Ok(all)
    }

    async fn read_signatures(&self, path: &str, text: &[u8], into: &mut Vec<Signature>) -> Result<()> {
        let Ok(manifest) = Manifest::parse(text) else {
            return Ok(());
        };
        for layer in &manifest.layers {
            if into.len() >= MAX_SIGNATURES {
                return Ok(());
            }
            let is_bundle = layer.media_type.starts_with(BUNDLE);
            if layer.media_type != PAYLOAD && !is_bundle || layer.size > MAX_PAYLOAD_BYTES as u64 {
                continue;
            }
            let blob = self.blob(path, layer, MAX_PAYLOAD_BYTES, &Progress::none()).await?;
            let found = if is_bundle {
                bundled(&blob)
            } else {
                simple(layer, &blob)
            };
            into.extend(found.filter(|one| !into.contains(one)));
        }
        Ok(())
    }

    /// Adds a signature to those that a manifest has, under cosign's tag, as a referrer.
    pub(crate) async fn attach(&self, path: &str, of: &Descriptor, signature: &Signature) -> Result<()> {
        let text = self.manifest(path, &tag(&of.digest)).await?;
        let before = text.and_then(|text| Manifest::parse(&text).ok());
        let mut layers = before.map(|manifest| manifest.layers).unwrap_or_default();
        let payload = Bytes::from(signature.payload.clone());
        let mut layer = Descriptor::of(PAYLOAD, &payload);
        layer
            .annotations
            .insert(SIGNATURE.to_owned(), STANDARD.encode(&signature.signature));
        layers.push(layer);
        let digests: Vec<_> = layers.iter().map(|layer| &layer.digest).collect();
        let config = json!({
            "architecture": "", "os": "", "created": "0001-01-01T00:00:00Z", "config": {},
            "rootfs": {"type": "layers", "diff_ids": digests},
        });
        let config = Bytes::from(config.to_string());
        let manifest = Manifest {
            schema_version: 2,
            media_type: Some(MANIFEST.to_owned()),
            artifact_type: Some(ARTIFACT_TYPE.to_owned()),
            config: Descriptor::of(CONFIG, &config),
            layers,
            subject: Some(of.clone()),
            annotations: Annotations::new(),
        };
        let manifest = serde_json::to_string(&manifest).map_err(|e| RegistryError::Usage(e.to_string()))?;
        self.put_blob(path, &payload, &Progress::none()).await?;
        self.put_blob(path, &config, &Progress::none()).await?;
        self.put_manifest(path, &tag(&of.digest), &manifest).await
    }
}

fn simple(layer: &Descriptor, payload: &[u8]) -> Option<Signature> {
    Some(Signature {
        format: Format::SimpleSigning,
        payload: payload.to_vec(),
        signature: STANDARD.decode(layer.annotations.get(SIGNATURE)?).ok()?,
    })
}

/// The signature of a bundle (sigstore/protobuf-specs, sigstore_bundle.proto) with a DSSE envelope of an in-toto statement.
fn bundled(bundle: &[u8]) -> Option<Signature> {
    let bundle: Value = serde_json::from_slice(bundle).ok()?;
    let envelope = &bundle["dsseEnvelope"];
    let bytes = |value: &Value| STANDARD.decode(value.as_str()?).ok();
    (envelope["payloadType"] == IN_TOTO).then_some(())?;
    Some(Signature {
        format: Format::InToto,
        payload: bytes(&envelope["payload"])?,
        signature: bytes(&envelope["signatures"][0]["sig"])?,
    })
}
