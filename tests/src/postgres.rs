//! A real PostgreSQL.

use crate::{RealServer, free_port, repository};
use std::process::Command;

/// As it stands in URLs; `postgres.sh` has it as it is.
pub const PASSWORD: &str = "sea%3Aw%40ll%2F1";

/// A cluster of its own, for one test. It ends with it.
pub struct Postgres {
    server: RealServer,
    port: u16,
}

impl Postgres {
    /// None where there is none to be had, which is said.
    #[expect(clippy::print_stdout, reason = "of a test")]
    pub fn start() -> Option<Self> {
        let port = free_port();
        match RealServer::try_start("postgres", &[&port.to_string()], &[]) {
            Ok(server) => Some(Self { server, port }),
            Err(missing) => {
                println!("skipped: {missing}");
                None
            }
        }
    }

    /// Of its database.
    pub fn url(&self) -> String {
        format!("postgres://seawall:{PASSWORD}@127.0.0.1:{}/postgres", self.port)
    }

    /// Stops it.
    ///
    /// # Panics
    /// Where it does not stop.
    pub fn stop(&self) {
        self.script("stop.sh", &[]);
    }

    /// Starts it again, with what it had.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn start_again(&self) {
        self.script("postgres.sh", &[&self.port.to_string()]);
    }

    fn script(&self, name: &str, arguments: &[&str]) {
        let script = repository().join("tests/servers").join(name);
        let log = std::fs::File::create(self.server.folder().join("again.log")).expect("a log file");
        let status = Command::new("bash")
            .arg(script)
            .arg(self.server.folder())
            .args(arguments)
            .stdout(log.try_clone().expect("a log file"))
            .stderr(log)
            .status()
            .expect("a shell");
        assert!(status.success(), "{name}");
    }
}

/// The library that gives a process another time, installed where it is absent; none where it is not to be had, which is said.
#[expect(clippy::print_stdout, reason = "of a test")]
pub fn faketime() -> Option<String> {
    let find = || {
        let lib = std::fs::read_dir("/usr/lib").ok()?.flatten();
        let mut places = lib.map(|entry| entry.path().join("faketime/libfaketime.so.1"));
        places.find(|path| path.exists())
    };
    let found = find().or_else(|| {
        let script = repository().join("tests/servers/apt.sh");
        let installed = Command::new("sh").arg(script).arg("faketime").status();
        installed.is_ok_and(|status| status.success()).then(find).flatten()
    });
    if found.is_none() {
        println!("skipped: there is no libfaketime");
    }
    Some(found?.display().to_string())
}
