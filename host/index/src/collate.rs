//! The order of values: absent last, else booleans, numbers, strings, arrays, objects.
//!
//! Strings are compared by their lower-case code points first and exactly where those are equal, so `Api` stands beside
//! `api` and every two different strings still have one order.

use seawall_domain::query::{Num, compare_text, folded};
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

/// A number that orders as far as 125 bits can: smaller prefix, smaller value; equal prefixes have to be compared in
/// full. Sorting by it first touches no text for most pairs.
pub(crate) fn prefix(view: Option<View<'_>>, descending: bool) -> u128 {
    let Some(view) = view else { return u128::MAX };
    let payload = match view {
        View::Bool(bool) => u128::from(bool),
        View::Num(num) => {
            let bits = num.to_f64().to_bits();
            let ordered = if bits >> 63 == 1 { !bits } else { bits ^ (1 << 63) };
            u128::from(ordered) << 61
        }
        View::Text(text) | View::Array(text) | View::Object(text) => text_prefix(text) >> 3,
    };
    let prefix = (u128::from(view.rank()) << 125) | payload;
    if descending { !prefix } else { prefix }
}

/// The first 16 bytes of the lower-case text.
fn text_prefix(text: &str) -> u128 {
    let mut bytes = [0_u8; 16];
    let head = &text.as_bytes()[..text.len().min(16)];
    if head.is_ascii() {
        bytes[..head.len()].copy_from_slice(head);
        bytes.make_ascii_lowercase();
        return u128::from_be_bytes(bytes);
    }
    let mut filled = 0;
    for char in folded(text) {
        let mut buffer = [0_u8; 4];
        for byte in char.encode_utf8(&mut buffer).bytes() {
            if filled == bytes.len() {
                return u128::from_be_bytes(bytes);
            }
            bytes[filled] = byte;
            filled += 1;
        }
    }
    u128::from_be_bytes(bytes)
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

    #[test]
    fn prefixes_never_contradict_the_order() {
        let mut views: Vec<Option<View<'_>>> = RISING.iter().map(|t| Some(View::Text(t))).collect();
        views.extend(RISING.iter().map(|t| Some(View::Array(t))));
        views.extend([-1.5, 0.0, 3.25, 1e300].map(|f| Some(View::Num(Num::Float(f)))));
        views.extend([i64::MIN, -1, 0, 3, i64::MAX].map(|i| Some(View::Num(Num::Int(i)))));
        views.extend([Some(View::Bool(false)), Some(View::Bool(true)), None]);
        for descending in [false, true] {
            for a in &views {
                for b in &views {
                    if prefix(*a, descending) < prefix(*b, descending) {
                        assert_eq!(compare_directed(*a, *b, descending), Ordering::Less, "{a:?} and {b:?}");
                    }
                }
            }
        }
    }
}
