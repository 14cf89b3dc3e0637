//! The one door out: every request of every plugin passes [`Door::send`], in the order that the design gives:
//! normalise, match, resolve, rate, credential, send, count.

mod answer;
mod body;
mod bounds;
mod bucket;
mod cache;
mod client;
pub mod connect;
mod credential;
mod decode;
mod end;
mod errand;
mod names;
mod outgoing;
mod record;
pub(crate) mod redact;
mod stopped;
mod tape;
pub(crate) mod tls;

pub(crate) use body::Unread;
pub use bounds::Bounds;
pub use bucket::{Buckets, Rate};
pub use credential::Secret;
pub use errand::{Errand, ErrandAnswer, ErrandError};
pub use names::Names;
pub use record::{Record, RecordSink};
pub use tape::{Recorder, Replay, Transport};
pub use tls::{authorities, client_config};

use crate::{
    credential::{Live, Use},
    log::Lines,
};
use answer::{too_many, unminted_answer};
use body::Metered;
use bucket::Turn;
use cache::Cache;
use client::{Client, Outgoing, Reach, Refused};
use http::{Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use outgoing::{is_repeatable, normalise, nothing};
use record::Open;
use seawall_domain::{
    CredentialName, Digest, Millis,
    egress::{self, AddressPolicy, Decision, Target},
    limits::Limits,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use stopped::{Stopped, TERMS};
use tape::{Taking, Unplayed};
use tls::Trust;
use tokio_util::sync::CancellationToken;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

/// What one integration's door is made of.
pub struct DoorConfig {
    /// For the records.
    pub integration: String,
    /// What a grant of this component is given to, for advice: `shelf@4be1c0ffee12`.
    pub plugin: String,
    /// The component, for the records.
    pub digest: Digest,
    /// Asked and granted rules, compiled.
    pub rules: egress::Door,
    /// Private ranges that the grant names.
    pub addresses: AddressPolicy,
    /// Who is asked for the addresses of names.
    pub names: Names,
    /// Authorities that tools' certificates may come from, as PEM; none: the system's.
    pub ca: Option<String>,
    /// Whether the grant lets a credential travel over plain HTTP to loopback.
    pub plaintext_to_loopback: bool,
    /// When the grant ends.
    pub expires_at: Option<Millis>,
    /// The manifest's credentials that the grant allows, with their secrets.
    pub credentials: HashMap<CredentialName, Secret>,
    /// The operator's name of each of the manifest's credentials: what a rate is shared by.
    pub shared: HashMap<CredentialName, CredentialName>,
    /// Rates, shared by all integrations that use a credential.
    pub buckets: Buckets,
    /// Where records go.
    pub records: RecordSink,
    /// The time.
    pub now: fn() -> Millis,
    /// Cancelled when the grant is revoked: requests in flight end.
    pub revoked: CancellationToken,
}

/// One integration's way out, with its own pooled connections.
pub struct Door {
    config: DoorConfig,
    client: Arc<Client>,
    /// For credentials over plain HTTP: reaches loopback and nothing else, whatever a name resolves to.
    loopback: Arc<Client>,
    /// For rules whose host is `*`: reaches public addresses alone.
    public: Arc<Client>,
    /// For credentials that are shown as a certificate, each with what it was made for.
    shown: Mutex<HashMap<CredentialName, (Live, Arc<Client>)>>,
    cache: Cache,
    transport: Transport,
}

const CONNECT: Duration = Duration::from_secs(10);
const FIRST_BYTE: Duration = Duration::from_secs(30);
const BETWEEN_BYTES: Duration = Duration::from_secs(30);
/// How long a request waits for its turn before it is answered with 429 by the host itself.
const PATIENCE: Duration = Duration::from_secs(5);

impl Door {
    /// Makes a door.
    ///
    /// # Errors
    /// Where `ca` holds no authorities.
    pub fn new(config: DoorConfig) -> Result<Arc<Self>, String> {
        Self::over(config, Transport::Live)
    }

    /// Makes a door whose requests are recorded, or answered from a cassette.
    ///
    /// # Errors
    /// Where `ca` holds no authorities.
    pub fn over(config: DoorConfig, transport: Transport) -> Result<Arc<Self>, String> {
        let trust = Trust::of(config.ca.as_deref(), None)?;
        let client = |reach| Client::new(config.addresses.clone(), reach, &trust, &config.names).map(Arc::new);
        let (granted, loopback, public) = (
            client(Reach::Granted)?,
            client(Reach::Loopback)?,
            client(Reach::Public)?,
        );
        Ok(Arc::new(Self {
            client: granted,
            loopback,
            public,
            shown: Mutex::default(),
            config,
            cache: Cache::default(),
            transport,
        }))
    }

    /// The time at which the guest's clock stands, in a recording and in a replay.
    pub(crate) fn moment(&self) -> Option<Millis> {
        self.transport.moment()
    }

    /// The first credential whose secret is in `text`, in any of the forms that are cut out of answers.
    pub fn shown_in(&self, text: &[u8]) -> Option<&CredentialName> {
        let shown = |(_, secret): &(&CredentialName, &Secret)| secret.redactor().finds(text);
        self.config.credentials.iter().find(shown).map(|(name, _)| name)
    }

    /// The name by which a credential's rate is shared.
    fn shared<'a>(&'a self, name: &'a CredentialName) -> &'a CredentialName {
        self.config.shared.get(name).unwrap_or(name)
    }

    /// Sends a request as a guest's call that sends no other would: for the host's own errands on behalf of an integration, and
    /// for measuring the door.
    ///
    /// # Errors
    /// As `wasi:http` names them; the record has the words.
    pub async fn request(&self, request: Request<WasiBody>, limits: &Limits) -> Result<Response<WasiBody>, Error> {
        let bounds = Arc::new(Bounds::new(limits));
        let lines = Lines::new(Arc::new(|_| {}), limits.log_lines);
        self.send(request, RequestOptions::default(), &bounds, &lines).await
    }

    /// Passes one request, or refuses it. Whatever happens is one record.
    pub(crate) async fn send(
        &self,
        request: Request<WasiBody>,
        options: RequestOptions,
        bounds: &Arc<Bounds>,
        lines: &Arc<Lines>,
    ) -> Result<Response<WasiBody>, Error> {
        let sent = self.attempt(request, options, bounds, lines).await;
        sent.map_err(|stopped| stopped.error)
    }

    /// The same, with the words of what stopped it.
    async fn attempt(
        &self,
        request: Request<WasiBody>,
        options: RequestOptions,
        bounds: &Arc<Bounds>,
        lines: &Arc<Lines>,
    ) -> Result<Response<WasiBody>, Stopped> {
        let mut open = Open::new(&self.config, request.method(), request.uri());
        match self.pass(request, options, bounds, &mut open).await {
            Ok((response, body)) => {
                let (mut parts, ()) = response.into_parts();
                self.spell_out(&mut parts, &mut open);
                open.status(parts.status);
                Ok(Response::from_parts(parts, body.recorded(open).boxed_unsync()))
            }
            Err(mut stopped) => {
                stopped.reason = stopped.reason.replace(
                    TERMS,
                    &format!(
                        "`seawall grant approve {}`, with all terms of the grant anew, and",
                        self.config.plugin
                    ),
                );
                if stopped.refused {
                    bounds.refuse(&stopped.reason);
                }
                if let Some(line) = stopped.line() {
                    lines.push("warn", &line);
                }
                let let_through = !stopped.refused || stopped.under_way;
                open.stopped(let_through, stopped.reason.clone(), stopped.suggestion.clone());
                Err(stopped)
            }
        }
    }

    async fn pass(
        &self,
        request: Request<WasiBody>,
        options: RequestOptions,
        bounds: &Arc<Bounds>,
        open: &mut Open,
    ) -> Result<(Response<()>, Metered), Stopped> {
        let place = bounds.enter()?;
        self.in_force()?;
        let target = normalise(request.uri())?;
        open.target(&target);
        let (credential, any_host) = self.decide(&request, &target, open)?;
        if let Transport::Replay(replay) = &self.transport {
            return self.replay(replay, request, &target, bounds, place, open).await;
        }
        let (request, mut taking) = self.heard(request, &target);
        let (mut parts, body) = self.prepare(request, &target, credential.as_ref(), bounds)?;
        if taking.is_some() {
            // What is recorded is what the tool says, in plain text.
            let plain = header::HeaderValue::from_static("identity");
            parts.headers.insert(header::ACCEPT_ENCODING, plain);
        }
        let plaintext = credential.is_some() && target.scheme == egress::Scheme::Http;
        if plaintext && !self.config.plaintext_to_loopback {
            let why = format!(
                "a credential is sent over TLS only; to loopback also without, where the grant says `plaintext_to_loopback: true`: {TERMS} `--plaintext-to-loopback`"
            );
            return Err(Stopped::refused(why, None));
        }
        if let Some((name, _)) = &credential
            && let Turn::RetryAfter(seconds) = self.config.buckets.turn(self.shared(name), PATIENCE).await
        {
            open.note("answered by the host: the credential's rate is used up");
            return Ok((too_many(seconds)?, Metered::empty(place)));
        }
        let mut live = match &credential {
            None => None,
            Some((name, secret)) => match secret.live().await {
                Ok(live) => Some(live),
                Err(unminted) => return unminted_answer(name, &unminted, bounds, place, open),
            },
        };
        let limit = options.connect_timeout.unwrap_or(CONNECT) + options.first_byte_timeout.unwrap_or(FIRST_BYTE);
        let mut again = is_repeatable(&parts, &body).then(|| parts.clone());
        let (mut parts, mut body) = (parts, body);
        let mut tried = false;
        let (response, asked) = loop {
            let outgoing = match (&credential, &live) {
                (Some((_, secret)), Some(live)) => {
                    let attached = secret.attach(live, parts, body, bounds).await;
                    attached.map_err(|why| bounds.crossed().map_or(Stopped::config(why), Stopped::limit))?
                }
                _ => Request::from_parts(parts, body),
            };
            // The rate or the credential may have taken a while.
            self.in_force().map_err(|ended| match tried {
                true => ended.under_way(),
                false => ended,
            })?;
            tried = true;
            open.sent(outgoing.body().sent());
            let client = match any_host {
                true => self.public.clone(),
                false => self.client(plaintext, &credential, live.as_ref())?,
            };
            let asked = match taking {
                Some(_) => cache::Asked::elsewhere(),
                None => self.cache.ask(&outgoing, credential.as_ref().map(|(name, _)| name)),
            };
            let mut outgoing = asked.conditional(outgoing);
            let connection = client::connection(&mut outgoing);
            let waited = first_byte(&client, outgoing, bounds.patience(limit));
            let response = tokio::select! {
                ended = self.until_its_end() => Err(ended),
                response = waited => response,
            };
            // Also where there is no answer: the tool may have the request.
            if let Some(ip) = connection.address() {
                open.connected(ip, self.config.addresses.opened_by(ip));
            }
            let response = response?;
            if response.status() == StatusCode::UNAUTHORIZED
                && let Some((_, secret)) = &credential
                && let Some(refused) = &live
                && let Some(same) = again.take()
                && let Some(other) = secret.instead_of(refused).await
            {
                open.note("sent again: the tool refused the credential, which has been rotated");
                live = Some(other);
                (parts, body) = (same, bounds.outgoing(nothing()));
                continue;
            }
            break (response, asked);
        };
        if let Some((name, _)) = &credential {
            let now = (self.config.now)();
            self.config
                .buckets
                .observe(self.shared(name), response.status(), response.headers(), now);
        }
        let between = options.between_bytes_timeout.unwrap_or(BETWEEN_BYTES);
        let (response, body) = self.answer(response, (asked, taking.take()), live.as_ref(), bounds, place, open)?;
        Ok((response, body.patient(between)))
    }

    /// Begins to keep the exchange, where it is recorded.
    fn heard(&self, request: Request<WasiBody>, target: &Target) -> (Request<WasiBody>, Option<Taking>) {
        let Transport::Recording(recorder) = &self.transport else {
            return (request, None);
        };
        let secrets = self.config.credentials.values();
        let redactors = secrets.map(|secret| recorder.count(secret.redactor())).collect();
        let taking = recorder.begin(request.method().as_str(), target, request.headers(), redactors);
        (request.map(|body| taking.tapped(body)), Some(taking))
    }

    /// Answers from a cassette.
    async fn replay(
        &self,
        replay: &Replay,
        request: Request<WasiBody>,
        target: &Target,
        bounds: &Arc<Bounds>,
        place: bounds::Place,
        open: &mut Open,
    ) -> Result<(Response<()>, Metered), Stopped> {
        // A header that is refused is refused here too.
        let (parts, body) = self.prepare(request, target, None, bounds)?;
        let outgoing = Request::from_parts(parts, body);
        open.sent(outgoing.body().sent());
        let response = replay
            .answer(outgoing, target)
            .await
            .map_err(|unplayed| match unplayed {
                Unplayed::Missing(miss) => Stopped::refused(miss.to_string(), None),
                Unplayed::Body(error) => Stopped::from(Refused::Body(error.to_string())),
                Unplayed::Invalid(why) => {
                    Stopped::failed(format!("the cassette's answer: {why}"), Error::InternalError(None))
                }
            })?;
        let (parts, body) = response.into_parts();
        let metered = Metered::new(body, bounds, place, redact::Redactor::default());
        Ok((Response::from_parts(parts, ()), metered))
    }

    /// The credential to attach, and whether only rules whose host is `*` let the request through: no credential goes with those.
    fn decide(
        &self,
        request: &Request<WasiBody>,
        target: &Target,
        open: &mut Open,
    ) -> Result<(Option<(CredentialName, Secret)>, bool), Stopped> {
        match self.config.rules.decide(request.method().as_str(), target) {
            Decision::Allowed {
                rule,
                credential,
                pattern,
                any_host,
                ..
            } => {
                open.rule(self.config.rules.label(rule));
                open.pattern(pattern);
                // A credential that the manifest asks for and the integration does not have is simply not attached:
                // many tools answer without one, and manifests say `required` where they do not.
                let Some(name) = credential else {
                    return Ok((None, any_host));
                };
                let secret = self.config.credentials.get(&name);
                if secret.is_some() {
                    open.credential(&name);
                }
                Ok((secret.map(|secret| (name, secret.clone())), any_host))
            }
            Decision::Refused {
                reason,
                nearest,
                suggestion,
            } => {
                if let Some(rule) = nearest {
                    open.rule(self.config.rules.label(rule));
                }
                Err(Stopped::refused(reason, Some(suggestion)))
            }
        }
    }

    /// The connections that a request takes. Those that show a certificate are made for it, and anew when it is rotated.
    fn client(
        &self,
        plaintext: bool,
        credential: &Option<(CredentialName, Secret)>,
        live: Option<&Live>,
    ) -> Result<Arc<Client>, Stopped> {
        let (Some((name, _)), Some(live)) = (credential, live) else {
            return Ok(self.client.clone());
        };
        if plaintext {
            return Ok(self.loopback.clone());
        }
        let Use::Certificate(identity) = live.used() else {
            return Ok(self.client.clone());
        };
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, client)) = shown.get(name)
            && known.is(live)
        {
            return Ok(client.clone());
        }
        let made = Trust::of(self.config.ca.as_deref(), Some(identity)).and_then(|trust| {
            Client::new(
                self.config.addresses.clone(),
                Reach::Granted,
                &trust,
                &self.config.names,
            )
        });
        let client = Arc::new(made.map_err(Stopped::config)?);
        shown.insert(name.clone(), (live.clone(), client.clone()));
        Ok(client)
    }
}

async fn first_byte(
    client: &Client,
    request: Request<Outgoing>,
    limit: Duration,
) -> Result<Response<hyper::body::Incoming>, Stopped> {
    match tokio::time::timeout(limit, client.send(request)).await {
        Err(_) => {
            let why = format!("no answer within {:.1} s", limit.as_secs_f64());
            Err(Stopped::failed(why, Error::HttpResponseTimeout))
        }
        Ok(Err(refused)) => Err(Stopped::from(refused)),
        Ok(Ok(response)) => Ok(response),
    }
}
