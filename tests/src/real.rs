//! Real servers, started by the scripts in `servers/` on loopback, and stopped when dropped.

use crate::{repository, run};
use std::{net::TcpListener, path::Path, process::Command};
use tempfile::TempDir;

/// A port that was free a moment ago.
///
/// # Panics
/// Where there is none.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|l| l.local_addr())
        .expect("a free port")
        .port()
}

/// A server of a script.
pub struct RealServer {
    folder: TempDir,
}

impl RealServer {
    /// Starts `servers/NAME.sh FOLDER ARGUMENTS…`; the script returns when the server answers.
    ///
    /// # Panics
    /// With what the script printed, where it fails.
    pub fn start(name: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        match Self::try_start(name, arguments, environment) {
            Ok(server) => server,
            Err(missing) => panic!("{name}.sh: {missing}"),
        }
    }

    /// The same where what it is built with may be missing, which the script says with exit code 77.
    ///
    /// # Errors
    /// What is missing.
    ///
    /// # Panics
    /// With what the script printed, where it fails otherwise.
    pub fn try_start(name: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Result<Self, String> {
        let folder = tempfile::Builder::new()
            .prefix("real-")
            .tempdir_in("/tmp")
            .expect("a temporary folder");
        let server = Self { folder };
        let script = repository().join("tests/servers").join(format!("{name}.sh"));
        let mut command = Command::new("bash");
        command
            .arg(script)
            .arg(server.folder())
            .args(arguments)
            .envs(environment.iter().copied());
        // The servers live on in the background: their output goes to files, or a pipe would never end.
        let log = server.folder().join("script.log");
        let file = std::fs::File::create(&log).expect("a log file");
        command.stdout(file.try_clone().expect("a log file")).stderr(file);
        let status = command.status().expect("bash");
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        if status.code() == Some(77) {
            return Err(text.trim().to_owned());
        }
        assert!(status.success(), "{name}.sh failed:\n{text}");
        Ok(server)
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for RealServer {
    fn drop(&mut self) {
        let script = repository().join("tests/servers/stop.sh");
        let output = run(Command::new("bash").arg(script).arg(self.folder()));
        if !output.status.success() {
            eprintln!("stop.sh: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
}
