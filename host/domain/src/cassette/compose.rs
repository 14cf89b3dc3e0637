//! A cassette of what a door has heard.

use super::{
    Body, Cassette, Exchange, FORMAT, MAX_BODY, MAX_EXCHANGES, Operation, Replacements, Request, Response, Script,
    address::shorten, headers::kept,
};
use crate::{Millis, document, egress::Target, manifest::Manifest};
use serde_json::Value;

/// One exchange as it went through a door: without the credential, and with secrets cut out of what came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// In capitals.
    pub method: String,
    /// Where it went.
    pub target: Target,
    /// The guest's own headers, in order.
    pub asked_headers: Vec<(String, String)>,
    /// The request's body, at most one byte more than [`MAX_BODY`].
    pub asked_body: Vec<u8>,
    /// The answer's status.
    pub status: u16,
    /// The answer's headers, in order.
    pub headers: Vec<(String, String)>,
    /// The answer's body, at most one byte more than [`MAX_BODY`].
    pub body: Vec<u8>,
}

/// How a conversation is written down.
#[derive(Debug, Clone, Copy)]
pub struct Writing<'a> {
    /// Texts that stand for others.
    pub replacements: &'a Replacements,
    /// JSON with the white space that the tool put into it, for a plugin that hands it on as text; else laid out for people.
    pub verbatim: bool,
}

/// A conversation is more than a cassette holds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Beyond {
    /// Too many exchanges.
    #[error(
        "the conversation has more than the {MAX_EXCHANGES} exchanges that a cassette holds; record one kind (`--kind`), fewer \
         pages (`--pages`), or against a tool with less in it"
    )]
    Exchanges,
    /// A body is too large.
    #[error(
        "a body of `{request}` has more than the {MAX_BODY} bytes that a cassette holds; record against a tool with less in it, \
         or ask for smaller pages"
    )]
    Body {
        /// Whose.
        request: String,
    },
    /// The whole is too large.
    #[error(
        "the cassette would have {bytes} bytes, more than the {max} that are read; record one kind (`--kind`), fewer pages \
         (`--pages`), or against a tool with less in it",
        max = document::MAX_BYTES
    )]
    Bytes {
        /// So many.
        bytes: usize,
    },
    /// A replacement has made other than JSON of it.
    #[error(
        "what replaces texts in the answer to `{request}` makes JSON no JSON; replace whole words without quotes and backslashes"
    )]
    Broken {
        /// Whose.
        request: String,
    },
    /// It cannot be written down.
    #[error("the cassette cannot be written: {0}")]
    Unwritable(String),
}

/// Makes a cassette of a conversation: addresses are written by the config's values, replacements made, and what was asked
/// and answered the same several times in a row is there once.
///
/// # Errors
/// [`Beyond`], where a cassette would not hold it.
pub fn compose(
    manifest: &Manifest,
    config: &Value,
    run: Script,
    at: Millis,
    heard: &[Heard],
    with: Writing<'_>,
) -> Result<Cassette, Beyond> {
    let replacements = with.replacements;
    if heard.len() > MAX_EXCHANGES {
        return Err(Beyond::Exchanges);
    }
    let mut exchanges: Vec<Exchange> = Vec::new();
    for one in heard {
        let next = exchange(one, config, with)?;
        // The last answer to the same request, whatever was asked in between: a plugin that looks at one list for each of
        // its kinds gets one exchange.
        let last = exchanges
            .iter_mut()
            .rev()
            .find(|known| is_same(&known.request, &next.request));
        match last {
            Some(known) if known.response == next.response => known.times += 1,
            _ => exchanges.push(next),
        }
    }
    for at in 0..exchanges.len() {
        let request = exchanges[at].request.clone();
        let later = exchanges[at + 1..]
            .iter()
            .any(|other| is_same(&other.request, &request));
        // How often a plugin that waits has looked in vain is chance.
        if !later && changes_nothing(&request.method) {
            exchanges[at].times = 1;
        }
    }
    let cassette = Cassette {
        format: FORMAT,
        plugin: manifest.name.clone(),
        version: manifest.version.clone(),
        recorded: jiff::Timestamp::from_second(at.div_euclid(1000))
            .unwrap_or_default()
            .to_string(),
        config: replacements.value(config),
        run: replaced(run, replacements),
        exchanges,
    };
    let bytes = cassette.render().map_err(Beyond::Unwritable)?.len();
    if bytes > document::MAX_BYTES {
        return Err(Beyond::Bytes { bytes });
    }
    Ok(cassette)
}

fn replaced(run: Script, replacements: &Replacements) -> Script {
    match run {
        Script::Operation(operation) => Script::Operation(Operation {
            inputs: replacements.value(&operation.inputs),
            target: operation.target.map(|target| {
                let value = serde_json::to_value(&target).map(|value| replacements.value(&value));
                value
                    .ok()
                    .and_then(|value| serde_json::from_value(value).ok())
                    .unwrap_or(target)
            }),
            ..operation
        }),
        other => other,
    }
}

fn exchange(heard: &Heard, config: &Value, with: Writing<'_>) -> Result<Exchange, Beyond> {
    let Writing { replacements, verbatim } = with;
    let url = shorten(config, &heard.target);
    // The value that it begins with is in the config already.
    let url = replacements.text(&url);
    let request = || format!("{} {url}", heard.method);
    if heard.asked_body.len() > MAX_BODY || heard.body.len() > MAX_BODY {
        return Err(Beyond::Body { request: request() });
    }
    let body = |bytes: &[u8]| {
        let form = if verbatim { Body::verbatim } else { Body::of };
        let (before, after) = (form(bytes), form(&replacements.bytes(bytes)));
        match (before.value(), after.value()) {
            (Some(_), None) => Err(Beyond::Broken { request: request() }),
            _ => Ok(after),
        }
    };
    let headers = |headers: &[(String, String)], of_request| {
        let mut kept = kept(headers, of_request);
        kept.values_mut().for_each(|value| *value = replacements.text(value));
        kept
    };
    Ok(Exchange {
        request: Request {
            method: heard.method.clone(),
            headers: headers(&heard.asked_headers, true),
            body: body(&heard.asked_body)?,
            url: url.clone(),
        },
        times: 1,
        response: Response {
            status: heard.status,
            headers: headers(&heard.headers, false),
            body: body(&heard.body)?,
        },
    })
}

pub(super) fn is_same(one: &Request, other: &Request) -> bool {
    one.method == other.method && one.url == other.url && one.headers == other.headers && one.body.is_same(&other.body)
}

/// Whether it may be asked any number of times (RFC 9110, 9.2.1).
pub(super) fn changes_nothing(method: &str) -> bool {
    matches!(
        method,
        "GET" | "HEAD" | "OPTIONS" | "LIST" | "PROPFIND" | "REPORT" | "SEARCH" | "QUERY"
    )
}
