//! Integrations and credentials as YAML documents, several in one file, with lines and columns in their errors.

use crate::cli::{
    client::Client,
    error::{CliError, Result},
};
use seawall_domain::{
    credential::Credential,
    document::{Document, Part, Problem, Problems, stream},
    integration::Integration,
};
use serde_json::json;

/// One definition.
#[derive(Debug, PartialEq)]
pub(crate) enum Definition {
    Integration(Box<Integration>),
    Credential(Box<Credential>),
}

const KINDS: [&str; 2] = ["Integration", "Credential"];

/// Reads all documents of a text, each with the places of its values. Nothing is answered where one of them is wrong.
pub(crate) fn read(file: &str, text: &str) -> Result<Vec<(Definition, Document)>> {
    let mut definitions = Vec::new();
    let mut wrong = Vec::new();
    for part in stream(file, text) {
        match part.and_then(|part| one(file, part)) {
            Ok(definition) => definitions.push(definition),
            Err(error) => wrong.push(error.to_string()),
        }
    }
    if !wrong.is_empty() {
        return Err(CliError::Usage(wrong.join("\n")));
    }
    if definitions.is_empty() {
        return Err(CliError::Usage(format!(
            "{file}: expected documents with `kind: Integration` or `kind: Credential`, found none"
        )));
    }
    Ok(definitions)
}

/// Credentials first, those that need others behind them.
pub(crate) fn in_order(mut definitions: Vec<(Definition, Document)>) -> Vec<(Definition, Document)> {
    definitions.sort_by_key(|(definition, _)| match definition {
        Definition::Credential(credential) => (0, credential.needs().len()),
        Definition::Integration(_) => (1, 0),
    });
    definitions
}

/// Puts a credential; what is wrong with it has its line in the document.
pub(crate) async fn put_credential(
    client: &Client,
    credential: &Credential,
    secret: Option<&str>,
    document: &Document,
) -> Result {
    let mut body = json!({"source": credential.source, "exchange": credential.exchange});
    if let Some(secret) = secret {
        body["secret"] = secret.into();
    }
    let put = client.put(&["credentials", credential.name.as_str()], body).await;
    put.map_err(|error| error.located(document))?;
    eprintln!("credential {} is there", credential.name);
    Ok(())
}

/// A kind that is neither, which says nothing of what the document was meant to be.
fn another_kind(document: &Document) -> Option<Problems> {
    let kind = document.value()["kind"].as_str().filter(|kind| !KINDS.contains(kind))?;
    let problem = Problem::new("/kind", format!("one of {}", KINDS.join(", ")), format!("`{kind}`"));
    Some(document.locate(vec![problem.meant(kind, KINDS)]))
}

fn one(file: &str, part: Part) -> std::result::Result<(Definition, Document), Problems> {
    let Part { text, document } = part;
    if let Some(problems) = another_kind(&document) {
        return Err(problems);
    }
    let definition = match document.value()["kind"].as_str() {
        Some("Credential") => Definition::Credential(Box::new(Credential::parse(file, &text)?)),
        None if document.value()["plugin"].is_null() && !document.value()["source"].is_null() => {
            Definition::Credential(Box::new(Credential::parse(file, &text)?))
        }
        // Another document without a kind is an integration.
        _ => Definition::Integration(Box::new(Integration::parse(file, &text)?)),
    };
    Ok((definition, document))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const TWO: &str =
        "# both\nkind: Credential\nname: token\nsource: {env: TOKEN}\n---\nkind: Integration\nname: one\nplugin: p\n";

    #[test]
    fn reads_several_documents_of_one_file() {
        let all = read("f.yaml", TWO).unwrap();
        assert!(
            matches!(&all[..], [(Definition::Credential(c), _), (Definition::Integration(i), _)] if c.name.as_str() == "token" && i.name.as_str() == "one")
        );
    }

    #[test]
    fn a_mistake_in_a_later_document_has_its_line_in_the_file() {
        let wrong = TWO.replace("plugin: p", "plugin: [p]");
        let error = read("f.yaml", &wrong).unwrap_err().to_string();
        assert!(error.starts_with("f.yaml:8:"), "{error}");
        let error = read("f.yaml", &TWO.replace("plugin: p\n", "")).unwrap_err().to_string();
        assert!(error.starts_with("f.yaml:6:1: expected `plugin`"), "{error}");
    }

    #[test]
    fn a_document_without_a_kind_is_known_by_its_fields() {
        let all = read(
            "f.yaml",
            "name: token\nsource: {env: TOKEN}\n---\nname: one\nplugin: p\n",
        )
        .unwrap();
        assert!(matches!(
            &all[..],
            [(Definition::Credential(_), _), (Definition::Integration(_), _)]
        ));
        let error = read("f.yaml", "name: neither\n").unwrap_err().to_string();
        assert!(error.contains("expected `plugin`"), "{error}");
    }

    #[test]
    fn another_kind_is_told_from_both() {
        let error = read("f.yaml", "kind: Credentials\nname: token\nsource: sealed\n").unwrap_err();
        let error = error.to_string();
        let expected = "f.yaml:1:7: kind: expected one of Integration, Credential, found `Credentials`";
        assert!(
            error.starts_with(expected) && error.contains("did you mean `Credential`?"),
            "{error}"
        );
    }

    #[test]
    fn a_file_without_definitions_is_a_mistake() {
        let error = read("f.yaml", "---\n# nothing\n---\n").unwrap_err().to_string();
        assert!(error.contains("found none"), "{error}");
    }
}
