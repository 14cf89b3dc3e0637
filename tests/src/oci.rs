//! A real OCI registry, keys, and the command line that speaks to it.

use crate::{RealServer, Seawall, component, free_port, run, seawall_binary};
use serde_json::Value;
use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};
use tempfile::TempDir;

/// A registry with a folder for keys and files.
pub struct Oci {
    server: RealServer,
    host: String,
    folder: TempDir,
}

impl Oci {
    /// Starts `distribution` or `referrers`, see servers/registry.sh; none, with a line that says so, where Go is missing.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn start(kind: &str, htpasswd: Option<&Path>) -> Option<Self> {
        let port = free_port().to_string();
        let users = htpasswd.and_then(Path::to_str).unwrap_or_default();
        match RealServer::try_start("registry", &[&port, kind, users], &[]) {
            Ok(server) => Some(Self {
                server,
                host: format!("127.0.0.1:{port}"),
                folder: tempfile::tempdir().expect("a temporary folder"),
            }),
            Err(missing) => {
                eprintln!("skipped: {missing}");
                None
            }
        }
    }

    /// `127.0.0.1:PORT`.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// `127.0.0.1:PORT/REST`.
    pub fn at(&self, rest: &str) -> String {
        format!("{}/{rest}", self.host)
    }

    /// What the registry keeps on the disk.
    pub fn storage(&self) -> PathBuf {
        self.server.folder().join("registry/docker/registry/v2")
    }

    /// A file of the test's own.
    pub fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Makes a pair of keys; gives the private and the public one's file.
    ///
    /// # Panics
    /// Where they cannot be made.
    pub fn keys(&self, name: &str) -> (String, String) {
        done(&self.seawall(&["plugin", "keygen", &self.file(name)]));
        (self.file(&format!("{name}.key")), self.file(&format!("{name}.pub")))
    }

    /// The probe as a file; others than 0 are other bytes that do the same.
    ///
    /// # Panics
    /// Where it was not built.
    pub fn probe(&self, variant: u8) -> String {
        let mut bytes = std::fs::read(component("tests/guests/probe")).expect("the probe");
        if variant > 0 {
            // A custom section, which nobody reads: id, size, size of the name, name, content.
            bytes.extend([0, 3, 1, b'x', variant]);
        }
        let path = self.file(&format!("probe-{variant}.wasm"));
        std::fs::write(&path, bytes).expect("a file");
        path
    }

    /// The command line, which knows no server.
    pub fn seawall(&self, arguments: &[&str]) -> Output {
        self.command(arguments, None, None)
    }

    /// The command line with a server, a Docker configuration of the test's own, and something on stdin.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn command(&self, arguments: &[&str], server: Option<&Seawall>, stdin: Option<&str>) -> Output {
        let mut command = Command::new(seawall_binary());
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("DOCKER_CONFIG", self.folder.path());
        if let Some(server) = server {
            command.env("SEAWALL_SERVER", server.address());
            command.env("SEAWALL_TOKEN", server.token());
        }
        let Some(text) = stdin else {
            return run(&mut command);
        };
        let pipes = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = pipes.spawn().expect("seawall starts");
        let mut pipe = child.stdin.take().expect("stdin");
        // It may have ended before it reads all.
        let _ = pipe.write_all(text.as_bytes());
        drop(pipe);
        child.wait_with_output().expect("it ends")
    }

    /// Pushes a file and gives what came of it.
    ///
    /// # Panics
    /// Where it is refused.
    pub fn push(&self, file: &str, reference: &str, more: &[&str]) -> Value {
        done(&self.seawall(&[&["plugin", "push", file, reference, "-o", "json"], more].concat()))
    }
}

/// The JSON that a command printed.
///
/// # Panics
/// With its words where it failed.
pub fn done(output: &Output) -> Value {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", output.status);
    serde_json::from_slice(&output.stdout).unwrap_or_default()
}

/// What a command that failed with this exit code said.
///
/// # Panics
/// Where it ended otherwise.
pub fn refused(output: &Output, code: i32) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let out = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(code), "{said}{out}");
    said
}
