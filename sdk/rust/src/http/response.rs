//! What comes back.

use super::{Error, date};
use serde::de::DeserializeOwned;
use std::borrow::Cow;

/// An answer with its whole body.
#[derive(Debug, Clone)]
pub struct Response {
    pub(super) request: String,
    pub(super) status: u16,
    pub(super) headers: Vec<(String, Vec<u8>)>,
    pub(super) body: Vec<u8>,
}

impl Response {
    /// The status, such as 200.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Whether the status is 200 to 299.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The first header of this name, whatever its case, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.and_then(|(_, value)| std::str::from_utf8(value).ok())
    }

    /// The body.
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// The body as text; what is no UTF-8 is replaced.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The address of the next page, from the header `Link` (RFC 8288, `rel="next"`).
    pub fn next_link(&self) -> Option<&str> {
        self.header("link")?.split(',').find_map(|link| {
            let (target, parameters) = link.split_once('>')?;
            let next = parameters
                .split(';')
                .any(|p| matches!(p.trim(), "rel=\"next\"" | "rel=next"));
            next.then(|| target.trim().trim_start_matches('<'))
        })
    }

    /// The body as JSON, after [`error_for_status`](Self::error_for_status).
    pub fn json<T: DeserializeOwned>(self) -> Result<T, Error> {
        let answer = self.error_for_status()?;
        // Some tools put a byte order mark before it, which a reader may skip (RFC 8259, 8.1).
        let text = answer.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&answer.body);
        serde_json::from_slice(text).map_err(|e| Error::Body {
            reason: e.to_string(),
            begin: beginning(&answer.body),
            request: answer.request,
        })
    }

    /// The answer itself where its status is 200 to 299; else an error, which becomes the failure that fits: 401 and
    /// 403 the credential's, 404 and 410 not found, 429 (or `Retry-After` with 403 and 503) to be retried after that
    /// time, 408 and all from 500 on unavailable, the rest failed.
    pub fn error_for_status(self) -> Result<Self, Error> {
        if self.is_success() {
            return Ok(self);
        }
        let now = crate::clock::now();
        let retry_after = self
            .header("retry-after")
            .and_then(|value| date::retry_after(value, now));
        Err(Error::Status {
            status: self.status,
            retry_after,
            begin: beginning(&self.body),
            request: self.request,
        })
    }
}

/// The first words of a body, on one line, for an error.
fn beginning(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(400)]);
    let words: Vec<&str> = text.split_whitespace().collect();
    // Not every database and terminal takes control characters, such as a zero byte.
    let mut line = words.join(" ").replace(char::is_control, "\u{fffd}");
    if let Some((at, _)) = line.char_indices().nth(160) {
        line.truncate(at);
        line.push('…');
    }
    line
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::failure::Failure;
    use std::time::Duration;

    fn answer(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Response {
        let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), v.as_bytes().to_vec()));
        Response {
            request: "GET http://x/a".to_owned(),
            status,
            headers: headers.collect(),
            body: body.as_ref().to_vec(),
        }
    }

    fn failure(answer: Response) -> Failure {
        answer.json::<Vec<u8>>().unwrap_err().into()
    }

    #[test]
    fn a_status_becomes_the_failure_that_fits() {
        assert!(matches!(failure(answer(401, &[], "")), Failure::Unauthorized(_)));
        assert!(matches!(failure(answer(403, &[], "")), Failure::Unauthorized(_)));
        assert!(matches!(failure(answer(404, &[], "")), Failure::NotFound(_)));
        assert!(matches!(failure(answer(500, &[], "")), Failure::Unavailable(_)));
        assert!(matches!(failure(answer(400, &[], "")), Failure::Failed(_)));
        let wait = |seconds| Failure::RateLimited(Duration::from_secs(seconds));
        assert_eq!(failure(answer(429, &[("Retry-After", "7")], "")), wait(7));
        assert_eq!(failure(answer(429, &[], "")), wait(30));
        assert_eq!(failure(answer(503, &[("retry-after", "2")], "")), wait(2));
    }

    #[test]
    fn errors_show_how_the_body_begins() {
        let words = failure(answer(502, &[], "<html>\n  Bad gateway")).to_string();
        assert_eq!(
            words,
            "the tool is unavailable: GET http://x/a answered 502: <html> Bad gateway"
        );
        let words = failure(answer(200, &[], "<html>")).to_string();
        assert!(
            words.starts_with("GET http://x/a answered no JSON of the expected shape"),
            "{words}"
        );
        assert!(words.ends_with("<html>"), "{words}");
    }

    #[test]
    fn a_whole_body_that_is_no_json_has_failed_whatever_its_bytes() {
        for (body, ends) in [
            (&b""[..], "; it is empty"),
            (b"\0\0", "; it begins with: \u{fffd}\u{fffd}"),
            (b"[\"\xe9\"]", "; it begins with: [\"\u{fffd}\"]"),
            (
                b"\xff\xfe[\0]\0",
                "; it begins with: \u{fffd}\u{fffd}[\u{fffd}]\u{fffd}",
            ),
        ] {
            let Failure::Failed(words) = failure(answer(200, &[], body)) else {
                panic!("{body:?} became another failure");
            };
            assert!(
                words.starts_with("GET http://x/a answered no JSON") && words.ends_with(ends),
                "{words}"
            );
        }
        let marked = answer(200, &[], b"\xef\xbb\xbf[1]");
        assert_eq!(marked.json::<Vec<u8>>(), Ok(vec![1]));
    }

    #[test]
    fn finds_the_next_page() {
        let header = r#"<http://x/a?page=1>; rel="prev", <http://x/a?page=3>; rel="next""#;
        assert_eq!(
            answer(200, &[("Link", header)], "").next_link(),
            Some("http://x/a?page=3")
        );
        assert_eq!(answer(200, &[], "").next_link(), None);
    }
}
