//! What other portals publish, where the sample data is beside the repository, or where `SEAWALL_SAMPLES` says.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

use seawall_domain::{
    definition::{Kind, canonical, text},
    document::Document,
    folder::Texts,
    import::{Imported, Severity, backstage, port},
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

fn folder(name: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let data = std::env::var_os("SEAWALL_SAMPLES")
        .map_or(beside, PathBuf::from)
        .join(name);
    if data.is_dir() {
        return Some(data);
    }
    println!("skipped: the sample data is not beside the repository (../shared/data/{name})");
    None
}

fn texts(folder: &Path) -> Texts {
    let mut waiting = vec![folder.to_owned()];
    let mut all = BTreeMap::new();
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if let Ok(text) = std::fs::read_to_string(&path) {
            let below = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
            all.insert(below, text);
        }
    }
    all.into_iter().collect()
}

fn check(imported: &Imported) -> BTreeMap<Kind, usize> {
    for note in &imported.notes {
        println!(
            "{:?} {}:{} {}: {}",
            note.severity,
            note.file,
            note.line.unwrap_or_default(),
            note.what,
            note.why
        );
        assert_eq!(note.severity, Severity::NotCarried, "{note:?}");
        assert!(!note.file.is_empty() && !note.why.is_empty());
    }
    let mut counts = BTreeMap::new();
    for definition in &imported.definitions {
        *counts.entry(definition.kind).or_default() += 1;
        let (name, value) = canonical(definition.kind, &definition.value).unwrap();
        assert_eq!(name, definition.name);
        // What is exported of it reads as it was.
        let (text, _) = text(definition.kind, &value).unwrap();
        let again = Document::parse("exported", &text).unwrap();
        assert_eq!(canonical(definition.kind, again.value()).unwrap().1, value, "{text}");
    }
    println!("{counts:?}, passed over: {:?}", imported.passed_over);
    counts
}

#[test]
fn everything_that_ocean_publishes_imports_without_an_error() {
    let Some(folder) = folder("ocean") else { return };
    let counts = check(&port::import(&texts(&folder), "ocean"));
    assert!(
        counts[&Kind::Blueprint] >= 70 && counts[&Kind::Mapping] >= 19,
        "{counts:?}"
    );
}

#[test]
fn the_catalog_files_of_backstage_import_without_an_error() {
    let Some(folder) = folder("backstage") else { return };
    let options = |remote: Option<&str>| backstage::Options {
        prefix: String::new(),
        checkout: remote.and_then(|remote| backstage::Checkout::new(remote, "")),
    };
    let imported = backstage::import(&texts(&folder), &options(None));
    let counts = check(&imported);
    assert!(counts[&Kind::Entity] >= 9, "{counts:?}");
    // Nothing is fetched: the definitions are elsewhere, and so is what the Location names.
    assert_eq!(imported.notes.len(), 4, "{:#?}", imported.notes);
    // As a checkout of its own repository it knows one of them.
    let imported = backstage::import(
        &texts(&folder),
        &options(Some("https://github.com/RoadieHQ/sample-service")),
    );
    let api = imported
        .definitions
        .iter()
        .find(|one| one.name == "api/sample-service")
        .unwrap();
    assert_eq!(api.value["properties"]["definitionTitle"], "The Sample Service API");
    assert_eq!(api.value["properties"]["operationCount"], 3);
}

#[test]
fn manifests_of_kubernetes_hold_nothing_to_import() {
    let Some(folder) = folder("online-boutique") else {
        return;
    };
    let imported = backstage::import(&texts(&folder), &backstage::Options::default());
    assert_eq!(imported.definitions, []);
    check(&imported);
}
