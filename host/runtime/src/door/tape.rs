//! Where a door's requests go: to the tool, to the tool with a recording, or to a cassette and no further.

use super::redact::Redactor;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header, request};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use seawall_domain::{
    Millis,
    cassette::{self, Asked, Heard, LeftOver, MAX_BODY, MAX_EXCHANGES, Miss, Player},
    egress::Target,
};
use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};
use wasmtime_wasi_http::{Error, WasiBody};

/// What becomes of requests that a door lets through.
#[derive(Clone, Default)]
pub enum Transport {
    /// They are sent.
    #[default]
    Live,
    /// They are sent, and kept with their answers.
    Recording(Recorder),
    /// They are answered from a cassette. No name is resolved and no socket opened; rules, headers and limits hold as ever.
    Replay(Replay),
}

impl Transport {
    /// The time at which the guest's clock stands, if it does: what a request says of the time is then the same in the
    /// recording and in each replay.
    pub(crate) fn moment(&self) -> Option<Millis> {
        match self {
            Self::Live => None,
            Self::Recording(recorder) => Some(recorder.0.at),
            Self::Replay(replay) => Some(replay.0.at),
        }
    }
}

/// Keeps a conversation. Cheap to clone.
#[derive(Clone)]
pub struct Recorder(Arc<Inner>);

struct Inner {
    at: Millis,
    tape: Mutex<Tape>,
    cuts: Arc<AtomicU64>,
}

#[derive(Default)]
struct Tape {
    next: usize,
    /// By the order in which they were asked.
    heard: BTreeMap<usize, Heard>,
    unanswered: Vec<String>,
}

impl Recorder {
    /// An empty tape; the guest's clock stands at `at`, which is cut to the second.
    pub fn new(at: Millis) -> Self {
        Self(Arc::new(Inner {
            at: at - at.rem_euclid(1000),
            tape: Mutex::default(),
            cuts: Arc::default(),
        }))
    }

    /// When it was made.
    pub fn at(&self) -> Millis {
        self.0.at
    }

    /// What was heard so far, in the order in which it was asked.
    pub fn heard(&self) -> Vec<Heard> {
        self.tape().heard.values().cloned().collect()
    }

    /// Requests that got no answer, each with the reason.
    pub fn unanswered(&self) -> Vec<String> {
        self.tape().unanswered.clone()
    }

    /// How often a secret was cut out.
    pub fn cuts(&self) -> u64 {
        self.0.cuts.load(Ordering::Relaxed)
    }

    /// Whether there is more than a cassette holds.
    pub fn is_full(&self) -> bool {
        self.tape().next > MAX_EXCHANGES
    }

    pub(super) fn count(&self, redactor: Redactor) -> Redactor {
        redactor.counting(self.0.cuts.clone())
    }

    /// Begins to keep an exchange. `redactors` find the secrets of all of the integration's credentials.
    pub(super) fn begin(&self, method: &str, target: &Target, headers: &HeaderMap, redactors: Vec<Redactor>) -> Taking {
        let mut tape = self.tape();
        let number = tape.next;
        tape.next += 1;
        Taking {
            recorder: self.clone(),
            number,
            method: method.to_owned(),
            target: target.clone(),
            asked_headers: pairs(headers),
            asked_body: Arc::default(),
            answer: None,
            redactors,
        }
    }

    fn tape(&self) -> std::sync::MutexGuard<'_, Tape> {
        self.0.tape.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn pairs(headers: &HeaderMap) -> Pairs {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers
        .iter()
        .map(|(name, value)| (name.to_string(), text(value)))
        .collect()
}

/// Of headers name and value, in order.
type Pairs = Vec<(String, String)>;
/// Status, headers and body.
type Answer = (StatusCode, Pairs, Vec<u8>);

/// One exchange that is under way. It is kept when it is dropped.
pub(super) struct Taking {
    recorder: Recorder,
    number: usize,
    method: String,
    target: Target,
    asked_headers: Pairs,
    asked_body: Arc<Mutex<Vec<u8>>>,
    answer: Option<Answer>,
    redactors: Vec<Redactor>,
}

impl Taking {
    /// The request's body, which is kept as it goes out.
    pub(super) fn tapped(&self, body: WasiBody) -> WasiBody {
        let kept = self.asked_body.clone();
        Tapped { body, kept }.boxed_unsync()
    }

    pub(super) fn answered(&mut self, status: StatusCode, headers: &HeaderMap) {
        self.answer = Some((status, pairs(headers), Vec::new()));
    }

    /// A piece of the answer's body, as the guest gets it.
    pub(super) fn push(&mut self, data: &[u8]) {
        if let Some((_, _, body)) = &mut self.answer {
            keep(body, data);
        }
    }
}

/// Up to a byte more than a cassette holds, which tells that there was more.
fn keep(into: &mut Vec<u8>, data: &[u8]) {
    let room = (MAX_BODY + 1).saturating_sub(into.len());
    into.extend_from_slice(&data[..data.len().min(room)]);
}

impl Drop for Taking {
    fn drop(&mut self) {
        let mut tape = self.recorder.tape();
        let Some((status, mut headers, mut body)) = self.answer.take() else {
            tape.unanswered.push(format!("{} {}", self.method, self.target));
            return;
        };
        if self.number > MAX_EXCHANGES {
            return;
        }
        let mut asked_body = std::mem::take(&mut *self.asked_body.lock().unwrap_or_else(PoisonError::into_inner));
        // One tool may tell the secret of another, and a guest may have it from there.
        for redactor in &self.redactors {
            redactor.bytes(&mut body);
            redactor.bytes(&mut asked_body);
            for (_, value) in headers.iter_mut().chain(&mut self.asked_headers) {
                let mut bytes = std::mem::take(value).into_bytes();
                redactor.bytes(&mut bytes);
                *value = String::from_utf8_lossy(&bytes).into_owned();
            }
        }
        let heard = Heard {
            method: self.method.clone(),
            target: self.target.clone(),
            asked_headers: std::mem::take(&mut self.asked_headers),
            asked_body,
            status: status.as_u16(),
            headers,
            body,
        };
        tape.heard.insert(self.number, heard);
    }
}

struct Tapped {
    body: WasiBody,
    kept: Arc<Mutex<Vec<u8>>>,
}

impl Body for Tapped {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            keep(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner), data);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Answers from a cassette. Cheap to clone.
#[derive(Clone)]
pub struct Replay(Arc<Playing>);

struct Playing {
    at: Millis,
    player: Mutex<Player>,
    missed: Mutex<Vec<Miss>>,
}

impl Replay {
    /// Begins at the start of a cassette.
    ///
    /// # Errors
    /// An address in it that is none.
    pub fn new(cassette: &cassette::Cassette) -> Result<Self, String> {
        Ok(Self(Arc::new(Playing {
            at: cassette.moment(),
            player: Mutex::new(Player::new(cassette)?),
            missed: Mutex::default(),
        })))
    }

    /// What was asked and the cassette lacks.
    pub fn missed(&self) -> Vec<Miss> {
        self.0.missed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the cassette has and nobody has asked for so far.
    pub fn left_over(&self) -> Vec<LeftOver> {
        self.0.player.lock().unwrap_or_else(PoisonError::into_inner).left_over()
    }

    /// The answer to a request whose rules and headers were judged.
    ///
    /// # Errors
    /// What the cassette lacks, or a request's body that broke off.
    pub(super) async fn answer<B>(&self, request: Request<B>, target: &Target) -> Result<Response<WasiBody>, Unplayed>
    where
        B: Body<Data = Bytes, Error = Error>,
    {
        let (request::Parts { method, headers, .. }, body) = request.into_parts();
        let body = body.collect().await.map_err(Unplayed::Body)?.to_bytes();
        let asked = Asked {
            method: method.as_str(),
            target,
            headers: &pairs(&headers),
            body: &body,
        };
        let found = self
            .0
            .player
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .answer(asked);
        let answer = found.map_err(|miss| {
            let mut missed = self.0.missed.lock().unwrap_or_else(PoisonError::into_inner);
            if !missed.contains(&miss) {
                missed.push(miss.clone());
            }
            Unplayed::Missing(miss)
        })?;
        let body = Bytes::from(answer.body.bytes());
        let mut response = Response::builder().status(answer.status);
        for (name, value) in &answer.headers {
            response = response.header(name, value);
        }
        if method != http::Method::HEAD {
            response = response.header(header::CONTENT_LENGTH, body.len());
        }
        let body = Full::new(body).map_err(|never| match never {}).boxed_unsync();
        response.body(body).map_err(|e| Unplayed::Invalid(e.to_string()))
    }
}

/// Why a request got no answer from a cassette.
pub(super) enum Unplayed {
    Missing(Miss),
    Body(Error),
    Invalid(String),
}
