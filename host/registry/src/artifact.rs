//! The artifact of a component, as `wkg`, `wasmtime` and others of the Wasm community read it: *Wasm OCI artifact layout*, CNCF
//! TAG Runtime. The same component always has the same artifact, so that it can be signed before it is pushed, elsewhere.

use crate::{RegistryError, Result};
use bytes::Bytes;
use seawall_domain::{
    Digest,
    bundle::{self, Bundle},
    oci::{Annotations, Descriptor, MANIFEST, Manifest, WASM, WASM_CONFIG},
};

/// What is pushed.
#[derive(Debug, Clone)]
pub struct Artifact {
    /// The component.
    pub component: Bytes,
    /// What it says of itself.
    pub bundle: Bundle,
    pub(crate) config: Bytes,
    /// The manifest's bytes.
    pub manifest: String,
}

impl Artifact {
    /// The artifact of a component.
    ///
    /// # Errors
    /// Where it is no plugin.
    pub fn of(component: Vec<u8>) -> Result<Self> {
        let wrong = |e: bundle::BundleError| RegistryError::Usage(e.to_string());
        let bundle = Bundle::extract(&component).map_err(wrong)?;
        let world = bundle::world(&component).map_err(wrong)?;
        let about = &bundle.manifest;
        let mut layer = Descriptor::of(WASM, &component);
        // The file's name, for tools that unpack artifacts.
        let file = format!("{}.wasm", about.name);
        layer
            .annotations
            .insert("org.opencontainers.image.title".to_owned(), file);
        let config = serde_json::json!({
            // Readers want a time. One that says when it was pushed would make another artifact of the same component.
            "created": "1970-01-01T00:00:00Z",
            "architecture": "wasm",
            "os": "wasip2",
            "layerDigests": [layer.digest],
            "component": {"exports": world.exports, "imports": world.imports, "target": null},
        });
        let config = Bytes::from(config.to_string());
        let mut annotations = Annotations::new();
        let mut say = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                annotations.insert(format!("org.opencontainers.image.{name}"), value);
            }
        };
        say(
            "title",
            Some(about.title.clone().unwrap_or_else(|| about.name.to_string())),
        );
        say("version", Some(about.version.to_string()));
        say("description", about.description.clone());
        say("licenses", about.license.clone());
        say("source", about.homepage.clone());
        let manifest = Manifest {
            schema_version: 2,
            media_type: Some(MANIFEST.to_owned()),
            artifact_type: None,
            config: Descriptor::of(WASM_CONFIG, &config),
            layers: vec![layer],
            subject: None,
            annotations,
        };
        let manifest = serde_json::to_string(&manifest).map_err(|e| RegistryError::Usage(e.to_string()))?;
        Ok(Self {
            component: component.into(),
            bundle,
            config,
            manifest,
        })
    }

    /// The digest that signatures are about, and references are pinned to.
    pub fn digest(&self) -> Digest {
        Digest::of(self.manifest.as_bytes())
    }
}
