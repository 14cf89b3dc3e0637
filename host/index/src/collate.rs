//! The order of values: absent last, else booleans, numbers, strings, arrays, objects.
//!
//! Strings are compared by their lower-case code points first and exactly where those are equal, so `Api` stands beside
//! `api` and every two different strings still have one order.

use seawall_domain::query::{Num, compare_text};
use std::cmp::Ordering;

/// What a value sorts by. Texts of strings, arrays and objects are capped, see `probe`.
#[derive(Debug, Clone, Copy)]
pub(crate) enum View<'a> {
    Bool(bool),
    Num(Num),
    Text(&'a str),
    Array(&'a str),
    Object(&'a str),
}

impl View<'_> {
    fn rank(self) -> u8 {
        match self {
            Self::Bool(_) => 1,
            Self::Num(_) => 2,
            Self::Text(_) => 3,
            Self::Array(_) => 4,
            Self::Object(_) => 5,
        }
    }
}

/// Compares two values that are there.
pub(crate) fn compare(a: View<'_>, b: View<'_>) -> Ordering {
    match (a, b) {
        (View::Bool(a), View::Bool(b)) => a.cmp(&b),
        (View::Num(a), View::Num(b)) => a.cmp(&b),
        (View::Text(a), View::Text(b)) | (View::Array(a), View::Array(b)) | (View::Object(a), View::Object(b)) => {
            compare_text(a, b)
        }
        _ => a.rank().cmp(&b.rank()),
    }
}

/// Compares two values in a direction. An absent one comes last in both, as tables show blanks.
pub(crate) fn compare_directed(a: Option<View<'_>>, b: Option<View<'_>>, descending: bool) -> Ordering {
    match (a, b) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(a), Some(b)) if descending => compare(b, a),
        (Some(a), Some(b)) => compare(a, b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RISING: [&str; 12] = [
        "",
        "A",
        "a",
        "a b",
        "A-1",
        "a-1",
        "Ab",
        "b",
        "straße",
        "STRASSE-2",
        "Äpfel",
        "äpfel",
    ];

    #[test]
    fn text_order_is_total_and_ignores_case_first() {
        let mut sorted = RISING.to_vec();
        sorted.sort_by(|a, b| compare_text(a, b));
        for (i, a) in sorted.iter().enumerate() {
            for (j, b) in sorted.iter().enumerate() {
                assert_eq!(compare_text(a, b), i.cmp(&j), "{a} and {b}");
                let naive = a.to_lowercase().cmp(&b.to_lowercase()).then(a.cmp(b));
                assert_eq!(compare_text(a, b), naive, "{a} and {b}");
            }
        }
    }
}
