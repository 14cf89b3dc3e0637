//! YAML files of several documents, each read by itself, so that a mistake in one leaves the others alone.

use crate::walk;
use seawall_sdk::prelude::*;

/// Larger files hold no entities; they are generated.
const MOST_BYTES: u64 = 2 * 1024 * 1024;

/// A document that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Its first line in the file, counted from 1.
    pub line: usize,
    pub value: Value,
}

/// What is wrong with a file or one of its documents.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    pub line: usize,
    pub message: String,
    /// Whether the file may hold entities all the same, so that nothing that was listed before may be removed.
    pub hides: bool,
}

/// What a document is worth, as its text looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interest {
    /// Not read.
    None,
    /// Read; if that fails, it was something else.
    Some,
    /// Read; if that fails, it is a problem.
    All,
}

/// The documents of a file.
pub fn read(root: &str, file: &str, interest: impl Fn(&str) -> Interest) -> Vec<Result<Document, Problem>> {
    let whole = |message: String, hides: bool| {
        vec![Err(Problem {
            line: 1,
            message,
            hides,
        })]
    };
    match files::read(&walk::path(root, file), MOST_BYTES) {
        Ok(bytes) => match std::str::from_utf8(&bytes) {
            Ok(text) => parse(text, interest),
            Err(_) => whole("the file is passed over: it is no UTF-8 text".to_owned(), false),
        },
        Err(error) => {
            let message = match &error.reason {
                files::Reason::TooLarge { limit } => format!("the file is larger than {limit} bytes"),
                _ => error.to_string(),
            };
            let hides = matches!(error.reason, files::Reason::Other(_));
            whole(format!("the file is passed over: {message}"), hides)
        }
    }
}

/// The documents of a text; empty ones are left out.
pub fn parse(text: &str, interest: impl Fn(&str) -> Interest) -> Vec<Result<Document, Problem>> {
    let mut documents = Vec::new();
    for (line, text) in split(text.trim_start_matches('\u{feff}')) {
        let interest = interest(&text);
        if interest == Interest::None {
            continue;
        }
        match serde_saphyr::from_str::<Value>(&text) {
            Ok(Value::Null) => {}
            Ok(value) => documents.push(Ok(Document { line, value })),
            Err(error) if interest == Interest::All => {
                let error = error.without_snippet();
                let below = error
                    .location()
                    .and_then(|at| usize::try_from(at.line()).ok())
                    .unwrap_or(1);
                let words = error.to_string();
                let message = words.lines().next().unwrap_or_default();
                documents.push(Err(Problem {
                    line: line + below.saturating_sub(1),
                    message: format!("the document is passed over, it is no valid YAML: {message}"),
                    hides: true,
                }));
            }
            Err(_) => {}
        }
    }
    documents
}

/// Cuts where YAML does: at lines that begin with `---` or `...`. Answers each document with its first line.
fn split(text: &str) -> Vec<(usize, String)> {
    let mut documents = vec![(1, String::new())];
    for (number, line) in (1..).zip(text.lines()) {
        let marker = line.len() == 3 || line[3.min(line.len())..].starts_with([' ', '\t']);
        let begins = line.starts_with("---") && marker;
        if begins || line.starts_with("...") && marker {
            documents.push((number, String::new()));
        }
        let Some((_, document)) = documents.last_mut() else {
            continue;
        };
        // The marker's line may hold the document's beginning; a line with a directive (`%YAML 1.2`) is for a parser
        // that sees the whole file. Both leave an empty line, so that lines are counted right.
        match line {
            line if begins => document.push_str(&line.replacen("---", "   ", 1)),
            line if line.starts_with("...") && marker => {}
            line if line.starts_with('%') => {}
            line => document.push_str(line),
        }
        document.push('\n');
    }
    documents
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_document_leaves_the_others_alone() {
        let text = "# begins\na: 1\n---\nb: [1,\nc: }\n--- {d: 2}\n---\n# nothing\n---\ntext: |\n  --- no mark\n...\n";
        let found = parse(text, |_| Interest::All);
        assert_eq!(
            found[0],
            Ok(Document {
                line: 1,
                value: json!({"a": 1})
            })
        );
        let problem = found[1].clone().unwrap_err();
        assert!((4..=6).contains(&problem.line) && problem.hides, "{problem:?}");
        assert_eq!(
            found[2],
            Ok(Document {
                line: 6,
                value: json!({"d": 2})
            })
        );
        assert_eq!(
            found[3],
            Ok(Document {
                line: 9,
                value: json!({"text": "--- no mark\n"})
            })
        );
        assert_eq!(found.len(), 4);
    }

    #[test]
    fn a_mistake_in_a_document_of_another_kind_is_not_reported() {
        assert_eq!(parse("{{ template }}\na: [", |_| Interest::Some), Vec::new());
    }

    #[test]
    fn short_lines_and_directives_are_no_documents() {
        assert_eq!(parse("%YAML 1.2\n---\na: -\n", |_| Interest::All).len(), 1);
        assert_eq!(parse("-\n--\n{", |_| Interest::Some), Vec::new());
    }
}
