//! The outermost sections of a component.

use super::{BundleError, MAX_COMPONENT_BYTES, limit};
use std::ops::Range;
use wasmparser::{Chunk, Parser, Payload};

/// The most sections at depth 0: what is kept of each is larger than the two bytes that one can have. A component built
/// from Python has some hundreds.
const MAX_SECTIONS: usize = 50_000;

/// Bytes before the first section.
pub(super) const HEADER: usize = 8;

/// One section at depth 0.
pub(super) struct Section<'a> {
    /// Its bytes with its own header.
    pub(super) whole: Range<usize>,
    /// Its name, when it is a custom section.
    pub(super) custom_name: Option<&'a str>,
    /// What follows the name of a custom section; empty for others.
    pub(super) data: Range<usize>,
    /// What else it is.
    pub(super) payload: Payload<'a>,
}

/// All sections at depth 0, in order; nested components and modules are passed over unread.
pub(super) fn sections(bytes: &[u8]) -> Result<Vec<Section<'_>>, BundleError> {
    limit("a component", MAX_COMPONENT_BYTES, bytes.len())?;
    if Parser::is_core_wasm(bytes) {
        return Err(BundleError::CoreModule);
    }
    if !Parser::is_component(bytes) {
        return Err(BundleError::NotWasm { found: look(bytes) });
    }
    let damaged = |error: wasmparser::Error| BundleError::Damaged {
        offset: u64::try_from(error.offset()).unwrap_or(u64::MAX),
        message: error.message().to_owned(),
    };
    let mut parser = Parser::new(0);
    let mut sections = Vec::new();
    let mut at = 0;
    loop {
        let Chunk::Parsed { consumed, payload } = parser.parse(&bytes[at..], true).map_err(damaged)? else {
            let message = "more bytes were announced".to_owned();
            return Err(BundleError::Damaged {
                offset: u64::try_from(at).unwrap_or(u64::MAX),
                message,
            });
        };
        let mut end = at + consumed;
        if let Payload::ModuleSection { unchecked_range, .. } | Payload::ComponentSection { unchecked_range, .. } =
            &payload
        {
            end = unchecked_range.end;
            if end > bytes.len() {
                let message = format!("a nested module that ends at byte {end}, after the file's end");
                return Err(BundleError::Damaged {
                    offset: u64::try_from(at).unwrap_or(u64::MAX),
                    message,
                });
            }
        }
        let (custom_name, data) = match &payload {
            Payload::Version { .. } => {
                at = end;
                continue;
            }
            Payload::End(_) => return Ok(sections),
            Payload::CustomSection(custom) => (Some(custom.name()), end - custom.data().len()..end),
            _ => (None, end..end),
        };
        if sections.len() == MAX_SECTIONS {
            return Err(BundleError::ManyParts(MAX_SECTIONS));
        }
        sections.push(Section {
            whole: at..end,
            custom_name,
            data,
            payload,
        });
        at = end;
    }
}

/// What bytes that are no WebAssembly look like.
fn look(bytes: &[u8]) -> String {
    match bytes {
        [] => "an empty file".to_owned(),
        [b'P', b'K', ..] => "a zip archive".to_owned(),
        [0x1f, 0x8b, ..] => "a gzip archive".to_owned(),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "a zstd archive".to_owned(),
        [0x7f, b'E', b'L', b'F', ..] => "a native program (ELF)".to_owned(),
        [b'(', ..] => "WebAssembly text; assemble it first".to_owned(),
        [0, b'a', b's', b'm', version @ ..] if version.len() < 4 => "the first bytes of one, cut off".to_owned(),
        [0, b'a', b's', b'm', ..] => "WebAssembly of a version that is not known".to_owned(),
        _ => {
            let first: Vec<String> = bytes.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
            format!("bytes that start with {}", first.join(" "))
        }
    }
}
