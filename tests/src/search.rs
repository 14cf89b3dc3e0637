//! Looks for secrets in all that a host leaves behind and shows.

use crate::Seawall;
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use std::path::Path;

/// A secret in the forms in which it might stand somewhere: plain, in base64 (at each of the three places where another text may
/// have begun before it), and percent-encoded.
pub fn forms(secret: &str) -> Vec<String> {
    let encoded = percent_encode(secret.as_bytes(), NON_ALPHANUMERIC).to_string();
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let mut all = vec![secret.to_owned(), encoded.to_lowercase(), encoded, form];
    for before in 0..3 {
        let text = [&b"xxx"[..before], secret.as_bytes()].concat();
        // Characters that hold bits of what stands before or behind are left out.
        let from = [0, 2, 3][before];
        let sure = text.len() * 8 / 6;
        for encoded in [STANDARD.encode(&text), URL_SAFE_NO_PAD.encode(&text)] {
            all.extend(encoded.get(from..sure).map(str::to_owned));
        }
    }
    all.sort();
    all.dedup();
    all
}

impl Seawall {
    /// Asserts that none of these secrets, in none of their [`forms`], is in a file of the data folder (database, log, plugins,
    /// compiled code), in a row of the database (unpacked where it is compressed) or in an answer of the API: of everything that
    /// it lists, metrics included.
    ///
    /// # Panics
    /// With the place and the form where one is.
    pub async fn assert_nowhere(&self, secrets: &[&str]) {
        let mut places = Vec::new();
        files(self.data(), &mut places);
        rows(&self.data().join("seawall.db"), &mut places).expect("the database");
        for path in self.everything().await {
            let text = self.text(&path).await;
            places.push((path, text.into_bytes()));
        }
        assert!(places.len() > 15, "there was nothing to search: {}", places.len());
        for secret in secrets {
            assert!(secret.len() >= 6, "too short to be found for sure: {secret}");
            for form in forms(secret) {
                let finder = memchr::memmem::Finder::new(&form);
                for (place, bytes) in &places {
                    assert!(finder.find(bytes).is_none(), "{place} holds {form}");
                }
            }
        }
    }

    /// Every list of the API, and what they list.
    async fn everything(&self) -> Vec<String> {
        let document: serde_json::Value =
            serde_json::from_str(&self.text("/api/v1/openapi.json").await).unwrap_or_default();
        let paths = document["paths"].as_object().cloned().unwrap_or_default();
        let mut all: Vec<String> = vec!["/metrics".into(), "/".into(), "/api/v1/events?after=0".into()];
        for (path, methods) in paths {
            if methods.get("get").is_none() {
                continue;
            }
            match path.split_once('{') {
                None => all.push(path),
                Some(_) => {
                    for (start, key) in NAMED {
                        let Some(rest) = path.strip_prefix(start) else { continue };
                        let list = self.text(&format!("{start}?limit=1000")).await;
                        let list: serde_json::Value = serde_json::from_str(&list).unwrap_or_default();
                        for item in list["items"].as_array().into_iter().flatten() {
                            let name = item[*key]
                                .as_str()
                                .map_or_else(|| item[*key].to_string(), str::to_owned);
                            let rest = rest.split_once('}').map_or("", |(_, rest)| rest);
                            if !rest.contains('{') {
                                all.push(format!("{start}/{name}{rest}"));
                            }
                        }
                    }
                }
            }
        }
        all
    }

    async fn text(&self, path: &str) -> String {
        let request = self.request(reqwest::Method::GET, path);
        let mut response = request.send().await.expect("an answer");
        let kind = response.headers().get(reqwest::header::CONTENT_TYPE);
        if !kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream")) {
            return response.text().await.expect("a body");
        }
        // A stream has no end: what it holds by now comes at once.
        let mut all = Vec::new();
        let pause = std::time::Duration::from_millis(500);
        while let Ok(Ok(Some(part))) = tokio::time::timeout(pause, response.chunk()).await {
            all.extend_from_slice(&part);
        }
        String::from_utf8_lossy(&all).into_owned()
    }
}

/// Lists of what has a name, and the field that holds it.
const NAMED: &[(&str, &str)] = &[
    ("/api/v1/blueprints", "identifier"),
    ("/api/v1/integrations", "name"),
    ("/api/v1/plugins", "name"),
    ("/api/v1/passes", "id"),
    ("/api/v1/runs", "id"),
    ("/api/v1/deliveries", "id"),
];

fn files(folder: &Path, into: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).expect("the folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, into);
        } else if let Ok(bytes) = std::fs::read(&path) {
            into.push((path.display().to_string(), bytes));
        }
    }
}

/// What is in each row, since bodies are compressed in the file.
fn rows(database: &Path, into: &mut Vec<(String, Vec<u8>)>) -> rusqlite::Result<()> {
    const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
    let database = rusqlite::Connection::open(database)?;
    let mut tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'")?;
    let tables: Vec<String> = tables.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for table in tables {
        let mut all = database.prepare(&format!("SELECT * FROM \"{table}\""))?;
        let columns = all.column_count();
        let mut whole = Vec::new();
        let mut rows = all.query([])?;
        while let Some(row) = rows.next()? {
            for column in 0..columns {
                let value = row.get_ref(column)?;
                if let rusqlite::types::ValueRef::Text(bytes) | rusqlite::types::ValueRef::Blob(bytes) = value {
                    match zstd::decode_all(bytes).ok().filter(|_| bytes.starts_with(&ZSTD)) {
                        Some(unpacked) => whole.extend(unpacked),
                        None => whole.extend(bytes),
                    }
                    whole.push(b'\n');
                }
            }
        }
        into.push((format!("the table {table}"), whole));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_in_each_form_wherever_it_begins() {
        let secret = "s3cret/never+in~a-guest";
        let forms = forms(secret);
        let is_found = |text: &str| forms.iter().any(|form| text.contains(form.as_str()));
        for before in ["", "a", "ab", "user:", "x-token: "] {
            for after in ["", "b", "\r\n", "behind"] {
                let whole = format!("{before}{secret}{after}");
                assert!(is_found(&whole) && is_found(&STANDARD.encode(&whole)), "{whole}");
                assert!(is_found(&URL_SAFE_NO_PAD.encode(&whole)), "{whole}");
            }
        }
        assert!(is_found("?key=s3cret%2Fnever%2Bin%7Ea-guest&x") && is_found("s3cret%2fnever%2bin%7ea%2dguest"));
        assert!(!is_found("s3cret/never+in~a-gues") && !is_found("another text"));
    }
}
