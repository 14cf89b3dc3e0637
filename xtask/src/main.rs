//! `cargo xtask …`: what a newcomer, a contributor and CI run. It only starts programs and says what it does.

mod bench;
mod demo;
mod deny;
mod front;
mod fuzz;
mod lint;
mod plugins;
mod steps;
mod test;
mod tool;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Builds, tests and shows Seawall.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build everything and start the demo: a server, a sample platform, plugins in three languages
    Demo {
        /// End when everything has synced
        #[arg(long)]
        once: bool,
    },
    /// Build all plugins, those that are up to date aside
    Plugins {
        /// Build only these
        names: Vec<String>,
        /// Build those that are up to date too
        #[arg(long)]
        force: bool,
    },
    /// Run every check and every test
    Test {
        /// Only the steps whose name contains this
        #[arg(long, value_name = "TEXT")]
        only: Option<String>,
    },
    /// Run the property tests of everything that reads what strangers write, for longer than `test` does
    Fuzz {
        /// Cases of each
        #[arg(default_value_t = 100_000)]
        cases: u32,
    },
    /// Measure, and write target/bench/NAME.json
    Bench {
        /// One benchmark; without it, all
        name: Option<String>,
    },
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all went well.
fn run(command: Command) -> Result<bool> {
    match command {
        Command::Demo { once } => demo::run(once),
        Command::Plugins { names, force } => {
            tool::build_seawall()?;
            plugins::build(&names, force)?;
            Ok(true)
        }
        Command::Test { only } => test::run(only.as_deref()),
        Command::Fuzz { cases } => fuzz::run(cases),
        Command::Bench { name } => bench::run(name.as_deref()),
    }
}
