//! `seawall plugin …`.

mod build;
mod cassettes;
mod dev;
mod diff;
mod inspect;
mod install;
mod keygen;
mod list;
mod new;
mod pull;
mod push;
mod record;
mod registry;
mod remove;
mod replay;
mod report;
mod rollback;
mod setting;
mod sigfile;
mod sign;
mod steps;
mod test;
mod verify;
mod watch;

use crate::cli::{
    Global,
    error::{CliError, Result},
};
use seawall_domain::bundle::MAX_COMPONENT_BYTES;
use std::path::Path;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Plugin {
    /// Start a plugin from a template
    New(new::New),
    /// Build a plugin
    Build(build::Build),
    /// Build a plugin, pull one page and show what comes of it; again on every save
    Dev(dev::Dev),
    /// Keep a plugin's conversation with the real tool, for tests without it
    Record(record::Record),
    /// Test a plugin on recorded conversations, offline
    Test(test::Test),
    /// Show what a plugin is and asks for, without running it
    Inspect(inspect::Inspect),
    /// Show what a version asks beyond another
    Diff(diff::Diff),
    /// Push a plugin to an OCI registry
    Push(push::Push),
    /// Pull a plugin from an OCI registry into a file
    Pull(pull::Pull),
    /// Make a pair of keys to sign plugins with
    Keygen(keygen::Keygen),
    /// Sign a plugin, in its registry or as a file
    Sign(sign::Sign),
    /// Check who signed a plugin
    Verify(verify::Verify),
    /// Install a plugin, and put it to work at once if asked to
    Install(install::Install),
    /// List installed plugins
    List(list::List),
    /// Remove a version that no integration runs
    Remove(remove::Remove),
    /// Put another granted version in force
    Rollback(rollback::Rollback),
}

impl Plugin {
    pub(crate) async fn run(self, global: &Global) -> Result {
        match self {
            Self::New(command) => command.run(global),
            Self::Build(command) => command.run(global),
            Self::Dev(command) => command.run(global).await,
            Self::Record(command) => command.run(global).await,
            Self::Test(command) => command.run(global).await,
            Self::Inspect(command) => command.run(global),
            Self::Diff(command) => command.run(global).await,
            Self::Push(command) => command.run(global).await,
            Self::Pull(command) => command.run(global).await,
            Self::Keygen(command) => command.run(global),
            Self::Sign(command) => command.run(global).await,
            Self::Verify(command) => command.run(global).await,
            Self::Install(command) => command.run(global).await,
            Self::List(command) => command.run(global).await,
            Self::Remove(command) => command.run(global).await,
            Self::Rollback(command) => command.run(global).await,
        }
    }
}

/// Reads a component, unless it is larger than one may be.
fn read(file: &Path) -> Result<Vec<u8>> {
    let wrong = |e: std::io::Error| {
        CliError::Usage(match e.kind() {
            std::io::ErrorKind::NotFound => format!(
                "there is no file {}; expected a component (a file NAME.wasm), a plugin's folder, or a reference such as \
                 ghcr.io/acme/unleash:1.2.0",
                file.display()
            ),
            _ => format!("{}: {e}", file.display()),
        })
    };
    let about = std::fs::metadata(file).map_err(wrong)?;
    if about.is_dir() {
        return Err(CliError::Usage(format!(
            "{} is a folder; expected a component, such as the {}/dist/NAME.wasm that `seawall plugin build` writes",
            file.display(),
            file.display()
        )));
    }
    let size = about.len();
    if size > MAX_COMPONENT_BYTES as u64 {
        return Err(CliError::Failed(format!(
            "{}: expected a component of at most {MAX_COMPONENT_BYTES} bytes, found {size}",
            file.display()
        )));
    }
    std::fs::read(file).map_err(wrong)
}

impl From<seawall_toolchain::BuildError> for CliError {
    fn from(error: seawall_toolchain::BuildError) -> Self {
        use seawall_toolchain::BuildError as E;
        match error {
            E::Invalid(_) | E::UnknownLanguage(_) | E::NotEmpty(_) => Self::Usage(error.to_string()),
            // Its lines were shown as they came.
            E::Tool { what, status, .. } => Self::Failed(format!("{what} failed ({status}); its words are above")),
            _ => Self::Failed(error.to_string()),
        }
    }
}
