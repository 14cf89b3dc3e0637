//! Definitions and entities that other portals' folders hold, as Seawall's own.
//!
//! What can be carried becomes [`Definition`]s; everything else is a [`Note`]. Nothing is dropped silently: where a value is
//! not carried, a note says which, where it stands and why.

pub mod backstage;
pub mod port;

use crate::definition::Definition;
use serde::Serialize;

/// What came of a folder.
#[derive(Debug, Clone, Default)]
pub struct Imported {
    /// What is carried, each once, in no order that matters.
    pub definitions: Vec<Definition>,
    /// What is not carried, and what is wrong, by file and line.
    pub notes: Vec<Note>,
    /// Files that were looked at and hold nothing of the other portal's.
    pub passed_over: Vec<String>,
}

/// Something to know about a place in the folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Note {
    /// The file, relative to the folder.
    pub file: String,
    /// The line, where it is known.
    pub line: Option<u32>,
    /// How bad it is.
    pub severity: Severity,
    /// What it is about: a field of an entity, a document, a file.
    pub what: String,
    /// Why, and what to do.
    pub why: String,
}

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The folder has to be mended: a text that is no YAML, a file that is named and not there.
    Wrong,
    /// It has no place here, or is elsewhere.
    NotCarried,
    /// An entity that others point to and nobody describes: it is made with its identifier alone.
    Placeholder,
}

impl Imported {
    /// Whether something is wrong with the folder itself.
    pub fn is_wrong(&self) -> bool {
        self.notes.iter().any(|note| note.severity == Severity::Wrong)
    }

    fn note(
        &mut self,
        severity: Severity,
        place: (&str, Option<u32>),
        what: impl Into<String>,
        why: impl Into<String>,
    ) {
        self.notes.push(Note {
            file: place.0.to_owned(),
            line: place.1,
            severity,
            what: what.into(),
            why: why.into(),
        });
    }

    /// A mistake of the folder.
    pub(crate) fn wrong(&mut self, place: (&str, Option<u32>), what: impl Into<String>, why: impl Into<String>) {
        self.note(Severity::Wrong, place, what, why);
    }

    /// Something that stays behind.
    pub(crate) fn left(&mut self, place: (&str, Option<u32>), what: impl Into<String>, why: impl Into<String>) {
        self.note(Severity::NotCarried, place, what, why);
    }

    fn in_order(mut self) -> Self {
        self.notes.sort();
        self.notes.dedup();
        self.passed_over.sort();
        self.passed_over.dedup();
        self
    }
}

/// The lines of problems of one text as mistakes.
pub(crate) fn mistakes(problems: &crate::document::Problems) -> impl Iterator<Item = (Option<u32>, String, String)> {
    problems.problems.iter().map(|problem| {
        let what = match problem.path() {
            path if path.is_empty() => "the document".to_owned(),
            path => path,
        };
        (problem.position.map(|at| at.line), what, problem.words())
    })
}
