//! `cargo xtask bench door`: what the door out costs a request.
//!
//! The same pooled HTTP client sends the same requests to a tool on loopback, by itself and through the door, in turns: what is
//! between them is the door's own cost (normalise, match, check addresses, attach the credential, count, redact, record). The
//! tool says how many connections it saw. Then the matcher alone, with a grant of 1,000 rules.
//!
//! `door_speed [REQUESTS] [ROUNDS]`

use anyhow::{Result, ensure};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use seawall_domain::{
    CredentialName, Digest,
    egress::{self, AddressPolicy},
    grant::Grant,
    limits::Limits,
    manifest::{self, Attach, Manifest},
};
use seawall_runtime::door::{Buckets, Door, DoorConfig, Names, Rate, Secret};
use seawall_tests::bench::{Goal, Report, median};
use serde_json::json;
use std::{
    collections::HashMap,
    fmt::Write as _,
    hint::black_box,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_util::sync::CancellationToken;

/// An answer of a kilobyte.
const BODY: usize = 1_024;
const SECRET: &str = "a-secret-of-usual-length-1234567890";

#[tokio::main(worker_threads = 1)]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let requests: usize = arguments.next().map_or(Ok(5_000), |n| n.parse())?;
    let rounds: usize = arguments.next().map_or(Ok(5), |n| n.parse())?;
    let mut report = Report::new("door");
    let (address, connections) = tool().await?;
    let records = Arc::new(AtomicUsize::new(0));
    let door = door(&address, records.clone())?;
    let bare = Client::builder(TokioExecutor::new()).build_http();
    let url = format!("{address}/allowed/things/7?page=1");
    let limits = Limits::default();
    let (mut with, mut without) = (Vec::new(), Vec::new());
    let mut opened = 0;
    for round in 0..=rounds {
        let mut ours = Vec::with_capacity(requests);
        let before = connections.load(Ordering::Relaxed);
        for _ in 0..requests {
            let body = Empty::<Bytes>::new().map_err(|never| match never {}).boxed_unsync();
            let request = Request::get(&url).body(body)?;
            let started = Instant::now();
            let answer = door.request(request, &limits).await;
            let answer = answer.map_err(|error| anyhow::anyhow!("{error:?}"))?;
            ensure!(answer.status().is_success(), "{}", answer.status());
            let bytes = answer
                .into_body()
                .collect()
                .await
                .map_err(|error| anyhow::anyhow!("{error:?}"))?;
            ours.push(started.elapsed().as_secs_f64() * 1e6);
            ensure!(bytes.to_bytes().len() == BODY);
        }
        opened += connections.load(Ordering::Relaxed) - before;
        let mut theirs = Vec::with_capacity(requests);
        for _ in 0..requests {
            let request = Request::get(&url)
                .header("authorization", format!("Bearer {SECRET}"))
                .body(Empty::<Bytes>::new())?;
            let started = Instant::now();
            let answer = bare.request(request).await?;
            let bytes = answer.into_body().collect().await?;
            theirs.push(started.elapsed().as_secs_f64() * 1e6);
            ensure!(bytes.to_bytes().len() == BODY);
        }
        // The first round warms up.
        if round > 0 {
            with.push(median(ours));
            without.push(median(theirs));
        }
    }
    let sent = requests * (rounds + 1);
    ensure!(records.load(Ordering::Relaxed) == sent, "every request is one record");
    let (with, without) = (median(with), median(without));
    report.compare("door.request", with, "µs", without, Goal::None);
    report.add("door.cost", with - without, "µs", Goal::AtMost(60.0));
    let reuse = 100.0 * (1.0 - opened as f64 / sent as f64);
    report.add("door.reuse", reuse, "%", Goal::AtLeast(99.0));
    report.add("door.match", matching()?, "µs", Goal::AtMost(5.0));
    report.finish()
}

/// A tool that answers each request with the same kilobyte, and counts its connections.
async fn tool() -> Result<(String, Arc<AtomicUsize>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    let connections = Arc::<AtomicUsize>::default();
    let counted = connections.clone();
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {BODY}\r\n\r\n{}",
        "x".repeat(BODY)
    );
    std::thread::spawn(move || -> Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let listener = TcpListener::from_std(listener.into_std()?)?;
            loop {
                let (mut stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                counted.fetch_add(1, Ordering::Relaxed);
                let answer = answer.clone();
                tokio::spawn(async move {
                    let mut buffer = vec![0; 16 << 10];
                    // A request without a body comes in one piece.
                    while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {
                        if stream.write_all(answer.as_bytes()).await.is_err() {
                            return;
                        }
                    }
                });
            }
        })
    });
    Ok((address, connections))
}

fn read(network: &str) -> Result<Manifest> {
    let yaml = format!(
        "name: bench\nversion: 1.0.0\nroles: [ingestor]\nkinds: {{item: {{}}}}\ncredentials: {{token: {{attach: bearer}}}}\n\
         config: {{type: object, properties: {{base_url: {{type: string}}}}}}\ncapabilities:\n  network:\n{network}"
    );
    manifest::parse("plugin.yaml", &yaml).map_err(|wrong| anyhow::anyhow!("{wrong}"))
}

fn door(address: &str, records: Arc<AtomicUsize>) -> Result<Arc<Door>> {
    let manifest = read("    - {to: '{base_url}', paths: [/allowed/**], credential: token}\n")?;
    let grant = Grant::as_asked(Digest::of(b"bench"), &manifest);
    let token: CredentialName = "token".parse()?;
    Door::new(DoorConfig {
        integration: "bench".into(),
        plugin: "bench".into(),
        digest: Digest::of(b"bench"),
        rules: egress::Door::compile(&manifest, &grant, &json!({"base_url": address}))?,
        addresses: AddressPolicy {
            private_ranges: vec!["127.0.0.0/8".parse()?],
            never: Vec::new(),
        },
        names: Names::default(),
        plaintext_to_loopback: true,
        expires_at: None,
        credentials: HashMap::from([(token, Secret::new(Attach::Bearer, SECRET.to_owned()))]),
        shared: HashMap::new(),
        // No rate: what is measured is the door's work and not its patience.
        buckets: Buckets::new(Rate {
            per_second: 1e9,
            burst: 1e9,
        }),
        records: Arc::new(move |record| {
            black_box(record);
            records.fetch_add(1, Ordering::Relaxed);
        }),
        now: || 0,
        revoked: CancellationToken::new(),
        ca: None,
    })
    .map_err(anyhow::Error::msg)
}

/// Microseconds that the matcher takes for a request, with 1,000 rules asked and granted.
fn matching() -> Result<f64> {
    let mut network = String::new();
    for n in 0..1_000 {
        let (host, area) = (n % 50, n / 50);
        writeln!(
            network,
            "    - {{to: 'https://host-{host}.example.com', methods: [GET, POST], paths: ['/area-{area}/*/things', '/area-{area}/all/**'], credential: token}}"
        )?;
    }
    let manifest = read(&network)?;
    let grant = Grant::as_asked(Digest::of(b"bench"), &manifest);
    let door = egress::Door::compile(&manifest, &grant, &json!({}))?;
    let mut rounds = Vec::new();
    for _ in 0..20 {
        let started = Instant::now();
        for n in 0..1_000 {
            let (host, area) = (n % 50, n / 50);
            let path = format!("/area-{area}/x-{n}/things");
            let target = egress::normalise("https", &format!("host-{host}.example.com"), &path)?;
            let decision = door.decide("GET", &target);
            ensure!(matches!(decision, egress::Decision::Allowed { rule, .. } if rule == n));
        }
        rounds.push(started.elapsed().as_secs_f64() * 1e6 / 1_000.0);
    }
    Ok(median(rounds))
}
