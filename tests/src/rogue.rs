//! A tool that answers in wicked ways, over HTTP/1.1 by hand, and keeps what it got byte by byte.

use flate2::{Compression, write::GzEncoder};
use std::{
    io::{self, Write},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};

/// See the module. What it does is the last part of the path that it is asked for: `/allowed/echo`. It ends with the test.
#[derive(Clone)]
pub struct Rogue {
    scheme: &'static str,
    authority: String,
    kept: Arc<Kept>,
}

#[derive(Default)]
struct Kept {
    connections: AtomicUsize,
    heads: Mutex<Vec<Vec<u8>>>,
    whole: Mutex<Vec<Vec<u8>>>,
}

impl Rogue {
    /// Starts one.
    ///
    /// # Panics
    /// Where it cannot listen.
    pub async fn start() -> Self {
        Self::at("127.0.0.1:0").await
    }

    /// Starts one at this address.
    ///
    /// # Panics
    /// Where it cannot listen there.
    pub async fn at(address: &str) -> Self {
        Self::listen(address, None).await
    }

    /// Starts one that speaks over TLS.
    ///
    /// # Panics
    /// Where it cannot listen.
    pub async fn over_tls(config: Arc<ServerConfig>) -> Self {
        Self::listen("127.0.0.1:0", Some(config)).await
    }

    async fn listen(address: &str, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind(address).await.expect("an address to listen on");
        let authority = listener.local_addr().expect("an address").to_string();
        let kept = Arc::<Kept>::default();
        let (keeps, own) = (kept.clone(), authority.clone());
        let scheme = if tls.is_some() { "https" } else { "http" };
        let acceptor = tls.map(TlsAcceptor::from);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (kept, own, acceptor) = (keeps.clone(), own.clone(), acceptor.clone());
                kept.connections.fetch_add(1, Ordering::Relaxed);
                // A client that goes away in the middle is what many of these are for.
                tokio::spawn(async move {
                    match acceptor {
                        None => drop(serve(stream, &kept, &own).await),
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                drop(serve(stream, &kept, &own).await);
                            }
                        }
                    }
                });
            }
        });
        Self {
            scheme,
            authority,
            kept,
        }
    }

    /// `127.0.0.1:PORT`.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Its port.
    pub fn port(&self) -> &str {
        self.authority.rsplit(':').next().unwrap_or_default()
    }

    /// Where it answers.
    pub fn address(&self) -> String {
        format!("{}://{}", self.scheme, self.authority)
    }

    /// How often somebody connected, whether anything was sent or not.
    pub fn connections(&self) -> usize {
        self.kept.connections.load(Ordering::Relaxed)
    }

    /// What the requests so far began with: all up to the empty line, as it came.
    pub fn heads(&self) -> Vec<String> {
        let heads = self.kept.heads.lock().unwrap_or_else(PoisonError::into_inner);
        heads
            .iter()
            .map(|head| String::from_utf8_lossy(head).into_owned())
            .collect()
    }

    /// The same, byte for byte.
    pub fn raw_heads(&self) -> Vec<Vec<u8>> {
        self.kept.heads.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The requests that were read to the end of a chunked body (`/allowed/read`), trailers included.
    pub fn whole(&self) -> Vec<String> {
        let whole = self.kept.whole.lock().unwrap_or_else(PoisonError::into_inner);
        whole
            .iter()
            .map(|one| String::from_utf8_lossy(one).into_owned())
            .collect()
    }
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, kept: &Kept, own: &str) -> io::Result<()> {
    let mut bytes = Vec::new();
    while !bytes.windows(4).any(|end| end == b"\r\n\r\n") {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(());
        }
    }
    let head = String::from_utf8_lossy(&bytes).into_owned();
    keep(&kept.heads, &bytes);
    let path = head.split(' ').nth(1).unwrap_or_default();
    let what = path.split('?').next().and_then(|path| path.rsplit('/').next());
    match what.unwrap_or_default() {
        "read" => {
            let ends = |bytes: &[u8]| bytes.ends_with(b"\r\n\r\n") && bytes.windows(5).any(|end| end == b"\r\n0\r\n");
            while !ends(&bytes) {
                if stream.read_buf(&mut bytes).await? == 0 {
                    return Ok(());
                }
            }
            keep(&kept.whole, &bytes);
            whole(&mut stream, "", b"ok").await
        }
        // Who asked so far.
        "lines" => {
            let heads = kept.heads.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let lines: Vec<_> = heads
                .iter()
                .filter_map(|head| head.split(|byte| *byte == b'\r').next())
                .collect();
            whole(&mut stream, "", &lines.join(&b'\n')).await
        }
        "swallow" => loop {
            bytes.clear();
            if stream.read_buf(&mut bytes).await? == 0 {
                return Ok(());
            }
        },
        "endless" => {
            begin(&mut stream, "").await?;
            let piece = [b'x'; 64 << 10];
            loop {
                chunk(&mut stream, &piece).await?;
            }
        }
        "drip" => {
            begin(&mut stream, "").await?;
            drip(&mut stream, b"1\r\nx\r\n").await
        }
        "drip-head" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nx-slow: ").await?;
            drip(&mut stream, b"x").await
        }
        "bomb" => whole(&mut stream, "content-encoding: gzip\r\n", &gzip(&vec![0; 64 << 20])?).await,
        "echo" => whole(&mut stream, &echoed(&head), head.as_bytes()).await,
        "echo-gzip" => whole(&mut stream, "content-encoding: gzip\r\n", &gzip(head.as_bytes())?).await,
        "echo-br" => whole(&mut stream, "content-encoding: br\r\n", head.as_bytes()).await,
        "echo-pieces" => {
            begin(&mut stream, "").await?;
            for piece in head.as_bytes().chunks(3) {
                chunk(&mut stream, piece).await?;
                stream.flush().await?;
            }
            stream.write_all(b"0\r\n\r\n").await
        }
        "echo-range" => match range(&head) {
            Some((from, to)) => {
                let piece = head.as_bytes().get(from..=to).unwrap_or_default();
                whole(&mut stream, "x-ranged: yes\r\n", piece).await
            }
            None => whole(&mut stream, "", head.as_bytes()).await,
        },
        "echo-trailer" => {
            begin(&mut stream, "trailer: x-echo\r\n").await?;
            chunk(&mut stream, b"ok").await?;
            stream.write_all(format!("0\r\n{}\r\n", echoed(&head)).as_bytes()).await
        }
        "session" => whole(&mut stream, "set-cookie: sid=session-of-the-credential\r\n", b"ok").await,
        "many-headers" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n").await?;
            for n in 0..1_000_000 {
                stream.write_all(format!("x-{n}: y\r\n").as_bytes()).await?;
            }
            stream.write_all(b"content-length: 2\r\n\r\nok").await
        }
        "redirect-inside" => redirect(&mut stream, "http://169.254.169.254/latest/meta-data").await,
        // To where the request itself says.
        "redirect" => redirect(&mut stream, line(&head, "x-to").unwrap_or_default()).await,
        "redirect-file" => redirect(&mut stream, "file:///etc/passwd").await,
        "redirect-loop" => redirect(&mut stream, &format!("http://{own}/allowed/redirect-loop")).await,
        "two-lengths" => {
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 20\r\n\r\nok";
            stream.write_all(answer).await
        }
        "switch" => {
            let answer = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: raw\r\nconnection: upgrade\r\n\r\nraw bytes";
            stream.write_all(answer).await
        }
        "no-http" => stream.write_all(b"\0\x01\x02 what is this").await,
        "hang-up" => Ok(()),
        _ => whole(&mut stream, "", b"ok").await,
    }
}

async fn begin(stream: &mut (impl AsyncWrite + Unpin), headers: &str) -> io::Result<()> {
    let head = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n{headers}\r\n");
    stream.write_all(head.as_bytes()).await
}

async fn chunk(stream: &mut (impl AsyncWrite + Unpin), piece: &[u8]) -> io::Result<()> {
    stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).await?;
    stream.write_all(piece).await?;
    stream.write_all(b"\r\n").await
}

async fn drip(stream: &mut (impl AsyncWrite + Unpin), drop: &[u8]) -> io::Result<()> {
    loop {
        stream.write_all(drop).await?;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn whole(stream: &mut (impl AsyncWrite + Unpin), headers: &str, body: &[u8]) -> io::Result<()> {
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n");
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body).await
}

async fn redirect(stream: &mut (impl AsyncWrite + Unpin), to: &str) -> io::Result<()> {
    let head = format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await
}

/// What came as `authorization`, as a header of its own.
fn echoed(head: &str) -> String {
    let value = line(head, "authorization").unwrap_or("none");
    format!("x-echo: {value}\r\n")
}

fn keep(all: &Mutex<Vec<Vec<u8>>>, bytes: &[u8]) {
    all.lock().unwrap_or_else(PoisonError::into_inner).push(bytes.to_vec());
}

/// What a header says.
fn line<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

fn range(head: &str) -> Option<(usize, usize)> {
    let range = line(head, "range")?.strip_prefix("bytes=")?;
    let (from, to) = range.split_once('-')?;
    Some((from.parse().ok()?, to.parse().ok()?))
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}
