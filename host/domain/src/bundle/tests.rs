#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use wasm_encoder::{
    Component, ComponentImportSection, ComponentSection, ComponentTypeRef, ComponentTypeSection, CustomSection,
    InstanceType, ModuleSection, NestedComponentSection,
};

fn bundle() -> Bundle {
    let yaml = "name: demo\nversion: 1.2.3\nroles: [ingestor]\nkinds: {thing: {}}\n";
    let blueprint =
        serde_json::from_str(r#"{"identifier": "thing", "schema": {"properties": {"a": {"type": "string"}}}}"#);
    let mapping = serde_json::json!({"resources": []});
    Bundle::new(
        manifest::parse("plugin.yaml", yaml).unwrap(),
        vec![blueprint.unwrap()],
        Some(mapping),
    )
}

/// A component with these imports, a core module and a nested component that has a section of the same name.
fn component(imports: &[&str]) -> Vec<u8> {
    let mut component = Component::new();
    let mut types = ComponentTypeSection::new();
    types.instance(&InstanceType::new());
    component.section(&types);
    let mut section = ComponentImportSection::new();
    for name in imports {
        section.import(*name, ComponentTypeRef::Instance(0));
    }
    component.section(&section);
    component.section(&ModuleSection(&wasm_encoder::Module::new()));
    let mut inner = Component::new();
    inner.section(&CustomSection {
        name: SECTION.into(),
        data: b"not mine"[..].into(),
    });
    component.section(&NestedComponentSection(&inner));
    component.section(&CustomSection {
        name: "producers".into(),
        data: b"x"[..].into(),
    });
    component.finish()
}

fn with_section(data: &[u8]) -> Vec<u8> {
    let mut bytes = component(&[]);
    CustomSection {
        name: SECTION.into(),
        data: data.into(),
    }
    .append_to_component(&mut bytes);
    bytes
}

#[track_caller]
fn refuses(bytes: &[u8], says: &str) {
    let error = Bundle::extract(bytes).unwrap_err().to_string();
    assert!(error.contains(says), "{error}");
}

#[test]
fn what_is_embedded_comes_out_again() {
    let bare = component(&["wasi:io/poll@0.2.12"]);
    let once = bundle().embed(&bare).unwrap();
    assert_eq!(Bundle::extract(&once).unwrap(), bundle());
    assert!(once.starts_with(&bare), "the component itself stays as it is");
    wasmparser::Validator::new().validate_all(&once).unwrap();
}

#[test]
fn embedding_again_replaces() {
    let once = bundle().embed(&component(&[])).unwrap();
    assert_eq!(bundle().embed(&once).unwrap(), once);
    let mut other = bundle();
    other.manifest.version = "2.0.0".parse().unwrap();
    other.mapping = None;
    let twice = other.embed(&once).unwrap();
    assert_eq!(Bundle::extract(&twice).unwrap(), other);
}

#[test]
fn bytes_that_are_no_plugin_are_refused_in_words() {
    refuses(b"", "an empty file");
    refuses(b"#!/bin/sh\n", "bytes that start with 23 21 2f");
    refuses(b"PK\x03\x04", "zip archive");
    refuses(b"(component)", "WebAssembly text");
    refuses(b"\0asm", "cut off");
    refuses(b"\0asm\x09\0\x09\0", "version that is not known");
    refuses(&wasm_encoder::Module::new().finish(), "found a core module");
    refuses(&component(&[]), "found none");
    refuses(&with_section(b"{"), "expected JSON");
    refuses(&with_section(b"{}"), "the manifest inside is wrong");
    refuses(
        &with_section(br#"{"manifest": {"name": "a", "version": "1.0.0", "roles": ["ingestor"]}}"#),
        "at least one entry of `kinds`",
    );
    let mut twice = bundle().embed(&component(&[])).unwrap();
    CustomSection {
        name: SECTION.into(),
        data: b"{}"[..].into(),
    }
    .append_to_component(&mut twice);
    refuses(&twice, "found 2");
    refuses(&with_section(&vec![b' '; MAX_SECTION_BYTES + 1]), "found 8388609");
    let huge = vec![0; MAX_COMPONENT_BYTES + 1];
    refuses(&huge, "of at most 67108864 bytes, found 67108865");
}

#[test]
fn no_cut_and_no_flipped_byte_panics() {
    let whole = bundle().embed(&component(&["wasi:io/poll@0.2.12"])).unwrap();
    for end in 0..whole.len() {
        assert!(Bundle::extract(&whole[..end]).is_err(), "cut at {end}");
        let _ = world(&whole[..end]);
    }
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0xff;
        let _ = (Bundle::extract(&bytes), world(&bytes));
    }
}

#[test]
fn a_nested_section_does_not_count() {
    refuses(&component(&[]), "found none");
}

#[test]
fn the_world_is_read_without_running() {
    let names = ["wasi:io/poll@0.2.12", "seawall:plugin/log@0.1.0"];
    let world = world(&component(&names)).unwrap();
    assert_eq!(world.imports, names);
    assert!(world.exports.is_empty());
}

fn strings(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn known_imports_pass_at_any_patch() {
    let known = strings(&[
        "seawall:plugin/types@0.1.0",
        "seawall:plugin/log@0.1.7",
        "wasi:http/types@0.2.0",
        "wasi:io/streams@0.2.99",
        "wasi:cli/environment@0.2.12",
        "wasi:sockets/tcp@0.2.3",
        "wasi:filesystem/preopens@0.2.6",
    ]);
    assert_eq!(check_imports(&known, false), Ok(()));
    assert_eq!(check_imports(&known, true), Ok(()));
    assert_eq!(Wasi::of(&known), [Wasi::V0_2]);
}

#[test]
fn unknown_imports_are_shown_beside_what_is_known() {
    for (found, expected) in [
        ("wasi:http/types@0.4.0", "`wasi:http/types@0.2.x`"),
        ("wasi:http/types@0.3.0-rc-2026-02-09", "`wasi:http/types@0.2.x`"),
        ("wasi:http/types@0.2.0-rc-2023-11-10", "`wasi:http/types@0.2.x`"),
        ("wasi:http/types@0.20.0", "`wasi:http/types@0.2.x`"),
        ("wasi:http/types", "`wasi:http/types@0.2.x`"),
        ("seawall:plugin/log@0.2.0", "`seawall:plugin/log@0.1.x`"),
        ("seawal:plugin/log@0.1.0", "`seawall:plugin@0.1.x`"),
        (
            "wasi:random/rnd@0.2.0",
            "`wasi:random/insecure@0.2.x`, `wasi:random/insecure-seed@0.2.x`, `wasi:random/random@0.2.x`",
        ),
    ] {
        let unknown = check_imports(&strings(&["wasi:io/poll@0.2.0", found]), false).unwrap_err();
        assert_eq!(
            unknown,
            [BadImport::Unknown {
                found: found.to_owned(),
                expected: expected.to_owned()
            }]
        );
    }
    let all = check_imports(
        &strings(&["wasi:keyvalue/store@0.2.0", "env", "wasi:nn/tensor@0.2.0"]),
        false,
    )
    .unwrap_err();
    assert_eq!(all.len(), 3);
    assert!(
        all[0]
            .to_string()
            .contains("found the import `wasi:keyvalue/store@0.2.0`, expected an interface of seawall:plugin@0.1.x")
    );
}

#[test]
fn wasi_0_3_is_given_where_it_is_on() {
    let both = strings(&[
        "wasi:http/client@0.3.0",
        "wasi:io/poll@0.2.0",
        "wasi:clocks/system-clock@0.3.1",
    ]);
    assert_eq!(check_imports(&both, true), Ok(()));
    assert_eq!(Wasi::of(&both), [Wasi::V0_2, Wasi::V0_3]);
    let refused = check_imports(&both, false).unwrap_err();
    assert_eq!(refused, [BadImport::Off(strings(&[&both[0], &both[2]]))]);
    let words = refused[0].to_string();
    assert!(words.contains("`--wasi-0-3`") && words.contains(&both[0]), "{words}");
    for (found, expected) in [
        (
            "wasi:http/handler@0.3.0",
            "`wasi:http/client@0.3.x`, `wasi:http/types@0.3.x`",
        ),
        (
            "wasi:http/client@0.2.0",
            "`wasi:http/outgoing-handler@0.2.x`, `wasi:http/types@0.2.x`",
        ),
        (
            "wasi:random/random@0.3.0-rc-2026-02-09",
            "`wasi:random/random@0.2.x`, `wasi:random/random@0.3.x`",
        ),
        ("wasi:io/poll@0.3.0", "`wasi:io/poll@0.2.x`"),
    ] {
        let unknown = check_imports(&strings(&[found]), true).unwrap_err();
        let (found, expected) = (found.to_owned(), expected.to_owned());
        assert_eq!(unknown, [BadImport::Unknown { found, expected }]);
    }
}

#[test]
fn roles_have_to_be_exported() {
    let bundle = bundle();
    bundle
        .check_roles(&strings(&["exports", "seawall:plugin/ingestor@0.1.0", "init"]))
        .unwrap();
    bundle
        .check_roles(&strings(&["seawall:plugin/ingestor@0.1.3"]))
        .unwrap();
    for (exports, found) in [
        (
            &["seawall:plugin/ingestor@0.2.0"][..],
            "`seawall:plugin/ingestor@0.2.0`",
        ),
        (&["seawall:plugin/webhook@0.1.0"], "`seawall:plugin/webhook@0.1.0`"),
        (&["wasi:cli/run@0.2.0"], "no export of `seawall:plugin`"),
        (&[], "no export"),
    ] {
        let error = bundle.check_roles(&strings(exports)).unwrap_err().to_string();
        assert!(
            error.contains("role `ingestor` needs the export `seawall:plugin/ingestor@0.1.0`"),
            "{error}"
        );
        assert!(error.contains(found), "{error}");
    }
}

#[test]
fn a_component_of_very_many_sections_is_refused() {
    let mut bytes = component(&[]);
    // Two bytes of body are a whole custom section: its name's length and its name.
    (0..60_000).for_each(|_| bytes.extend_from_slice(&[0, 2, 1, b'x']));
    let refused = Bundle::extract(&bytes).unwrap_err();
    assert!(matches!(refused, BundleError::ManyParts(_)), "{refused}");
}
