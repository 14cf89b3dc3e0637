//! What people, tools and registries hand in, bent at random: an error or a result comes of it, never a panic and never a hang.
//!
//! The seeds are files of this repository. 300 cases of each by default; `cargo xtask fuzz 1000000` for longer.

#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::{prelude::*, test_runner::Config};
use seawall_domain::{
    Digest, blueprint,
    bundle::Bundle,
    cassette::{self, Player},
    credential::Credential,
    document::Document,
    integration::Integration,
    manifest,
    mapping::Mapping,
    oci::{self, Descriptor, MANIFEST, Manifest, WASM, WASM_CONFIG},
    policy::Policy,
    query,
};
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The texts of all plugins' files of this name.
fn seeds(file: &str) -> Vec<String> {
    let folders = ["plugins", "tests/guests"].map(|parent| fs::read_dir(root().join(parent)).unwrap());
    let mut all: Vec<String> = folders
        .into_iter()
        .flatten()
        .filter_map(|folder| fs::read_to_string(folder.unwrap().path().join(file)).ok())
        .collect();
    all.sort();
    assert!(!all.is_empty(), "no plugin has a {file}");
    all
}

/// The texts of all plugins' cassettes, long ones left out.
fn cassettes() -> Vec<String> {
    let mut all = Vec::new();
    for plugin in fs::read_dir(root().join("plugins")).unwrap() {
        let Ok(files) = fs::read_dir(plugin.unwrap().path().join(cassette::FOLDER)) else {
            continue;
        };
        let paths = files.map(|file| file.unwrap().path());
        let is_one = |path: &PathBuf| !path.to_string_lossy().ends_with(cassette::EXPECTED);
        all.extend(paths.filter(is_one).filter_map(|path| fs::read_to_string(path).ok()));
    }
    all.retain(|text| text.len() < 40_000);
    all.sort();
    assert!(!all.is_empty(), "no plugin has a cassette");
    all
}

/// Manifests and an index, as registries give them.
fn artifacts() -> Vec<String> {
    let mut layer = Descriptor::of(WASM, b"component");
    layer
        .annotations
        .insert("org.opencontainers.image.title".into(), "a.wasm".into());
    let config = Descriptor::of(WASM_CONFIG, b"{}");
    let subject = Descriptor::of(MANIFEST, b"another");
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "application/x", "config": config, "layers": [layer],
        "subject": subject, "annotations": {"org.opencontainers.image.version": "1.2.0"},
    });
    let index = json!({"schemaVersion": 2, "mediaType": oci::INDEX, "manifests": [subject, layer, config]});
    [manifest, index]
        .iter()
        .flat_map(|one| [one.to_string(), format!("{one:#}")])
        .collect()
}

fn config() -> Config {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok());
    Config {
        cases: cases.unwrap_or(300),
        // Where a case that failed before is kept differs with the working folder; the seed in the message is enough.
        failure_persistence: None,
        ..Config::default()
    }
}

/// One change of a text: where (0 to 1), and what.
#[derive(Debug, Clone)]
enum Change {
    Cut(f64, usize),
    Put(f64, String),
    Twice(f64, usize),
}

fn change() -> impl Strategy<Value = Change> {
    // What has a meaning in YAML, JSON, jq, URLs and patterns, and what does not belong anywhere.
    let odd = prop::sample::select(vec![
        ": ",
        "- ",
        "\n",
        "  ",
        "{",
        "}",
        "[",
        "]",
        "'",
        "\"",
        "&a ",
        "*a",
        "!!str ",
        "|",
        ">",
        "#",
        "%",
        "\\",
        "\0",
        "\u{feff}",
        "\u{202e}",
        "é",
        "💥",
        "~",
        "null",
        "-1",
        "1e999",
        "9223372036854775808",
        "true",
        "**",
        "..",
        "{x}",
        "?",
        "<<: ",
        "---\n",
        "\t",
        "${",
        "$ref",
        "(",
        ")",
        "|=",
        "//",
        "@",
        "....................",
    ]);
    prop_oneof![
        (0.0..1.0, 1usize..40).prop_map(|(at, n)| Change::Cut(at, n)),
        (0.0..1.0, odd).prop_map(|(at, text)| Change::Put(at, text.to_owned())),
        (0.0..1.0, "\\PC{1,4}").prop_map(|(at, text)| Change::Put(at, text)),
        (0.0..1.0, 1usize..200).prop_map(|(at, n)| Change::Twice(at, n)),
    ]
}

fn bend(text: &str, changes: &[Change]) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for change in changes {
        let place = |at: &f64| (at * chars.len() as f64) as usize;
        match change {
            Change::Cut(at, n) => {
                let from = place(at);
                let to = (from + n).min(chars.len());
                chars.drain(from..to);
            }
            Change::Put(at, put) => {
                let from = place(at);
                chars.splice(from..from, put.chars());
            }
            Change::Twice(at, n) => {
                let from = place(at);
                let again = chars[from..(from + n).min(chars.len())].to_vec();
                chars.splice(from..from, again);
            }
        }
    }
    chars.into_iter().collect()
}

fn bent(seeds: Vec<String>) -> impl Strategy<Value = String> {
    (prop::sample::select(seeds), prop::collection::vec(change(), 1..6))
        .prop_map(|(seed, changes)| bend(&seed, &changes))
}

const INTEGRATION: &str = "kind: Integration\nname: a-b\nplugin: p\nconfig: {base_url: \"https://a.example.com\", list: [1, 2.5, null]}\n\
    credentials: {token: t}\nevery_seconds: 60\nwebhook: {scheme: github, secret: t}\nlimits: {timeout_ms: 100}\ndelete_share: 0.2\n";
const CREDENTIAL: &str = "kind: Credential\nname: t\nsource: {openbao: {address: https://b, path: secret/data/x, field: f, token: o}}\n\
    exchange:\n  oauth2: {token_url: https://id.example.com/t, client_id: c, scopes: [a, b], parameters: {x: y}}\n";
const POLICY: &str = r#"{"never": {"hosts": ["*.a.example.com", "169.254.169.254"], "methods": ["DELETE"], "private_ranges": ["10.0.0.0/8"]},
    "approvers": ["ann"], "two_people": true, "max_days": 30, "max_limits": {"timeout_ms": 1000}}"#;

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_bent_manifest_is_read_or_refused_with_its_place(text in bent(seeds("plugin.yaml"))) {
        if let Err(problems) = manifest::parse("plugin.yaml", &text) {
            prop_assert!(problems.to_string().starts_with("plugin.yaml"), "{problems}");
        }
    }

    #[test]
    fn a_bent_mapping_is_compiled_or_refused_with_words(text in bent(seeds("mapping.yaml"))) {
        if let Err(errors) = Mapping::parse("mapping.yaml", &text) {
            prop_assert!(!errors.is_empty() && errors.iter().all(|error| !error.to_string().is_empty()));
        }
    }

    #[test]
    fn bent_blueprints_are_compiled_or_refused(text in bent(seeds("blueprints.yaml"))) {
        let Ok(document) = Document::parse("blueprints.yaml", &text) else { return Ok(()) };
        let Ok(all) = serde_json::from_value::<Vec<seawall_domain::Blueprint>>(document.value().clone()) else { return Ok(()) };
        for one in all {
            drop(blueprint::CompiledBlueprint::new(one));
        }
    }

    #[test]
    fn bent_definitions_are_read_or_refused_with_their_place(text in bent(vec![INTEGRATION.to_owned(), CREDENTIAL.to_owned()])) {
        if let Err(problems) = Integration::parse("i.yaml", &text) {
            prop_assert!(problems.to_string().starts_with("i.yaml"), "{problems}");
        }
        match Credential::parse("c.yaml", &text) {
            Err(problems) => prop_assert!(problems.to_string().starts_with("c.yaml"), "{problems}"),
            Ok(credential) => drop((credential.problems(), credential.needs().len())),
        }
    }

    #[test]
    fn a_bent_policy_bans_or_is_refused(text in bent(vec![POLICY.to_owned()])) {
        if let Ok(policy) = serde_json::from_str::<Policy>(&text) {
            drop(policy.bans());
        }
    }

    /// A cassette comes with a plugin of anybody's, and is read before the plugin runs.
    #[test]
    fn a_bent_cassette_is_read_and_written_again_or_refused_with_its_place(text in bent(cassettes())) {
        match cassette::parse("c.yaml", &text) {
            Err(problems) => prop_assert!(problems.to_string().starts_with("c.yaml"), "{problems}"),
            Ok(read) => {
                let written = read.render().map_err(TestCaseError::fail)?;
                let again = cassette::parse("c.yaml", &written);
                let again = again.map_err(|problems| TestCaseError::fail(format!("{problems}\n{written}")))?;
                prop_assert_eq!(&again, &read, "{}", written);
                drop((read.moment(), Player::new(&read).map(|player| player.left_over().len())));
            }
        }
    }

    /// Manifests and indexes are what a registry says, before anything is proven.
    #[test]
    fn a_bent_manifest_of_a_registry_is_read_and_written_again_or_refused_in_words(text in bent(artifacts())) {
        let digests = oci::listed(text.as_bytes());
        prop_assert!(digests.iter().all(|digest| Digest::new(digest.as_str()).is_ok()));
        let refusal = match Manifest::parse(text.as_bytes()) {
            Err(why) => Some(why),
            Ok(read) => {
                let written = serde_json::to_string(&read).unwrap();
                prop_assert_eq!(Manifest::parse(written.as_bytes()), Ok(read.clone()), "{}", written);
                read.component().err()
            }
        };
        if let Some(why) = refusal {
            prop_assert!(!why.is_empty() && why.len() < 2_000 && !why.contains(char::is_control), "{why:?}");
        }
    }

    #[test]
    fn bytes_that_are_no_manifest_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let text = String::from_utf8_lossy(&bytes);
        prop_assert!(Manifest::parse(&bytes).is_err());
        prop_assert!(oci::listed(&bytes).is_empty());
        if let Err(problems) = cassette::parse("c.yaml", &text) {
            prop_assert!(problems.to_string().starts_with("c.yaml"), "{problems}");
        } else {
            prop_assert!(false, "this is no cassette: {text}");
        }
    }

    #[test]
    fn a_field_of_a_query_is_read_or_refused(text in "\\PC{0,30}|[$.a-z\"\\[\\]_-]{0,30}") {
        drop(query::Field::parse(&text));
    }

    /// A component is what an installer gets from strangers.
    #[test]
    fn bent_components_are_refused_or_read(
        cuts in prop::collection::vec((0.0..1.0f64, any::<u8>()), 0..8),
        end in 0.0..1.0f64,
    ) {
        let manifest = manifest::parse("plugin.yaml", &seeds("plugin.yaml")[0]).unwrap();
        let bundle = Bundle::new(manifest, Vec::new(), None);
        // The head of an empty component.
        let mut bytes = bundle.embed(b"\0asm\x0d\0\x01\0").unwrap();
        for (at, byte) in cuts {
            let at = (at * bytes.len() as f64) as usize;
            bytes[at] = byte;
        }
        let end = 8 + (end * (bytes.len() - 8) as f64) as usize;
        drop(Bundle::extract(&bytes[..end]));
        drop(Bundle::extract(&bytes));
        drop(Bundle::code_digest(&bytes));
    }
}
