//! Answers from a cassette.

use super::{
    Body, Cassette, Response,
    address::{lengthen, shorten},
    compose::changes_nothing,
    headers::kept,
};
use crate::{document::show, egress::Target};
use serde_json::Value;
use std::{collections::BTreeMap, fmt};

/// What a plugin asks.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// In capitals.
    pub method: &'a str,
    /// Where to.
    pub target: &'a Target,
    /// Its own headers.
    pub headers: &'a [(String, String)],
    /// Its body.
    pub body: &'a [u8],
}

/// A request that a cassette has no answer to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Miss {
    /// `GET {base_url}/api/items?page=3`.
    pub request: String,
    /// The recorded request that is nearest.
    pub nearest: Option<String>,
    /// What is different from that one, or that it was asked too often.
    pub why: String,
}

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the cassette has no answer to {}", self.request)?;
        if let Some(nearest) = &self.nearest {
            write!(f, "; the nearest that it has is {nearest}")?;
        }
        write!(f, " ({})", self.why)
    }
}

/// An exchange that was not asked for, or not as often as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOver {
    /// `GET {base_url}/api/items?page=3`.
    pub request: String,
    /// How often it was asked.
    pub asked: u32,
    /// How often it was recorded.
    pub recorded: u32,
}

/// Gives answers from a cassette: those of one request in their order, and the last one again where the request changes
/// nothing.
#[derive(Debug)]
pub struct Player {
    config: Value,
    tracks: Vec<Track>,
}

#[derive(Debug)]
struct Track {
    line: String,
    method: String,
    target: Target,
    query: Vec<(String, String)>,
    headers: BTreeMap<String, String>,
    body: Body,
    recorded: u32,
    asked: u32,
    response: Response,
}

impl Player {
    /// Begins at the start of a cassette.
    ///
    /// # Errors
    /// An address that is none; [`super::parse`] has looked.
    pub fn new(cassette: &Cassette) -> Result<Self, String> {
        let track = |exchange: &super::Exchange| {
            let request = &exchange.request;
            let target = lengthen(&cassette.config, &request.url)
                .map_err(|(expected, found)| format!("{}: expected {expected}, found {found}", request.url))?;
            Ok::<_, String>(Track {
                line: request.line(),
                method: request.method.clone(),
                query: pairs(&target),
                target,
                headers: request.headers.clone(),
                body: request.body.clone(),
                recorded: exchange.times,
                asked: 0,
                response: exchange.response.clone(),
            })
        };
        Ok(Self {
            config: cassette.config.clone(),
            tracks: cassette.exchanges.iter().map(track).collect::<Result<_, _>>()?,
        })
    }

    /// The answer to a request.
    ///
    /// # Errors
    /// Where there is none.
    pub fn answer(&mut self, asked: Asked<'_>) -> Result<Response, Miss> {
        let (query, body, headers) = (pairs(asked.target), Body::of(asked.body), kept(asked.headers, true));
        let fits = |track: &&mut Track| {
            track.method == asked.method
                && is_there(&track.target, asked.target)
                && track.query == query
                && track.body.is_same(&body)
        };
        let mut fitting: Vec<&mut Track> = self.tracks.iter_mut().filter(fits).collect();
        // Headers decide only where nothing else does.
        if fitting.iter().any(|track| track.headers == headers) {
            fitting.retain(|track| track.headers == headers);
        }
        let next = fitting.iter().position(|track| track.asked < track.recorded);
        let again = fitting.len().checked_sub(1).filter(|_| changes_nothing(asked.method));
        if let Some(at) = next.or(again) {
            let track = &mut fitting[at];
            track.asked += 1;
            return Ok(track.response.clone());
        }
        let request = format!("{} {}", asked.method, shorten(&self.config, asked.target));
        if let Some(track) = fitting.last() {
            return Err(Miss {
                nearest: Some(track.line.clone()),
                why: format!("it was recorded {} and is asked once more", times(track.recorded)),
                request,
            });
        }
        let (nearest, why) = self.nearest(asked, &query, &body);
        Err(Miss { request, nearest, why })
    }

    /// What the cassette has and nobody has asked for so far.
    pub fn left_over(&self) -> Vec<LeftOver> {
        let left = self.tracks.iter().filter(|track| track.asked < track.recorded);
        left.map(|track| LeftOver {
            request: track.line.clone(),
            asked: track.asked,
            recorded: track.recorded,
        })
        .collect()
    }

    fn nearest(&self, asked: Asked<'_>, query: &[(String, String)], body: &Body) -> (Option<String>, String) {
        let best = self
            .tracks
            .iter()
            .map(|track| (likeness(track, asked, query), track))
            .filter(|(likeness, _)| *likeness > 0)
            // The first of those that are equally near.
            .rev()
            .max_by_key(|(likeness, _)| *likeness);
        match best {
            Some((_, track)) => (Some(track.line.clone()), difference(track, asked, query, body)),
            None if self.tracks.is_empty() => (None, "it holds no exchanges".to_owned()),
            None => (None, "it holds no request like it".to_owned()),
        }
    }
}

pub(super) fn times(count: u32) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        n => format!("{n} times"),
    }
}

/// Parameters without regard to their order: which one comes first is the library's doing.
fn pairs(target: &Target) -> Vec<(String, String)> {
    let query = target.query.as_deref().unwrap_or_default();
    let mut pairs: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    pairs.sort();
    pairs
}

fn is_there(one: &Target, other: &Target) -> bool {
    is_origin(one, other) && one.path == other.path
}

fn is_origin(one: &Target, other: &Target) -> bool {
    one.scheme == other.scheme && one.host == other.host && one.port == other.port
}

/// More is nearer; 0 is not near at all.
fn likeness(track: &Track, asked: Asked<'_>, query: &[(String, String)]) -> usize {
    if !is_origin(&track.target, asked.target) {
        return usize::from(track.target.path == asked.target.path);
    }
    let segments = |target: &Target| target.path.split('/').skip(1).map(str::to_owned).collect::<Vec<_>>();
    let (own, other) = (segments(&track.target), segments(asked.target));
    let alike = own.iter().zip(&other).filter(|(one, other)| one == other).count();
    let same_length = usize::from(own.len() == other.len());
    let same_path = usize::from(track.target.path == asked.target.path);
    // The same page of another list is less like it than another page of the same list.
    let names = |(name, _): &&(String, String)| query.iter().any(|(other, _)| other == name);
    let named = track.query.iter().filter(names).count();
    let parameters = named + track.query.iter().filter(|pair| query.contains(pair)).count();
    let same_method = usize::from(track.method == asked.method);
    if alike == 0 && same_path == 0 {
        return 0;
    }
    1 + same_path * 10_000 + alike * 100 + same_length * 50 + same_method * 25 + parameters.min(24)
}

/// What is recorded and what is asked, side by side.
fn difference(track: &Track, asked: Asked<'_>, query: &[(String, String)], body: &Body) -> String {
    if !is_origin(&track.target, asked.target) {
        return format!("another host: `{}` is recorded", track.target.authority());
    }
    if track.target.path != asked.target.path {
        return "another path".to_owned();
    }
    if track.method != asked.method {
        return format!("another method: `{}` is recorded", track.method);
    }
    if track.query != query {
        let only = |some: &[(String, String)], than: &[(String, String)]| {
            let own = some.iter().filter(|pair| !than.contains(pair));
            own.map(|(name, value)| format!("`{name}={value}`")).collect::<Vec<_>>()
        };
        let (gone, new) = (only(&track.query, query), only(query, &track.query));
        return match (gone.is_empty(), new.is_empty()) {
            (false, false) => format!(
                "another query: {} is recorded, {} is asked",
                gone.join(", "),
                new.join(", ")
            ),
            (false, true) => format!("another query: {} is recorded and is not asked", gone.join(", ")),
            (true, false) => format!("another query: {} is asked and not recorded", new.join(", ")),
            (true, true) => "another query: a parameter is there more often".to_owned(),
        };
    }
    let text = |body: &Body| match body.value() {
        Some(value) => show(&value),
        None => show(&Value::from(String::from_utf8_lossy(&body.bytes()).into_owned())),
    };
    if let (Some(recorded), Some(found)) = (track.body.value(), body.value())
        && let Some(first) = super::compare(&recorded, &found).into_iter().next()
    {
        return format!("another body: {first}");
    }
    format!(
        "another body: {} is recorded, {} is asked",
        text(&track.body),
        text(body)
    )
}
