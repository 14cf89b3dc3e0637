//! Just enough of URLs to build and split them. The host normalises and judges them; here nothing is decoded.

/// The parts of `https://host:443/path?query` that a request is made of.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parts<'a> {
    pub(super) https: bool,
    pub(super) authority: &'a str,
    /// Begins with a slash; with the query, without the fragment.
    pub(super) path: String,
}

/// Splits a URL, or says what is wrong with it.
pub(super) fn split(url: &str) -> Result<Parts<'_>, &'static str> {
    let (scheme, rest) = url
        .split_once("://")
        .ok_or("it does not begin with http:// or https://")?;
    let https = match scheme.to_ascii_lowercase().as_str() {
        "https" => true,
        "http" => false,
        _ => return Err("it does not begin with http:// or https://"),
    };
    let rest = rest.split('#').next().unwrap_or(rest);
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    if authority.is_empty() {
        return Err("it has no host");
    }
    if authority.contains('@') {
        return Err("it holds a user name; give the credential to the integration instead");
    }
    if rest.contains(|c: char| c.is_ascii_control() || c == ' ') {
        return Err("it holds a space or a control character; use http::encode");
    }
    let path = match path.starts_with('/') {
        true => path.to_owned(),
        false => format!("/{path}"),
    };
    Ok(Parts { https, authority, path })
}

/// Percent-encodes text for one path segment or one query value: all but letters, digits, `-`, `.`, `_` and `~`.
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => {
                encoded.push('%');
                for half in [byte >> 4, byte & 15] {
                    encoded.push(
                        char::from_digit(u32::from(half), 16)
                            .unwrap_or('0')
                            .to_ascii_uppercase(),
                    );
                }
            }
        }
    }
    encoded
}

/// A path put below a base address, with one slash between them: `join("https://x/api/", "/v1")` is `https://x/api/v1`.
pub fn join(base: &str, path: &str) -> String {
    format!("{}/{}", base.trim_end_matches('/'), path.trim_start_matches('/'))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn splits_what_a_request_is_made_of() {
        let parts = split("HTTPS://a.example:8443/x/y?q=1#part").unwrap();
        assert_eq!(
            (parts.https, parts.authority, parts.path.as_str()),
            (true, "a.example:8443", "/x/y?q=1")
        );
        assert_eq!(split("http://a.example?q=1").unwrap().path, "/?q=1");
        assert_eq!(split("http://[::1]:80").unwrap().authority, "[::1]:80");
    }

    #[test]
    fn refuses_what_is_no_address() {
        for bad in [
            "a.example/x",
            "ftp://a.example",
            "https:///x",
            "http://u:p@a.example",
            "http://a.example/a b",
        ] {
            assert!(split(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn encodes_and_joins() {
        assert_eq!(encode("a/b ü~"), "a%2Fb%20%C3%BC~");
        assert_eq!(join("http://x/api/", "/v1"), "http://x/api/v1");
        assert_eq!(join("http://x", "v1"), "http://x/v1");
    }
}
