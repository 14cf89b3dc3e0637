//! `seawall demo`: a server on SQLite in a temporary folder, the sample platform on loopback, and plugins in three
//! languages that pull from it. It uses the public HTTP API, as everybody does, and leaves nothing behind.

mod install;
mod platform;
mod site;

use crate::{
    cli::{
        client::{Client, cache_folder},
        error::{CliError, Result},
        follow::{Followed, Mark, PASSES, follow_on},
        output::{Column, Format, Output, at, items},
    },
    serve::{ServeOptions, Server, stopped},
};
use indicatif::MultiProgress;
use platform::{Platform, Tokens};
use serde_json::{Value, json};
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Shows Seawall at work: a server on SQLite in a temporary folder, a sample platform of 60 services on loopback, and
/// plugins in three languages that pull from it. Ends with an address to open and commands to try, and cleans up on Ctrl-C
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seawall demo
  seawall demo --once          end when everything has synced; exit code 1 where something did not
  seawall demo --keep          keep the data folder

The plugins are built first, with `seawall plugin build plugins/NAME` or, in a checkout, all with `cargo xtask plugins`;
`cargo xtask demo` does both.")]
pub struct Demo {
    /// The folder with the built plugins: DIR/NAME/dist/NAME.wasm
    #[arg(long, value_name = "DIR", default_value = "plugins")]
    plugins: PathBuf,
    /// Keep the temporary folder
    #[arg(long)]
    keep: bool,
    /// End when everything has synced
    #[arg(long)]
    once: bool,
}

/// How long the server is given to end.
const PATIENCE: Duration = Duration::from_secs(15);

impl Demo {
    pub(crate) async fn run(self) -> Result {
        let components = install::find(&self.plugins)?;
        let folder = tempfile::Builder::new().prefix("seawall-demo-").tempdir()?;
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let outcome = tokio::select! {
            outcome = self.show(components, folder.path(), &stop, &tasks) => outcome,
            () = stopped() => match self.once {
                true => Err(CliError::Failed("ended before everything had synced".into())),
                false => Ok(()),
            },
        };
        // The database is closed before its folder goes.
        stop.cancel();
        tasks.close();
        if tokio::time::timeout(PATIENCE, tasks.wait()).await.is_err() {
            eprintln!("the server did not end in time");
        }
        if self.keep {
            eprintln!("kept: {}", folder.keep().display());
        }
        outcome
    }

    async fn show(
        &self,
        components: Vec<install::Component>,
        folder: &Path,
        stop: &CancellationToken,
        tasks: &TaskTracker,
    ) -> Result {
        let server = start(&folder.join("data")).await?;
        let (address, token) = (format!("http://{}", server.address), server.token.clone());
        let answering = tasks.spawn(server.answer(stop.clone().cancelled_owned()));
        let tokens = tokens(&token);
        let checkout = folder.join("checkout");
        let platform = Platform::start(&tokens, &checkout, stop).await?;
        let client = Client::to(&address, Some(token.clone()))?;
        eprintln!("Seawall answers at {address}; a sample platform of 60 services answers beside it");

        let bars = MultiProgress::new();
        let names = install::all(&client, components, &bars).await?;
        site::credentials(&client, &tokens).await?;
        let followed = sync(&client, site::integrations(&platform, &checkout, &names), &bars).await?;
        let judged = site::judge(&client, &names).await?;
        summary(&followed, &judged)?;
        let wrong: Vec<_> = followed.iter().filter(|(_, followed)| !followed.is_well()).collect();
        for (name, followed) in &wrong {
            eprintln!("error: `{name}` did not sync: {}", why(followed));
        }
        if self.once {
            stop.cancel();
            let ended = answering.await.map_err(|e| CliError::Failed(e.to_string()))?;
            ended.map_err(|e| CliError::Failed(format!("{e:#}")))?;
            return if wrong.is_empty() {
                Ok(())
            } else {
                Err(CliError::Unwell)
            };
        }
        Output::new(Format::Table).text(&site::invitation(&address, &token, &platform))?;
        answering
            .await
            .map_err(|e| CliError::Failed(e.to_string()))?
            .map_err(|e| CliError::Failed(format!("{e:#}")))
    }
}

/// On the usual port, or on a free one where that is taken.
async fn start(data: &Path) -> Result<Server> {
    let usual = SocketAddr::from((Ipv4Addr::LOCALHOST, 7700));
    let is_free = std::net::TcpListener::bind(usual).is_ok();
    let listen = if is_free {
        usual
    } else {
        SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
    };
    share_compiled(data)?;
    let options = ServeOptions {
        data: data.to_owned(),
        database: None,
        listen,
        lease: std::time::Duration::from_secs(30),
        wasi_0_3: false,
        dns_servers: Vec::new(),
    };
    Server::start(&options)
        .await
        .map_err(|e| CliError::Failed(format!("{e:#}")))
}

/// Compiled code outlives the demo, in the cache beside the build tools: compiling takes most of a first start. The server
/// names it by the component's digest and its own sandbox, so a shared folder is as good as one of its own.
fn share_compiled(data: &Path) -> Result {
    use std::os::unix::fs::{DirBuilderExt, symlink};
    let mut private = std::fs::DirBuilder::new();
    private.recursive(true).mode(0o700);
    let cache = cache_folder().join("compiled");
    private.create(&cache)?;
    private.create(data)?;
    Ok(symlink(std::path::absolute(&cache)?, data.join("compiled"))?)
}

/// Tokens of the sample tools: as secret as the demo's own, so that nothing else on the machine is let in by guessing.
fn tokens(secret: &str) -> Tokens {
    let of = |tool: &str| {
        use sha2::Digest as _;
        hex::encode(&sha2::Sha256::digest(format!("{tool}:{secret}"))[..16])
    };
    Tokens {
        prometheus: of("prometheus"),
        unleash: format!("*:*.{}", of("unleash")),
        openbao: format!("s.{}", of("openbao")),
    }
}

/// Adds the integrations and follows all of them to the end of their first passes.
async fn sync(client: &Client, integrations: Vec<Value>, bars: &MultiProgress) -> Result<Vec<(String, Followed)>> {
    let one = |document: Value| async move {
        let name = document["name"].as_str().unwrap_or_default().to_owned();
        let mark = Mark::of(client, &name).await?;
        client.put(&["integrations", &name], document).await?;
        let followed = follow_on(client, &name, &mark, bars).await?;
        Ok::<_, CliError>((name, followed))
    };
    futures::future::try_join_all(integrations.into_iter().map(one)).await
}

/// What came of it, as one table.
fn summary(followed: &[(String, Followed)], judged: &[Value]) -> Result {
    let output = Output::new(Format::Table);
    let passes: Vec<_> = followed
        .iter()
        .flat_map(|(_, followed)| followed.passes.clone())
        .collect();
    let answer = json!({"items": passes});
    if !items(&answer).is_empty() {
        let mut columns: Vec<Column> = vec![("INTEGRATION", |pass| at(pass, "/integration"))];
        columns.extend(PASSES.iter().filter(|(name, _)| *name != "PASS"));
        output.list(&answer, &columns, "")?;
    }
    for line in judged {
        output.text(line.as_str().unwrap_or_default())?;
    }
    Ok(())
}

fn why(followed: &Followed) -> String {
    let failed = || followed.passes.iter().find(|pass| pass["state"] != "succeeded");
    let of_pass = || failed().map(|pass| format!("{} is {}: {}", pass["kind"], pass["state"], pass["error"]));
    followed.problem.clone().or_else(of_pass).unwrap_or_default()
}
