//! GraphQL schemas in the schema language (<https://spec.graphql.org/October2021/>).

use super::{Page, operation};
use apollo_parser::{
    Parser,
    cst::{Definition, FieldDefinition, FieldsDefinition, Name},
};
use serde_json::Value;
use std::collections::BTreeMap;

/// Deeper or longer texts are refused: schemas are wide and flat.
const DEPTH: usize = 100;
const TOKENS: usize = 2_000_000;

pub(super) fn read(text: &str) -> Result<Page, String> {
    let tree = Parser::new(text).recursion_limit(DEPTH).token_limit(TOKENS).parse();
    if let Some(error) = tree.errors().next() {
        let line = text
            .get(..error.index())
            .map_or(1, |before| before.lines().count().max(1));
        return Err(format!(
            "line {line} of the definition is no GraphQL schema: {}; it is kept as text",
            error.message()
        ));
    }
    // A schema may name its roots otherwise than after what they do.
    let mut roots: BTreeMap<String, &str> = [
        ("Query", "query"),
        ("Mutation", "mutation"),
        ("Subscription", "subscription"),
    ]
    .map(|(name, what)| (name.to_owned(), what))
    .into();
    let document = tree.document();
    for definition in document.definitions() {
        let named = match definition {
            Definition::SchemaDefinition(schema) => schema.root_operation_type_definitions(),
            Definition::SchemaExtension(schema) => schema.root_operation_type_definitions(),
            _ => continue,
        };
        for root in named {
            let what = root.operation_type().and_then(|kind| {
                let tokens = [
                    (kind.query_token(), "query"),
                    (kind.mutation_token(), "mutation"),
                    (kind.subscription_token(), "subscription"),
                ];
                tokens
                    .into_iter()
                    .find(|(token, _)| token.is_some())
                    .map(|(_, what)| what)
            });
            let name = root.named_type().and_then(|named| named.name());
            if let (Some(what), Some(name)) = (what, name) {
                roots.retain(|_, known| *known != what);
                roots.insert(said(&name), what);
            }
        }
    }
    let mut page = Page::default();
    for definition in document.definitions() {
        let (name, fields) = match definition {
            Definition::ObjectTypeDefinition(object) => (object.name(), object.fields_definition()),
            Definition::ObjectTypeExtension(object) => (object.name(), object.fields_definition()),
            _ => continue,
        };
        let Some(what) = name.and_then(|name| roots.get(&said(&name)).copied()) else {
            continue;
        };
        page.operations.extend(
            fields
                .iter()
                .flat_map(FieldsDefinition::field_definitions)
                .filter_map(|f| field(what, &f)),
        );
    }
    Ok(page)
}

fn said(name: &Name) -> String {
    name.text().to_string()
}

fn field(what: &str, field: &FieldDefinition) -> Option<Value> {
    let name = said(&field.name()?);
    let summary = field.description().and_then(|d| d.string_value()).map(String::from);
    let deprecated = field.directives().is_some_and(|all| {
        all.directives()
            .any(|one| one.name().is_some_and(|name| said(&name) == "deprecated"))
    });
    Some(operation(&[
        ("name", format!("{what} {name}").into()),
        ("method", what.into()),
        ("path", name.into()),
        ("summary", summary.map(|text| text.trim().to_owned()).into()),
        ("deprecated", deprecated.into()),
    ]))
}
