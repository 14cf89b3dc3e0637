//! Goes through the files page by page.

use crate::{
    documents::{self, Document, Interest, Problem},
    walk,
};
use seawall_sdk::prelude::*;
use std::collections::HashMap;

/// Items of one page.
const ITEMS: usize = 500;
/// Problems that one page logs.
const LINES: usize = 100;

/// Where the next page begins.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Cursor {
    /// The file to go on with; empty: the first.
    file: String,
    /// Items of that file that were listed.
    skip: usize,
    /// Whether something could not be read on this pass.
    problems: bool,
}

/// A file to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Below the directory.
    pub path: String,
    /// Whether every document is expected to be an entity, so that one that is not is worth a warning.
    pub strict: bool,
}

/// An item with the reference that names it.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    pub reference: String,
    pub line: usize,
    pub value: Value,
}

/// What the documents of one file come to, given all documents of its folder.
pub type Read = fn(file: &File, documents: &[Document], folder: &[Document]) -> Vec<Result<Item, Problem>>;

/// One page of the files, which are sorted by path. A pass on which something could not be read ends without removing
/// what it did not see: a typing mistake in a file takes nothing out of the catalog.
pub fn page(
    root: &str,
    kind: &str,
    files: &[File],
    walk_problems: bool,
    cursor: Option<&str>,
    read: Read,
) -> Result<Page> {
    let cursor: Cursor = match cursor {
        Some(text) => serde_json::from_str(text).map_err(|_| Failure::CursorExpired)?,
        None => Cursor::default(),
    };
    let mut found = Found {
        problems: cursor.problems || walk_problems,
        warned: 0,
    };
    let mut page = Page::complete();
    let mut folder = Folder::default();
    for file in files.iter().skip_while(|file| file.path < cursor.file) {
        let skip = if file.path == cursor.file { cursor.skip } else { 0 };
        folder.enter(root, files, walk::folder(&file.path));
        let (documents, problems) = &folder.files[&file.path];
        let items = read(file, documents, &folder.documents);
        if skip == 0 {
            problems.iter().for_each(|problem| found.report(&file.path, problem));
        }
        let mut keys: HashMap<String, usize> = HashMap::new();
        let mut listed = 0;
        for item in items {
            let Item {
                reference,
                line,
                mut value,
            } = match item {
                Ok(item) => item,
                Err(problem) => {
                    if skip == 0 {
                        found.report(&file.path, &problem);
                    }
                    continue;
                }
            };
            // An entity that stands twice in a file is two items; the catalog merges them.
            let count = keys.entry(reference.clone()).or_default();
            *count += 1;
            let mut key = format!("{reference}@{}", file.path);
            if *count > 1 {
                key = format!("{key}#{count}");
            }
            listed += 1;
            if listed <= skip {
                continue;
            }
            if page.changes.len() == ITEMS {
                let next = Cursor {
                    file: file.path.clone(),
                    skip: listed - 1,
                    problems: found.problems,
                };
                page.next = Next::More(serde_json::to_string(&next)?);
                return Ok(page);
            }
            value["ref"] = json!(reference);
            value["source"] = json!({"file": file.path, "line": line});
            page.upsert(kind, key, &value)?;
        }
    }
    if found.problems {
        log::warn("nothing is removed on this pass, since not all could be read");
        page.next = Next::CaughtUp(serde_json::to_string(&Cursor::default())?);
    }
    Ok(page)
}

struct Found {
    problems: bool,
    warned: usize,
}

impl Found {
    fn report(&mut self, file: &str, problem: &Problem) {
        self.problems |= problem.hides;
        self.warned += 1;
        match self.warned {
            ..=LINES => log::warn(format!("{file}:{}: {}", problem.line, problem.message)),
            n if n == LINES + 1 => log::warn("there are more problems of this kind"),
            _ => {}
        }
    }
}

/// The documents of one folder, read when its first file is reached.
#[derive(Default)]
struct Folder {
    name: Option<String>,
    files: HashMap<String, (Vec<Document>, Vec<Problem>)>,
    documents: Vec<Document>,
}

impl Folder {
    fn enter(&mut self, root: &str, files: &[File], name: &str) {
        if self.name.as_deref() == Some(name) {
            return;
        }
        *self = Self {
            name: Some(name.to_owned()),
            ..Self::default()
        };
        for file in files.iter().filter(|file| walk::folder(&file.path) == name) {
            let (mut good, mut bad) = (Vec::new(), Vec::new());
            for document in documents::read(root, &file.path, |text| interest(file, text)) {
                match document {
                    Ok(document) => good.push(document),
                    Err(problem) => bad.push(problem),
                }
            }
            self.documents.extend(good.iter().cloned());
            self.files.insert(file.path.clone(), (good, bad));
        }
    }
}

/// A text that is no YAML is a problem where it was meant for Backstage or Kubernetes.
fn interest(file: &File, text: &str) -> Interest {
    let object = ["apiVersion:", "kind:"]
        .iter()
        .all(|field| text.lines().any(|line| line.starts_with(field)));
    if file.strict || object {
        Interest::All
    } else {
        Interest::Some
    }
}
