//! Attaches a credential to a request. Its secret never enters the guest.

use super::redact::Redactor;
use base64::{Engine as _, engine::general_purpose::STANDARD};
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
        // A JSON string escapes quotes, backslashes and slashes.
        needles.push(self.value.replace('\\', "\\\\").replace('"', "\\\"").into_bytes());
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
