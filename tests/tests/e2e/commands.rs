//! Commands as scripts use them: exit codes, JSON on stdout and nothing else there, and what people decide by command.

use crate::{integration, probed};
use reqwest::StatusCode;
use seawall_tests::{Answer, Seawall, Tool, eventually, run, seawall_binary};
use serde_json::{Value, json};
use std::process::{Command, Output};

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The JSON that a command printed.
fn answer(output: &Output) -> Value {
    assert!(output.status.success(), "{}", said(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn help_names_commands_exit_codes_and_examples() {
    for arguments in [&["help"][..], &["--help"], &["help", "plugin", "dev"]] {
        let output = run(Command::new(seawall_binary()).args(arguments));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && text.contains("Examples:"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_codes_tell_scripts_what_went_wrong() {
    let seawall = Seawall::start().await;
    let code = |arguments: &[&str]| {
        let output = seawall.command(arguments);
        assert!(output.stdout.is_empty(), "{arguments:?} printed on stdout");
        (output.status.code().unwrap(), said(&output))
    };
    let (status, words) = code(&["integration", "show", "nope", "-o", "json"]);
    assert_eq!(status, 5, "{words}");
    assert!(
        words.contains("`seawall integration list` shows those that exist"),
        "{words}"
    );
    let (status, words) = code(&["plugin", "list", "--token", "wrong"]);
    assert_eq!(status, 4, "{words}");
    assert!(
        words.contains("does not take the token") && words.contains("SEAWALL_TOKEN"),
        "{words}"
    );
    let (status, words) = code(&["plugin", "list", "--server", "http://127.0.0.1:1"]);
    assert_eq!(status, 3, "{words}");
    assert_eq!(code(&["plugin", "list", "--server", "nonsense"]).0, 2);
    assert_eq!(code(&["catalog", "list", "--limit", "0"]).0, 2);
    for (arguments, why) in [
        (
            &["demo", "--server", "http://127.0.0.1:1"][..],
            "starts a server of its own",
        ),
        (
            &["serve", "--server", "http://127.0.0.1:1"],
            "starts a server of its own",
        ),
        (&["delivery", "retry", "nosuch"], "expected a number, such as `12`"),
        (&["catalog", "get", "thing", ".."], "`..` cannot stand in an address"),
    ] {
        let (status, words) = code(arguments);
        assert_eq!(status, 2, "{words}");
        assert!(words.contains(why), "{words}");
    }
    let (status, problem) = seawall.try_get("/api/v1/deliveries/nosuch").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    assert_eq!(
        problem["errors"][0]["detail"],
        "expected a whole number, found `nosuch`"
    );
    // Something else than a Seawall.
    let tool = Tool::start(1).await;
    let (status, words) = code(&["plugin", "list", "--server", tool.address()]);
    assert_eq!(status, 5, "{words}");
    assert!(words.contains("is it a Seawall server?"), "{words}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_done_answers_json_to_programs() {
    let (seawall, _tool) = probed(3).await;
    for arguments in [
        &["integration", "pause", "probe"][..],
        &["integration", "resume", "probe"],
        &["integration", "sync", "probe"],
        &["integration", "cancel", "probe"],
        &["credential", "set", "token", "--env", "TOKEN"],
    ] {
        let answer = answer(&seawall.command(&[arguments, &["-o", "json"]].concat()));
        assert!(answer["name"].is_string(), "{arguments:?}: {answer}");
    }
    let runs = seawall.command(&["run", "get", "nope"]);
    assert_eq!(runs.status.code(), Some(5), "{}", said(&runs));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_failed_or_cancelled_pass_had_listed_is_not_taken_for_gone() {
    let (seawall, tool) = probed(300).await;
    let again = || seawall.command(&["integration", "sync", "probe", "--follow"]);
    // The first of six pages is stored, then the tool says no.
    tool.answer(vec![Answer::Well, Answer::Status(404, None)]);
    let failed = tokio::task::block_in_place(again);
    assert_eq!(failed.status.code(), Some(1), "{}", said(&failed));
    assert!(tokio::task::block_in_place(again).status.success());
    assert_eq!(seawall.entities("thing").await.len(), 300);
    assert_eq!(seawall.passes("probe").await[0]["counts"]["items"], 300);
    // The same for one that a person ends.
    tool.slow(300);
    seawall.command(&["integration", "sync", "probe"]);
    eventually("a page", || async {
        (seawall.passes("probe").await[0]["counts"]["pages"] == 1).then_some(())
    })
    .await;
    assert!(seawall.command(&["integration", "cancel", "probe"]).status.success());
    eventually("the pass to be cancelled", || async {
        (seawall.passes("probe").await[0]["state"] == "cancelled").then_some(())
    })
    .await;
    tool.slow(0);
    assert!(tokio::task::block_in_place(again).status.success());
    assert_eq!(seawall.entities("thing").await.len(), 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_pass_is_decided_by_command() {
    let (seawall, tool) = probed(120).await;
    let held = || {
        let output =
            tokio::task::block_in_place(|| seawall.command(&["integration", "sync", "probe", "-f", "-o", "json"]));
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        assert!(
            said(&output).contains("seawall integration release"),
            "{}",
            said(&output)
        );
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(answer["items"][0]["state"], "held", "{answer}");
        answer["items"][0]["id"].to_string()
    };
    // Two pages of three, so that a pass after a held one has to begin anew.
    tool.fill(70);
    let pass = held();
    let kept = seawall.command(&["integration", "release", "probe", &pass, "--keep", "-o", "json"]);
    assert_eq!(answer(&kept)["name"], "probe");
    assert_eq!(seawall.entities("thing").await.len(), 120);
    let pass = held();
    let removed = seawall.command(&["integration", "release", "probe", &pass]);
    assert!(removed.status.success(), "{}", said(&removed));
    assert_eq!(seawall.entities("thing").await.len(), 70);
    let twice = seawall.command(&["integration", "release", "probe", &pass]);
    assert_eq!(twice.status.code(), Some(1));
    assert!(
        said(&twice).contains("does not wait for a decision"),
        "{}",
        said(&twice)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_integration_comes_from_a_file() {
    let (seawall, tool) = probed(1).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("more.yaml");
    let mut second = integration(&tool, json!({}));
    second["name"] = "second".into();
    second["kind"] = "Integration".into();
    std::fs::write(&file, second.to_string()).unwrap();
    let file = file.to_str().unwrap();
    let output = tokio::task::block_in_place(|| seawall.command(&["integration", "add", file, "-f", "-o", "json"]));
    assert_eq!(answer(&output)["items"][0]["state"], "succeeded");
    std::fs::write(file, "kind: Integration\nname: third\nplugin: probe\nevry_seconds: 5\n").unwrap();
    let output = seawall.command(&["integration", "add", file]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said(&output).contains("more.yaml:4:1") && said(&output).contains("every_seconds"),
        "{}",
        said(&output)
    );
}

#[test]
fn a_mapping_that_cannot_be_used_says_so_first_and_last() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let file = folder.path().join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    };
    write(
        "resources/blueprints.json",
        r#"[{"identifier": "service", "schema": {"properties": {"tier": {"type": "string"}}}, "relations": {}}]"#,
    );
    write("examples/service/one.json", r#"{"id": "one", "tier": "gold"}"#);
    let mapping = |tier: &str| {
        format!(
            "resources:\n- kind: service\n  selector: {{query: 'true'}}\n  port:\n    entity:\n      mappings:\n        identifier: .id\n        \
             blueprint: '\"service\"'\n        properties:\n          tier: {tier}\n"
        )
    };
    let tried = |tier: &str| {
        write("resources/port-app-config.yaml", &mapping(tier));
        let mut command = Command::new(seawall_binary());
        let output = run(command.args(["mapping", "try"]).arg(folder.path()));
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
        )
    };
    let (code, text) = tried(".tier");
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("1 properties") && !text.contains("NOT USABLE"), "{text}");
    let (code, text) = tried("'.tier |'");
    assert_eq!(code, Some(1), "{text}");
    let (first, rest) = text.split_once("\n\n").unwrap();
    assert!(
        first.starts_with("mapping: ") && first.contains("port-app-config.yaml:10:"),
        "{text}"
    );
    assert!(
        rest.starts_with("NOT USABLE, 1 error above: a server refuses the mapping"),
        "{text}"
    );
    assert!(
        text.trim_end().ends_with("NOT USABLE: see the error at the top"),
        "{text}"
    );
}

/// The server reads it, from another folder than the one in which the person stands.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_a_credential_is_the_one_of_the_folder_in_which_it_is_named() {
    let seawall = Seawall::start().await;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    std::fs::create_dir(folder.join("secrets")).unwrap();
    std::fs::write(folder.join("secrets/shelf"), "s3cret\n").unwrap();
    let set = run(Command::new(seawall_binary())
        .args(["credential", "set", "shelf", "--file", "secrets/shelf", "-o", "json"])
        .current_dir(&folder)
        .env("SEAWALL_SERVER", seawall.address())
        .env("SEAWALL_TOKEN", seawall.token()));
    assert_eq!(answer(&set)["source"]["file"], json!(folder.join("secrets/shelf")));
    let check = seawall.command(&["credential", "check", "shelf"]);
    assert!(check.status.success(), "{}", said(&check));
    let help = run(Command::new(seawall_binary()).args(["credential", "set", "--help"]));
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    assert!(help.contains("A file that the server reads"), "{help}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_name_no_plugin_says_what_does() {
    let seawall = Seawall::start().await;
    for wrong in ["Shelf 1.0", "shelf@", "ghcr.io/acme/shelf:1.2.0"] {
        let shown = seawall.command(&["grant", "show", wrong]);
        assert_eq!(shown.status.code(), Some(5), "{}", said(&shown));
        assert!(said(&shown).contains("`shelf@4be1c0ffee12`"), "{}", said(&shown));
    }
}

#[test]
fn a_key_that_is_no_text_says_what_a_key_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("same.wasm");
    std::fs::write(&file, [0, b'a', b's', b'm', 0xff, 0xfe]).unwrap();
    let file = file.to_str().unwrap();
    for arguments in [
        &["plugin", "push", file, "127.0.0.1:1/acme/same:1.0.0", "--key", file][..],
        &["plugin", "sign", file, "--key", file],
        &["plugin", "verify", file, "--key", file],
    ] {
        let output = run(Command::new(seawall_binary()).args(arguments));
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            said.contains("same.wasm: this is no text, and so no key") && said.contains("-----BEGIN P"),
            "{said}"
        );
    }
}
