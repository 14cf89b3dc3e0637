//! The author's loop in each language: from `plugin new` to a row in the catalog in two commands.

use seawall_tests::{Seawall, run, seawall_binary};
use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// A tool with the one path that the templates read.
async fn items_api() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let items = || async {
        axum::Json(serde_json::json!([
            {"id": 1, "name": "First", "status": "ok", "url": "https://example.com/1"},
            {"id": "two", "name": "Second", "status": "down", "url": "https://example.com/2"},
        ]))
    };
    let router = axum::Router::new().route("/items", axum::routing::get(items));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

fn new(language: &str, name: &str, folder: &Path) {
    let output = run(Command::new(seawall_binary())
        .args(["plugin", "new", "--lang", language, name])
        .current_dir(folder));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

async fn from_new_to_a_row(language: &str) {
    let folder = tempfile::tempdir().unwrap();
    let api = items_api().await;
    let seawall = Seawall::start().await;
    let started = Instant::now();
    new(language, "shelf", folder.path());
    let project = folder.path().join("shelf");
    let config = format!("base_url={api}");
    let arguments = [
        "plugin",
        "install",
        project.to_str().unwrap(),
        "--approve",
        "--config",
        &config,
        "--private",
        "127.0.0.0/8",
    ];
    let output = tokio::task::block_in_place(|| seawall.command(&arguments));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let items = seawall.entities("item").await;
    let took = started.elapsed();
    println!("{language}: {:.1} s from `plugin new` to a row", took.as_secs_f64());
    assert_eq!(
        items.iter().map(|e| e["title"].as_str().unwrap()).collect::<Vec<_>>(),
        ["First", "Second"]
    );
    // Not a measurement: far more than the goal of a minute, so that a toolchain that hangs is seen.
    assert!(took < Duration::from_secs(600));
}

#[tokio::test(flavor = "multi_thread")]
async fn from_new_to_a_row_in_rust() {
    from_new_to_a_row("rust").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_new_to_a_row_in_javascript() {
    from_new_to_a_row("js").await;
}

/// Its engine ends itself before the host refuses it memory, with words of its own.
#[tokio::test(flavor = "multi_thread")]
async fn javascript_that_fills_its_memory_is_told_of_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let api = items_api().await;
    new("js", "hoarder", folder.path());
    let project = folder.path().join("hoarder");
    let source = project.join("src/plugin.ts");
    let text = std::fs::read_to_string(&source).unwrap();
    let hoards =
        "const kept: string[][] = [];\n      for (;;) kept.push(new Array(100_000).fill(`${kept.length}`));\n      ";
    let text = text.replace("const items = await", &format!("{hoards}const items = await"));
    std::fs::write(&source, text).unwrap();
    let manifest = project.join("plugin.yaml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, format!("{text}\nlimits:\n  memory_bytes: 67108864\n")).unwrap();
    let output = tokio::task::block_in_place(|| {
        run(Command::new(seawall_binary())
            .args(["plugin", "dev", "--once", "--config", &format!("base_url={api}")])
            .arg(&project))
    });
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(!output.status.success(), "{text}");
    assert!(text.contains("`memory_bytes` of 67108864 bytes"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn from_new_to_a_row_in_python() {
    from_new_to_a_row("python").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_shows_items_entities_and_the_line_that_a_refused_request_needs() {
    let folder = tempfile::tempdir().unwrap();
    let api = items_api().await;
    new("rust", "shelf", folder.path());
    let project = folder.path().join("shelf");
    let dev = || {
        tokio::task::block_in_place(|| {
            run(Command::new(seawall_binary())
                .args(["plugin", "dev", "--once", "--config", &format!("base_url={api}")])
                .arg(&project))
        })
    };
    let output = dev();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(text.contains("First") && text.contains("item"), "{text}");
    // The same source with a manifest that asks for less.
    let manifest = project.join("plugin.yaml");
    let narrowed = std::fs::read_to_string(&manifest)
        .unwrap()
        .replace("paths: [\"/items\"]", "paths: [\"/things\"]");
    std::fs::write(&manifest, narrowed).unwrap();
    let output = dev();
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(!output.status.success(), "{text}");
    assert!(
        text.contains("paths:") && text.contains("/items"),
        "the manifest's line is missing: {text}"
    );
}

/// `plugin dev` at work, and its lines as they come.
struct Dev {
    process: Child,
    lines: mpsc::Receiver<String>,
}

impl Dev {
    fn start(project: &Path, config: &str) -> Self {
        // Both in one pipe, so that lines come in the order in which they were written.
        let (reader, writer) = std::io::pipe().unwrap();
        let process = Command::new(seawall_binary())
            .args(["plugin", "dev", "--config", config])
            .arg(project)
            .stdout(writer.try_clone().unwrap())
            .stderr(writer)
            .spawn()
            .unwrap();
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            BufReader::new(reader)
                .lines()
                .try_for_each(|line| sender.send(line.unwrap()))
        });
        Self { process, lines }
    }

    /// All lines until it waits for the next save.
    fn turn(&self) -> String {
        let mut all = String::new();
        while !all.contains("waiting for a save") {
            match self.lines.recv_timeout(Duration::from_secs(300)) {
                Ok(line) => all.push_str(&format!("{line}\n")),
                Err(error) => panic!("{error} after:\n{all}"),
            }
        }
        all
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A plugin that lists the files of a directory, through the SDK.
const FILES: &str = r#"import { definePlugin, FileError, files, page, snapshotComplete, upsert } from "@seawall/sdk";

export default definePlugin<{ directory: string }>({
  ingestor: {
    partitions: () => ["all"],
    pull(scope) {
      const items = [...files.walk("/checkout")].map(({ path, kind }) => {
        try {
          return { id: path, name: files.readText(path, 10).trim(), status: kind };
        } catch (error) {
          return { id: path, name: (error as FileError).reason, status: kind };
        }
      });
      return page(items.map((item) => upsert(scope.kind, item.id, item)), snapshotComplete());
    },
  },
});
"#;

#[test]
fn dev_builds_again_on_every_save_and_a_plugin_reads_the_files_it_was_given() {
    let folder = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &str| {
        let file = folder.path().join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    };
    write("secret.txt", "not to be seen");
    write("given/a.txt", "one\n");
    write("given/deep/b.txt", "more than ten bytes");
    std::os::unix::fs::symlink("../secret.txt", folder.path().join("given/out")).unwrap();
    new("ts", "shelf", folder.path());
    let project = folder.path().join("shelf");
    let manifest = std::fs::read_to_string(project.join("plugin.yaml")).unwrap();
    let (head, tail) = (
        manifest.split("  network:").next().unwrap(),
        manifest.split("kinds:").nth(1).unwrap(),
    );
    let asks = "  files:\n    - {at: /checkout, from: \"{directory}\", reason: Reads it.}\n\nkinds:";
    let manifest = format!("{head}{asks}{tail}").replace("base_url", "directory");
    write(
        "shelf/plugin.yaml",
        &manifest.replace("https://tool.example.com", "/srv/checkout"),
    );
    write("shelf/src/plugin.ts", FILES);

    let given = format!("directory={}", folder.path().join("given").display());
    let mut dev = Dev::start(&project, &given);
    let text = dev.turn();
    assert!(text.contains("items: 3") && text.contains("entities: 3"), "{text}");
    for (path, name) in [("a.txt", "one"), ("deep/b.txt", "too-large"), ("out", "denied")] {
        let line = text
            .lines()
            .find(|line| line.contains(&format!("  /checkout/{path}  ")));
        assert!(line.is_some_and(|line| line.contains(name)), "{path}: {text}");
    }
    assert!(!text.contains("not to be seen"), "{text}");

    write("shelf/src/plugin.ts", &FILES.replace("files.walk(", "files.wolk("));
    let text = dev.turn();
    assert!(text.contains("plugin.ts was saved"), "{text}");
    let at = FILES.lines().position(|line| line.contains("files.walk")).unwrap() + 1;
    assert_eq!(text.matches(&format!("src/plugin.ts:{at}:")).count(), 1, "{text}");
    assert!(
        text.contains("wolk") && text.contains("the JavaScript build failed"),
        "{text}"
    );

    // What was built before is not built again; the mapping is another.
    write("shelf/src/plugin.ts", FILES);
    let text = dev.turn();
    assert!(
        text.contains("as it was built before") && text.contains("entities: 3"),
        "{text}"
    );

    let pid = dev.process.id().to_string();
    assert!(run(Command::new("kill").args(["-INT", &pid])).status.success());
    assert!(dev.process.wait().unwrap().success(), "Ctrl-C ends it well");
}

#[tokio::test]
async fn a_wrong_manifest_fails_the_build_with_line_and_column() {
    let folder = tempfile::tempdir().unwrap();
    new("rust", "shelf", folder.path());
    let project = folder.path().join("shelf");
    let manifest = project.join("plugin.yaml");
    let text = std::fs::read_to_string(&manifest)
        .unwrap()
        .replace("methods: [GET]", "methods: [GIT]");
    let line = text.lines().position(|l| l.contains("GIT")).unwrap() + 1;
    std::fs::write(&manifest, text).unwrap();
    let output = run(Command::new(seawall_binary()).args(["plugin", "build"]).arg(&project));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    assert!(said.contains(&format!("plugin.yaml:{line}:")), "{said}");
    assert!(said.contains("expected") && said.contains("GET"), "{said}");
}

#[test]
fn a_language_that_is_absent_or_old_is_said_with_what_to_install() {
    let folder = tempfile::tempdir().unwrap();
    let programs = folder.path().join("bin");
    std::fs::create_dir(&programs).unwrap();
    new("js", "in-js", folder.path());
    new("python", "in-python", folder.path());
    let build = |name: &str| {
        let output = run(Command::new(seawall_binary())
            .args(["plugin", "build"])
            .arg(folder.path().join(name))
            .env("PATH", &programs));
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let install = |name: &str, version: &str| {
        let text = folder.path().join("text");
        std::fs::write(&text, format!("#!/bin/sh\necho {version}\n")).unwrap();
        // Another process writes what is to be run: a file that is open for writing in any process, such as one that another test
        // is just starting, cannot be run (ETXTBSY).
        run(Command::new("install").arg("-m755").args([&text, &programs.join(name)]));
    };
    for found in ["none", "version 16"] {
        let said = build("in-js");
        assert!(
            said.contains(&format!("Node 20 or newer with npm, found {found}")),
            "{said}"
        );
        assert!(said.contains("https://nodejs.org"), "{said}");
        install("node", "v16.20.0");
    }
    for found in ["none", "3.9.2"] {
        let said = build("in-python");
        assert!(said.contains(&format!("Python 3.11 or newer, found {found}")), "{said}");
        assert!(said.contains("python3-venv"), "{said}");
        install("python3", "3.9.2");
    }
}

#[test]
fn inspect_shows_what_a_component_is_without_running_it() {
    let file = seawall_tests::component("plugins/prometheus");
    let output = run(Command::new(seawall_binary()).args(["plugin", "inspect"]).arg(&file));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}");
    for part in [
        "sha256:",
        "prometheus",
        "seawall:plugin/ingestor@0.1.0",
        "wasi:http/outgoing-handler",
        "{prometheus_url}",
    ] {
        assert!(text.contains(part), "{part} is missing:\n{text}");
    }
    let folder = tempfile::tempdir().unwrap();
    let junk = folder.path().join("junk.wasm");
    std::fs::write(&junk, b"\0asm\x01\0\0\0").unwrap();
    let output = run(Command::new(seawall_binary()).args(["plugin", "inspect"]).arg(&junk));
    assert!(!output.status.success());
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("component"),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
