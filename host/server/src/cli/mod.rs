//! The command line. Each command is a file of its own; all that touch the catalog use the public HTTP API alone.

mod admin;
mod apply;
mod args;
mod ask;
mod audit;
mod blueprint;
mod catalog;
pub(crate) mod client;
mod completions;
mod credential;
mod delivery;
mod egress;
pub(crate) mod error;
mod events;
mod export;
mod folder;
pub(crate) mod follow;
mod grant;
mod history;
mod import;
pub(crate) mod integration;
mod mapping;
pub(crate) mod output;
mod paging;
mod plugin;
mod policy;
mod rule;
mod run;
mod serve;
mod subscription;
mod verdict;
mod view;
mod workbench;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, error::ErrorKind, parser::ValueSource};
use error::Result;
use output::{Format, Output};
use std::process::ExitCode;

const HELP: &str = "\
Exit codes:
  0  done
  1  it did not end well: the server said no, a pass or a run failed, entities were set aside
  2  wrong usage: an argument or a document is wrong
  3  the server, or the registry, does not answer
  4  the server does not take the token, or the registry does not let you
  5  there is nothing of the name that was given

Examples:
  seawall serve                                   start a server
  seawall plugin new --lang python hello          start a plugin
  seawall plugin install hello --approve --config base_url=http://127.0.0.1:8080
  seawall catalog list service --filter tier=1    read the catalog
  seawall apply platform/                         describe everything as files in git
  seawall import backstage .                      take over another portal's catalog
";

/// An internal developer portal whose integrations are sandboxed WebAssembly components.
#[derive(Debug, Parser)]
#[command(name = "seawall", version, after_help = HELP)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Global {
    /// How results are printed
    #[arg(
        short,
        long,
        value_enum,
        global = true,
        default_value = "table",
        value_name = "FORMAT"
    )]
    output: Format,
    /// The server's address
    #[arg(
        long,
        global = true,
        env = "SEAWALL_SERVER",
        default_value = "http://127.0.0.1:7700",
        value_name = "URL"
    )]
    server: String,
    /// The API's token; without it, the file `token` in the server's data folder is read
    #[arg(
        long,
        global = true,
        env = "SEAWALL_TOKEN",
        hide_env_values = true,
        value_name = "TOKEN"
    )]
    token: Option<String>,
    /// Who changes a definition, for its history; without it, the user of this machine
    #[arg(long, global = true, env = "SEAWALL_BY", value_name = "NAME")]
    by: Option<String>,
}

impl Global {
    pub(crate) fn output(&self) -> Output {
        Output::new(self.output)
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the server
    Serve(serve::Serve),
    /// Try Seawall: a server, a sample platform and four plugins, gone when it ends
    Demo(crate::demo::Demo),
    /// Write, build, try and install plugins
    #[command(subcommand)]
    Plugin(plugin::Plugin),
    /// Put plugins to work
    #[command(subcommand)]
    Integration(integration::Command),
    /// Name secrets that the server attaches to plugins' requests
    #[command(subcommand)]
    Credential(credential::Credential),
    /// Decide what a plugin may do
    #[command(subcommand)]
    Grant(grant::Grant),
    /// Read entities
    #[command(subcommand)]
    Catalog(catalog::Catalog),
    /// Show what happened to entities, and follow it
    Events(events::Events),
    /// Tell others of changes by webhook
    #[command(subcommand)]
    Subscription(subscription::Subscription),
    /// Look after what tools sent by webhook
    #[command(subcommand)]
    Delivery(delivery::Delivery),
    /// Lay down what no grant may contain, and who decides
    #[command(subcommand)]
    Policy(policy::Policy),
    /// Start operations of plugins and follow them
    #[command(subcommand)]
    Run(run::Run),
    /// Let a plugin's rule judge entities
    #[command(subcommand)]
    Rule(rule::Rule),
    /// Read what rules said
    #[command(subcommand)]
    Verdict(verdict::Verdict),
    /// Save questions under a name
    #[command(subcommand)]
    View(view::View),
    /// Try a mapping on example items
    #[command(subcommand)]
    Mapping(mapping::Mapping),
    /// Show what plugins asked for, were granted and used
    Audit(audit::Audit),
    /// Read the records of plugins' requests
    #[command(subcommand)]
    Egress(egress::Egress),
    /// Read and change the types of entities
    #[command(subcommand)]
    Blueprint(blueprint::Blueprint),
    /// Make the server hold what a folder describes
    Apply(apply::Apply),
    /// Show what `apply` would change
    Diff(apply::Diff),
    /// Write what the server holds as definitions
    Export(export::Export),
    /// Show who changed which definition, when, why and how
    History(history::History),
    /// Take over what Port or Backstage holds
    #[command(subcommand)]
    Import(import::Import),
    /// Look after the server
    #[command(subcommand)]
    Admin(admin::Admin),
    /// Print completions for a shell
    Completions(completions::Completions),
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = parsed().unwrap_or_else(|error| error.exit());
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: no threads can be started: {error}");
            return ExitCode::from(1);
        }
    };
    let outcome = runtime.block_on(run(cli));
    // What still compiles a component would hold the end up, and write into folders that are gone.
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error.print();
            ExitCode::from(error.exit_code())
        }
    }
}

/// What this process was given. Commands that are a server themselves take none to talk to: a demo beside the named server is not
/// what was meant.
fn parsed() -> clap::error::Result<Cli> {
    let mut command = Cli::command();
    let matches = command.try_get_matches_from_mut(std::env::args_os())?;
    let own = matches
        .subcommand()
        .filter(|(name, _)| ["serve", "demo"].contains(name));
    if let Some((name, given)) = own
        && given.value_source("server") == Some(ValueSource::CommandLine)
    {
        let why = format!("`seawall {name}` starts a server of its own: leave `--server` out");
        return Err(command.error(ErrorKind::ArgumentConflict, why));
    }
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

async fn run(cli: Cli) -> Result {
    let global = &cli.global;
    match cli.command {
        Command::Serve(command) => command.run().await,
        Command::Demo(command) => command.run().await,
        Command::Plugin(command) => command.run(global).await,
        Command::Integration(command) => command.run(global).await,
        Command::Credential(command) => command.run(global).await,
        Command::Grant(command) => command.run(global).await,
        Command::Catalog(command) => command.run(global).await,
        Command::Run(command) => command.run(global).await,
        Command::Rule(command) => command.run(global).await,
        Command::Verdict(command) => command.run(global).await,
        Command::Events(command) => command.run(global).await,
        Command::Subscription(command) => command.run(global).await,
        Command::Mapping(command) => command.run(global).await,
        Command::View(command) => command.run(global).await,
        Command::Delivery(command) => command.run(global).await,
        Command::Admin(command) => command.run(global).await,
        Command::Policy(command) => command.run(global).await,
        Command::Apply(command) => command.run(global).await,
        Command::Diff(command) => command.run(global).await,
        Command::Export(command) => command.run(global).await,
        Command::History(command) => command.run(global).await,
        Command::Import(command) => command.run(global).await,
        Command::Audit(command) => command.run(global).await,
        Command::Egress(command) => command.run(global).await,
        Command::Blueprint(command) => command.run(global).await,
        Command::Completions(command) => command.run(global),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_an_example() {
        fn check(command: &clap::Command, path: &str) {
            let name = format!("{path} {}", command.get_name());
            if command.has_subcommands() {
                let all = command.get_subcommands().filter(|sub| sub.get_name() != "help");
                all.for_each(|sub| check(sub, &name));
            } else {
                let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(help.contains(name.trim_start()), "`{name}` has no example in its help");
            }
        }
        check(&Cli::command(), "");
    }
}
