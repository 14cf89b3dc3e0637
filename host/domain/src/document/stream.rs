//! The documents of one text, which YAML separates by `---`.

use super::{Document, Problems};

/// One document of a text.
#[derive(Debug, Clone)]
pub struct Part {
    /// Its text, at the lines where it stands in the whole.
    pub text: String,
    /// What it holds, with places of the whole text.
    pub document: Document,
}

/// Reads every document of a text; those that hold nothing are left out. A mistake in one says nothing of the others.
pub fn stream(file: &str, text: &str) -> Vec<Result<Part, Problems>> {
    // JSON has no `---`, and a string of it may hold a line that looks like one.
    let texts = if text.trim_start().starts_with(['{', '[']) {
        vec![text.to_owned()]
    } else {
        split(text)
    };
    let parsed = texts.into_iter().map(|text| match Document::parse(file, &text) {
        Ok(document) if document.value().is_null() => None,
        Ok(document) => Some(Ok(Part { text, document })),
        Err(problems) => Some(Err(problems)),
    });
    parsed.flatten().collect()
}

/// The documents of a YAML stream, each with its text at the lines where it stands. A line that starts with `---` ends a
/// document wherever it is: YAML allows it in no text at the left margin.
fn split(text: &str) -> Vec<String> {
    let mut documents = vec![String::new()];
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let ends = |mark: &str| {
            line.strip_prefix(mark)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace))
        };
        if ends("---") || ends("...") {
            let rest = if ends("---") { &line[3..] } else { "\n" };
            // What stands behind the dashes keeps its column; nothing stays nothing.
            let rest = if rest.trim().is_empty() {
                "\n".to_owned()
            } else {
                format!("   {rest}")
            };
            documents.push(format!("{}{rest}", "\n".repeat(number)));
        } else if let Some(last) = documents.last_mut() {
            last.push_str(line);
        }
    }
    documents
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn three_dashes_in_a_longer_word_end_nothing() {
        assert_eq!(split("a: b\n---x\n").len(), 1);
        assert_eq!(split("--- {a: 1}\n").len(), 2);
    }

    #[test]
    fn a_mistake_in_one_document_leaves_the_others() {
        let parts = stream("f.yaml", "a: 1\n---\nb: [\n---\n# nothing\n---\nc: 3\n");
        assert_eq!(parts.len(), 3);
        assert_eq!(parts[0].as_ref().unwrap().document.value(), &json!({"a": 1}));
        let wrong = parts[1].as_ref().unwrap_err().to_string();
        assert!(wrong.starts_with("f.yaml:"), "{wrong}");
        let last = &parts[2].as_ref().unwrap().document;
        assert_eq!(last.position("/c").unwrap().line, 7);
    }

    #[test]
    fn json_is_one_document() {
        let parts = stream("f.json", "{\"a\": [\n\"x\"\n]}");
        assert_eq!(parts[0].as_ref().unwrap().document.value(), &json!({"a": ["x"]}));
    }
}
