//! How people name what is installed: `shelf`, `shelf@1.2.0`, `shelf@4be1c0ffee12`, a digest or its first digits. Which component that
//! is, where it is one, is the engine's to say.

use crate::PluginName;

/// The forms, for who wrote another one.
pub const FORMS: &str = "its name (`shelf`), `shelf@1.2.0`, `shelf@4be1c0ffee12`, or a digest or its first digits";

/// Whether a text has one of the forms.
pub fn can_name(text: &str) -> bool {
    let of_version = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+' | ':');
    match text.split_once('@') {
        Some((name, rest)) => PluginName::new(name).is_ok() && !rest.is_empty() && rest.chars().all(of_version),
        None => PluginName::new(text).is_ok() || is_digits(text),
    }
}

/// A digest, or the first digits of one.
fn is_digits(text: &str) -> bool {
    let digits = text.strip_prefix("sha256:").unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_none_of_the_forms_names_nothing() {
        for text in [
            "shelf",
            "shelf@1.2.0-rc.1+b",
            "shelf@4be1c0ffee12",
            "sha256:4be1c0f",
            "4BE1C0F",
        ] {
            assert!(can_name(text), "{text}");
        }
        for text in [
            "",
            "@",
            "shelf@",
            "@1.2.0",
            "Shelf",
            "shelf 1.2.0",
            "shelf@1 2",
            "acme/shelf",
            "sha256:",
            "shelf@a@b",
        ] {
            assert!(!can_name(text), "{text}");
        }
    }
}
