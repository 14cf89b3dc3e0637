//! `seawall import …`.

mod attach;

use crate::cli::{
    Global,
    apply::{self, Prune, Task},
    client::Client,
    error::{CliError, Result},
    folder::Folder,
};
use seawall_domain::{
    definition::{Definition, May, canonical},
    import::{Imported, Note, Severity, backstage, port},
};
use std::path::PathBuf;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Import {
    /// Take over a folder of Port's: blueprints, entities, mappings, actions, scorecards
    Port(Port),
    /// Take over Backstage's catalog files of a folder or checkout
    Backstage(Backstage),
}

/// How a folder is taken over.
#[derive(Debug, clap::Args)]
struct How {
    /// The folder
    dir: PathBuf,
    /// Only show what would be done, and what would not be carried
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    prune: Prune,
    /// Replace blueprints and other definitions of the same names that somebody else made
    #[arg(long)]
    overwrite: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// Under which name it is imported, for the next time and for --prune
    #[arg(long, value_name = "import:NAME")]
    source: Option<String>,
}

/// Imports a folder of Port's: blueprints, entities, mapping files (`port-app-config.yaml`), actions, automations and scorecards.
/// What they are is told by their shape. What cannot be carried is listed
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall import port port-export/ --dry-run
  seawall import port port-export/ --yes -o json | jq .notes

A mapping is given to the integration of its tool (the name of its folder), where there is one without a mapping of its own, and
kept for later. Actions, automations and scorecards are kept as they are, and `seawall export` gives them back.

Exit code 2 where something is wrong with the folder, 1 where something could not be done; what is merely not carried is none.")]
pub(crate) struct Port {
    #[command(flatten)]
    how: How,
}

/// Imports Backstage's entities: each kind as a blueprint, with its relations. What cannot be carried is listed
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall import backstage . --dry-run
  seawall import backstage ~/src/shop --prefix backstage --yes

Read are files whose name holds `catalog-info`, others with documents of Backstage's, and those that Locations name. Nothing is
fetched: an address of the checkout's own repository is read from the checkout.

Exit code 2 where something is wrong with the folder, 1 where something could not be done; what is merely not carried is none.")]
pub(crate) struct Backstage {
    #[command(flatten)]
    how: How,
    /// Before each blueprint's name: `backstage` makes `backstageComponent` of `component`
    #[arg(long, value_name = "WORD", default_value = "")]
    prefix: String,
}

impl Import {
    pub(crate) async fn run(self, global: &Global) -> Result {
        match self {
            Self::Port(Port { how }) => {
                let folder = Folder::open(&how.dir)?;
                let imported = port::import(&folder, &folder.name());
                how.run(global, imported, "import:port").await
            }
            Self::Backstage(Backstage { how, prefix }) => {
                if !prefix.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                    let words = format!("--prefix {prefix}: expected letters and digits, such as `backstage`");
                    return Err(CliError::Usage(words));
                }
                let folder = Folder::open(&how.dir)?;
                let options = backstage::Options {
                    prefix,
                    checkout: folder.checkout(),
                };
                how.run(global, backstage::import(&folder, &options), "import:backstage")
                    .await
            }
        }
    }
}

impl How {
    async fn run(self, global: &Global, imported: Imported, source: &str) -> Result {
        let source = apply::checked(self.source.unwrap_or_else(|| source.to_owned()))?;
        let wrong = imported.is_wrong();
        let Imported {
            definitions,
            mut notes,
            passed_over,
        } = imported;
        let (definitions, unfit) = in_form(definitions);
        let wrong = wrong || !unfit.is_empty();
        notes.extend(unfit);
        if definitions.is_empty() && !wrong {
            eprintln!("there is nothing to import in {}", self.dir.display());
        }
        let client = Client::new(global)?;
        let may = match self.prune.may(&definitions, self.overwrite) {
            // What could not be read is not gone.
            may if wrong => May {
                prune: false,
                prune_entities: false,
                ..may
            },
            may => may,
        };
        // A folder of another portal is no export that left out what it could not describe.
        let may = May {
            prune_placeholders: true,
            ..may
        };
        let mut task = Task::new(&client, definitions, source, may).await?;
        let attached = attach::mappings(&client, &mut task, self.overwrite, &mut notes).await?;
        notes.append(&mut task.notes);
        notes.sort();
        task.notes = notes;
        task.passed_over = passed_over;
        if self.prune.prune && wrong {
            eprintln!("nothing is removed, since the folder could not be read whole");
        }
        let done = task.run(global, &client, self.dry_run, self.yes, None).await;
        if matches!(done, Ok(()) | Err(CliError::Unwell)) && !self.dry_run {
            attach::put(&client, attached).await?;
        }
        match (wrong, done) {
            (true, Ok(()) | Err(CliError::Unwell)) => Err(CliError::Usage(
                "the folder has mistakes, listed above as `wrong`; the rest is imported".into(),
            )),
            (_, done) => done,
        }
    }
}

/// Definitions in their canonical form, and those that have none.
fn in_form(definitions: Vec<Definition>) -> (Vec<Definition>, Vec<Note>) {
    let mut notes = Vec::new();
    let formed = definitions
        .into_iter()
        .filter_map(|definition| match canonical(definition.kind, &definition.value) {
            Ok((name, value)) => Some(Definition {
                name,
                value,
                ..definition
            }),
            Err(problems) => {
                let words: Vec<_> = problems.iter().map(ToString::to_string).collect();
                notes.push(Note {
                    file: definition.origin.file.clone(),
                    line: definition.origin.line,
                    severity: Severity::Wrong,
                    what: format!("{} `{}`", definition.kind.word(), definition.name),
                    why: words.join("; "),
                });
                None
            }
        });
    let formed = formed.collect();
    (formed, notes)
}
