//! How fast pages are stored, and how large an entity is on disk: the database work alone.
//!
//! `cargo run --release -p seawall-store --example store_speed [ENTITIES] [sqlite] [postgres] [URL…]`
//!
//! Without a name on SQLite and on PostgreSQL, which is started by `tests/servers/postgres.sh` with what it writes made safe at
//! each commit; `URL` is an empty database elsewhere.
//!
//! Items of 1.2 KB with random keys in seven blueprints of eight properties and two relations, in pages of 500; then the
//! same again with nothing changed, with everything changed, and reads by reference with eight readers.
#![expect(clippy::print_stdout, reason = "it prints a table")]

use seawall_domain::{Blueprint, Entity, EntityId, pass::PassState};
use seawall_store::{DatabaseUrl, ItemWrite, KeySource, MasterKey, PageWrite, Store};
use serde_json::json;
use std::{
    error::Error,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

const PAGE: u64 = 500;
const READERS: u64 = 8;

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let entities = match arguments.first().map(|first| first.parse()) {
        Some(Ok(entities)) => {
            arguments.remove(0);
            entities
        }
        _ => 100_000,
    };
    if arguments.is_empty() {
        arguments = vec!["sqlite".into(), "postgres".into()];
    }
    for name in arguments {
        let dir = tempfile::tempdir()?;
        let mut server = None;
        let url = match name.as_str() {
            "sqlite" => DatabaseUrl::Sqlite(dir.path().join("seawall.db")),
            "postgres" => server.insert(Server::start()?).url().parse()?,
            url => url.parse()?,
        };
        measure(&url, entities).await?;
    }
    Ok(())
}

async fn measure(url: &DatabaseUrl, entities: u64) -> Result<()> {
    let store = url.open(KeySource::Given(MasterKey::random()?)).await?;
    for n in 0..7 {
        store.put_blueprint(&blueprint(n)?, "api", 0, None).await?;
    }
    let integration = serde_json::from_value(json!({"name": "bench", "plugin": "bench"}))?;
    let id = store.put_integration(&integration, 0).await?.id;
    let partition = store.put_partitions(id, "thing", &["all".to_owned()], 0).await?[0].id;
    let fence = store
        .lease(partition, "bench", 0, 86_400_000)
        .await?
        .unwrap_or_default();
    let ingest = Ingest {
        store: Arc::clone(&store),
        partition,
        fence,
        entities,
    };

    println!("{url}: {entities} entities, pages of {PAGE}");
    println!("{:<28}{:>12}{:>14}", "", "per second", "CPU µs each");
    ingest.pass("new", 1).await?;
    let on_disk = bytes(url).await?;
    ingest.pass("unchanged", 1).await?;
    ingest.pass("changed", 2).await?;
    ingest.read("by reference", None).await?;
    let writer = Ingest {
        store: Arc::clone(&store),
        ..ingest
    };
    let writing = tokio::spawn(async move { writer.pass("changed, beside readers", 3).await });
    ingest.read("by reference, beside a pass", Some(&writing)).await?;
    writing.await??;
    println!("bytes on disk an entity after the first pass: {}\n", on_disk / entities);
    Ok(())
}

/// What a database takes on disk, without what is only its log.
async fn bytes(url: &DatabaseUrl) -> Result<u64> {
    Ok(match url {
        DatabaseUrl::Sqlite(path) => {
            rusqlite::Connection::open(path)?.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
            std::fs::metadata(path)?.len()
        }
        DatabaseUrl::Postgres(address) => address.bytes_on_disk().await?,
    })
}

/// A PostgreSQL of its own, ended by its shell when this process ends.
struct Server {
    dir: PathBuf,
    port: u16,
    shell: Child,
}

impl Server {
    fn start() -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("seawall-pg-").tempdir()?.keep();
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/servers");
        let mut shell = Command::new("sh")
            .arg("-c")
            .arg(r#"sh "$1/postgres.sh" "$2" "$3" && echo up; cat >/dev/null; sh "$1/stop.sh" "$2"; rm -rf "$2""#)
            .arg("sh")
            .arg(scripts)
            .arg(&dir)
            .arg(port.to_string())
            .env("POSTGRES_OPTIONS", "-c shared_buffers=256MB -c max_wal_size=4GB")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut said = String::new();
        BufReader::new(shell.stdout.take().ok_or("no output")?).read_line(&mut said)?;
        if said != "up\n" {
            return Err("PostgreSQL does not start".into());
        }
        Ok(Self { dir, port, shell })
    }

    fn url(&self) -> String {
        format!("postgres://seawall:sea%3Aw%40ll%2F1@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        if self.shell.wait().is_err() {
            eprintln!("{} may be left", self.dir.display());
        }
    }
}

struct Ingest {
    store: Arc<dyn Store>,
    partition: i64,
    fence: i64,
    entities: u64,
}

impl Ingest {
    /// One pass over everything. The pages are made before the clock starts.
    async fn pass(&self, name: &str, version: u64) -> Result<()> {
        let pass = self.store.begin_pass(self.partition, self.fence, 1).await?.id;
        let (mut wall, mut cpu) = (Duration::ZERO, Duration::ZERO);
        for first in (0..self.entities).step_by(PAGE as usize) {
            let mut items = (first..(first + PAGE).min(self.entities))
                .map(|n| item(n, version))
                .collect::<Result<Vec<_>>>()?;
            let listed = items.len() as u64;
            let (start, start_cpu) = (Instant::now(), cpu_time()?);
            let keys: Vec<&str> = items.iter().map(|item| item.key.as_str()).collect();
            let states = self.store.item_states(self.partition, &keys).await?;
            let mut unchanged = Vec::new();
            let mut states = states.into_iter();
            items.retain(|item| match states.next().flatten() {
                Some(state) if state.hash == item.hash => {
                    unchanged.push(state.id);
                    false
                }
                _ => true,
            });
            let page = PageWrite {
                partition: self.partition,
                pass: Some(pass),
                fence: self.fence,
                upserts: items,
                deletes: vec![],
                unchanged,
                cursor: Some(first.to_string()),
                items: listed,
                converted: 0,
                cause: "pass".into(),
                now: 1_700_000_000_000,
                expect: vec![],
                renewal: false,
                duty: None,
                delivery: None,
            };
            self.store.apply_page(page).await?;
            wall += start.elapsed();
            cpu += cpu_time()?.saturating_sub(start_cpu);
        }
        let start = Instant::now();
        let missing = self.store.missing(pass).await?;
        wall += start.elapsed();
        if missing.missing != 0 {
            return Err(format!("{} items were not listed", missing.missing).into());
        }
        self.store.end_pass(pass, None, PassState::Succeeded, None, 2).await?;
        row(name, self.entities, wall, cpu);
        Ok(())
    }

    /// Reads by reference until everything, or the pass beside it, is through.
    async fn read(&self, name: &str, beside: Option<&tokio::task::JoinHandle<Result<()>>>) -> Result<()> {
        let (start, start_cpu) = (Instant::now(), cpu_time()?);
        let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let mut readers: Vec<tokio::task::JoinHandle<Result<u64>>> = Vec::new();
        for reader in 0..READERS {
            let (store, stop, entities) = (Arc::clone(&self.store), Arc::clone(&stop), self.entities);
            readers.push(tokio::spawn(async move {
                let mut done = 0;
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    let n = random(done * READERS + reader) % entities;
                    let found = store.entity(&blueprint_of(n)?, &EntityId::new(key(n))?).await?;
                    found.ok_or_else(|| format!("{n} is not there"))?;
                    done += 1;
                }
                Ok(done)
            }));
        }
        match beside {
            None => tokio::time::sleep(Duration::from_secs(3)).await,
            Some(task) => {
                while !task.is_finished() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        let mut done = 0;
        for reader in readers {
            done += reader.await??;
        }
        row(name, done, start.elapsed(), cpu_time()?.saturating_sub(start_cpu));
        Ok(())
    }
}

fn row(name: &str, count: u64, wall: Duration, cpu: Duration) {
    let rate = count as f64 / wall.as_secs_f64();
    println!("{name:<28}{rate:>12.0}{:>14.1}", cpu.as_secs_f64() * 1e6 / count as f64);
}

/// User and system time of this process.
fn cpu_time() -> Result<Duration> {
    // Fields 14 and 15 of proc(5)'s stat would be in ticks of 10 ms; schedstat is in nanoseconds, by thread.
    let mut all = 0;
    for thread in std::fs::read_dir("/proc/self/task")? {
        let text = std::fs::read_to_string(thread?.path().join("schedstat"))?;
        all += text.split(' ').next().unwrap_or_default().parse::<u64>()?;
    }
    Ok(Duration::from_nanos(all))
}

/// splitmix64 (Steele, Lea and Flood, 2014).
fn random(seed: u64) -> u64 {
    let mut z = seed
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn key(n: u64) -> String {
    format!("thing-{:016x}", random(n))
}

fn blueprint_of(n: u64) -> Result<seawall_domain::BlueprintId> {
    Ok(seawall_domain::BlueprintId::new(format!("blueprint-{}", n % 7))?)
}

fn blueprint(n: u64) -> Result<Blueprint> {
    Ok(serde_json::from_value(json!({
        "identifier": format!("blueprint-{n}"),
        "relations": {"owner": {"target": "blueprint-0"}, "uses": {"target": "blueprint-1", "many": true}},
    }))?)
}

/// Words that repeat about as they do in real descriptions.
fn prose(seed: u64, words: u64) -> String {
    const WORDS: [&str; 32] = [
        "service", "handles", "payments", "for", "the", "checkout", "team", "and", "reads", "events", "from", "queue",
        "writes", "to", "ledger", "with", "retry", "policy", "deployed", "in", "cluster", "owned", "by", "platform",
        "alerts", "on", "latency", "see", "runbook", "before", "a", "release",
    ];
    (0..words)
        .map(|w| WORDS[(random(seed * 131 + w) % 32) as usize])
        .collect::<Vec<_>>()
        .join(" ")
}

fn item(n: u64, version: u64) -> Result<ItemWrite> {
    let r = random(n);
    let language = ["Go", "Rust", "Java", "Python"][(r >> 8) as usize % 4];
    let entity: Entity = serde_json::from_value(json!({
        "blueprint": blueprint_of(n)?, "identifier": key(n), "title": format!("Thing {n}"),
        "properties": {
            "tier": format!("tier-{}", r % 4), "language": language,
            "url": format!("https://git.example/{}/{:x}", r % 97, r), "replicas": r % 12, "public": r & 16 == 0,
            "version": version, "createdAt": "2024-05-01T10:00:00Z", "description": prose(n, 80),
        },
        "relations": {"owner": key(r % 500), "uses": [key(r % 9973)]},
    }))?;
    let mut value = json!({"id": r, "version": version, "raw": entity, "links": {"self": format!("https://git.example/api/{r:x}")}});
    let size = value.to_string().len();
    value["padding"] = prose(n + 1, 1200_u64.saturating_sub(size as u64) / 6).into();
    let mut hash = [0; 16];
    hash[..8].copy_from_slice(&r.to_le_bytes());
    hash[8..].copy_from_slice(&version.to_le_bytes());
    Ok(ItemWrite {
        key: key(n),
        hash,
        value: value.to_string().into_bytes(),
        entities: vec![entity],
        reports: vec![],
    })
}
