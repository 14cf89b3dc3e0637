//! A whole question: which entities, in what order, which page.

use super::{
    field::{Field, Operand},
    list::{ListQuery, Place},
    node::{Node, Test},
};
use crate::BlueprintId;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

/// A question to the catalog.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    /// Whose entities; none: of all blueprints.
    pub blueprints: Option<Vec<BlueprintId>>,
    /// Which of them.
    pub rules: Node,
    /// What they say.
    pub words: Option<Words>,
    /// In what order.
    pub sort: Sort,
    /// Go on after this place.
    pub after: Option<Place>,
    /// At most so many, 1 or more.
    pub limit: usize,
}

/// Full text: all words have to be there, the last one may be only begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// As people type them.
    pub text: String,
    /// Where they are looked for; everywhere (title, identifier and all properties that are texts) where none are named.
    pub fields: Vec<Field>,
}

/// The order of entities. Equal ones go by identifier and then by blueprint, rising.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sort {
    /// Those first in which the words say most; only with words.
    Relevance,
    /// By a field, in the order that the index documents.
    By {
        /// The field.
        field: Field,
        /// From high to low.
        descending: bool,
    },
}

impl From<&ListQuery> for Search {
    fn from(query: &ListQuery) -> Self {
        let equal =
            |(field, value): &(Field, _)| Node::rule(Operand::of(field.clone()), Test::Equal(Clone::clone(value)));
        Self {
            blueprints: Some(vec![query.blueprint.clone()]),
            rules: Node::All(query.filters.iter().map(equal).collect()),
            words: None,
            sort: Sort::By {
                field: query.sort.clone(),
                descending: query.descending,
            },
            after: query.after.clone(),
            limit: query.limit,
        }
    }
}

impl Search {
    /// Names the question without its page: two with equal digests have the same pages.
    pub fn digest(&self) -> String {
        let sort = match &self.sort {
            Sort::Relevance => json!("relevance"),
            Sort::By { field, descending } => json!([field.name(), descending]),
        };
        let words = self.words.as_ref().map(|words| {
            let fields: Vec<String> = words.fields.iter().map(Field::name).collect();
            json!([words.text, fields])
        });
        let whole = json!([self.blueprints, self.rules.to_json(), words, sort]);
        let mut text = String::new();
        crate::text::canonical(&whole, &mut text);
        hex::encode(&Sha256::digest(text)[..8])
    }
}

/// Where a walk over pages goes on, bound to its question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cursor {
    #[serde(rename = "q")]
    digest: String,
    #[serde(rename = "p")]
    place: Place,
}

impl Cursor {
    /// A cursor of the question with this digest.
    pub fn new(digest: String, place: Place) -> Self {
        Self { digest, place }
    }

    /// As text that fits into a URL.
    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// Reads a cursor of the question with this digest.
    ///
    /// # Errors
    /// What is wrong with it: it is none, or of another question.
    pub fn decode(text: &str, digest: &str) -> Result<Place, String> {
        let advice = "take `next` of the answer before as it is, or leave the cursor out";
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        let cursor: Option<Self> = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let cursor = cursor.ok_or_else(|| format!("this is no cursor; {advice}"))?;
        if cursor.digest == digest {
            Ok(cursor.place)
        } else {
            Err(format!(
                "this cursor belongs to another query (other filters, sort or blueprints); {advice}"
            ))
        }
    }
}
