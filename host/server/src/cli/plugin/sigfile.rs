//! `FILE.sig.json`: where a component came from and its signatures, beside the component, for machines without a way out.

use crate::cli::error::{CliError, Result};
use seawall_domain::{Digest, provenance::Provenance, signature::PublicKey};
use seawall_registry::{RegistryError, key::read_public};
use std::path::{Path, PathBuf};

/// The most bytes of such a file.
const MAX: u64 = 8 << 20;

/// Where it is.
pub(super) fn beside(component: &Path) -> PathBuf {
    let mut name = component.as_os_str().to_owned();
    name.push(".sig.json");
    name.into()
}

/// Reads one.
pub(super) fn read(path: &Path) -> Result<Provenance> {
    let wrong = |why: String| CliError::Usage(format!("{}: {why}", path.display()));
    let size = std::fs::metadata(path).map_err(|e| wrong(e.to_string()))?.len();
    if size > MAX {
        return Err(wrong(format!("expected at most {MAX} bytes, found {size}")));
    }
    let bytes = std::fs::read(path).map_err(|e| wrong(e.to_string()))?;
    serde_json::from_slice(&bytes).map_err(|e| {
        wrong(format!(
            "expected what `seawall plugin pull` or `seawall plugin sign` writes: {e}"
        ))
    })
}

/// What belongs to a component's file: the signatures that were named, or else those beside it, or none.
pub(super) fn of(component: &Path, named: Option<&Path>) -> Result<Provenance> {
    let path = beside(component);
    match named {
        Some(named) => read(named),
        None if path.exists() => {
            eprintln!("with the signatures in {}", path.display());
            read(&path)
        }
        None => Ok(Provenance::file()),
    }
}

/// Writes one beside the component, or the component itself: whole or not at all.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result {
    let wrong = |e: std::io::Error| CliError::Usage(format!("{}: {e}", path.display()));
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut partial = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(wrong)?;
    std::io::Write::write_all(&mut partial, bytes).map_err(wrong)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::Permissions::from_mode(0o644);
        partial.as_file().set_permissions(mode).map_err(wrong)?;
    }
    partial.persist(path).map_err(|e| wrong(e.error))?;
    Ok(())
}

/// The text of one.
pub(super) fn text(provenance: &Provenance) -> Result<String> {
    let text = serde_json::to_string_pretty(provenance).map_err(|e| CliError::Failed(e.to_string()))?;
    Ok(text + "\n")
}

/// The keys of these files, by the names of the files.
pub(super) fn keys(files: &[PathBuf]) -> Result<Vec<(String, PublicKey)>> {
    let named = |file: &PathBuf| Ok((file.display().to_string(), read_public(file)?));
    files.iter().map(named).collect()
}

/// Checks that everything is about the component, and that one of the keys signed it, where there are keys. Gives the names
/// of those that did.
pub(super) fn check(provenance: &Provenance, component: &Digest, keys: &[(String, PublicKey)]) -> Result<Vec<String>> {
    provenance
        .check(component)
        .map_err(|why| RegistryError::Tampered(why.to_string()))?;
    let signed = |key: &PublicKey| provenance.signatures.iter().any(|signature| signature.is_by(key));
    let by: Vec<_> = keys
        .iter()
        .filter(|(_, key)| signed(key))
        .map(|(name, _)| name.clone())
        .collect();
    if by.is_empty() && !keys.is_empty() {
        let names: Vec<_> = keys.iter().map(|(name, _)| name.as_str()).collect();
        let found = match provenance.signatures.len() {
            0 => "it is not signed at all".to_owned(),
            1 => "its signature is by another key".to_owned(),
            n => format!("its {n} signatures are by other keys"),
        };
        let why = format!("no signature of it is by {}: {found}", names.join(" or "));
        return Err(RegistryError::Unsigned(why).into());
    }
    Ok(by)
}
