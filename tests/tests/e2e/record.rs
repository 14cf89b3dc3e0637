//! Recorded conversations: what a cassette never holds, and that a plugin is tested with it alone.

use axum::{
    Router,
    http::{HeaderMap, Uri},
    response::IntoResponse,
    routing::get,
};
use seawall_tests::{Tool, component, repository, run, seawall_binary};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};
use tempfile::TempDir;

const SECRET: &str = "s3cret/never+in a file";
/// The same as tools that echo it may write it.
const FORMS: [&str; 4] = [
    SECRET,
    "czNjcmV0L25ldmVyK2luIGEgZmlsZQ",
    "s3cret%2Fnever%2Bin%20a%20file",
    "s3cret\\/never+in a file",
];

/// A folder with the probe's manifest, in which its cassettes go.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let manifest = repository().join("tests/guests/probe/plugin.yaml");
        fs::copy(manifest, folder.path().join("plugin.yaml")).unwrap();
        Self(folder)
    }

    fn command(&self, command: &str, arguments: &[&str]) -> Output {
        let mut all = Command::new(seawall_binary());
        all.args(["plugin", command]).arg(self.0.path()).arg("--component");
        all.arg(component("tests/guests/probe")).args(arguments);
        tokio::task::block_in_place(|| run(all.env("PROBE_TOKEN", SECRET)))
    }

    /// Records under the name `pull`, with the config and what else is given.
    fn record(&self, base_url: &str, arguments: &[&str]) -> String {
        let config = format!("base_url={base_url}");
        let mut all = vec![
            "--config",
            config.as_str(),
            "--kind",
            "item",
            "--secret",
            "token=PROBE_TOKEN",
        ];
        all.extend(arguments);
        let (code, said) = outcome(&self.command("record", &all));
        assert_eq!(code, 0, "{said}");
        said
    }

    fn test(&self, arguments: &[&str]) -> (i32, String) {
        outcome(&self.command("test", arguments))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join("tests/cassettes").join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap()
    }

    /// Writes the cassette with a text of it replaced by another.
    fn change(&self, name: &str, from: &str, to: &str) {
        let text = self.text(name);
        assert!(text.contains(from), "{from} is not in:\n{text}");
        fs::write(self.file(name), text.replacen(from, to, 1)).unwrap();
    }
}

fn outcome(output: &Output) -> (i32, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code().unwrap_or(-1),
        text(&output.stdout) + &text(&output.stderr),
    )
}

/// A tool that shows to whoever asks what it was sent, in each form.
async fn echo(uri: Uri, headers: HeaderMap) -> impl IntoResponse {
    let sent = headers["authorization"].to_str().unwrap() == format!("Bearer {SECRET}");
    let all = headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()));
    let all = json!(all.collect::<Vec<_>>());
    let forms = if sent { FORMS.join(" ") } else { String::new() };
    let answered = [
        ("set-cookie", format!("sid={SECRET}")),
        ("x-said", format!("it was {SECRET}")),
        ("date", "today".to_owned()),
    ];
    // Not by way of a value: `\/` is one of the forms.
    let body = format!(r#"{{"uri": "{uri}", "headers": {all}, "forms": "{forms}"}}"#);
    (answered, body)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_in_no_cassette_and_what_was_recorded_is_tested_without_the_tool() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move { axum::serve(listener, Router::new().route("/echo", get(echo))).await });
    let base = format!("http://{address}");
    let folder = Folder::new();
    let said = folder.record(
        &base,
        &["--config", "mode=fetch", "--config", &format!("url={base}/echo?a=1")],
    );
    assert!(said.contains("recorded 1 requests as 1 exchanges"), "{said}");
    let cuts = said
        .split("cut out secrets ")
        .nth(1)
        .unwrap()
        .split(' ')
        .next()
        .unwrap();
    // The header, the four forms, and the answer's own header.
    assert!(cuts.parse::<u64>().unwrap() >= 6, "{said}");
    for name in ["pull.yaml", "pull.expected.yaml"] {
        let text = folder.text(name);
        for form in FORMS {
            assert!(!text.contains(form), "{name} has {form}:\n{text}");
        }
        assert!(text.contains("*****") && !text.contains(&address.to_string()), "{text}");
    }
    let cassette = folder.text("pull.yaml");
    assert!(
        cassette.contains("url: '{base_url}/echo?a=1'") || cassette.contains("url: \"{base_url}/echo?a=1\""),
        "{cassette}"
    );
    assert!(cassette.contains("x-said: it was ****"), "{cassette}");
    for absent in ["cookie", "today", "authorization:"] {
        assert!(
            !cassette.to_lowercase().contains(&format!("\n      {absent}")),
            "{absent}: {cassette}"
        );
    }

    server.abort();
    let _ = server.await;
    assert!(
        tokio::net::TcpStream::connect(address).await.is_err(),
        "the tool is gone"
    );
    let (code, said) = folder.test(&[]);
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("passed   pull  1 requests, 1 items, 1 entities"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_the_config_holds_stops_the_recording() {
    let tool = Tool::start(5).await;
    tool.fill(1);
    let folder = Folder::new();
    let base = tool.address();
    let config = [format!("base_url={base}"), format!("url={base}/items?key={SECRET}")];
    let output = folder.command(
        "record",
        &[
            "--config",
            &config[0],
            "--config",
            &config[1],
            "--kind",
            "item",
            "--secret",
            "token=PROBE_TOKEN",
        ],
    );
    let (code, said) = outcome(&output);
    assert_eq!(code, 1, "{said}");
    assert!(
        said.contains("the secret of the credential `token` would be in the cassette"),
        "{said}"
    );
    assert!(!said.contains(SECRET) && !folder.file("pull.yaml").exists(), "{said}");
}

async fn listed() -> (Folder, String) {
    let tool = Tool::start(3).await;
    tool.fill(7);
    let folder = Folder::new();
    let said = folder.record(tool.address(), &[]);
    assert!(said.contains("recorded 3 requests as 3 exchanges"), "{said}");
    let text = folder.text("pull.yaml");
    (folder, text)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_plugin_asks_and_the_cassette_lacks_is_named_with_the_nearest() {
    let (folder, _) = listed().await;
    assert_eq!(folder.test(&[]).0, 0);
    folder.change("pull.yaml", "{base_url}/items?cursor=3", "{base_url}/items?cursor=4");
    let (code, said) = folder.test(&[]);
    assert_eq!(code, 1, "{said}");
    for part in [
        "asked, and not in the cassette",
        "GET {base_url}/items?cursor=3",
        "nearest: GET {base_url}/items?cursor=4",
        "`cursor=4` is recorded, `cursor=3` is asked",
        "0 passed, 1 failed",
        "seawall plugin record",
    ] {
        assert!(said.contains(part), "{part}:\n{said}");
    }
    // What follows from an answer that was not there is not written down.
    let expected = folder.text("pull.expected.yaml");
    assert_eq!(folder.test(&["--update"]).0, 1);
    assert_eq!(folder.text("pull.expected.yaml"), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_answer_is_a_difference_until_it_is_expected() {
    let (folder, text) = listed().await;
    let item = text.lines().find(|line| line.contains("\"id\"")).unwrap();
    let name = item
        .split("\"name\": \"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    folder.change("pull.yaml", &format!("\"name\": \"{name}\""), "\"name\": \"Renamed\"");
    let (code, said) = folder.test(&[]);
    assert_eq!(code, 1, "{said}");
    assert!(
        said.contains(&format!("name: expected `{name}`, found `Renamed`")),
        "{said}"
    );
    assert!(
        said.contains("pull.item.entities[") && said.contains("--update"),
        "{said}"
    );
    let output = folder.command("test", &["-o", "json"]);
    let data: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(data["items"][0]["state"], "failed");
    assert_eq!(data["items"][0]["differences"][0]["found"], "Renamed", "{data}");
    let (code, said) = folder.test(&["--update"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("updated"), "{said}");
    assert_eq!(folder.test(&[]).0, 0);
    // An exchange that nobody asks for is said, and is no failure.
    let extra = "- request:\n    method: GET\n    url: '{base_url}/partitions'\n  response:\n    status: 200\n";
    let more = folder.text("pull.yaml") + extra;
    fs::write(folder.file("pull.yaml"), more).unwrap();
    let (code, said) = folder.test(&[]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("not asked: GET {base_url}/partitions"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_request_is_refused_in_a_test_too() {
    let (folder, _) = listed().await;
    folder.change(
        "pull.yaml",
        "config:\n",
        "config:\n  mode: fetch\n  url: http://base-url.test/secrets\n",
    );
    let (code, said) = folder.test(&[]);
    assert_eq!(code, 1, "{said}");
    assert!(
        said.contains("the plugin failed") && said.contains("/secrets"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn time_and_chance_in_a_request_are_the_same_in_each_test() {
    let tool = Tool::start(1).await;
    let folder = Folder::new();
    folder.record(tool.address(), &["--config", "mode=stamp"]);
    let text = folder.text("pull.yaml");
    let recorded = text
        .lines()
        .find_map(|line| line.strip_prefix("recorded: "))
        .unwrap()
        .trim_matches(['"', '\'']);
    let at: jiff::Timestamp = recorded.parse().unwrap();
    assert!(text.contains(&format!("at={}&nonce=", at.as_millisecond())), "{text}");
    for _ in 0..2 {
        let (code, said) = folder.test(&[]);
        assert_eq!(code, 0, "{said}");
    }
    let before = text
        .split("nonce=")
        .nth(1)
        .unwrap()
        .split(['\'', '"', '\n'])
        .next()
        .unwrap()
        .to_owned();
    // Another recording is another conversation, in which a tool does not take a request for one that it knows.
    let mut again = before.clone();
    while again == before {
        folder.record(tool.address(), &["--config", "mode=stamp"]);
        let text = folder.text("pull.yaml");
        again = text
            .split("nonce=")
            .nth(1)
            .unwrap()
            .split(['\'', '"', '\n'])
            .next()
            .unwrap()
            .to_owned();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_cassette_is_told_with_line_and_what_to_write() {
    let (folder, text) = listed().await;
    for (from, to, words) in [
        ("format: 1", "format: 7", "pull.yaml:3:9: format: expected"),
        ("method: GET", "methods: GET", "exchanges[0].request.methods: expected"),
        (
            "{base_url}/items",
            "{base}/items",
            "expected a text of the config: `base_url`, found `{base}`",
        ),
        (
            "status: 200",
            "status: fine",
            "response.status: expected a whole number",
        ),
        ("\"next\": \"3\"", "\"next\": 3\"", "response.json: expected JSON"),
        ("exchanges:", "exchanges: [", "pull.yaml:"),
        (
            "config:\n",
            "config:\n  mode: walk\n",
            "pull.yaml:8:9: config.mode: expected",
        ),
        (
            "plugin: probe",
            "plugin: other",
            "pull.yaml:4:9: plugin: expected `probe`, which this plugin is, found `other`",
        ),
    ] {
        folder.change("pull.yaml", from, to);
        let (code, said) = folder.test(&[]);
        assert_eq!(code, 2, "{said}");
        assert!(
            said.contains(words) && said.contains("broken   pull"),
            "{words}:\n{said}"
        );
        fs::write(folder.file("pull.yaml"), &text).unwrap();
    }
    let (code, said) = folder.test(&["--name", "pul"]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("there are: pull"), "{said}");
    let empty = Folder::new();
    let (code, said) = empty.test(&[]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("seawall plugin record"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_not_recorded() {
    let tool = Tool::start(5).await;
    let folder = Folder::new();
    let base = format!("base_url={}", tool.address());
    for (mode, words) in [
        ("trap", "this plugin panics on purpose"),
        ("repeat-cursor", "recorded 0 requests"),
    ] {
        let mode = format!("mode={mode}");
        let output = folder.command(
            "record",
            &["--config", &base, "--config", &mode, "--kind", "item", "--pages", "3"],
        );
        let (code, said) = outcome(&output);
        assert!(said.contains(words), "{said}");
        assert_eq!(code == 0, folder.file("pull.yaml").exists(), "{said}");
    }
}

/// The cassettes of this repository's plugins, recorded from the real servers.
#[tokio::test(flavor = "multi_thread")]
async fn the_plugins_of_this_repository_make_of_real_answers_what_is_expected() {
    let mut tested = 0;
    for plugin in fs::read_dir(repository().join("plugins")).unwrap().flatten() {
        let folder = plugin.path();
        if !folder.join("tests/cassettes").is_dir() {
            continue;
        }
        let name = format!("plugins/{}", plugin.file_name().to_string_lossy());
        let output = tokio::task::block_in_place(|| {
            let mut command = Command::new(seawall_binary());
            run(command
                .args(["plugin", "test", "--component"])
                .arg(component(&name))
                .arg(&folder))
        });
        let (code, said) = outcome(&output);
        assert_eq!(code, 0, "{name}: {said}");
        let cassettes = fs::read_dir(folder.join("tests/cassettes")).unwrap().flatten();
        for cassette in cassettes {
            assert_clean(&cassette.path());
        }
        tested += 1;
    }
    assert!(tested >= 3, "{tested}");
}

/// Nothing of the machine that it was recorded on, and no secret of the servers that the tests start.
fn assert_clean(file: &Path) {
    let text = fs::read_to_string(file).unwrap();
    for part in [
        "unleash-test-token",
        "never-show-this-value",
        "127.0.0.1:",
        "localhost:",
        "/root/",
        "/home/",
        "/tmp/",
    ] {
        assert!(!text.contains(part), "{} has `{part}`", file.display());
    }
}
