//! Paths: decoded once, and refused where a server could take them apart differently.

use super::Refusal;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// What RFC 3986 does not allow in a path as it is, and `%`, so that encoding is the inverse of decoding.
const ENCODED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// A decoded path as it is sent.
pub(super) fn encode(path: &str) -> String {
    utf8_percent_encode(path, ENCODED).to_string()
}

/// Decodes a raw path once.
pub(super) fn decode(raw: &str) -> Result<String, Refusal> {
    let refuse = |why, at| Err(Refusal::Path { why, at });
    if raw.is_empty() {
        return Ok("/".to_owned());
    }
    if !raw.starts_with('/') {
        return refuse("it has to start with `/`", 0);
    }
    let bytes = raw.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let (byte, width) = match bytes[at] {
            b'%' => match escape(bytes, at) {
                None => return refuse("`%` without two hexadecimal digits", at),
                Some(b'/') => return refuse("an encoded slash: servers disagree on what it means", at),
                Some(b'\\') => return refuse("an encoded backslash", at),
                Some(b'%') if doubled(bytes, at) => return refuse("double encoding", at),
                Some(byte) => (byte, 3),
            },
            b'\\' => return refuse("a backslash, which some servers take for a slash", at),
            b'#' => return refuse("a fragment is not part of a request", at),
            byte => (byte, 1),
        };
        match byte {
            0 => return refuse("a NUL character", at),
            b';' => return refuse("a `;`, which some servers cut away with what follows it", at),
            b if b < 0x20 || b == 0x7f => return refuse("a control character", at),
            _ => out.push(byte),
        }
        at += width;
    }
    let Ok(path) = String::from_utf8(out) else {
        return refuse("what it decodes to is not UTF-8", 0);
    };
    if let Some((at, _)) = path.char_indices().find(|(_, c)| c.is_control()) {
        return refuse("a control character", at);
    }
    check_segments(&path)?;
    Ok(path)
}

/// The byte that the escape at `at` stands for.
fn escape(bytes: &[u8], at: usize) -> Option<u8> {
    let [b'%', high, low] = bytes.get(at..at + 3)? else {
        return None;
    };
    let digit = |b: u8| char::from(b).to_digit(16);
    u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()
}

/// Whether the `%25` at `at` is followed by two hexadecimal digits, each plain or escaped itself.
fn doubled(bytes: &[u8], at: usize) -> bool {
    let mut next = at + 3;
    for _ in 0..2 {
        let (byte, width) = match bytes.get(next) {
            Some(b'%') => (escape(bytes, next), 3),
            other => (other.copied(), 1),
        };
        if !byte.is_some_and(|b| b.is_ascii_hexdigit()) {
            return false;
        }
        next += width;
    }
    true
}

/// Refuses dot segments and empty segments.
fn check_segments(path: &str) -> Result<(), Refusal> {
    let mut at = 1;
    let last = path.len();
    for segment in path.split('/').skip(1) {
        let end = at + segment.len();
        if segment == "." || segment == ".." {
            return Err(Refusal::Path {
                why: "a dot segment",
                at,
            });
        }
        if !segment.is_ascii()
            && plain(segment)
                .split(['/', '\\'])
                .any(|part| part == "." || part == "..")
        {
            return Err(Refusal::Path {
                why: "a dot segment, written with letters that only look like ASCII",
                at,
            });
        }
        if segment.is_empty() && end < last {
            return Err(Refusal::Path {
                why: "an empty segment (`//`)",
                at,
            });
        }
        at = end + 1;
    }
    Ok(())
}

/// A segment with ASCII in place of the dots and slashes that some servers take for ASCII's (Unicode's compatibility forms).
fn plain(segment: &str) -> String {
    let plain = |c| match c {
        '\u{ff0e}' | '\u{2024}' | '\u{fe52}' => '.',
        '\u{ff0f}' | '\u{2044}' | '\u{2215}' => '/',
        '\u{ff3c}' | '\u{fe68}' => '\\',
        c => c,
    };
    // One letter that stands for two dots.
    segment.replace('\u{2025}', "..").chars().map(plain).collect()
}

/// Why a path pattern of a manifest or a grant can never match, or is not what its author thinks: what was expected.
///
/// # Errors
/// What a pattern has to be.
pub(crate) fn check_pattern(pattern: &str) -> Result<(), &'static str> {
    if !pattern.starts_with('/') {
        return Err("a path pattern that starts with `/`");
    }
    let segments = || pattern.split('/').skip(1);
    if segments().any(|s| s == "." || s == "..") {
        return Err("a path pattern without `.` and `..` segments");
    }
    if segments().any(|s| s.contains('*') && s != "*" && s != "**") {
        return Err("`*` (one segment) or `**` (any number) as a whole segment");
    }
    if pattern.contains(['?', '#', ';', '\\']) {
        return Err("a path pattern without query, fragment, `;` and backslash");
    }
    let bytes = pattern.as_bytes();
    if (0..bytes.len()).any(|at| escape(bytes, at).is_some()) {
        return Err("a path pattern in plain characters: paths are decoded before they are compared");
    }
    if pattern.chars().any(char::is_control) {
        return Err("a path pattern without control characters");
    }
    if pattern.contains("//") {
        return Err("a path pattern without empty segments (`//`)");
    }
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn attacks_are_refused_with_their_reason() {
        let cases = [
            ("a", "start with"),
            ("//", "empty segment"),
            ("//evil.example/x", "empty segment"),
            ("/a//b", "empty segment"),
            ("/..", "dot segment"),
            ("/a/../b", "dot segment"),
            ("/a/./b", "dot segment"),
            ("/a/.", "dot segment"),
            ("/%2e%2e/b", "dot segment"),
            ("/%2E./b", "dot segment"),
            ("/.%2e", "dot segment"),
            ("/a%2fb", "encoded slash"),
            ("/a%2Fb", "encoded slash"),
            ("/a%5cb", "encoded backslash"),
            ("/a\\..\\b", "a backslash"),
            ("/a%00", "NUL"),
            ("/a\0", "NUL"),
            ("/a;x=1/b", "`;`"),
            ("/..;/admin", "`;`"),
            ("/a%3bx", "`;`"),
            ("/a\tb", "control"),
            ("/a%0d%0aX:%20y", "control"),
            ("/a%7f", "control"),
            ("/a%c2%85", "control"),
            ("/%252e%252e/b", "double"),
            ("/%252f", "double"),
            ("/%25%32%65", "double"),
            ("/%25%32e", "double"),
            ("/%2541", "double"),
            ("/%", "hexadecimal"),
            ("/%2", "hexadecimal"),
            ("/%zz", "hexadecimal"),
            ("/%u002e", "hexadecimal"),
            ("/%ff", "UTF-8"),
            ("/%c0%ae%c0%ae", "UTF-8"),
            ("/a#b", "fragment"),
        ];
        for (raw, reason) in cases {
            let refusal = decode(raw).unwrap_err().to_string();
            assert!(refusal.contains(reason), "{raw}: {refusal}");
        }
    }

    #[test]
    fn honest_paths_pass() {
        for (raw, expect) in [
            ("", "/"),
            ("/", "/"),
            ("/a/", "/a/"),
            ("/...", "/..."),
            ("/.well-known/x", "/.well-known/x"),
            ("/a..b/..c", "/a..b/..c"),
            ("/a%20b", "/a b"),
            ("/%25", "/%"),
            ("/%25zz", "/%zz"),
            ("/ünï", "/ünï"),
            ("/a:b@c,d=e!$&'()*+", "/a:b@c,d=e!$&'()*+"),
        ] {
            assert_eq!(decode(raw).unwrap(), expect);
            assert_eq!(decode(&encode(expect)).unwrap(), expect);
        }
    }

    #[test]
    fn patterns_that_cannot_match_are_refused() {
        for good in ["/", "/**", "/a/*/b", "/**/x", "/100%", "/a/"] {
            check_pattern(good).unwrap();
        }
        for bad in [
            "", "a", "/../x", "/a/./b", "/a*", "/***", "/a?x", "/a#x", "/a;b", "/a\\b", "/a%20b", "/a\n", "//a",
            "/a//b",
        ] {
            check_pattern(bad).unwrap_err();
        }
    }
}
