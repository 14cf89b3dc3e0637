//! A real PostgreSQL with pgbouncer before it, started once for all tests of the binary, and ones of their own for tests that
//! stop them. Each is ended by its own shell, which waits for the end of a pipe: also when a test, or all of them, fail.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

/// As `tests/servers/postgres.sh` makes it.
const USER: &str = "seawall:sea%3Aw%40ll%2F1";

pub(crate) struct Server {
    dir: PathBuf,
    pub(crate) port: u16,
    pooler: u16,
    next: AtomicU32,
    shell: Option<Child>,
}

/// The one of all tests; none where there is no PostgreSQL to be had, which is said.
pub(crate) fn shared() -> Option<&'static Server> {
    static SHARED: OnceLock<Option<Server>> = OnceLock::new();
    SHARED.get_or_init(Server::start).as_ref()
}

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/servers")
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Server {
    pub(crate) fn start() -> Option<Self> {
        let dir = tempfile::Builder::new().prefix("seawall-pg-").tempdir().unwrap().keep();
        let mut server = Self {
            dir,
            port: free_port(),
            pooler: free_port(),
            next: AtomicU32::new(0),
            shell: None,
        };
        if server.run() {
            return Some(server);
        }
        std::fs::remove_dir_all(&server.dir).unwrap();
        eprintln!("skipped: there is no PostgreSQL with pgbouncer here; install Debian's `postgresql` and `pgbouncer`");
        None
    }

    /// Starts what is in its folder.
    fn run(&mut self) -> bool {
        let mut shell = Command::new("sh")
            .arg("-c")
            .arg(r#"sh "$1/postgres.sh" "$2" "$3" "$4" && echo up; cat >/dev/null; sh "$1/stop.sh" "$2"; [ -e "$2/kept" ] || rm -rf "$2""#)
            .arg("sh")
            .arg(scripts())
            .arg(&self.dir)
            .arg(self.port.to_string())
            .arg(self.pooler.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(shell.stdout.take().unwrap())
            .read_line(&mut said)
            .unwrap();
        self.shell = Some(shell);
        said == "up\n"
    }

    /// Stops the server; its data stays.
    pub(crate) fn stop(&mut self) {
        std::fs::write(self.dir.join("kept"), "").unwrap();
        let mut shell = self.shell.take().unwrap();
        drop(shell.stdin.take());
        shell.wait().unwrap();
    }

    /// Starts it again.
    pub(crate) fn start_again(&mut self) {
        std::fs::remove_file(self.dir.join("kept")).unwrap();
        assert!(self.run());
    }

    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://{USER}@127.0.0.1:{}/{database}", self.port)
    }

    /// An empty database.
    pub(crate) async fn database(&self) -> String {
        self.url(&self.make().await)
    }

    /// An empty database behind pgbouncer.
    pub(crate) async fn pooled_database(&self) -> String {
        let name = self.make().await;
        format!("postgres://{USER}@127.0.0.1:{}/{name}", self.pooler)
    }

    async fn make(&self) -> String {
        let name = format!("test_{}", self.next.fetch_add(1, Ordering::Relaxed));
        let mut conn = PgConnection::connect(&self.url("postgres")).await.unwrap();
        conn.execute(AssertSqlSafe(format!("CREATE DATABASE {name}")))
            .await
            .unwrap();
        name
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut shell) = self.shell.take() {
            drop(shell.stdin.take());
            shell.wait().unwrap();
        }
    }
}
