//! A running `seawall`.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};
use tempfile::TempDir;

/// The repository's root.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map(Path::to_path_buf)
        .unwrap_or_default()
}

/// The binary under test, beside the test's own.
///
/// # Panics
/// Where it was not built.
pub fn seawall_binary() -> PathBuf {
    let own = std::env::current_exe().unwrap_or_default();
    let folder = own
        .parent()
        .and_then(Path::parent)
        .map(Path::to_path_buf)
        .unwrap_or_default();
    let binary = folder.join("seawall");
    assert!(
        binary.exists(),
        "{} is missing: `cargo build -p seawall-server` first",
        binary.display()
    );
    binary
}

/// A component that `cargo xtask plugins` has built: `plugins/unleash`, `tests/guests/probe`.
///
/// # Panics
/// Where it was not built.
pub fn component(project: &str) -> PathBuf {
    let folder = repository().join(project);
    let name = folder
        .file_name()
        .and_then(|n| n.to_str())
        .unwrap_or_default()
        .to_owned();
    let file = folder.join("dist").join(format!("{name}.wasm"));
    assert!(
        file.exists(),
        "{} is missing: `cargo xtask plugins` first",
        file.display()
    );
    file
}

/// Runs a command to its end and gives what it printed.
///
/// # Panics
/// Where it cannot be started.
pub fn run(command: &mut Command) -> Output {
    match command.output() {
        Ok(output) => output,
        Err(e) => panic!("{command:?} did not start: {e}"),
    }
}

/// One `seawall serve` with its data folder. Killed when dropped.
pub struct Seawall {
    data: TempDir,
    process: Option<Child>,
    /// Further arguments of `serve`, and its environment.
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    address: String,
    token: String,
    client: reqwest::Client,
    /// Another database than the file in the data folder.
    database: Option<String>,
    /// A command, with its first arguments, that starts the program in a place of its own.
    under: Vec<String>,
}

impl Seawall {
    /// Starts one in a new folder, and waits until it is ready.
    ///
    /// # Panics
    /// Where it does not come up.
    pub async fn start() -> Self {
        Self::start_with(&[], &[]).await
    }

    /// The same on a database with this URL.
    ///
    /// # Panics
    /// Where it does not come up.
    pub async fn on(database: Option<String>) -> Self {
        Self::begin(database, &[], &[]).await
    }

    /// The same with further arguments of `serve`, and variables in its environment.
    ///
    /// # Panics
    /// Where it does not come up.
    pub async fn on_with(database: Option<String>, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::begin(database, arguments, environment).await
    }

    /// Another one on the same database, with the same key, token and arguments, in a folder of its own.
    ///
    /// # Panics
    /// Where it does not come up.
    pub async fn replica(&self, environment: &[(&str, &str)]) -> Self {
        let data = tempfile::tempdir().expect("a temporary folder");
        for name in ["master.key", "token"] {
            std::fs::copy(self.data().join(name), data.path().join(name)).expect("a file to copy");
        }
        let arguments: Vec<_> = self.arguments.iter().map(String::as_str).collect();
        Self::begin_in(data, self.database.clone(), &arguments, environment).await
    }

    /// The same with further arguments of `serve`, and variables in its environment.
    ///
    /// # Panics
    /// Where it does not come up.
    pub async fn start_with(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::begin(None, arguments, environment).await
    }

    async fn begin(database: Option<String>, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let data = tempfile::tempdir().expect("a temporary folder");
        Self::begin_in(data, database, arguments, environment).await
    }

    async fn begin_in(
        data: TempDir,
        database: Option<String>,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        let mut seawall = Self {
            data,
            process: None,
            arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
            environment: environment
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            address: String::new(),
            token: String::new(),
            client: reqwest::Client::new(),
            database,
            under: Vec::new(),
        };
        seawall.boot().await;
        seawall
    }

    /// One whose database is on a disk of so many MiB, of which `ballast` are taken by a file. The disk is there as long as the
    /// process is.
    ///
    /// # Panics
    /// Where it does not come up, as where this machine lets nobody mount a disk in memory.
    pub async fn on_small_disk(mib: u32, ballast: u32) -> Self {
        let data = tempfile::tempdir().expect("a temporary folder");
        let disk = data.path().join("disk");
        std::fs::create_dir(&disk).expect("a folder");
        let script = format!(
            "mount -t tmpfs -o size={mib}m none '{0}' && head -c {ballast}M /dev/zero > '{0}/ballast' && exec \"$@\"",
            disk.display()
        );
        let under = [
            "unshare",
            "--user",
            "--map-root-user",
            "--mount",
            "sh",
            "-c",
            &script,
            "sh",
        ];
        let mut seawall = Self {
            database: Some(format!("sqlite:{}", disk.join("seawall.db").display())),
            data,
            process: None,
            arguments: Vec::new(),
            environment: Vec::new(),
            address: String::new(),
            token: String::new(),
            client: reqwest::Client::new(),
            under: under.map(str::to_owned).to_vec(),
        };
        seawall.boot().await;
        seawall
    }

    /// Makes room on the disk of [`Seawall::on_small_disk`].
    ///
    /// # Panics
    /// Where there is no such disk.
    pub fn drop_ballast(&self) {
        let root = format!("/proc/{}/root", self.pid().unwrap_or_default());
        let ballast = self.data().join("disk/ballast");
        let ballast = ballast.strip_prefix("/").expect("an absolute path");
        std::fs::remove_file(Path::new(&root).join(ballast)).expect("the ballast");
    }

    /// Starts it again after [`Seawall::kill`], with other arguments of `serve`.
    ///
    /// # Panics
    /// Where it does not come up.
    pub async fn boot_with(&mut self, arguments: &[&str]) {
        self.arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        self.boot().await;
    }

    /// Starts it again after [`Seawall::kill`].
    ///
    /// # Panics
    /// Where it does not come up.
    pub async fn boot(&mut self) {
        let port = crate::free_port();
        self.address = format!("http://127.0.0.1:{port}");
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.data().join("log"))
            .expect("a log file");
        let binary = seawall_binary();
        let mut command = match self.under.split_first() {
            None => Command::new(binary),
            Some((program, arguments)) => {
                let mut command = Command::new(program);
                command.args(arguments).arg(binary);
                command
            }
        };
        let process = command
            .args(["serve", "--data"])
            .arg(self.data())
            .args(["--listen", &format!("127.0.0.1:{port}")])
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .env("RUST_LOG", "info")
            .envs(self.database.as_ref().map(|url| ("SEAWALL_DATABASE", url)))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("seawall starts");
        self.process = Some(process);
        let ready = format!("{}/readyz", self.address);
        let client = self.client.clone();
        crate::eventually("seawall to be ready", || {
            let request = client.get(&ready).send();
            async move { request.await.ok().filter(|r| r.status() == StatusCode::OK) }
        })
        .await;
        self.token = std::fs::read_to_string(self.data().join("token"))
            .expect("a token")
            .trim()
            .to_owned();
    }

    /// The database of the next [`Seawall::boot`].
    pub fn move_to(&mut self, database: Option<String>) {
        self.database = database;
    }

    /// kill -9.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Its data folder.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// Where it answers.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Its token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The process.
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// A request of the API, with the token.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.address))
            .bearer_auth(&self.token)
    }

    /// GET that must succeed.
    ///
    /// # Panics
    /// With the answer where it does not.
    pub async fn get(&self, path: &str) -> Value {
        let (status, body) = self.try_get(path).await;
        assert_eq!(status, StatusCode::OK, "GET {path}: {body}");
        body
    }

    /// GET, whatever comes of it.
    ///
    /// # Panics
    /// Where there is no answer.
    pub async fn try_get(&self, path: &str) -> (StatusCode, Value) {
        answer(self.request(Method::GET, path)).await
    }

    /// A request with a JSON body, whatever comes of it.
    ///
    /// # Panics
    /// Where there is no answer.
    pub async fn send(&self, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
        answer(self.request(method, path).json(body)).await
    }

    /// Installs a component and grants what it asks, loopback included.
    ///
    /// # Panics
    /// Where either is refused.
    pub async fn install(&self, file: &Path) -> Value {
        let bytes = std::fs::read(file).expect("the component");
        let request = self
            .request(Method::POST, "/api/v1/plugins")
            .header("content-type", "application/wasm")
            .body(bytes);
        let (status, plugin) = answer(request).await;
        assert!(status.is_success(), "install: {plugin}");
        let name = plugin["name"].as_str().expect("a name");
        let grant = json!({"private_ranges": ["127.0.0.0/8"], "plaintext_to_loopback": true, "reason": "test"});
        let (status, body) = self
            .send(Method::PUT, &format!("/api/v1/plugins/{name}/grant"), &grant)
            .await;
        assert_eq!(status, StatusCode::OK, "grant: {body}");
        plugin
    }

    /// Adds an integration.
    ///
    /// # Panics
    /// Where it is refused.
    pub async fn integrate(&self, definition: Value) -> Value {
        let name = definition["name"].as_str().expect("a name").to_owned();
        let (status, body) = self
            .send(Method::PUT, &format!("/api/v1/integrations/{name}"), &definition)
            .await;
        assert!(status.is_success(), "integration {name}: {body}");
        body
    }

    /// Waits until the newest pass of every partition has ended, and gives the integration.
    ///
    /// # Panics
    /// Where it takes more than a minute.
    pub async fn settled(&self, name: &str) -> Value {
        let (settled, _) = crate::eventually(&format!("{name} to settle"), || async move {
            let view = self.get(&format!("/api/v1/integrations/{name}")).await;
            let (slices, passes) = (view["slices"].as_array()?, view["passes"].as_array()?);
            let ended = passes.iter().all(|p| p["state"] != "running");
            let all = !slices.is_empty() && passes.len() == slices.len() && ended;
            (all || view["problem"].is_string() && passes.is_empty()).then_some(view)
        })
        .await;
        settled
    }

    /// Asks for a pass and waits until the integration says that something like `part` is in the way of it.
    ///
    /// # Panics
    /// Where it does not within a minute.
    pub async fn hindered(&self, name: &str, part: &str) {
        self.send(Method::POST, &format!("/api/v1/integrations/{name}/sync"), &json!({}))
            .await;
        crate::eventually(&format!("{name} to say: {part}"), || async move {
            let view = self.get(&format!("/api/v1/integrations/{name}")).await;
            view["problem"].as_str()?.contains(part).then_some(())
        })
        .await;
    }

    /// The passes of an integration, newest first.
    ///
    /// # Panics
    /// Where it does not exist.
    pub async fn passes(&self, name: &str) -> Vec<Value> {
        let page = self.get(&format!("/api/v1/passes?integration={name}&limit=1000")).await;
        page["items"].as_array().cloned().unwrap_or_default()
    }

    /// All entities of a blueprint, page by page.
    ///
    /// # Panics
    /// Where the API says no.
    pub async fn entities(&self, blueprint: &str) -> Vec<Value> {
        let (mut all, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self
                .get(&format!("/api/v1/blueprints/{blueprint}/entities?limit=1000{cursor}"))
                .await;
            all.extend(page["items"].as_array().cloned().unwrap_or_default());
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return all,
            }
        }
    }

    /// The command line, pointed at this server.
    pub fn command(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(seawall_binary());
        command
            .args(arguments)
            .env("SEAWALL_SERVER", &self.address)
            .env("SEAWALL_TOKEN", &self.token);
        run(&mut command)
    }

    /// What it logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.data().join("log")).unwrap_or_default()
    }
}

impl Drop for Seawall {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- seawall's log\n{}", self.log());
        }
        self.kill();
    }
}

async fn answer(request: reqwest::RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.expect("an answer");
    let status = response.status();
    let text = response.text().await.expect("a body");
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    (status, body)
}
