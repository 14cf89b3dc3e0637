//! Services of Protocol Buffers (<https://protobuf.dev/reference/protobuf/proto3-spec/>).

use super::{Page, operation};

/// Deeper messages are refused: the parser goes down with them.
const DEPTH: usize = 64;

pub(super) fn read(text: &str) -> Result<Page, String> {
    if depth(text) > DEPTH {
        return Err(format!(
            "its messages are nested deeper than {DEPTH}; it is kept as text"
        ));
    }
    let file = protox_parse::parse("definition.proto", text).map_err(|error| {
        let line = error
            .span()
            .and_then(|span| text.get(..span.start))
            .map_or(1, |before| before.lines().count().max(1));
        format!("line {line} of the definition is no Protocol Buffers file: {error}; it is kept as text")
    })?;
    let package = file.package.as_deref().filter(|package| !package.is_empty());
    let mut page = Page {
        title: package.map(str::to_owned),
        ..Page::default()
    };
    for service in &file.service {
        let own = service.name.as_deref().unwrap_or_default();
        let service_name = package.map_or_else(|| own.to_owned(), |package| format!("{package}.{own}"));
        for method in &service.method {
            let name = method.name.as_deref().unwrap_or_default();
            let stream = |on: Option<bool>| if on == Some(true) { "stream " } else { "" };
            let type_of = |name: &Option<String>| name.clone().unwrap_or_default().trim_start_matches('.').to_owned();
            let signature = format!(
                "{}{} → {}{}",
                stream(method.client_streaming),
                type_of(&method.input_type),
                stream(method.server_streaming),
                type_of(&method.output_type),
            );
            // The parser leaves options as they are written.
            let options = method.options.iter().flat_map(|options| &options.uninterpreted_option);
            let deprecated = options.into_iter().any(|option| {
                let names: Vec<_> = option.name.iter().map(|part| part.name_part.as_str()).collect();
                names == ["deprecated"] && option.identifier_value.as_deref() == Some("true")
            });
            page.operations.push(operation(&[
                ("name", format!("{own}/{name}").into()),
                ("method", "rpc".into()),
                ("path", format!("/{service_name}/{name}").into()),
                ("summary", signature.into()),
                ("deprecated", deprecated.into()),
            ]));
        }
    }
    Ok(page)
}

/// How deep braces and brackets are nested at most. Those of comments and texts count too, which refuses nothing that people
/// write.
fn depth(text: &str) -> usize {
    let (mut now, mut most) = (0_usize, 0);
    for byte in text.bytes() {
        match byte {
            b'{' | b'[' | b'<' => now += 1,
            b'}' | b']' | b'>' => now = now.saturating_sub(1),
            _ => {}
        }
        most = most.max(now);
    }
    most
}
