//! How a component is stored in an OCI registry, as far as it has to be read and written: the *Wasm OCI artifact layout* of
//! CNCF's TAG Runtime, which is a manifest (opencontainers/image-spec, manifest.md) with one layer, the component itself.

use crate::Digest;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The media type of a manifest.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The media type of a list of manifests.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The media type of the config of a Wasm artifact.
pub const WASM_CONFIG: &str = "application/vnd.wasm.config.v0+json";
/// The media type of a component, as a layer and over HTTP.
pub const WASM: &str = "application/wasm";
/// The most bytes of a manifest that are read. Registries take up to four times as much.
pub const MAX_MANIFEST_BYTES: usize = 1 << 20;

/// Annotations in the order of their names, so that equal ones are equal text.
pub type Annotations = BTreeMap<String, String>;

/// One artifact: what it is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// 2.
    pub schema_version: u32,
    /// [`MANIFEST`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// What it is, where its config does not say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// What is known of it.
    pub config: Descriptor,
    /// What it holds.
    pub layers: Vec<Descriptor>,
    /// The manifest that it is about, such as that which it signs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// What else is said of it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: Annotations,
}

/// Points to bytes by their digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What they are.
    pub media_type: String,
    /// Of the bytes. Registries may hold other algorithms' too; none is read here but SHA-256.
    pub digest: Digest,
    /// How many there are.
    pub size: u64,
    /// What else is said of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: Annotations,
}

impl Descriptor {
    /// Points to these bytes.
    pub fn of(media_type: &str, bytes: &[u8]) -> Self {
        Self {
            media_type: media_type.to_owned(),
            digest: Digest::of(bytes),
            size: bytes.len() as u64,
            annotations: Annotations::new(),
        }
    }
}

impl Manifest {
    /// Reads one.
    ///
    /// # Errors
    /// What it is instead.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let value: Value = serde_json::from_slice(text).map_err(|e| format!("it is no JSON: {e}"))?;
        if value.get("manifests").is_some() {
            return Err("it is an index of several artifacts; name one of them by its digest".to_owned());
        }
        let manifest: Self =
            serde_json::from_value(value).map_err(|e| format!("it is no manifest: {}", said(&e.to_string())))?;
        if manifest.schema_version != 2 {
            return Err(format!("expected schemaVersion 2, found {}", manifest.schema_version));
        }
        Ok(manifest)
    }

    /// The component that it holds.
    ///
    /// # Errors
    /// What it holds instead.
    pub fn component(&self) -> Result<&Descriptor, String> {
        let mut all = self.layers.iter().filter(|layer| layer.media_type == WASM);
        match (all.next(), all.next()) {
            (Some(one), None) => Ok(one),
            (Some(_), Some(_)) => Err("it holds several components, and a plugin is one".to_owned()),
            (None, _) => {
                let found: Vec<_> = self.layers.iter().map(|layer| layer.media_type.as_str()).collect();
                let found = if found.is_empty() {
                    "nothing".to_owned()
                } else {
                    said(&found.join(", "))
                };
                Err(format!(
                    "expected a layer of the type {WASM}, found {found}; push plugins with `seawall plugin push`"
                ))
            }
        }
    }
}

/// The manifests that an index lists, by their digests and in its order. What cannot be read is passed over: others may write
/// there.
pub fn listed(index: &[u8]) -> Vec<Digest> {
    let index: Value = serde_json::from_slice(index).unwrap_or_default();
    let all = index["manifests"].as_array().into_iter().flatten();
    all.filter_map(|one| Digest::new(one["digest"].as_str()?).ok())
        .collect()
}

/// A registry's own words, as they are shown to a person: a few of them, and none that a terminal would obey.
fn said(words: &str) -> String {
    crate::text::cut(words, 300).replace(char::is_control, "\u{fffd}")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use serde_json::json;

    fn manifest(layers: Value) -> Result<Digest, String> {
        let config = Descriptor::of(WASM_CONFIG, b"{}");
        let text = json!({"schemaVersion": 2, "config": config, "layers": layers}).to_string();
        Manifest::parse(text.as_bytes())?
            .component()
            .map(|layer| layer.digest.clone())
    }

    #[test]
    fn a_plugin_is_one_component() {
        let (wasm, other) = (Descriptor::of(WASM, b"a"), Descriptor::of("text/plain", b"b"));
        assert_eq!(manifest(json!([other, wasm])), Ok(wasm.digest.clone()));
        assert!(manifest(json!([wasm, wasm])).unwrap_err().contains("several"));
        assert!(manifest(json!([other])).unwrap_err().contains("found text/plain"));
        assert!(manifest(json!([])).unwrap_err().contains("found nothing"));
        let loud = Descriptor::of(&"\u{1b}[2J".repeat(1000), b"c");
        let said = manifest(json!([loud])).unwrap_err();
        assert!(said.len() < 2000 && !said.contains(char::is_control), "{said:?}");
    }

    #[test]
    fn an_index_lists_what_can_be_read_of_it() {
        let one = Descriptor::of(MANIFEST, b"a");
        let index = json!({"manifests": [one, {"digest": "sha512:ab"}, 5, {"digest": one.digest}]}).to_string();
        assert_eq!(listed(index.as_bytes()), [one.digest.clone(), one.digest]);
        for none in ["", "[]", "{\"manifests\": {}}", "\u{feff}{}"] {
            assert_eq!(listed(none.as_bytes()), [], "{none}");
        }
    }

    #[test]
    fn what_is_no_manifest_is_said_to_be_what_it_is() {
        let said = |text: &str| Manifest::parse(text.as_bytes()).unwrap_err();
        assert!(said("<html>").starts_with("it is no JSON"));
        assert!(said(r#"{"schemaVersion":2,"manifests":[]}"#).contains("index of several"));
        assert!(said(r#"{"schemaVersion":2}"#).contains("missing field `config`"));
        let config = Descriptor::of(WASM_CONFIG, b"{}");
        assert!(said(&json!({"schemaVersion": 1, "config": config, "layers": []}).to_string()).contains("found 1"));
        let other = json!({"mediaType": WASM, "digest": "sha512:ab", "size": 1});
        assert!(said(&json!({"schemaVersion": 2, "config": other, "layers": []}).to_string()).contains("sha256"));
    }
}
