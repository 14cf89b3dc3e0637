//! `seawall completions`.

use crate::cli::{Cli, Global, error::Result};
use clap::CommandFactory;
use clap_complete::Shell;

/// Prints a script that teaches a shell to complete `seawall`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall completions bash > ~/.local/share/bash-completion/completions/seawall
  seawall completions zsh > ~/.zfunc/_seawall
  seawall completions fish > ~/.config/fish/completions/seawall.fish")]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self, global: &Global) -> Result {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "seawall", &mut script);
        global.output().text(&String::from_utf8_lossy(&script))
    }
}
