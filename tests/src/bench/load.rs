//! A load generator that leaves the processors to the server: requests made beforehand, over a few connections that stay
//! open, and no more of each answer read than its status and its length.

use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::{
    ops::Range,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// What came of it.
#[derive(Debug, Clone)]
pub struct Load {
    /// Answers a second.
    pub rate: f64,
    /// Answers.
    pub answers: u64,
    /// Bytes of a body, on average.
    pub body: f64,
    /// Half were answered within.
    pub p50: Duration,
    /// 99 of 100 were answered within.
    pub p99: Duration,
    /// All were answered within.
    pub longest: Duration,
}

/// A question to the API.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// `GET` of this path.
    Get(String),
    /// `POST` of this body to `/api/v1/search`.
    Search(Value),
}

impl Ask {
    fn request(&self, address: &str, token: &str) -> Vec<u8> {
        let head = format!("HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n");
        match self {
            Self::Get(path) => format!("GET {path} {head}\r\n"),
            Self::Search(body) => {
                let body = body.to_string();
                let length = body.len();
                format!(
                    "POST /api/v1/search {head}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
                )
            }
        }
        .into_bytes()
    }
}

/// Asks each of these once over one connection, one after another; none is begun after `within`. Blocks.
///
/// # Errors
/// Where an answer is not 200 or the connection breaks.
pub fn ask(address: &str, token: &str, asks: &[Ask], within: Duration) -> Result<Load> {
    let requests = asks.iter().map(|ask| ask.request(address, token)).collect();
    run(address, requests, 1, Some(within), false)
}

/// Sends `GET` of these paths, in turn, over `connections` for a while. Blocks.
///
/// # Errors
/// Where an answer is not 200 or the connection breaks.
pub fn load(address: &str, token: &str, paths: &[String], connections: usize, time: Duration) -> Result<Load> {
    let asks = paths.iter().map(|path| Ask::Get(path.clone()));
    let requests = asks.map(|ask| ask.request(address, token)).collect();
    run(address, requests, connections, Some(time), true)
}

/// Sends each of these bodies once by `POST` to `path`, over `connections`, each with these headers and an `X-Id` of its own.
/// Blocks.
///
/// # Errors
/// Where an answer is not 202 or the connection breaks.
pub fn deliver(address: &str, path: &str, headers: &str, bodies: &[String], connections: usize) -> Result<Load> {
    let request = |(n, body): (usize, &String)| {
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nX-Id: {n}\r\nContent-Length: {length}\r\n{headers}\r\n"
        );
        [head.as_bytes(), body.as_bytes()].concat()
    };
    run(
        address,
        bodies.iter().enumerate().map(request).collect(),
        connections,
        None,
        false,
    )
}

/// Sends requests in turn, for a while where it is said how long: each of them once, or `again` and again.
fn run(address: &str, requests: Vec<Vec<u8>>, connections: usize, time: Option<Duration>, again: bool) -> Result<Load> {
    let requests = Arc::new(requests);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let started = Instant::now();
        let until = time.map(|time| started + time);
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..connections {
            let (requests, address) = (requests.clone(), address.to_owned());
            let at = |number: usize| number * requests.len() / connections;
            let own = at(number)..at(number + 1);
            tasks.spawn(async move { connection(&address, &requests, own, until, again).await });
        }
        let (mut times, mut bytes) = (Vec::new(), 0);
        while let Some(ended) = tasks.join_next().await {
            let (its_times, its_bytes) = ended??;
            times.extend(its_times);
            bytes += its_bytes;
        }
        let took = started.elapsed();
        times.sort_unstable();
        let at = |share: f64| {
            times
                .get((times.len() as f64 * share) as usize)
                .copied()
                .unwrap_or_default()
        };
        Ok(Load {
            rate: times.len() as f64 / took.as_secs_f64(),
            answers: times.len() as u64,
            body: bytes as f64 / times.len().max(1) as f64,
            p50: at(0.5),
            p99: at(0.99),
            longest: times.last().copied().unwrap_or_default(),
        })
    })
}

async fn connection(
    address: &str,
    requests: &[Vec<u8>],
    own: Range<usize>,
    until: Option<Instant>,
    again: bool,
) -> Result<(Vec<Duration>, usize)> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; 256 << 10];
    let (mut times, mut bytes, mut next) = (Vec::new(), 0, own.start);
    while (again || next < own.end) && until.is_none_or(|until| Instant::now() < until) {
        let started = Instant::now();
        stream.write_all(&requests[next]).await?;
        let length = answer(&mut stream, &mut buffer).await;
        bytes += length.with_context(|| first_line(&requests[next]))?;
        times.push(started.elapsed());
        next += 1;
        if again {
            next %= requests.len();
        }
    }
    Ok((times, bytes))
}

/// What was asked, for errors.
fn first_line(request: &[u8]) -> String {
    let line = request.split(|byte| *byte == b'\r').next().unwrap_or_default();
    String::from_utf8_lossy(line).into_owned()
}

/// Reads one answer and gives its body's length.
async fn answer(stream: &mut TcpStream, buffer: &mut [u8]) -> Result<usize> {
    let mut filled = 0;
    let (head, length) = loop {
        let read = stream.read(&mut buffer[filled..]).await?;
        if read == 0 {
            bail!("the server closed the connection");
        }
        filled += read;
        if let Some(head) = buffer[..filled].windows(4).position(|four| four == b"\r\n\r\n") {
            break (head + 4, length(&buffer[..head])?);
        }
        if filled == buffer.len() {
            bail!("an answer's head does not end");
        }
    };
    let mut missing = (head + length).saturating_sub(filled);
    while missing > 0 {
        let room = missing.min(buffer.len());
        let read = stream.read(&mut buffer[..room]).await?;
        if read == 0 {
            bail!("the server closed the connection within an answer");
        }
        missing -= read;
    }
    Ok(length)
}

/// The length in a head, whose status must be 200 or 202.
fn length(head: &[u8]) -> Result<usize> {
    let head = std::str::from_utf8(head)?;
    if !head.starts_with("HTTP/1.1 200 ") && !head.starts_with("HTTP/1.1 202 ") {
        bail!("the server answered {}", head.lines().next().unwrap_or_default());
    }
    let line = head
        .lines()
        .find(|line| line.len() > 15 && line.as_bytes()[..15].eq_ignore_ascii_case(b"content-length:"))
        .context("an answer has no Content-Length")?;
    Ok(line[15..].trim().parse()?)
}
