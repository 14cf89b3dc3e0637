//! Whole directories, on the machine's file system.

use super::*;
use seawall_sdk::ingestor::{Change, Next};
use std::{fs, path::Path};

fn write(root: &Path, file: &str, text: &str) {
    let path = root.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn component(name: &str) -> String {
    format!("apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: {name}\nspec: {{owner: a}}\n")
}

/// All pages of a pass: their sizes, the keys, the items and how it ended.
fn pass(root: &Path, kind: &str, config: &Config) -> (Vec<usize>, Vec<String>, Vec<Value>, Next) {
    let (mut sizes, mut keys, mut items, mut cursor) = (Vec::new(), Vec::new(), Vec::new(), None);
    loop {
        let page = pull(root.to_str().unwrap(), kind, config, cursor.as_deref()).unwrap();
        sizes.push(page.changes.len());
        for change in page.changes {
            let Change::Upsert { key, value, .. } = change else {
                panic!("{change:?}")
            };
            keys.push(key);
            items.push(value.parse().unwrap());
        }
        match page.next {
            Next::More(next) => cursor = Some(next),
            end => return (sizes, keys, items, end),
        }
    }
}

#[test]
fn all_pages_together_hold_everything_once() {
    let root = tempfile::tempdir().unwrap();
    for n in 0..3 {
        let many: Vec<String> = (0..400).map(|i| component(&format!("c{n}-{i}"))).collect();
        write(root.path(), &format!("{n}/catalog-info.yaml"), &many.join("---\n"));
    }
    let (sizes, mut keys, _, end) = pass(root.path(), "backstage-entity", &Config::default());
    assert_eq!(sizes, [500, 500, 200]);
    assert_eq!(end, Next::SnapshotComplete(None));
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 1200);
}

#[test]
fn a_repository_is_read_where_it_is_named() {
    let of = |config: Value| serde_json::from_value::<Config>(config).unwrap().root();
    assert_eq!(of(json!({"repository": "https://git.example.com/a.git"})), "/repository");
    assert_eq!(of(json!({"directory": "/srv/a"})), "/checkout");
}

#[test]
fn a_broken_document_removes_nothing() {
    let root = tempfile::tempdir().unwrap();
    let text = format!("{}---\nkind: [\n---\n{}", component("one"), component("two"));
    write(root.path(), "catalog-info.yaml", &text);
    let (_, keys, _, end) = pass(root.path(), "backstage-entity", &Config::default());
    assert_eq!(
        keys,
        [
            "component:default/one@catalog-info.yaml",
            "component:default/two@catalog-info.yaml"
        ]
    );
    let Next::CaughtUp(cursor) = end else { panic!("{end:?}") };
    // The next pass goes on from there, which is the beginning.
    let again = pull(
        root.path().to_str().unwrap(),
        "backstage-entity",
        &Config::default(),
        Some(&cursor),
    )
    .unwrap();
    assert_eq!(again.changes.len(), 2);
}

#[test]
fn locations_and_patterns_name_more_files() {
    let root = tempfile::tempdir().unwrap();
    let location = "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: all}\nspec:\n  targets: \
                    [./more/one.yaml, ../out.yaml, 'https://example.com/x.yaml', ./absent.yaml]\n";
    write(root.path(), "a-catalog-info.yml", location);
    write(root.path(), "more/one.yaml", &component("one"));
    write(
        root.path(),
        "named/two.yaml",
        &format!("{}---\nkind: Kustomization\n", component("two")),
    );
    write(root.path(), "other/three.yaml", &component("three"));
    let config = Config {
        backstage_files: vec!["named/*.yaml".into()],
        ..Config::default()
    };
    let (_, keys, items, end) = pass(root.path(), "backstage-entity", &config);
    let expected = [
        "location:default/all@a-catalog-info.yml",
        "component:default/one@more/one.yaml",
        "component:default/two@named/two.yaml",
    ];
    assert_eq!(keys, expected);
    assert_eq!(items[1]["source"], json!({"file": "more/one.yaml", "line": 1}));
    assert_eq!(end, Next::SnapshotComplete(None));
}

#[test]
#[cfg(unix)]
fn links_that_form_a_circle_end_and_links_out_hold_nothing() {
    let (root, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(root.path(), "a/catalog-info.yaml", &component("one"));
    write(root.path(), ".git/catalog-info.yaml", &component("hidden"));
    write(outside.path(), "x", "");
    std::os::unix::fs::symlink("..", root.path().join("a/up")).unwrap();
    std::os::unix::fs::symlink("b", root.path().join("b")).unwrap();
    std::os::unix::fs::symlink("a", root.path().join("again")).unwrap();
    let (_, keys, _, end) = pass(root.path(), "backstage-entity", &Config::default());
    assert_eq!(keys, ["component:default/one@a/catalog-info.yaml"]);
    assert_eq!(end, Next::SnapshotComplete(None));
}

#[test]
fn a_huge_file_is_passed_over() {
    let root = tempfile::tempdir().unwrap();
    write(
        root.path(),
        "catalog-info.yaml",
        &format!("{}# {}\n", component("big"), "x".repeat(3 << 20)),
    );
    write(root.path(), "z/catalog-info.yaml", &component("small"));
    let (_, keys, _, _) = pass(root.path(), "backstage-entity", &Config::default());
    assert_eq!(keys, ["component:default/small@z/catalog-info.yaml"]);
}

#[test]
fn a_directory_that_is_not_there_is_the_operators_to_correct() {
    let result = pull("/nowhere/at/all", "backstage-entity", &Config::default(), None);
    assert!(matches!(result, Err(Failure::InvalidConfig(_))), "{result:?}");
}

/// Files that others wrote, where they are at hand.
#[test]
fn reads_published_files() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if !data.is_dir() {
        eprintln!("there is no folder of published files beside the repository: nothing was tried");
        return;
    }
    let (_, keys, items, end) = pass(&data.join("backstage"), "backstage-entity", &Config::default());
    assert!(
        keys.iter()
            .any(|key| key.starts_with("component:default/sample-service@")),
        "{keys:?}"
    );
    assert!(
        keys.iter().any(|key| key.starts_with("api:default/demo-graphql@")),
        "{keys:?}"
    );
    assert_eq!(end, Next::SnapshotComplete(None));
    let service = items
        .iter()
        .find(|item| item["ref"] == "component:default/sample-service")
        .unwrap();
    let owner = json!({"type": "ownedBy", "targetRef": "group:roadiehq/engineering"});
    assert!(service["relations"].as_array().unwrap().contains(&owner), "{service}");

    let (_, _, items, end) = pass(&data.join("online-boutique"), "kubernetes-object", &Config::default());
    assert_eq!(end, Next::SnapshotComplete(None));
    let of = |kind: &str| items.iter().filter(|item| item["kind"] == kind).count();
    assert_eq!((of("Deployment"), of("Service")), (12, 12));
    let selects = |item: &&Value| item["kind"] == "Service" && item["relations"].as_array().unwrap().len() == 1;
    assert_eq!(items.iter().filter(selects).count(), 12);
}
