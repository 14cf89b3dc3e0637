//! Tries what a plugin must not be able to do, by way of WASI itself, and lists what came of it.

mod checkout;
mod garbled;

use seawall_sdk::prelude::*;
use std::sync::atomic::{AtomicU32, Ordering};
use wasip2::{
    cli, clocks, filesystem,
    http::{
        outgoing_handler,
        types::{ErrorCode, Fields, IncomingResponse, Method, OutgoingBody, OutgoingRequest, Scheme},
    },
    random,
    sockets::{instance_network, network, tcp, tcp_create_socket},
};

struct Attacker;

#[derive(Deserialize)]
struct Config {
    tool: String,
    #[serde(default)]
    wire: String,
    #[serde(default)]
    act: String,
    #[serde(default)]
    requests: Vec<Attempt>,
    /// What it says of entities of any blueprint.
    #[serde(default)]
    claims: Vec<Value>,
    /// Items that it says are gone: kind and key.
    #[serde(default)]
    gone: Vec<(String, String)>,
}

/// One request, in the words of `wasi:http`: nothing is checked or put right on the way.
#[derive(Clone, Deserialize)]
struct Attempt {
    name: String,
    #[serde(default = "get")]
    method: String,
    scheme: String,
    authority: String,
    path: String,
    #[serde(default)]
    headers: Vec<(String, String)>,
    /// Headers whose values are any bytes.
    #[serde(default)]
    bytes: Vec<(String, Vec<u8>)>,
    /// What comes behind the body.
    #[serde(default)]
    trailers: Vec<(String, String)>,
    /// Goes where a redirect leads, and tells of that as `NAME followed`.
    #[serde(default)]
    follow: bool,
    /// `endless`: a body that goes on until somebody ends it.
    #[serde(default)]
    body: String,
}

fn get() -> String {
    "GET".into()
}

/// What came of it.
#[derive(Default, Serialize)]
struct Outcome {
    name: String,
    status: Option<u16>,
    error: Option<String>,
    headers: Option<String>,
    body: Option<String>,
}

impl Ingestor for Attacker {
    fn partitions(scope: &Scope) -> Result<Vec<String>> {
        let config: Config = scope.config()?;
        let idle = scope.kind() == "claim" && config.claims.is_empty() && config.gone.is_empty();
        Ok(if idle { Vec::new() } else { vec!["all".into()] })
    }

    fn pull(scope: &Scope, _partition: &str, cursor: Option<&str>) -> Result<Page> {
        let config: Config = scope.config()?;
        if scope.kind() == "claim" {
            return claims(&config);
        }
        if let Some(part) = config.act.strip_prefix("garbled-") {
            return garbled::page(part);
        }
        match config.act.as_str() {
            "state" => return state(cursor),
            "versions" => return checkout::versions(&config.wire, cursor),
            _ => {}
        }
        let mut page = Page::complete();
        for attempt in &config.requests {
            let outcome = tell(&mut page, attempt)?;
            if attempt.follow
                && let Some(next) = outcome.headers.as_deref().and_then(|headers| attempt.led(headers))
            {
                tell(&mut page, &next)?;
            }
        }
        if !config.act.is_empty() {
            // `search:NAME:TEXT`
            let name = config.act.splitn(3, ':').take(2).collect::<Vec<_>>().join(":");
            let body = Some(act(&config.act, &config.tool, &config.wire)?);
            page.upsert(
                "outcome",
                name.clone(),
                &Outcome {
                    name,
                    body,
                    ..Outcome::default()
                },
            )?;
        }
        Ok(page)
    }
}

/// Sends a request and adds what came of it.
fn tell(page: &mut Page, attempt: &Attempt) -> Result<Outcome> {
    let outcome = send(attempt).unwrap_or_else(|error| Outcome {
        error: Some(error),
        ..Outcome::default()
    });
    let name = attempt.name.clone();
    let outcome = Outcome { name, ..outcome };
    page.upsert("outcome", outcome.name.clone(), &outcome)?;
    Ok(outcome)
}

impl Attempt {
    /// The request that a client makes which is told to go elsewhere.
    fn led(&self, headers: &str) -> Option<Self> {
        let to = headers.lines().find_map(|line| line.strip_prefix("location: "))?;
        let (scheme, rest) = to.split_once("://")?;
        let (authority, path) = rest.split_once('/')?;
        Some(Self {
            name: format!("{} followed", self.name),
            scheme: scheme.into(),
            authority: authority.into(),
            path: format!("/{path}"),
            headers: Vec::new(),
            ..self.clone()
        })
    }
}

/// Says something of entities that are not its own, and that items are gone which it never listed.
fn claims(config: &Config) -> Result<Page> {
    let mut page = Page::complete();
    for claim in &config.claims {
        let key = claim["key"].as_str().unwrap_or_default();
        page.upsert("claim", key, claim)?;
    }
    for (kind, key) in &config.gone {
        page.delete(kind, key);
    }
    Ok(page)
}

fn send(attempt: &Attempt) -> std::result::Result<Outcome, String> {
    let fields = Fields::new();
    for (name, value) in &attempt.headers {
        let value = value.as_bytes().to_vec();
        fields
            .append(name, &value)
            .map_err(|error| format!("header {error:?}"))?;
    }
    for (name, value) in &attempt.bytes {
        fields
            .append(name, value)
            .map_err(|error| format!("header {error:?}"))?;
    }
    let request = OutgoingRequest::new(fields);
    let method = match attempt.method.as_str() {
        "GET" => Method::Get,
        "POST" => Method::Post,
        "DELETE" => Method::Delete,
        "CONNECT" => Method::Connect,
        "TRACE" => Method::Trace,
        other => Method::Other(other.into()),
    };
    let scheme = match attempt.scheme.as_str() {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => Scheme::Other(other.into()),
    };
    request.set_method(&method).map_err(|()| "method refused")?;
    request.set_scheme(Some(&scheme)).map_err(|()| "scheme refused")?;
    request
        .set_authority(Some(&attempt.authority))
        .map_err(|()| "authority refused")?;
    request
        .set_path_with_query(Some(&attempt.path))
        .map_err(|()| "path refused")?;
    let body = request.body().map_err(|()| "no body")?;
    let answer = outgoing_handler::handle(request, None).map_err(|error| code(&error))?;
    match attempt.body.as_str() {
        "" => {}
        "endless" => endless(&body)?,
        text => {
            let stream = body.write().map_err(|()| "no stream")?;
            stream
                .blocking_write_and_flush(text.as_bytes())
                .map_err(|error| format!("body {error:?}"))?;
        }
    }
    // A body that broke off cannot be finished; what the host says of the request comes with the answer.
    let trailers = Fields::new();
    for (name, value) in &attempt.trailers {
        trailers
            .append(name, &value.as_bytes().to_vec())
            .map_err(|error| format!("trailer {error:?}"))?;
    }
    drop(OutgoingBody::finish(
        body,
        (!attempt.trailers.is_empty()).then_some(trailers),
    ));
    answer.subscribe().block();
    let answer = answer.get().ok_or("no answer")?.map_err(|()| "taken")?;
    read(&answer.map_err(|error| code(&error))?)
}

fn endless(body: &OutgoingBody) -> std::result::Result<(), String> {
    let stream = body.write().map_err(|()| "no stream")?;
    let piece = [b'x'; 4096];
    while stream.blocking_write_and_flush(&piece).is_ok() {}
    Ok(())
}

fn code(error: &ErrorCode) -> String {
    format!("{error:?}")
}

fn read(answer: &IncomingResponse) -> std::result::Result<Outcome, String> {
    let headers = answer.headers().entries();
    let lines = headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value)));
    let mut outcome = Outcome {
        status: Some(answer.status()),
        headers: Some(lines.take(50).collect::<Vec<_>>().join("\n")),
        ..Outcome::default()
    };
    let body = answer.consume().map_err(|()| "no body")?;
    let stream = body.stream().map_err(|()| "no stream")?;
    let (mut kept, mut all) = (Vec::new(), 0_u64);
    loop {
        match stream.blocking_read(64 << 10) {
            Ok(bytes) => {
                all += bytes.len() as u64;
                let room = 4096_usize.saturating_sub(kept.len());
                kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
            }
            Err(wasip2::io::streams::StreamError::Closed) => break,
            Err(error) => {
                outcome.error = Some(format!("body {error:?} after {all} bytes"));
                break;
            }
        }
    }
    outcome.body = Some(String::from_utf8_lossy(&kept).into_owned());
    Ok(outcome)
}

/// What a call leaves behind for the next one, if anything.
static CALLS: AtomicU32 = AtomicU32::new(0);

/// Three pages; each says which call of this instance it is.
fn state(cursor: Option<&str>) -> Result<Page> {
    let number: u32 = cursor.unwrap_or("0").parse().map_err(|_| Failure::failed("cursor"))?;
    let mut page = match number {
        2 => Page::complete(),
        n => Page::more((n + 1).to_string()),
    };
    let name = format!("call-{number}");
    let body = Some(CALLS.fetch_add(1, Ordering::Relaxed).to_string());
    page.upsert(
        "outcome",
        name.clone(),
        &Outcome {
            name,
            body,
            ..Outcome::default()
        },
    )?;
    Ok(page)
}

/// How often texts stand in this instance's memory, whole. They are given backwards, so that asking for them puts them nowhere.
fn search(backwards: &str) -> usize {
    let needle = backwards.as_bytes();
    let pages = core::arch::wasm32::memory_size(0);
    // The first bytes are left out: nothing is kept around address 0, and a slice cannot begin there.
    let from = 1024usize;
    // SAFETY: all of it is this instance's linear memory, which no other thread changes.
    let memory = unsafe { std::slice::from_raw_parts(from as *const u8, pages * 65_536 - from) };
    memory
        .windows(needle.len())
        .filter(|window| window.iter().eq(needle.iter().rev()))
        .count()
}

fn act(name: &str, tool: &str, wire: &str) -> Result<String> {
    if let Some((_, backwards)) = name.strip_prefix("search:").and_then(|rest| rest.split_once(':')) {
        return Ok(backwards.split('|').map(search).sum::<usize>().to_string());
    }
    Ok(match name {
        "environment" => format!(
            "{:?} {:?}",
            cli::environment::get_environment(),
            cli::environment::get_arguments()
        ),
        "files" => format!("{} preopens", filesystem::preopens::get_directories().len()),
        "checkout" => checkout::attack(),
        "stdin" => format!("{:?}", cli::stdin::get_stdin().blocking_read(1)),
        "sockets" => sockets(),
        "recursion" => recursion(1).to_string(),
        "sleep" => {
            clocks::monotonic_clock::subscribe_duration(3_600_000_000_000).block();
            "slept".into()
        }
        "sleep-for-ever" => {
            clocks::monotonic_clock::subscribe_duration(u64::MAX).block();
            "slept".into()
        }
        "sleep-to-the-end-of-time" => {
            clocks::monotonic_clock::subscribe_instant(u64::MAX).block();
            "slept".into()
        }
        "clock-reads" => loop {
            std::hint::black_box((clocks::monotonic_clock::now(), clocks::wall_clock::now()));
        },
        "host-calls" => loop {
            std::hint::black_box(random::random::get_random_u64());
        },
        "memory-in-pieces" => {
            let mut all: Vec<Box<[u8; 4096]>> = Vec::new();
            loop {
                all.push(std::hint::black_box(Box::new([1; 4096])));
            }
        }
        "resources" => {
            let mut all = Vec::new();
            loop {
                all.push(Fields::new());
            }
        }
        "pollables" => {
            let mut all = Vec::new();
            loop {
                all.push(clocks::monotonic_clock::subscribe_duration(3_600_000_000_000));
            }
        }
        "fields" => {
            let fields = Fields::new();
            loop {
                let value = vec![b'x'; 1 << 10];
                if let Err(error) = fields.append("x-large", &value) {
                    break format!("{error:?}");
                }
            }
        }
        "random" => {
            let bytes = random::random::get_random_bytes(1 << 40);
            bytes.len().to_string()
        }
        "exit" => {
            cli::exit::exit(Ok(()));
            "went on".into()
        }
        "leave" => leave(wire.trim_start_matches("http://")),
        "many-at-once" => many_at_once(tool.trim_start_matches("http://")),
        other => return Err(Failure::invalid_config(format!("no such act: {other}"))),
    })
}

/// Connects to a port of loopback by itself, past the door.
fn sockets() -> String {
    let network = instance_network::instance_network();
    let socket = match tcp_create_socket::create_tcp_socket(network::IpAddressFamily::Ipv4) {
        Ok(socket) => socket,
        Err(error) => return format!("no socket: {error:?}"),
    };
    let address = network::IpSocketAddress::Ipv4(network::Ipv4SocketAddress {
        port: 80,
        address: (127, 0, 0, 1),
    });
    match tcp::TcpSocket::start_connect(&socket, &network, address) {
        Ok(()) => "connects".into(),
        Err(error) => format!("no connection: {error:?}"),
    }
}

#[expect(unconditional_recursion, reason = "on purpose")]
fn recursion(depth: u64) -> u64 {
    let room = std::hint::black_box([depth; 64]);
    recursion(depth + 1) + room[0]
}

/// Ends itself as soon as a request has reached the tool, before the host can say what came of it.
fn leave(authority: &str) -> String {
    let get = |what: &str| {
        let request = OutgoingRequest::new(Fields::new());
        let set = request.set_scheme(Some(&Scheme::Http)).is_ok()
            && request.set_authority(Some(authority)).is_ok()
            && request.set_path_with_query(Some(&format!("/allowed/{what}"))).is_ok();
        set.then(|| outgoing_handler::handle(request, None).ok()).flatten()
    };
    let sent = get("drip-head");
    loop {
        let Some(answer) = get("lines") else {
            return "not sent".into();
        };
        answer.subscribe().block();
        let lines = answer.get().and_then(|answer| read(&answer.ok()?.ok()?).ok());
        if lines
            .and_then(|outcome| outcome.body)
            .is_some_and(|lines| lines.contains("drip-head"))
        {
            cli::exit::exit(Ok(()));
            return format!("went on, {}", sent.is_some());
        }
    }
}

/// More requests in flight than one call may have, to a tool that keeps them waiting.
fn many_at_once(authority: &str) -> String {
    let mut all = Vec::new();
    loop {
        let request = OutgoingRequest::new(Fields::new());
        let set = request.set_scheme(Some(&Scheme::Http)).is_ok()
            && request.set_authority(Some(authority)).is_ok()
            && request.set_path_with_query(Some("/allowed/drip-head")).is_ok();
        match outgoing_handler::handle(request, None) {
            Ok(answer) if set => all.push(answer),
            _ => return format!("refused after {}", all.len()),
        }
    }
}

seawall_sdk::plugin!(Attacker: ingestor);
