//! `serve`: opens the data folder, starts the engine, and answers HTTP until it is told to stop.

use crate::{
    http::{self, App, Token},
    post::Poster,
};
use anyhow::{Context, Result, bail};
use seawall_engine::{Engine, EngineConfig, system_clock};
use seawall_runtime::{Runtime, RuntimeConfig, door::Names};
use seawall_store::{DatabaseUrl, KeySource, MasterKey};
use std::{
    io::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::net::TcpListener;

/// How to serve.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// Holds components, compiled code, master key and token, and the database where it is a file of its own.
    pub data: PathBuf,
    /// How long work is taken for where several processes share the database.
    pub lease: std::time::Duration,
    /// Another database than the file in the data folder.
    pub database: Option<DatabaseUrl>,
    /// Where to listen: loopback only, until people can sign in.
    pub listen: SocketAddr,
    /// Whether plugins of WASI 0.3 are taken.
    pub wasi_0_3: bool,
    /// DNS servers that are asked for names which plugins and subscriptions reach; none: the system's resolver.
    pub dns_servers: Vec<SocketAddr>,
}

impl ServeOptions {
    /// The database that is served.
    pub fn database(&self) -> DatabaseUrl {
        database(self.database.clone(), &self.data)
    }
}

/// The database of a data folder, unless another is given.
pub(crate) fn database(given: Option<DatabaseUrl>, data: &Path) -> DatabaseUrl {
    given.unwrap_or_else(|| DatabaseUrl::Sqlite(data.join("seawall.db")))
}

/// `SEAWALL_MASTER_KEY`, or the data folder's file.
pub(crate) fn key_source(data: &Path) -> Result<KeySource> {
    Ok(match MasterKey::from_env("SEAWALL_MASTER_KEY")? {
        Some(key) => KeySource::Given(key),
        None => KeySource::File(data.join("master.key")),
    })
}

/// A server that is up.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// The token for requests.
    pub token: String,
    /// The engine behind it.
    pub engine: Engine,
    listener: TcpListener,
    /// Held as long as the server lives: one process a data folder.
    _lock: std::fs::File,
}

impl Server {
    /// Opens everything; [`Server::answer`] does the rest.
    ///
    /// # Errors
    /// Each with what to do.
    pub async fn start(options: &ServeOptions) -> Result<Self> {
        if !options.listen.ip().is_loopback() {
            bail!(
                "`--listen {}` is not loopback: until people can sign in, Seawall answers only on this machine; \
                 listen on 127.0.0.1 and put a proxy that signs people in before it",
                options.listen
            );
        }
        let listener = TcpListener::bind(options.listen).await.with_context(|| {
            format!(
                "cannot listen on {}; is Seawall running already? Choose another with `--listen`",
                options.listen
            )
        })?;
        make_private(&options.data)?;
        let lock = lock(&options.data)?;
        let store = options.database().open(key_source(&options.data)?).await?;
        let runtime = Runtime::new(RuntimeConfig {
            cache: Some(options.data.join("compiled")),
            wasi_0_3: options.wasi_0_3,
            ..RuntimeConfig::default()
        })?;
        let names = Names::of(&options.dns_servers).map_err(|why| anyhow::anyhow!("`--dns-server`: {why}"))?;
        let token = kept(&options.data.join("token"), "sw_")?;
        let engine = Engine::open(EngineConfig {
            store,
            runtime,
            plugins: options.data.join("plugins"),
            checkouts: options.data.join("git"),
            clock: system_clock,
            post: Arc::new(Poster::new(names.clone())),
            names,
            background: background()?,
            // The same after a restart, so that a process that died does not keep its partitions from its successor.
            owner: kept(&options.data.join("instance"), "instance-")?,
            lease: options.lease,
        })
        .await?;
        Ok(Self {
            address: listener.local_addr()?,
            token,
            engine,
            listener,
            _lock: lock,
        })
    }

    /// Answers from now on, starts the engine meanwhile, and goes on until `stop` ends; then ends work at its next safe place.
    ///
    /// # Errors
    /// Where the listener fails, or the database cannot be read.
    pub async fn answer(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<()> {
        let app = App::new(self.engine.clone(), Token::new(self.token));
        let closing = app.closing();
        let stop = async move {
            stop.await;
            closing.cancel();
        };
        let serving = axum::serve(self.listener, http::router(app))
            .with_graceful_shutdown(stop)
            .into_future();
        let engine = self.engine.clone();
        let failed = async move {
            match engine.start().await {
                Ok(()) => {
                    tracing::info!("the catalog is read");
                    std::future::pending().await
                }
                Err(error) => error,
            }
        };
        tokio::select! {
            served = serving => served?,
            error = failed => return Err(error.into()),
        }
        self.engine.stop().await;
        Ok(())
    }
}

/// Serves until the process is asked to stop (Ctrl-C, SIGTERM).
///
/// # Errors
/// As [`Server::start`].
pub async fn run(options: ServeOptions) -> Result<()> {
    // To stderr, one line an event; RUST_LOG chooses what, as in all of Rust's servers.
    let filter =
        tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info,tower_http=warn".into());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    let server = Server::start(&options).await?;
    tracing::info!(
        address = %format!("http://{}", server.address),
        data = %options.data.display(),
        database = %options.database(),
        "serving"
    );
    server.answer(stopped()).await
}

/// Threads for passes, deliveries and runs. The system gives them a processor where nobody else wants it, and a quarter of it
/// where those that answer people are busy: a catalog is read all the time, also while it is filled. They end with the process.
fn background() -> Result<tokio::runtime::Handle> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_name("background")
        .enable_all()
        .on_thread_start(give_way)
        .build()
        .context("threads for passes cannot be started")?;
    let handle = runtime.handle().clone();
    // A runtime that is dropped waits for what it runs, and must not be dropped by what runs on another one.
    std::mem::forget(runtime);
    Ok(handle)
}

/// Lowers this thread's priority; where that is not possible, it goes on as it is.
fn give_way() {
    // Of no process in particular means, on Linux, of this thread alone (setpriority(2), "C library/kernel differences").
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(None, 6);
}

/// Ends when the process is asked to stop.
pub async fn stopped() {
    let interrupted = tokio::signal::ctrl_c();
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = interrupted => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => drop(interrupted.await),
    }
}

fn make_private(folder: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("cannot make the data folder {}", folder.display()))
}

fn lock(folder: &Path) -> Result<std::fs::File> {
    let path = folder.join("lock");
    let file = std::fs::File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    file.try_lock().map_err(|_| {
        anyhow::anyhow!(
            "another Seawall uses the data folder {}; stop it, or choose another folder with `--data`",
            folder.display()
        )
    })?;
    Ok(file)
}

/// Reads a random text of the data folder, or makes it at the first start.
fn kept(path: &Path, prefix: &str) -> Result<String> {
    use std::os::unix::fs::OpenOptionsExt;
    if path.exists() {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let text = text.trim();
        if text.len() < 32 {
            bail!(
                "{} is damaged; delete it, and the next start makes a new one",
                path.display()
            );
        }
        return Ok(text.to_owned());
    }
    let text = format!("{prefix}{}", random()?);
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    writeln!(file, "{text}")?;
    Ok(text)
}

fn random() -> Result<String> {
    let mut bytes = [0u8; 24];
    getrandom::fill(&mut bytes).map_err(|e| anyhow::anyhow!("no randomness: {e}"))?;
    Ok(hex::encode(bytes))
}
