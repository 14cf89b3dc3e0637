//! One file is the whole plugin: manifest, blueprints and mapping travel in a custom section of the component.
//!
//! Everything here reads bytes and runs none of them.

mod imports;
mod wasm;
mod world;

pub use imports::{BadImport, Wasi, check_imports};
pub use world::{World, world};

use crate::{
    Blueprint, Digest,
    manifest::{self, Manifest, ManifestErrors, Role},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The custom section's name.
pub const SECTION: &str = "seawall:plugin";

/// The largest component that is read, in bytes. One built from Python has 20 MB.
pub const MAX_COMPONENT_BYTES: usize = 64 << 20;

/// The largest custom section that is read, in bytes.
pub const MAX_SECTION_BYTES: usize = 8 << 20;

/// What the section holds, as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bundle {
    /// The manifest.
    pub manifest: Manifest,
    /// Blueprints that its mapping needs.
    #[serde(default)]
    pub blueprints: Vec<Blueprint>,
    /// The default mapping, in Port's shape.
    #[serde(default)]
    pub mapping: Option<serde_json::Value>,
}

/// Why bytes are no plugin.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// Not WebAssembly at all.
    #[error("expected a WebAssembly component, found {found}; build one with `seawall plugin build`")]
    NotWasm {
        /// What the first bytes look like.
        found: String,
    },
    /// A module, which has no typed interfaces.
    #[error(
        "expected a WebAssembly component, found a core module; make one of it with `wasm-tools component new`, or build with \
         `seawall plugin build`"
    )]
    CoreModule,
    /// WebAssembly that ends too early or is damaged.
    #[error("expected a whole component, found one that is cut off or damaged at byte {offset}: {message}")]
    Damaged {
        /// Where, in bytes.
        offset: u64,
        /// In the parser's words.
        message: String,
    },
    /// More bytes than are read.
    #[error("expected {what} of at most {max} bytes, found {found}")]
    TooLarge {
        /// The component or its section.
        what: &'static str,
        /// The most.
        max: usize,
        /// What there is.
        found: usize,
    },
    /// More sections than are read.
    #[error("expected a component of at most {0} sections, found more; it was made to use up memory")]
    ManyParts(usize),
    /// No manifest inside.
    #[error(
        "expected one custom section `{SECTION}` with the manifest, found none; build with `seawall plugin build`, and run no \
         `strip` or `compose` after it"
    )]
    NoSection,
    /// Two or more manifests inside.
    #[error("expected one custom section `{SECTION}`, found {0}")]
    ManySections(usize),
    /// The section is not the JSON that it should be.
    #[error("expected JSON with `manifest`, `blueprints` and `mapping` in `{SECTION}`, found {0}")]
    BadSection(String),
    /// The manifest inside is wrong.
    #[error("the manifest inside is wrong:\n{0}")]
    Manifest(#[from] ManifestErrors),
    /// A role that the manifest names is not exported.
    #[error("the manifest's role `{role}` needs the export `{expected}`; found {found}", role = role_name(*.role))]
    RoleNotExported {
        /// The role.
        role: Role,
        /// The export's name.
        expected: &'static str,
        /// The export that comes nearest, or that there is none.
        found: String,
    },
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Ingestor => "ingestor",
        Role::Webhook => "webhook",
        Role::Action => "action",
        Role::Rule => "rule",
    }
}

impl Bundle {
    /// A bundle of these parts.
    pub fn new(manifest: Manifest, blueprints: Vec<Blueprint>, mapping: Option<Value>) -> Self {
        Self {
            manifest,
            blueprints,
            mapping,
        }
    }

    /// The component with this bundle as its one section `seawall:plugin`, at its end; one that was there is taken out.
    /// The same input gives the same bytes.
    ///
    /// # Errors
    /// When `component` is none, is damaged, or would be larger than is read.
    pub fn embed(&self, component: &[u8]) -> Result<Vec<u8>, BundleError> {
        let sections = wasm::sections(component)?;
        let data = serde_json::to_vec(self).map_err(|error| BundleError::BadSection(error.to_string()))?;
        limit("a section", MAX_SECTION_BYTES, data.len())?;
        let mut out = Vec::with_capacity(component.len() + data.len() + SECTION.len() + 16);
        out.extend_from_slice(&component[..wasm::HEADER]);
        for section in sections.iter().filter(|section| section.custom_name != Some(SECTION)) {
            out.extend_from_slice(&component[section.whole.clone()]);
        }
        let section = wasm_encoder::CustomSection {
            name: SECTION.into(),
            data: data.into(),
        };
        wasm_encoder::ComponentSection::append_to_component(&section, &mut out);
        limit("a component", MAX_COMPONENT_BYTES, out.len())?;
        Ok(out)
    }

    /// The digest of a component without its bundle: what its compiled code depends on. A changed manifest, blueprint or
    /// mapping leaves it as it was.
    ///
    /// # Errors
    /// Where the bytes are no component.
    pub fn code_digest(component: &[u8]) -> Result<Digest, BundleError> {
        let sections = wasm::sections(component)?;
        let code = sections.iter().filter(|section| section.custom_name != Some(SECTION));
        let header = std::iter::once(&component[..wasm::HEADER]);
        Ok(Digest::of_parts(
            header.chain(code.map(|section| &component[section.whole.clone()])),
        ))
    }

    /// Reads the bundle out of a component, without running it. The manifest is checked as thoroughly as
    /// [`manifest::parse`] does.
    ///
    /// # Errors
    /// [`BundleError`]: what was expected and what was found.
    pub fn extract(bytes: &[u8]) -> Result<Self, BundleError> {
        let sections = wasm::sections(bytes)?;
        let mut own = sections.iter().filter(|section| section.custom_name == Some(SECTION));
        let data = match (own.next(), own.count()) {
            (None, _) => return Err(BundleError::NoSection),
            (Some(section), 0) => &bytes[section.data.clone()],
            (Some(_), more) => return Err(BundleError::ManySections(more + 1)),
        };
        limit("a section", MAX_SECTION_BYTES, data.len())?;
        let bad = |error: serde_json::Error| BundleError::BadSection(error.to_string());
        let mut value: Value = serde_json::from_slice(data).map_err(bad)?;
        let manifest = manifest::from_value(manifest::FILE, &value["manifest"])?;
        let mut take = |name: &str| value.get_mut(name).map(Value::take).filter(|value| !value.is_null());
        let blueprints = take("blueprints")
            .map(serde_json::from_value)
            .transpose()
            .map_err(bad)?;
        Ok(Self {
            manifest,
            blueprints: blueprints.unwrap_or_default(),
            mapping: take("mapping"),
        })
    }

    /// Checks that a component with these exports (of [`world`]) plays the manifest's roles. Other exports are tolerated:
    /// some toolchains add their own. Any `0.1.x` will do.
    ///
    /// # Errors
    /// [`BundleError::RoleNotExported`] for the first role that is missing.
    pub fn check_roles(&self, exports: &[String]) -> Result<(), BundleError> {
        for role in &self.manifest.roles {
            let expected = role.interface();
            if exports.iter().any(|export| world::compatible(export, expected)) {
                continue;
            }
            let stem = expected.split('@').next().unwrap_or(expected);
            let same = exports.iter().find(|export| export.split('@').next() == Some(stem));
            let ours = || {
                exports
                    .iter()
                    .filter(|export| export.starts_with("seawall:"))
                    .map(|export| format!("`{export}`"))
            };
            let found = match same {
                Some(export) => format!("`{export}`"),
                None if ours().next().is_some() => ours().collect::<Vec<_>>().join(", "),
                None => "no export of `seawall:plugin`".to_owned(),
            };
            return Err(BundleError::RoleNotExported {
                role: *role,
                expected,
                found,
            });
        }
        Ok(())
    }
}

fn limit(what: &'static str, max: usize, found: usize) -> Result<(), BundleError> {
    if found > max {
        Err(BundleError::TooLarge { what, max, found })
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
