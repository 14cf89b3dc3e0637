//! Definitions as files.

use super::{Kind, read};
use serde_json::Value;

/// The file of a definition in an exported folder: `blueprints/service.yaml`.
pub fn file_name(kind: Kind, name: &str, extension: &str) -> String {
    let folder = match kind {
        single if single.is_single() => return format!("{}.{extension}", single.word()),
        Kind::Entity => "entities".to_owned(),
        Kind::Gate => "gates".to_owned(),
        other => format!("{}s", other.word()),
    };
    // A slash stands between folders; what else a file's name cannot hold everywhere is written as its number.
    let plain = |part: &str| -> String {
        let escaped = |c: char| match c {
            c if c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '@') => c.to_string(),
            c => format!("%{:X}", u32::from(c)),
        };
        let text = short(part.chars().map(escaped).collect(), part);
        match text.strip_prefix('.') {
            Some(rest) => format!("%2E{rest}"),
            None if text.is_empty() => "%".to_owned(),
            None => text,
        }
    };
    let name: Vec<_> = name.split('/').map(plain).collect();
    format!("{folder}/{}.{extension}", name.join("/"))
}

/// Bytes of one part of a path: file systems take 255.
const LONGEST: usize = 200;

/// A name that no file could have is cut, with what tells it from others that begin so.
fn short(text: String, part: &str) -> String {
    if text.len() <= LONGEST {
        return text;
    }
    let end = text.floor_char_boundary(LONGEST - 20);
    format!("{}~{}", &text[..end], crate::Digest::of(part.as_bytes()).short())
}

/// The text of a definition, with its `kind` first, and the extension of the file that holds it: `yaml`, or `json` where the
/// value would not be the same after YAML.
///
/// # Errors
/// Where it can be written in neither way.
pub fn text(kind: Kind, value: &Value) -> Result<(String, &'static str), String> {
    let whole = read::with_kind(kind, value);
    let fields = serde_saphyr::to_string(value).map_err(|error| error.to_string())?;
    let yaml = format!(
        "kind: {kind}\n{fields}{}",
        if fields.ends_with('\n') { "" } else { "\n" }
    );
    let same = crate::document::Document::parse("", &yaml).is_ok_and(|document| *document.value() == whole);
    if same {
        return Ok((yaml, "yaml"));
    }
    let json = serde_json::to_string_pretty(&whole).map_err(|error| error.to_string())?;
    Ok((format!("{json}\n"), "json"))
}
