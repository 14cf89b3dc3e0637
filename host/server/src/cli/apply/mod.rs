//! `seawall apply` and `seawall diff`.

mod show;
pub(super) mod state;
pub(super) mod work;

use crate::cli::{
    Global, ask,
    client::Client,
    error::{CliError, Result},
    folder::Folder,
};
use seawall_domain::{
    definition::{Change, Definition, Fit, Kind, Loaded, May, Owner, Step, fit, load, plan},
    import::{Note, Severity, backstage},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};
use work::{Failure, Work};

/// Makes the server hold what a folder describes: shows the plan, asks, and does it. Applying twice changes nothing
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall apply platform/                       shows what would change, and asks
  seawall apply platform/ --yes                 does not ask; for CI
  seawall apply platform/ --prune --dry-run     shows also what the folder no longer has

Every YAML and JSON file of the folder is read, several documents in a file too. A document says what it is of:
  kind: Blueprint | Credential | Grant | Integration | Policy | View | Subscription | Settings | Entity | …
  …                        and the fields that it has everywhere else (docs/definitions.md)
Blueprints of Port's and entities of Backstage's are taken as they are.

What was applied from git is read-only elsewhere from then on, unless `seawall admin setting definitions.locked false`.")]
pub(crate) struct Apply {
    /// The folder
    folder: PathBuf,
    #[command(flatten)]
    prune: Prune,
    /// Only show the plan
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// Whose the definitions are; left out: git: and the repository's name, or the folder's
    #[arg(long, value_name = "git:NAME")]
    source: Option<String>,
    /// Why, for those who look at the history later
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Shows what `apply` would change, and what somebody else changed since. Exit code 1 where something would change
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall diff platform/
  seawall diff platform/ --prune -o json | jq '.steps[] | select(.change != \"unchanged\")'")]
pub(crate) struct Diff {
    /// The folder
    folder: PathBuf,
    #[command(flatten)]
    prune: Prune,
    /// Whose the definitions are; left out: git: and the repository's name, or the folder's
    #[arg(long, value_name = "git:NAME")]
    source: Option<String>,
}

/// What goes that a folder no longer has.
#[derive(Debug, clap::Args)]
pub(super) struct Prune {
    /// Remove what was made under this source before and the folder no longer has
    #[arg(long)]
    pub(super) prune: bool,
    /// Whether --prune removes entities too; left out: where the folder describes any
    #[arg(long, value_name = "BOOL", num_args = 1, require_equals = true, requires = "prune")]
    prune_entities: Option<bool>,
}

impl Prune {
    /// What may be done with a folder that holds `wanted`.
    pub(super) fn may(&self, wanted: &[Definition], take_over: bool) -> May {
        let describes = || wanted.iter().any(|one| one.kind == Kind::Entity);
        May {
            prune: self.prune,
            prune_entities: self.prune && self.prune_entities.unwrap_or_else(describes),
            prune_placeholders: self.prune && self.prune_entities == Some(true),
            take_over,
        }
    }
}

/// What is to be done, and all that belongs to it.
pub(super) struct Task {
    pub(super) source: String,
    pub(super) wanted: BTreeMap<(Kind, String), Definition>,
    pub(super) state: seawall_domain::definition::State,
    pub(super) steps: Vec<Step>,
    pub(super) notes: Vec<Note>,
    pub(super) passed_over: Vec<String>,
}

impl Task {
    /// Compares `wanted` with the server.
    pub(super) async fn new(client: &Client, mut wanted: Vec<Definition>, source: String, may: May) -> Result<Self> {
        let mut state = state::read(client, &wanted, &source).await?;
        let Fit { mut misfits, lacking } = fit(&mut wanted, &state.now);
        misfits.extend(state::lacking(client, lacking, &state).await?);
        // What does not fit any more and is said all the same stays as it is.
        let kept = |key: &(Kind, String)| {
            let wanted = wanted.iter().find(|one| one.key() == *key);
            wanted.is_some_and(|one| state.now.get(key) == Some(&one.value))
        };
        misfits.retain(|key, _| !kept(key));
        state.hindered.extend(misfits);
        let steps = plan(wanted.clone(), &state, &source, may);
        let mut notes = state::placeholders(client, &wanted, &state).await?;
        notes.extend(steps.iter().filter_map(secret_of));
        Ok(Self {
            wanted: wanted
                .into_iter()
                .map(|definition| (definition.key(), definition))
                .collect(),
            source,
            state,
            steps,
            notes,
            passed_over: Vec::new(),
        })
    }

    fn changes(&self) -> bool {
        self.steps.iter().any(Step::changes)
    }

    fn is_hindered(&self) -> bool {
        self.steps
            .iter()
            .any(|step| matches!(step.change, Change::Hindered { .. }))
    }

    fn has_work(&self) -> bool {
        let claims = |step: &Step| step.change == Change::Unchanged { claim: true };
        self.changes() || self.steps.iter().any(claims)
    }

    /// The plan for programs.
    fn data(&self, failures: Option<&[Failure]>) -> Value {
        json!({
            "source": self.source,
            "steps": self.steps,
            "notes": self.notes,
            "passedOver": self.passed_over,
            "applied": failures.is_some(),
            "failures": failures.unwrap_or_default(),
        })
    }

    /// Prints the plan for people.
    fn show(&self, global: &Global) -> Result {
        let parts: Vec<_> = [show::steps(&self.steps), show::notes(&self.notes)]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect();
        if !parts.is_empty() {
            global.output().text(&parts.join("\n\n"))?;
        }
        if !self.passed_over.is_empty() {
            let count = self.passed_over.len();
            let first: Vec<_> = self.passed_over.iter().take(3).cloned().collect();
            let more = if count > 3 { ", …" } else { "" };
            eprintln!(
                "{count} files hold nothing to take: {}{more} (-o json names all)",
                first.join(", ")
            );
        }
        eprintln!("{}: {}", self.source, show::counts(&self.steps));
        Ok(())
    }

    /// Shows the plan, asks, and does it.
    pub(super) async fn run(
        self,
        global: &Global,
        client: &Client,
        dry_run: bool,
        yes: bool,
        reason: Option<&str>,
    ) -> Result {
        let people = global.output().is_table();
        if people {
            self.show(global)?;
        }
        if dry_run || !self.has_work() {
            if !people {
                global.output().data(&self.data(None))?;
            }
            return self.verdict(&[]);
        }
        if self.changes() && !yes && !ask::confirmed("apply it?", "to apply without asking")? {
            return Err(CliError::Failed("nothing was applied".into()));
        }
        let work = Work {
            client,
            source: &self.source,
            wanted: &self.wanted,
            state: &self.state,
            reason,
        };
        let failures = work.all(&self.steps).await?;
        if !people {
            global.output().data(&self.data(Some(&failures)))?;
        } else if failures.is_empty() {
            eprintln!("applied");
        } else {
            global.output().text(&show::failures(&failures))?;
        }
        self.verdict(&failures)
    }

    fn verdict(&self, failures: &[Failure]) -> Result {
        if failures.is_empty() && !self.is_hindered() {
            Ok(())
        } else {
            Err(CliError::Unwell)
        }
    }
}

/// How its receiver gets the secret of a new subscription, which is printed nowhere.
fn secret_of(step: &Step) -> Option<Note> {
    let is_new = step.kind == Kind::Subscription && step.change == Change::Create;
    is_new.then(|| Note {
        file: step.file.clone(),
        line: step.line,
        severity: Severity::NotCarried,
        what: format!("subscription `{}`", step.name),
        why: format!(
            "its secret is made when it is applied, and not printed; `seawall subscription rotate {}` makes another one and shows it, \
             once",
            step.name
        ),
    })
}

/// Reads a folder; all that is wrong is said at once.
fn loaded(folder: &Folder) -> Result<Loaded> {
    let options = backstage::Options {
        prefix: String::new(),
        checkout: folder.checkout(),
    };
    let loaded = load(folder, &options);
    if !loaded.problems.is_empty() {
        return Err(CliError::Usage(format!(
            "{} problems; nothing is applied before they are mended:\n{}",
            loaded.problems.len(),
            loaded.problems.join("\n")
        )));
    }
    Ok(loaded)
}

async fn task(client: &Client, folder: &Path, source: Option<String>, prune: &Prune) -> Result<Task> {
    let folder = Folder::open(folder)?;
    let source = match source {
        Some(source) => checked(source)?,
        None => folder.source(),
    };
    let loaded = loaded(&folder)?;
    if loaded.definitions.is_empty() {
        let known = client.all(&["definition-owners"], &[]).await?;
        let made: Vec<Owner> = crate::cli::output::items(&known)
            .iter()
            .map(state::parsed)
            .collect::<Result<_>>()?;
        // An empty folder is more often a wrong one than the wish to remove everything.
        if !made.iter().any(|owner| owner.source == source) {
            return Err(CliError::Usage(format!(
                "the folder holds no definitions, such as a YAML file with `kind: Blueprint`, and `{source}` has applied none before"
            )));
        }
    }
    let may = prune.may(&loaded.definitions, true);
    let mut task = Task::new(client, loaded.definitions, source, may).await?;
    task.notes.extend(loaded.notes);
    task.passed_over = loaded.passed_over;
    Ok(task)
}

/// A source's name as a person gives it.
pub(super) fn checked(source: String) -> Result<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    let well = source.split_once(':').is_some_and(|(kind, name)| {
        !kind.is_empty() && kind.chars().all(|c| c.is_ascii_lowercase()) && !name.is_empty() && name.chars().all(plain)
    });
    if well && source.len() <= 200 {
        return Ok(source);
    }
    Err(CliError::Usage(format!(
        "--source {source}: expected a kind and a name, such as `git:platform`: letters, digits, `-`, `_`, `.` and `/` behind the colon"
    )))
}

impl Apply {
    pub(crate) async fn run(self, global: &Global) -> Result {
        let client = Client::new(global)?;
        let task = task(&client, &self.folder, self.source, &self.prune).await?;
        task.run(global, &client, self.dry_run, self.yes, self.reason.as_deref())
            .await
    }
}

impl Diff {
    pub(crate) async fn run(self, global: &Global) -> Result {
        let client = Client::new(global)?;
        let task = task(&client, &self.folder, self.source, &self.prune).await?;
        if global.output().is_table() {
            task.show(global)?;
        } else {
            global.output().data(&task.data(None))?;
        }
        if task.changes() || task.is_hindered() {
            return Err(CliError::Unwell);
        }
        Ok(())
    }
}
