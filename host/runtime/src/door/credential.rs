//! Attaches a credential to a request. Its secret never enters the guest.

use super::redact::Redactor;
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use seawall_domain::manifest::Attach;

/// A secret and how it is attached. Never printed.
#[derive(Clone)]
pub struct Secret {
    attach: Attach,
    value: String,
}

impl Secret {
    /// A secret that is attached in this way. For `Basic` the value is `user:password`.
    pub fn new(attach: Attach, value: String) -> Self {
        Self { attach, value }
    }

    /// How it is attached.
    pub(super) fn attach_as(&self) -> &Attach {
        &self.attach
    }

    /// Attaches it to `headers` or to `path` (with query), and drops the guest's own header or parameter of that name.
    /// Returns the path to send.
    pub(super) fn attach(&self, headers: &mut HeaderMap, path: &str) -> Result<String, String> {
        let (name, value) = match &self.attach {
            Attach::Bearer => (header::AUTHORIZATION, format!("Bearer {}", self.value)),
            Attach::Basic => (header::AUTHORIZATION, format!("Basic {}", STANDARD.encode(&self.value))),
            Attach::Header { name, prefix } => {
                let name = HeaderName::try_from(name.as_str()).map_err(|e| format!("the header `{name}`: {e}"))?;
                (name, format!("{prefix}{}", self.value))
            }
            Attach::Query { name } => return Ok(with_parameter(path, name, &self.value)),
        };
        let mut value = HeaderValue::try_from(value).map_err(
            |_| "the credential's secret has characters that no header may have; is there a line break in it?",
        )?;
        value.set_sensitive(true);
        headers.remove(&name);
        headers.insert(name, value);
        Ok(path.to_owned())
    }

    /// Finds the secret in each form in which a tool may echo it.
    pub(super) fn redactor(&self) -> Redactor {
        let mut needles = vec![
            self.value.clone().into_bytes(),
            STANDARD.encode(&self.value).into_bytes(),
        ];
        needles.push(
            url::form_urlencoded::byte_serialize(self.value.as_bytes())
                .collect::<String>()
                .into_bytes(),
        );
        if let Some((_, password)) = self.value.split_once(':').filter(|_| self.attach == Attach::Basic) {
            needles.push(password.as_bytes().to_vec());
        }
        // A JSON string escapes quotes and backslashes, and in some libraries slashes.
        let json = self.value.replace('\\', "\\\\").replace('"', "\\\"");
        needles.push(json.replace('/', "\\/").into_bytes());
        needles.push(json.into_bytes());
        // Percent escapes come in small letters too; base64 without padding, and in the alphabet for URLs.
        let percent = |upper: bool| {
            let escape = |byte: u8| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
                _ if upper => format!("%{byte:02X}"),
                _ => format!("%{byte:02x}"),
            };
            self.value.bytes().map(escape).collect::<String>().into_bytes()
        };
        needles.extend([percent(true), percent(false)]);
        needles.push(STANDARD_NO_PAD.encode(&self.value).into_bytes());
        needles.push(URL_SAFE_NO_PAD.encode(&self.value).into_bytes());
        Redactor::new(needles)
    }
}

fn with_parameter(path: &str, name: &str, value: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut out = url::form_urlencoded::Serializer::new(String::new());
    out.extend_pairs(url::form_urlencoded::parse(query.as_bytes()).filter(|(k, _)| k != name));
    out.append_pair(name, value);
    format!("{path}?{}", out.finish())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn replaces_the_guests_own_header_and_parameter() {
        let mut headers = HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_static("Bearer mine"))]);
        Secret::new(Attach::Bearer, "s3cret-value".into())
            .attach(&mut headers, "/a")
            .unwrap();
        assert_eq!(
            headers.get_all(header::AUTHORIZATION).iter().collect::<Vec<_>>(),
            ["Bearer s3cret-value"]
        );
        let query = Secret::new(Attach::Query { name: "key".into() }, "a&b".into());
        assert_eq!(
            query.attach(&mut headers, "/a?key=mine&x=1").unwrap(),
            "/a?x=1&key=a%26b"
        );
    }

    #[test]
    fn finds_the_secret_in_the_forms_in_which_tools_echo_it() {
        let secret = Secret::new(Attach::Basic, "ann:a/b\"c+d~?ü".into());
        let redactor = secret.redactor();
        for echo in [
            "ann:a/b\"c+d~?ü",
            "a/b\"c+d~?ü",
            r#"ann:a/b\"c+d~?ü"#,
            r#"ann:a\/b\"c+d~?ü"#,
            "ann%3Aa%2Fb%22c%2Bd~%3F%C3%BC",
            "ann%3aa%2fb%22c%2bd~%3f%c3%bc",
            "YW5uOmEvYiJjK2R+P8O8",
            "YW5uOmEvYiJjK2R-P8O8",
        ] {
            let mut value = HeaderValue::from_bytes(format!("<{echo}>").as_bytes()).unwrap();
            redactor.header(&mut value);
            let left = String::from_utf8_lossy(value.as_bytes()).replace('*', "");
            assert!(left.len() <= "<ann:>".len(), "{echo} became {left}");
        }
    }

    #[test]
    fn says_why_a_secret_cannot_be_a_header() {
        let broken = Secret::new(Attach::Bearer, "line\nbreak".into());
        assert!(
            broken
                .attach(&mut HeaderMap::new(), "/")
                .unwrap_err()
                .contains("line break")
        );
    }
}
