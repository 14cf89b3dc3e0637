//! What a component imports and exports, and whether the host has all of it.

use super::{BundleError, wasm};
use std::fmt;
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

/// Interfaces of WASI 0.2 that the host gives, by package. Sockets are given and refuse every call: toolchains import them
/// whether a program uses them or not.
pub const WASI: [(&str, &[&str]); 7] = [
    ("wasi:io", &["error", "poll", "streams"]),
    ("wasi:clocks", &["monotonic-clock", "wall-clock"]),
    ("wasi:random", &["insecure", "insecure-seed", "random"]),
    ("wasi:http", &["outgoing-handler", "types"]),
    (
        "wasi:cli",
        &[
            "environment",
            "exit",
            "stderr",
            "stdin",
            "stdout",
            "terminal-input",
            "terminal-output",
            "terminal-stderr",
            "terminal-stdin",
            "terminal-stdout",
        ],
    ),
    ("wasi:filesystem", &["preopens", "types"]),
    (
        "wasi:sockets",
        &[
            "instance-network",
            "ip-name-lookup",
            "network",
            "tcp",
            "tcp-create-socket",
            "udp",
            "udp-create-socket",
        ],
    ),
];

/// Interfaces of Seawall's own that the host gives.
const OWN: (&str, &[&str]) = ("seawall:plugin", &["catalog", "log", "types"]);

/// An import that the host does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownImport {
    /// The component's import.
    pub found: String,
    /// What the host has in its place.
    pub expected: String,
}

/// `found the import `wasi:http/types@0.3.0`, expected `wasi:http/types@0.2.x``
impl fmt::Display for UnknownImport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "found the import `{}`, expected {}", self.found, self.expected)
    }
}

/// Checks that the host has all `imports` (of [`world`]): `seawall:plugin` 0.1 and WASI 0.2, at any patch.
///
/// # Errors
/// Each import that the host does not have, beside what it has.
pub fn check_imports(imports: &[String]) -> Result<(), Vec<UnknownImport>> {
    let unknown: Vec<_> = imports.iter().filter_map(|import| unknown(import)).collect();
    if unknown.is_empty() { Ok(()) } else { Err(unknown) }
}

fn unknown(import: &str) -> Option<UnknownImport> {
    let (path, version) = import.split_once('@').unwrap_or((import, ""));
    let (package, interface) = path.split_once('/').unwrap_or((path, ""));
    let packages = || std::iter::once(&OWN).chain(&WASI);
    let line = |package: &str| if package == OWN.0 { "0.1" } else { "0.2" };
    let Some((package, interfaces)) = packages().find(|(known, _)| *known == package) else {
        let names: Vec<_> = packages().map(|(name, _)| format!("{name}@{}.x", line(name))).collect();
        let near = crate::text::nearest(package, packages().map(|(name, _)| *name));
        let expected = match near {
            Some(near) => format!("`{near}@{}.x`", line(near)),
            None => format!("an interface of {}", names.join(", ")),
        };
        return Some(UnknownImport {
            found: import.to_owned(),
            expected,
        });
    };
    let of_line = version
        .strip_prefix(line(package))
        .and_then(|rest| rest.strip_prefix('.'));
    let patch = of_line.is_some_and(|patch| !patch.is_empty() && patch.bytes().all(|b| b.is_ascii_digit()));
    let expected = if !interfaces.contains(&interface) {
        let all = interfaces
            .iter()
            .map(|name| format!("{package}/{name}@{}.x", line(package)))
            .collect::<Vec<_>>()
            .join("`, `");
        format!("`{all}`")
    } else if !patch {
        format!("`{package}/{interface}@{}.x`", line(package))
    } else {
        return None;
    };
    Some(UnknownImport {
        found: import.to_owned(),
        expected,
    })
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
