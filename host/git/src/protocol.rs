//! Version 2 of git's protocol over HTTP, as far as a fetch needs it: what the server can do, what its names stand for, and the
//! pack (<https://git-scm.com/docs/gitprotocol-v2>, <https://git-scm.com/docs/gitprotocol-http>).

use crate::{
    Answer, Ask, GitError, Wire,
    kept::Tip,
    line::{Line, Lines, delimit, flush, put},
    refs::Named,
};

/// A server that has said what it can.
pub(crate) struct Server<'a> {
    pub(super) ask: &'a Ask<'a>,
    wire: &'a dyn Wire,
    /// Whether it sends a commit without those before it.
    pub(crate) shallow: bool,
    /// Whether it wants to be told what names of objects are.
    format: bool,
}

/// Where a pack begins.
pub(crate) struct Sent<'a> {
    pub(crate) lines: Lines<'a>,
    /// Commits whose parents are not sent.
    pub(crate) shallow: Vec<String>,
}

/// The most of an answer that is no pack.
const MOST: u64 = 8 << 20;
const VERSION: (&str, &str) = ("git-protocol", "version=2");

/// Asks a server what it can.
///
/// # Errors
/// [`GitError`].
pub(crate) async fn greet<'a>(wire: &'a dyn Wire, ask: &'a Ask<'a>) -> Result<Server<'a>, GitError> {
    let url = format!("{}/info/refs?service=git-upload-pack", ask.url);
    let answer = send(wire, ask, "GET", &url, &[VERSION], Vec::new(), "advertisement").await?;
    let mut lines = Lines::new(answer, ask.url, ask.bounds, MOST);
    let mut first = lines.expect().await?;
    if first.text().is_some_and(|text| text.starts_with("# service=")) {
        if lines.expect().await? != Line::Flush {
            return Err(old(ask));
        }
        first = lines.expect().await?;
    }
    if first.text().as_deref() != Some("version 2") {
        return Err(old(ask));
    }
    let mut server = Server {
        ask,
        wire,
        shallow: false,
        format: false,
    };
    while let Line::Data(data) = lines.expect().await? {
        let text = String::from_utf8_lossy(&data);
        let (name, value) = text.trim_end().split_once('=').unwrap_or((text.trim_end(), ""));
        match name {
            "fetch" => server.shallow = value.split(' ').any(|feature| feature == "shallow"),
            "object-format" if value != "sha1" => {
                return Err(GitError::Unusable(format!(
                    "{}: its objects are named by `{}`, and this host reads those that are named by SHA-1",
                    ask.url,
                    seawall_text::cut(value, 40)
                )));
            }
            "object-format" => server.format = true,
            _ => {}
        }
    }
    Ok(server)
}

fn old(ask: &Ask<'_>) -> GitError {
    GitError::Unusable(format!(
        "{}: the server does not speak version 2 of git's protocol, which git has since 2.18",
        ask.url
    ))
}

impl<'a> Server<'a> {
    /// What the names that begin with one of these stand for.
    ///
    /// # Errors
    /// [`GitError`].
    pub(crate) async fn names(&self, prefixes: &[String]) -> Result<Vec<Named>, GitError> {
        let mut request = self.command("ls-refs");
        put(&mut request, "peel");
        for prefix in prefixes {
            put(&mut request, &format!("ref-prefix {prefix}"));
        }
        flush(&mut request);
        let mut lines = Lines::new(self.post(request).await?, self.ask.url, self.ask.bounds, MOST);
        let mut all = Vec::new();
        while let line @ Line::Data(_) = lines.expect().await? {
            all.extend(line.text().and_then(|text| Named::read(&text)));
        }
        Ok(all)
    }

    /// Asks for a commit, and says what is here already.
    ///
    /// # Errors
    /// [`GitError`].
    pub(crate) async fn pack(&self, want: &str, here: &[Tip]) -> Result<Sent<'a>, GitError> {
        let mut request = self.command("fetch");
        put(&mut request, "thin-pack");
        put(&mut request, "ofs-delta");
        put(&mut request, "no-progress");
        if self.shallow {
            for tip in here.iter().filter(|tip| tip.shallow) {
                put(&mut request, &format!("shallow {}", tip.commit));
            }
            put(&mut request, "deepen 1");
        }
        put(&mut request, &format!("want {want}"));
        for tip in here {
            put(&mut request, &format!("have {}", tip.commit));
        }
        put(&mut request, "done");
        flush(&mut request);
        // The pack is counted as it is read; this is for what stands around it.
        let most = self
            .ask
            .bounds
            .pack_bytes
            .saturating_add(self.ask.bounds.pack_bytes / 50 + MOST);
        let mut lines = Lines::new(self.post(request).await?, self.ask.url, self.ask.bounds, most);
        let mut shallow = Vec::new();
        loop {
            let line = lines.expect().await?;
            match line.text().as_deref() {
                Some("packfile") => return Ok(Sent { lines, shallow }),
                Some(text) => shallow.extend(text.strip_prefix("shallow ").map(str::to_owned)),
                None if line == Line::Delimiter => {}
                None => {
                    return Err(GitError::Unavailable(format!(
                        "{}: the git server sent no pack",
                        self.ask.url
                    )));
                }
            }
        }
    }

    /// A command with what goes with each.
    fn command(&self, name: &str) -> Vec<u8> {
        let mut request = Vec::new();
        put(&mut request, &format!("command={name}"));
        put(&mut request, "agent=seawall");
        if self.format {
            put(&mut request, "object-format=sha1");
        }
        delimit(&mut request);
        request
    }

    async fn post(&self, body: Vec<u8>) -> Result<Box<dyn Answer>, GitError> {
        let url = format!("{}/git-upload-pack", self.ask.url);
        let headers = [
            VERSION,
            ("content-type", "application/x-git-upload-pack-request"),
            ("accept", "application/x-git-upload-pack-result"),
        ];
        send(self.wire, self.ask, "POST", &url, &headers, body, "result").await
    }
}

/// Sends a request whose answer is one of a git server.
async fn send(
    wire: &dyn Wire,
    ask: &Ask<'_>,
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
    kind: &str,
) -> Result<Box<dyn Answer>, GitError> {
    let answer = wire.send(method, url, headers, body).await;
    let answer = answer.map_err(|error| GitError::wire(error, ask.url, ask.bounds))?;
    if answer.status() != 200 {
        return Err(other(ask, answer).await);
    }
    let expected = format!("application/x-git-upload-pack-{kind}");
    if answer.header("content-type") != Some(&expected) {
        let found = answer.header("content-type").unwrap_or("nothing").to_owned();
        return Err(GitError::Unusable(format!(
            "{}: there answers no git server (its content is `{}`): is it the address that `git clone` takes?",
            ask.url,
            seawall_text::cut(&found, 80)
        )));
    }
    Ok(answer)
}

/// What an answer of another status says.
async fn other(ask: &Ask<'_>, mut answer: Box<dyn Answer>) -> GitError {
    let (status, url) = (answer.status(), ask.url);
    let wait = answer
        .header("retry-after")
        .and_then(|text| text.trim().parse::<u32>().ok());
    let ms = |seconds: u32| seconds.saturating_mul(1000);
    let plain = answer
        .header("content-type")
        .is_some_and(|kind| kind.starts_with("text/plain"));
    let place = answer
        .header("location")
        .map(|text| seawall_text::cut(text, 200).into_owned());
    let said = match answer.piece().await {
        Ok(Some(said)) if plain => {
            let said = String::from_utf8_lossy(&said);
            format!(": {}", seawall_text::cut(said.trim(), 300))
        }
        _ => String::new(),
    };
    match (status, wait) {
        // GitHub's way to say that one asks too often.
        (403, Some(seconds)) => GitError::RateLimited(ms(seconds)),
        (401 | 403, _) if !ask.with_credential => GitError::Unauthorized(format!(
            "{url}: the git server wants a credential ({status}), and the integration has none for it{said}"
        )),
        (401 | 403, _) => GitError::Unauthorized(format!("{url}: the git server answers {status}{said}")),
        (404 | 410, _) => GitError::NotFound(format!(
            "{url}: there is no such repository ({status}), or none that the credential may see"
        )),
        (429, wait) => GitError::RateLimited(wait.map_or(PATIENCE, ms)),
        (503, Some(seconds)) => GitError::RateLimited(ms(seconds)),
        (500.., _) => GitError::Unavailable(format!("{url}: the git server answers {status}{said}")),
        (300..=399, _) => GitError::Unusable(format!(
            "{url}: the git server leads elsewhere ({status}), to `{}`; that is not followed: if it is right, make it the \
             integration's address",
            place.unwrap_or_default()
        )),
        _ => GitError::Unusable(format!("{url}: the git server answers {status}{said}")),
    }
}

/// How long is waited where a server does not say it, milliseconds.
const PATIENCE: u32 = 30_000;

#[cfg(test)]
mod tests;
