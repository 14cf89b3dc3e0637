//! A git server on loopback: git's own `http-backend` behind an HTTP server that asks for a password, counts, breaks off and waits
//! where a test says so.

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, Response, StatusCode, Uri, header},
    routing::any,
};
use futures::StreamExt;
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
};
use tempfile::TempDir;
use tokio::{io::AsyncWriteExt, sync::Notify};

/// How it answers what asks for a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packs {
    /// Whole.
    Whole,
    /// So many bytes, and then it breaks off.
    Half(usize),
    /// So many bytes, and then nothing until [`Forge::go_on`].
    Waiting(usize),
}

struct Inner {
    folder: TempDir,
    login: Mutex<Option<String>>,
    packs: Mutex<Packs>,
    status: Mutex<Option<u16>>,
    seen: Mutex<Vec<String>>,
    go_on: Notify,
}

/// See the module. It ends with the test.
#[derive(Clone)]
pub struct Forge {
    inner: Arc<Inner>,
    address: String,
}

impl Forge {
    /// Starts one without repositories, which anybody may read.
    ///
    /// # Panics
    /// Where it cannot listen.
    pub async fn start() -> Self {
        let inner = Arc::new(Inner {
            folder: tempfile::tempdir().expect("a temporary folder"),
            login: Mutex::default(),
            packs: Mutex::new(Packs::Whole),
            status: Mutex::default(),
            seen: Mutex::default(),
            go_on: Notify::new(),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let router = Router::new().fallback(any(answer)).with_state(inner.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { inner, address }
    }

    /// Makes an empty repository; gives its address.
    ///
    /// # Panics
    /// Where git cannot.
    pub fn make(&self, name: &str) -> String {
        let bare = self.bare(name);
        git(
            self.folder(),
            &["init", "--quiet", "--bare", "--initial-branch=main", text(&bare)],
        );
        let work = self.work(name);
        git(
            self.folder(),
            &["init", "--quiet", "--initial-branch=main", text(&work)],
        );
        git(&work, &["remote", "add", "origin", text(&bare)]);
        format!("{}/{name}.git", self.address)
    }

    /// Commits these files, which replace all others, to the branch that is checked out, and pushes it by force.
    ///
    /// # Panics
    /// Where git cannot.
    pub fn push(&self, name: &str, files: &[(&str, &str)]) -> String {
        let work = self.work(name);
        for entry in std::fs::read_dir(&work).expect("a work tree").flatten() {
            let path = entry.path();
            if entry.file_name() != ".git" {
                let removed = match entry.file_type() {
                    Ok(kind) if kind.is_dir() => std::fs::remove_dir_all(&path),
                    _ => std::fs::remove_file(&path),
                };
                removed.expect("an old file to go");
            }
        }
        for (path, content) in files {
            let path = work.join(path);
            std::fs::create_dir_all(path.parent().unwrap_or(&work)).expect("a folder");
            match content.strip_prefix("-> ") {
                Some(target) => std::os::unix::fs::symlink(target, &path).expect("a link"),
                None => std::fs::write(&path, content).expect("a file"),
            }
        }
        git(&work, &["add", "--all"]);
        git(&work, &["commit", "--quiet", "--allow-empty", "--message", "Change"]);
        git(&work, &["push", "--quiet", "--force", "origin", "HEAD"]);
        git(&work, &["rev-parse", "HEAD"])
    }

    /// Runs git in the work tree from which [`Forge::push`] pushes.
    ///
    /// # Panics
    /// Where git fails.
    pub fn git(&self, name: &str, arguments: &[&str]) -> String {
        git(&self.work(name), arguments)
    }

    /// Makes `main` a commit of this tree, in the form that `git mktree` reads, whatever its names are. `BLOB` stands for an
    /// object that is there.
    ///
    /// # Panics
    /// Where git cannot.
    pub fn set_tree(&self, name: &str, tree: &str) {
        let bare = self.bare(name);
        let blob = feed(&bare, &["hash-object", "-w", "--stdin"], "content");
        let tree = feed(&bare, &["mktree", "--missing"], &tree.replace("BLOB", &blob));
        let commit = git(&bare, &["commit-tree", &tree, "-m", "Wicked"]);
        git(&bare, &["update-ref", "refs/heads/main", &commit]);
    }

    /// Asks for this `user:password` from now on.
    pub fn guard(&self, login: &str) {
        *lock(&self.inner.login) = Some(login.to_owned());
    }

    /// How it answers what asks for a pack from now on.
    pub fn send_packs(&self, packs: Packs) {
        *lock(&self.inner.packs) = packs;
    }

    /// Answers everything with this status from now on, or as it should.
    pub fn answer(&self, status: Option<u16>) {
        *lock(&self.inner.status) = status;
    }

    /// Lets those go on that wait.
    pub fn go_on(&self) {
        self.send_packs(Packs::Whole);
        self.inner.go_on.notify_waiters();
    }

    /// What it was asked since this was called last: `GET /a.git/info/refs`, `ls-refs /a.git`, `fetch /a.git`.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.inner.seen))
    }

    /// Whether it has been asked for a pack since [`Forge::asked`] was called last.
    pub fn is_asked_for_a_pack(&self) -> bool {
        lock(&self.inner.seen).iter().any(|one| one.starts_with("fetch "))
    }

    fn folder(&self) -> &Path {
        self.inner.folder.path()
    }

    fn bare(&self, name: &str) -> PathBuf {
        self.folder().join("bare").join(format!("{name}.git"))
    }

    fn work(&self, name: &str) -> PathBuf {
        self.folder().join("work").join(name)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of ordinary letters")
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    command
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1");
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "Ann");
        command.env(format!("GIT_{who}_EMAIL"), "ann@example.com");
    }
    command
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    feed(folder, arguments, "")
}

/// Runs git with this on its standard input; what it printed.
fn feed(folder: &Path, arguments: &[&str], input: &str) -> String {
    use std::io::Write;
    let mut command = command(folder, arguments);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut process = command.spawn().expect("git");
    let mut stdin = process.stdin.take().expect("a pipe");
    stdin.write_all(input.as_bytes()).expect("git reads");
    drop(stdin);
    let output = process.wait_with_output().expect("git ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {said}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

async fn answer(
    State(forge): State<Arc<Inner>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let said = String::from_utf8_lossy(&body);
    let command = ["ls-refs", "fetch"]
        .into_iter()
        .find(|name| said.contains(&format!("command={name}")));
    let path = uri.path().trim_end_matches("/git-upload-pack");
    let one = format!("{} {path}", command.unwrap_or(method.as_str()));
    lock(&forge.seen).push(one);
    let status = *lock(&forge.status);
    if let Some(status) = status {
        let mut response = Response::new(Body::from("not now"));
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::IM_A_TEAPOT);
        return response;
    }
    if !is_let_in(&forge, &headers) {
        let mut response = Response::new(Body::from("who are you?"));
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        return response;
    }
    let (response, content) = backend(&forge, &method, &uri, &headers, &body).await;
    let packs = lock(&forge.packs).clone();
    let body = match (command, packs) {
        (Some("fetch"), Packs::Half(bytes)) => {
            let first = content.slice(..bytes.min(content.len()));
            let end = async {
                // So that what came before is sent.
                tokio::task::yield_now().await;
                Err(std::io::Error::other("broken off"))
            };
            Body::from_stream(futures::stream::once(async { Ok(first) }).chain(futures::stream::once(end)))
        }
        (Some("fetch"), Packs::Waiting(bytes)) => {
            let (first, rest) = (
                content.slice(..bytes.min(content.len())),
                content.slice(bytes.min(content.len())..),
            );
            let rest = async move {
                forge.go_on.notified().await;
                Ok::<_, std::io::Error>(rest)
            };
            let first = async move { Ok(first) };
            Body::from_stream(futures::stream::once(first).chain(futures::stream::once(rest)))
        }
        _ => Body::from(content),
    };
    response.map(|()| body)
}

fn is_let_in(forge: &Inner, headers: &HeaderMap) -> bool {
    use base64::Engine;
    let login = lock(&forge.login).clone();
    login.is_none_or(|login| {
        let expected = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(login));
        headers
            .get(header::AUTHORIZATION)
            .is_some_and(|given| given.as_bytes() == expected.as_bytes())
    })
}

/// Asks git's own server, by CGI (RFC 3875).
async fn backend(
    forge: &Inner,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &Bytes,
) -> (Response<()>, Bytes) {
    let bare = forge.folder.path().join("bare");
    let header = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let mut command = tokio::process::Command::from(command(forge.folder.path(), &["http-backend"]));
    command
        .env("GIT_PROJECT_ROOT", bare)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", method.as_str())
        .env("PATH_INFO", uri.path())
        .env("QUERY_STRING", uri.query().unwrap_or_default())
        .env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("GIT_PROTOCOL", header("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let mut process = command.spawn().expect("git http-backend");
    let mut stdin = process.stdin.take().expect("a pipe");
    // One that refuses does not read what it is given.
    drop(stdin.write_all(body).await);
    drop(stdin);
    let output = process.wait_with_output().await.expect("git http-backend ends");
    let whole = Bytes::from(output.stdout);
    let end = whole
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .unwrap_or(whole.len());
    let head = String::from_utf8_lossy(&whole[..end]).into_owned();
    let mut response = Response::builder();
    for line in head.lines() {
        match line.split_once(": ") {
            Some(("Status", status)) => response = response.status(status.split(' ').next().unwrap_or("500")),
            Some((name, value)) => response = response.header(name, value),
            None => {}
        }
    }
    let content = whole.slice((end + 4).min(whole.len())..);
    (response.body(()).expect("an answer"), content)
}
