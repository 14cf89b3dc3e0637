//! A value on its way in or in a question: canonical, hashed, borrowed from its entity where it can be.
//!
//! A text longer than [`CAP`] bytes is known by its SHA-256 and sorts by the part that fits: a string's leading
//! characters, an array's leading elements, an object's leading members. Capping again changes nothing, so a place
//! that holds a capped value sorts where the full one does.

use crate::{
    canonical,
    collate::View,
    key::{Kind, Look},
};
use hashbrown::DefaultHashBuilder;
use seawall_domain::{RelationTarget, query::Num};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::{borrow::Cow, hash::BuildHasher as _};

/// Bytes of a text that are kept.
pub(crate) const CAP: usize = 256;
/// Bytes of a string that are looked through.
pub(crate) const SEARCHED: usize = 2048;

/// A value with its hash.
pub(crate) struct Probe<'a> {
    pub(crate) hash: u64,
    pub(crate) needle: Needle<'a>,
}

pub(crate) enum Needle<'a> {
    Bool(bool),
    Num(Num),
    Text(Text<'a>),
}

pub(crate) struct Text<'a> {
    pub(crate) kind: Kind,
    pub(crate) text: Cow<'a, str>,
    /// Of the full text, where `text` is not all of it.
    pub(crate) digest: Option<Box<[u8; 16]>>,
    /// Of an array; nulls are left out.
    pub(crate) elements: Vec<Probe<'a>>,
    /// What of a string is looked through beyond `text`.
    pub(crate) rest: &'a str,
    /// Whether that is all of it.
    pub(crate) complete: bool,
}

impl<'a> Probe<'a> {
    fn new(needle: Needle<'a>, hasher: &DefaultHashBuilder) -> Self {
        Self {
            hash: hasher.hash_one(needle.look()),
            needle,
        }
    }

    /// A property's value; none for null.
    pub(crate) fn value(value: &'a Value, hasher: &DefaultHashBuilder) -> Option<Self> {
        let needle = match value {
            Value::Null => return None,
            Value::Array(elements) => {
                let mut array = array_needle(Kind::Array, elements);
                array.elements.reserve_exact(elements.len());
                for element in elements {
                    array.elements.extend(Self::element(element, hasher));
                }
                Needle::Text(array)
            }
            scalar => Self::scalar(scalar)?,
        };
        Some(Self::new(needle, hasher))
    }

    /// A value as an element of an array: an array in an array is one value.
    pub(crate) fn element(value: &'a Value, hasher: &DefaultHashBuilder) -> Option<Self> {
        let needle = match value {
            Value::Null => return None,
            Value::Array(elements) => Needle::Text(array_needle(Kind::Nested, elements)),
            scalar => Self::scalar(scalar)?,
        };
        Some(Self::new(needle, hasher))
    }

    fn scalar(value: &'a Value) -> Option<Needle<'a>> {
        Some(match value {
            Value::Bool(bool) => Needle::Bool(*bool),
            Value::Number(number) => Needle::Num(Num::new(number)),
            Value::String(text) => Needle::Text(string_needle(text)),
            Value::Object(members) => {
                let (full, whole) = canonical::object(members, CAP);
                Needle::Text(capped(Kind::Object, Cow::Owned(full), whole))
            }
            Value::Null | Value::Array(_) => return None,
        })
    }

    pub(crate) fn string(text: &'a str, hasher: &DefaultHashBuilder) -> Self {
        Self::new(Needle::Text(string_needle(text)), hasher)
    }

    /// Several strings as an array; none where there are none.
    pub(crate) fn strings(
        texts: impl ExactSizeIterator<Item = &'a str> + Clone,
        hasher: &DefaultHashBuilder,
    ) -> Option<Self> {
        let elements: Vec<_> = texts.clone().map(|text| Self::string(text, hasher)).collect();
        if elements.is_empty() {
            return None;
        }
        let (full, whole) = canonical::strings(texts, CAP);
        let array = Text {
            elements,
            ..capped(Kind::Array, Cow::Owned(full), whole)
        };
        Some(Self::new(Needle::Text(array), hasher))
    }

    /// A relation's targets: one is a string, many are an array, and many of none are absent.
    pub(crate) fn relation(target: &'a RelationTarget, hasher: &DefaultHashBuilder) -> Option<Self> {
        match target {
            RelationTarget::One(one) => Some(Self::string(one.as_str(), hasher)),
            RelationTarget::Many(many) => Self::strings(many.iter().map(AsRef::as_ref), hasher),
        }
    }
}

impl Needle<'_> {
    /// What identifies the value.
    pub(crate) fn look(&self) -> Look<'_> {
        match self {
            Self::Bool(bool) => Look::Bool(*bool),
            Self::Num(num) => Look::Num(*num),
            Self::Text(text) => Look::Text {
                kind: text.kind,
                text: &text.text,
                digest: text.digest.as_deref(),
            },
        }
    }

    /// What the value sorts by.
    pub(crate) fn view(&self) -> View<'_> {
        self.look().view()
    }
}

fn string_needle(text: &str) -> Text<'_> {
    let whole = text.floor_char_boundary(CAP);
    let searched = text.floor_char_boundary(SEARCHED);
    Text {
        rest: if text.len() > CAP { &text[whole..searched] } else { "" },
        complete: text.len() <= SEARCHED,
        ..capped(Kind::Text, Cow::Borrowed(text), whole)
    }
}

fn array_needle<'a>(kind: Kind, elements: &[Value]) -> Text<'a> {
    let (full, whole) = canonical::array(elements, CAP);
    capped(kind, Cow::Owned(full), whole)
}

/// `whole` is where the text is cut if it is too long.
fn capped(kind: Kind, full: Cow<'_, str>, whole: usize) -> Text<'_> {
    if full.len() <= CAP {
        return Text {
            kind,
            text: full,
            digest: None,
            elements: Vec::new(),
            rest: "",
            complete: true,
        };
    }
    let mut digest = Box::new([0_u8; 16]);
    digest.copy_from_slice(&Sha256::digest(full.as_bytes())[..16]);
    let text = match full {
        Cow::Borrowed(text) => Cow::Borrowed(&text[..whole]),
        Cow::Owned(mut text) => {
            text.truncate(whole);
            Cow::Owned(text)
        }
    };
    Text {
        kind,
        text,
        digest: Some(digest),
        elements: Vec::new(),
        rest: "",
        complete: false,
    }
}
