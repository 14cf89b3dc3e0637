//! A value as a dictionary keeps it.

use crate::{
    canonical,
    collate::View,
    probe::{Needle, Probe},
};
use seawall_domain::query::Num;
use serde_json::Value;
use std::borrow::Cow;

/// What a text stands for. A whole array and an array within an array are different values: the first is known by its
/// elements too, and does not count in facets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Text,
    Array,
    Nested,
    Object,
}

/// What identifies a value, borrowed from a [`Key`] or from a probe. Equal looks are equal values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Look<'a> {
    Bool(bool),
    Num(Num),
    Text {
        kind: Kind,
        text: &'a str,
        digest: Option<&'a [u8; 16]>,
    },
}

impl<'a> Look<'a> {
    /// What the value sorts by.
    pub(crate) fn view(self) -> View<'a> {
        match self {
            Self::Bool(bool) => View::Bool(bool),
            Self::Num(num) => View::Num(num),
            Self::Text {
                kind: Kind::Text, text, ..
            } => View::Text(text),
            Self::Text {
                kind: Kind::Array | Kind::Nested,
                text,
                ..
            } => View::Array(text),
            Self::Text {
                kind: Kind::Object,
                text,
                ..
            } => View::Object(text),
        }
    }

    /// Whether only a part of the value is kept.
    pub(crate) fn is_cut(self) -> bool {
        matches!(self, Self::Text { digest: Some(_), .. })
    }
}

/// A kept value. 24 bytes, as there is one for each different value of each property.
#[derive(Debug)]
pub(crate) enum Key {
    /// A free place in the dictionary.
    Vacant,
    Bool(bool),
    Num(Num),
    Text(Box<str>),
    Nested(Box<str>),
    Object(Box<str>),
    Array(Box<ArrayKey>),
    Long(Box<LongKey>),
}

#[derive(Debug)]
pub(crate) struct ArrayKey {
    text: Box<str>,
    digest: Option<[u8; 16]>,
    /// Codes of the elements in the same dictionary, rising, each once.
    pub(crate) elements: Box<[u32]>,
}

#[derive(Debug)]
pub(crate) struct LongKey {
    kind: Kind,
    text: Box<str>,
    digest: [u8; 16],
    /// What of a string is looked through beyond `text`.
    rest: Box<str>,
    /// Whether that is all of it.
    complete: bool,
}

impl Key {
    /// `elements` are the codes of an array's elements, rising, each once.
    pub(crate) fn new(probe: &Probe<'_>, elements: Vec<u32>) -> Self {
        let text = match &probe.needle {
            Needle::Bool(bool) => return Self::Bool(*bool),
            Needle::Num(num) => return Self::Num(*num),
            Needle::Text(text) => text,
        };
        let kept: Box<str> = text.text.as_ref().into();
        match (text.kind, text.digest.as_deref().copied()) {
            (Kind::Array, digest) => Self::Array(Box::new(ArrayKey {
                text: kept,
                digest,
                elements: elements.into_boxed_slice(),
            })),
            (kind, Some(digest)) => Self::Long(Box::new(LongKey {
                kind,
                text: kept,
                digest,
                rest: text.rest.into(),
                complete: text.complete,
            })),
            (Kind::Text, None) => Self::Text(kept),
            (Kind::Nested, None) => Self::Nested(kept),
            (Kind::Object, None) => Self::Object(kept),
        }
    }

    /// None for a vacant place.
    pub(crate) fn look(&self) -> Option<Look<'_>> {
        Some(match self {
            Self::Vacant => return None,
            Self::Bool(bool) => Look::Bool(*bool),
            Self::Num(num) => Look::Num(*num),
            Self::Text(text) => Look::Text {
                kind: Kind::Text,
                text,
                digest: None,
            },
            Self::Nested(text) => Look::Text {
                kind: Kind::Nested,
                text,
                digest: None,
            },
            Self::Object(text) => Look::Text {
                kind: Kind::Object,
                text,
                digest: None,
            },
            Self::Array(array) => Look::Text {
                kind: Kind::Array,
                text: &array.text,
                digest: array.digest.as_ref(),
            },
            Self::Long(long) => Look::Text {
                kind: long.kind,
                text: &long.text,
                digest: Some(&long.digest),
            },
        })
    }

    /// For hashing: only values that are there are hashed, and a vacant place stands as `true`.
    pub(crate) fn look_or_true(&self) -> Look<'_> {
        self.look().unwrap_or(Look::Bool(true))
    }

    /// A string as far as it is kept, and whether that is all of it.
    pub(crate) fn string(&self) -> Option<(Cow<'_, str>, bool)> {
        match self {
            Self::Text(text) => Some((Cow::Borrowed(text), true)),
            Self::Long(long) if long.kind == Kind::Text => {
                Some((Cow::Owned(format!("{}{}", long.text, long.rest)), long.complete))
            }
            _ => None,
        }
    }

    /// Whether it is a string of which only the beginning is kept.
    pub(crate) fn is_incomplete(&self) -> bool {
        matches!(self, Self::Long(long) if long.kind == Kind::Text && !long.complete)
    }

    /// The value, if all of it is kept.
    pub(crate) fn whole(&self) -> Option<Value> {
        if let Some((text, complete)) = self.string() {
            return complete.then(|| text.into());
        }
        let look = self.look()?;
        (!look.is_cut()).then(|| to_value(look.view()))
    }

    /// Whether it is an object.
    pub(crate) fn is_object(&self) -> bool {
        match self {
            Self::Object(_) => true,
            Self::Long(long) => long.kind == Kind::Object,
            _ => false,
        }
    }

    /// What a whole array holds; nothing for other values.
    pub(crate) fn elements(&self) -> &[u32] {
        match self {
            Self::Array(array) => &array.elements,
            _ => &[],
        }
    }

    /// Bytes on the heap, with what an allocator adds.
    pub(crate) fn heap_bytes(&self) -> usize {
        match self {
            Self::Vacant | Self::Bool(_) | Self::Num(_) => 0,
            Self::Text(text) | Self::Nested(text) | Self::Object(text) => crate::size::block(text.len()),
            Self::Array(array) => {
                crate::size::block(size_of::<ArrayKey>())
                    + crate::size::block(array.text.len())
                    + crate::size::block(array.elements.len() * 4)
            }
            Self::Long(long) => {
                crate::size::block(size_of::<LongKey>())
                    + crate::size::block(long.text.len())
                    + crate::size::block(long.rest.len())
            }
        }
    }
}

/// The JSON that sorts as `view` does: the value itself, or the part of it that is kept.
pub(crate) fn to_value(view: View<'_>) -> Value {
    match view {
        View::Bool(bool) => bool.into(),
        View::Num(num) => num.to_value(),
        View::Text(text) => text.into(),
        View::Array(text) => canonical::parse_array(text),
        View::Object(text) => canonical::parse_object(text),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_key_is_no_larger_than_a_string() {
        assert_eq!(size_of::<super::Key>(), 24);
    }
}
