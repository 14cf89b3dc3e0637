//! `seawall plugin …`.

mod build;
mod dev;
mod inspect;
mod install;
mod list;
mod new;
mod report;
mod steps;
mod watch;

use crate::cli::{Global, error::Result};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Plugin {
    /// Start a plugin from a template
    New(new::New),
    /// Build a plugin
    Build(build::Build),
    /// Build a plugin, pull one page and show what comes of it; again on every save
    Dev(dev::Dev),
    /// Show what a plugin is and asks for, without running it
    Inspect(inspect::Inspect),
    /// Install a plugin, and put it to work at once if asked to
    Install(install::Install),
    /// List installed plugins
    List(list::List),
}

impl Plugin {
    pub(crate) async fn run(self, global: &Global) -> Result {
        match self {
            Self::New(command) => command.run(global),
            Self::Build(command) => command.run(global),
            Self::Dev(command) => command.run(global).await,
            Self::Inspect(command) => command.run(global),
            Self::Install(command) => command.run(global).await,
            Self::List(command) => command.run(global).await,
        }
    }
}

impl From<seawall_toolchain::BuildError> for crate::cli::error::CliError {
    fn from(error: seawall_toolchain::BuildError) -> Self {
        use seawall_toolchain::BuildError as E;
        match error {
            E::Invalid(_) | E::UnknownLanguage(_) | E::NotEmpty(_) => Self::Usage(error.to_string()),
            _ => Self::Failed(error.to_string()),
        }
    }
}
