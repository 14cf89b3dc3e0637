//! What a version asks beyond another.

use seawall_domain::bundle::Bundle;
use seawall_tests::{component, run, seawall_binary};
use serde_json::{Value, json};
use std::{path::Path, process::Command};

#[test]
fn what_a_version_asks_beyond_another_is_an_exit_code() {
    let bytes = std::fs::read(component("tests/guests/probe")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let old = folder.path().join("old.wasm");
    std::fs::write(&old, &bytes).unwrap();
    let mut bundle = Bundle::extract(&bytes).unwrap();
    bundle.manifest.capabilities.network.remove(1);
    let narrow = folder.path().join("narrow.wasm");
    std::fs::write(&narrow, bundle.embed(&bytes).unwrap()).unwrap();
    let diff = |from: &Path, to: &Path| {
        run(Command::new(seawall_binary())
            .args(["plugin", "diff", "-o", "json"])
            .args([from, to]))
    };
    let same = diff(&old, &old);
    assert_eq!(same.status.code(), Some(0), "{same:?}");
    // A folder stands for what was built in it; what a registry has is pulled first.
    let dist = folder.path().join("shelf/dist");
    std::fs::create_dir_all(&dist).unwrap();
    let empty = diff(&old, &folder.path().join("shelf"));
    assert_eq!(empty.status.code(), Some(2), "{empty:?}");
    assert!(
        String::from_utf8_lossy(&empty.stderr).contains("seawall plugin build"),
        "{empty:?}"
    );
    std::fs::copy(&old, dist.join("shelf.wasm")).unwrap();
    let built = diff(&old, &folder.path().join("shelf"));
    assert_eq!(built.status.code(), Some(0), "{built:?}");
    let remote = diff(&old, Path::new("ghcr.io/acme/unleash:1.2.0"));
    assert_eq!(remote.status.code(), Some(2), "{remote:?}");
    assert!(
        String::from_utf8_lossy(&remote.stderr).contains("seawall plugin pull ghcr.io/acme/unleash:1.2.0"),
        "{remote:?}"
    );
    // What can be none of these says what to write, and asks no server.
    for (wrong, why) in [
        ("./nope.wasm", "there is no file `./nope.wasm`; expected a component"),
        ("./nope", "there is no file `./nope`; expected a component"),
        ("nope.wasm", "there is no file `nope.wasm`; expected a component"),
        ("shelf@", "there is no file `shelf@`; expected a component"),
        ("Shelf 1.0", "`shelf@1.2.0`"),
        ("", "there is no file ``; expected a component"),
        (
            "ghcr.io/Acme/unleash:1.2.0",
            "is no reference: the part `Acme` of its path",
        ),
        ("acme/unleash", "is no reference: it names no registry"),
    ] {
        for (from, to) in [(old.as_path(), Path::new(wrong)), (Path::new(wrong), old.as_path())] {
            let refused = diff(from, to);
            let said = String::from_utf8_lossy(&refused.stderr).into_owned();
            assert_eq!(refused.status.code(), Some(2), "{wrong}: {said}");
            assert!(said.contains(why), "{wrong}: {said}");
        }
    }
    let narrower = diff(&old, &narrow);
    assert_eq!(narrower.status.code(), Some(0), "{narrower:?}");
    let wider = diff(&narrow, &old);
    assert_eq!(wider.status.code(), Some(1), "{wider:?}");
    let answer: Value = serde_json::from_slice(&wider.stdout).unwrap();
    let expected = json!([{"effect": "wider", "what": "network", "detail": "POST {base_url} /things/*"}]);
    assert_eq!(answer["differences"], expected);
}
