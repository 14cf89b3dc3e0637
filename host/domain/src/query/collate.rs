//! The order of texts, and what is the same but for upper and lower case.

use std::{borrow::Cow, cmp::Ordering};

/// Lower-case code points, then exact: `Api` stands beside `api`, and every two different texts still have one order.
pub fn compare_text(a: &str, b: &str) -> Ordering {
    for (at, (x, y)) in a.bytes().zip(b.bytes()).enumerate() {
        if x == y && x.is_ascii() {
            continue;
        }
        if !x.is_ascii() || !y.is_ascii() {
            // All before is ASCII, so `at` is a character boundary in both.
            return folded(&a[at..]).cmp(folded(&b[at..])).then_with(|| a.cmp(b));
        }
        match x.to_ascii_lowercase().cmp(&y.to_ascii_lowercase()) {
            Ordering::Equal => {}
            unequal => return unequal,
        }
    }
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// The lower-case code points, each character by itself.
pub fn folded(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(char::to_lowercase)
}

/// The text in lower case, each character by itself: what is folded in parts is folded as a whole.
pub fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(text.to_ascii_lowercase())
        } else {
            Cow::Borrowed(text)
        }
    } else {
        Cow::Owned(folded(text).collect())
    }
}
