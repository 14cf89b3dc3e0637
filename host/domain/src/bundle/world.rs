//! What a component imports and exports.

use super::{BundleError, wasm};
use wasmparser::Payload;

/// The names of a component's imports and exports, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct World {
    /// Such as `wasi:http/outgoing-handler@0.2.12`.
    pub imports: Vec<String>,
    /// Such as `seawall:plugin/ingestor@0.1.0`.
    pub exports: Vec<String>,
}

/// Reads the names of all imports and exports of a component, without running it.
///
/// # Errors
/// When the bytes are no component, or a damaged one.
pub fn world(bytes: &[u8]) -> Result<World, BundleError> {
    let mut world = World {
        imports: Vec::new(),
        exports: Vec::new(),
    };
    let damaged = |error: wasmparser::Error| BundleError::Damaged {
        offset: u64::try_from(error.offset()).unwrap_or(u64::MAX),
        message: error.message().to_owned(),
    };
    for section in wasm::sections(bytes)? {
        match section.payload {
            Payload::ComponentImportSection(imports) => {
                for import in imports {
                    world.imports.push(import.map_err(damaged)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(exports) => {
                for export in exports {
                    world.exports.push(export.map_err(damaged)?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(world)
}

/// Whether an export `given` serves where `wanted` (`…@0.1.0`) is looked for: same name, same 0.MINOR.
pub(super) fn compatible(given: &str, wanted: &str) -> bool {
    let split = |name: &str| -> Option<(String, semver::Version)> {
        let (path, version) = name.split_once('@')?;
        Some((path.to_owned(), version.parse().ok()?))
    };
    let (Some((path, version)), Some((own_path, own))) = (split(given), split(wanted)) else {
        return false;
    };
    path == own_path && version.pre.is_empty() && (version.major, version.minor) == (own.major, own.minor)
}
