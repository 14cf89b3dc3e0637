//! A cassette: one conversation of a plugin with its tool, kept as a YAML file that people read in a review. A plugin that
//! is tested with it asks the same and gets the same answers, offline.
//!
//! Nothing here reads a file, opens a socket or knows a clock. [`compose`] makes a cassette of what a door has heard,
//! [`parse`] reads one, [`Player`] answers from one, and [`compare`] says how two [`Outcome`]s differ.

mod address;
mod body;
mod check;
mod compare;
mod compose;
mod headers;
mod layout;
mod look;
mod outcome;
mod play;
mod schema;

pub use address::Replacements;
pub use body::Body;
pub use compare::{Difference, compare};
pub use compose::{Beyond, Heard, Writing, compose};
pub use look::suspicious;
pub use outcome::{Changes, Done, Listing, Outcome, Part};
pub use play::{Asked, LeftOver, Miss, Player};
pub use schema::json_schema;

use crate::{
    Entity, KindName, Millis, PluginName,
    document::{Document, Problem, Problems},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The folder of a plugin's cassettes, in the plugin's own.
pub const FOLDER: &str = "tests/cassettes";
/// What follows a cassette's name in its file's.
pub const ENDING: &str = ".yaml";
/// What follows a cassette's name in the name of the file with what the plugin makes of it.
pub const EXPECTED: &str = ".expected.yaml";
/// The shape of the file.
pub const FORMAT: u32 = 1;
/// A conversation of more is none that a person reads.
pub const MAX_EXCHANGES: usize = 1_000;
/// Bytes of one body, of a request as of a response.
pub const MAX_BODY: usize = 1 << 20;
/// Pages of one partition that are pulled where a cassette does not say.
pub const PAGES: u32 = 100;

/// One conversation, and what the plugin was called for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cassette {
    /// [`FORMAT`].
    pub format: u32,
    /// Who talked.
    pub plugin: PluginName,
    /// Its version then.
    pub version: semver::Version,
    /// When; what the plugin's clock shows, in the recording and in a test. RFC 3339, to the second.
    pub recorded: String,
    /// The integration's config.
    pub config: Value,
    /// What the plugin is called for.
    pub run: Script,
    /// What it asked and was answered, in order.
    #[serde(default)]
    pub exchanges: Vec<Exchange>,
}

/// What a plugin is called for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Script {
    /// All partitions of some kinds, page by page.
    Pull(Pull),
    /// One operation, to its end.
    Operation(Operation),
    /// One delivery.
    Delivery(Delivery),
}

/// See [`Script::Pull`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pull {
    /// The kinds, in this order.
    pub kinds: Vec<KindName>,
    /// So many pages of each partition at most.
    #[serde(default = "pages", skip_serializing_if = "is_usual")]
    pub pages: u32,
}

fn pages() -> u32 {
    PAGES
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_usual(pages: &u32) -> bool {
    *pages == PAGES
}

/// See [`Script::Operation`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// One of the manifest's.
    pub name: String,
    /// The run's id, which plugins give to tools so that the same run is not started twice.
    pub run: String,
    /// Inputs.
    #[serde(default)]
    pub inputs: Value,
    /// The entity that it works on, as it was before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Entity>,
}

/// See [`Script::Delivery`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// By name, in small letters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Its body.
    #[serde(flatten)]
    pub body: Body,
}

/// One request and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// What was asked.
    pub request: Request,
    /// How often the same was asked in a row and answered so. Of requests that change nothing (GET and HEAD) the last answer
    /// stands however often it is asked.
    #[serde(default = "once", skip_serializing_if = "is_once")]
    pub times: u32,
    /// What was answered.
    pub response: Response,
}

fn once() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_once(times: &u32) -> bool {
    *times == 1
}

/// A request as the plugin made it: before a credential was attached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// In capitals.
    pub method: String,
    /// Begins with the value of the config that it begins with: `{base_url}/api/projects?limit=100`.
    pub url: String,
    /// By name, in small letters. To be read by people, and to tell two requests apart that differ in nothing else.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Its body.
    #[serde(flatten)]
    pub body: Body,
}

/// A response as the plugin got it: secrets are cut out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// By name, in small letters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Its body.
    #[serde(flatten)]
    pub body: Body,
}

impl Request {
    /// `GET {base_url}/api/projects`.
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.url)
    }
}

impl Cassette {
    /// When it was recorded.
    pub fn moment(&self) -> Millis {
        let moment: Result<jiff::Timestamp, _> = self.recorded.parse();
        moment.map_or(0, |moment| moment.as_millisecond())
    }

    /// As a file.
    ///
    /// # Errors
    /// Where it cannot be written as YAML, in words.
    pub fn render(&self) -> Result<String, String> {
        const HEAD: &str = "\
# A conversation of the plugin with its tool, without secrets. `seawall plugin record` writes it anew, `seawall plugin test`
# answers the plugin from it.
";
        render(HEAD, self)
    }
}

/// Reads a cassette; `file` is only named in errors.
///
/// # Errors
/// All that is wrong, each with line, column, field, what was expected, what was found and an example.
pub fn parse(file: &str, yaml: &str) -> Result<Cassette, Problems> {
    let document = Document::parse(file, yaml)?;
    let problems = check::check(document.value());
    if !problems.is_empty() {
        return Err(document.locate(problems));
    }
    Cassette::deserialize(document.value())
        .map_err(|error| document.locate(vec![Problem::new("", "a cassette", error.to_string())]))
}

/// A document of this module as YAML: texts of several lines as blocks, all others on one line however long they are.
fn render<T: Serialize>(head: &str, value: &T) -> Result<String, String> {
    let options = serde_saphyr::ser_options! { folded_wrap_chars: 1 << 30, min_fold_chars: 0 };
    let text = serde_saphyr::to_string_with_options(value, options).map_err(|e| e.to_string())?;
    Ok(format!("{head}{text}"))
}

#[cfg(test)]
mod tests;
