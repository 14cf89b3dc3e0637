//! The Rust SDK's bindings are generated once and kept in git, so that a plugin's build needs no code generator.
//! This test keeps them equal to the WIT files. `SEAWALL_UPDATE_BINDINGS=1 cargo test -p seawall-toolchain` rewrites them.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{fs, path::Path};
use wit_bindgen_core::{
    Files, WorldGenerator,
    wit_parser::{Docs, Resolve, TypeDefKind},
};
use wit_bindgen_rust::{Opts, WithOption};

const TYPES: &str = "seawall:plugin/types@0.1.0";

#[test]
fn the_rust_sdk_holds_the_bindings_of_the_wit_files() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let update = std::env::var_os("SEAWALL_UPDATE_BINDINGS").is_some();
    for world in ["imports", "ingestor", "webhook", "action", "rule"] {
        let path = root.join(format!("sdk/rust/src/bindings/{world}.rs"));
        let wanted = generate(&root, world);
        if update {
            fs::write(&path, &wanted).unwrap();
        }
        let found = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            found == wanted,
            "{} is not what wit/ says; run this test with SEAWALL_UPDATE_BINDINGS=1",
            path.display()
        );
    }
}

/// The functions of WASI that the SDK calls; the rest is left out of its bindings.
const USED: &[&str] = &[
    "now",
    "subscribe-duration",
    "get-random-u64",
    "get-directories",
    "[method]descriptor.read",
    "[method]descriptor.read-directory",
    "[method]descriptor.open-at",
    "[method]descriptor.stat",
    "[method]descriptor.stat-at",
    "[method]descriptor.metadata-hash-at",
    "[method]directory-entry-stream.read-directory-entry",
    "handle",
    "http-error-code",
    "[static]fields.from-list",
    "[method]fields.entries",
    "[constructor]outgoing-request",
    "[method]outgoing-request.set-method",
    "[method]outgoing-request.set-scheme",
    "[method]outgoing-request.set-authority",
    "[method]outgoing-request.set-path-with-query",
    "[method]outgoing-request.body",
    "[constructor]request-options",
    "[method]request-options.set-connect-timeout",
    "[method]request-options.set-first-byte-timeout",
    "[method]request-options.set-between-bytes-timeout",
    "[method]outgoing-body.write",
    "[static]outgoing-body.finish",
    "[method]future-incoming-response.subscribe",
    "[method]future-incoming-response.get",
    "[method]incoming-response.status",
    "[method]incoming-response.headers",
    "[method]incoming-response.consume",
    "[method]incoming-body.stream",
    "[method]input-stream.blocking-read",
    "[method]output-stream.blocking-write-and-flush",
    "[method]pollable.block",
];

fn unused(resolve: &Resolve) -> Vec<String> {
    let wasi = resolve.interfaces.iter().filter(|(_, interface)| {
        let package = interface.package.map(|id| &resolve.packages[id].name);
        package.is_some_and(|name| name.namespace == "wasi")
    });
    wasi.flat_map(|(_, interface)| interface.functions.keys())
        .filter(|name| !USED.contains(&name.as_str()))
        .cloned()
        .collect()
}

/// The WIT files hold the documentation; in the bindings it would be half of the text.
fn forget_docs(resolve: &mut Resolve) {
    for (_, interface) in resolve.interfaces.iter_mut() {
        interface.docs = Docs::default();
        for function in interface.functions.values_mut() {
            function.docs = Docs::default();
        }
    }
    for (_, ty) in resolve.types.iter_mut() {
        ty.docs = Docs::default();
        match &mut ty.kind {
            TypeDefKind::Record(record) => record.fields.iter_mut().for_each(|f| f.docs = Docs::default()),
            TypeDefKind::Flags(flags) => flags.flags.iter_mut().for_each(|f| f.docs = Docs::default()),
            TypeDefKind::Variant(variant) => variant.cases.iter_mut().for_each(|c| c.docs = Docs::default()),
            TypeDefKind::Enum(names) => names.cases.iter_mut().for_each(|c| c.docs = Docs::default()),
            _ => {}
        }
    }
}

fn generate(root: &Path, world: &str) -> String {
    let mut resolve = Resolve::default();
    for package in ["io", "clocks", "random", "filesystem", "sockets", "cli", "http"] {
        resolve.push_dir(root.join("wit/deps").join(package)).unwrap();
    }
    resolve.push_dir(root.join("wit/plugin")).unwrap();
    resolve.push_dir(root.join("wit/platform")).unwrap();
    let (sdk, _) = resolve.push_dir(root.join("sdk/rust/wit")).unwrap();
    let id = resolve.select_world(&[sdk], Some(world)).unwrap();

    forget_docs(&mut resolve);
    let mut options = Opts {
        format: true,
        generate_all: true,
        ..Opts::default()
    };
    if world == "imports" {
        options.skip = unused(&resolve);
    } else {
        options.pub_export_macro = true;
        options.export_macro_name = Some(format!("__export_{world}"));
        options.with = vec![(TYPES.to_owned(), WithOption::Path("crate::bindings::types".to_owned()))];
    }
    let mut files = Files::default();
    options.build().generate(&mut resolve, id, &mut files).unwrap();
    let (_, source) = files.iter().next().unwrap();
    String::from_utf8(source.to_vec()).unwrap()
}
