//! What the commands that speak to a registry share: signing in, bars, and what names a plugin.

use crate::cli::{
    error::{CliError, Result},
    follow::style,
};
use indicatif::ProgressBar;
use seawall_registry::{Credentials, Options, Progress, Reference, Registry};
use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
    time::Duration,
};

/// How to get into a registry.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Access {
    /// Who signs in to the registry [default: what Docker's configuration has for it]
    #[arg(long, value_name = "NAME", requires = "password_stdin")]
    username: Option<String>,
    /// Read the registry's password or token from stdin
    #[arg(long, requires = "username")]
    password_stdin: bool,
    /// The most seconds in which nothing may come from the registry
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
}

impl Access {
    /// The registry of a reference.
    pub(super) fn open(&self, reference: &Reference) -> Result<Registry> {
        let credentials = match &self.username {
            Some(username) => Credentials::Basic {
                username: username.clone(),
                password: password()?,
            },
            None => Credentials::of_docker(reference.registry())?,
        };
        let silence = Duration::from_secs(self.timeout);
        Ok(Registry::of(reference, Options { credentials, silence })?)
    }
}

fn password() -> Result<String> {
    let text = std::io::read_to_string(std::io::stdin())?;
    let password = text.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(CliError::Usage("--password-stdin: stdin is empty".into()));
    }
    Ok(password.to_owned())
}

/// A plugin on the command line: a file or folder, or something in a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    Path(PathBuf),
    Reference(Reference),
}

impl Target {
    /// What is there is a path; `oci://…` and `HOST/PATH` are references.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let path = Path::new(text);
        let host = text.split('/').next().unwrap_or_default();
        let looks_like_one = text.contains('/') && !host.is_empty() && host.trim_matches('.') == host;
        if !text.starts_with("oci://") && (path.exists() || !looks_like_one || text.ends_with(".wasm")) {
            return Ok(Self::Path(path.to_owned()));
        }
        let reference = Reference::parse(text);
        reference.map(Self::Reference).map_err(|error| match error {
            _ if text.starts_with("oci://") => error.into(),
            error => CliError::Usage(format!("there is no file {text}, and {error}")),
        })
    }
}

/// A bar for `bytes` that go or come, and what moves it. Where stderr is no terminal, one line says what begins.
pub(super) fn bar(what: &str, bytes: u64) -> (ProgressBar, Progress) {
    let bar = ProgressBar::new(bytes).with_style(style("{msg} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}"));
    bar.set_message(what.to_owned());
    if !std::io::stderr().is_terminal() {
        eprintln!("{what}: {}", indicatif::HumanBytes(bytes));
    }
    let moved = bar.clone();
    (bar, Progress::new(move |at| moved.set_position(at)))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn paths_and_references_are_told_apart() {
        let is_reference = |text: &str| match Target::parse(text) {
            Ok(Target::Reference(_)) => Some(true),
            Ok(Target::Path(_)) => Some(false),
            Err(_) => None,
        };
        for (text, expected) in [
            ("ghcr.io/acme/unleash:1.2.0", Some(true)),
            ("oci://ghcr.io/acme/unleash:1.2.0", Some(true)),
            ("127.0.0.1:5000/unleash:1", Some(true)),
            ("missing.wasm", Some(false)),
            ("./missing", Some(false)),
            ("../missing/x", Some(false)),
            ("/missing/x", Some(false)),
            ("ghcr.io/acme/x.wasm", Some(false)),
            ("acme/unleash:1", None),
            ("oci://unleash", None),
        ] {
            assert_eq!(is_reference(text), expected, "{text}");
        }
        let said = Target::parse("acme/unleash:1").unwrap_err().to_string();
        assert!(said.contains("there is no file acme/unleash:1, and"), "{said}");
    }
}
