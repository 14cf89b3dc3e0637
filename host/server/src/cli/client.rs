//! The public HTTP API as the command line uses it; there is no other way to the catalog.

use crate::cli::{
    Global, args,
    error::{CliError, Problem, Result},
};
use reqwest::{Method, Url, header, multipart};
use seawall_domain::{oci::WASM, provenance::Provenance};
use serde_json::{Value, json};
use std::{path::PathBuf, time::Duration};

/// Talks to one server.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    base: Url,
    token: Option<String>,
    /// Who is at the keyboard, for the history of definitions.
    by: Option<String>,
    http: reqwest::Client,
}

/// What a request carries.
pub(crate) enum Body {
    Nothing,
    Json(Value),
    /// A component, with where it came from and its signatures.
    Plugin(Vec<u8>, Provenance),
}

impl Client {
    /// A client of the server that the command line or the environment names.
    pub(crate) fn new(global: &Global) -> Result<Self> {
        let token = match &global.token {
            Some(token) => Some(token.clone()),
            None => stored_token(&data_folder(None)),
        };
        let mut client = Self::to(&global.server, token)?;
        client.by = global.by.clone().or(client.by);
        Ok(client)
    }

    /// Who is at the keyboard.
    pub(crate) fn by(&self) -> Option<&str> {
        self.by.as_deref()
    }

    /// A client of `server`.
    pub(crate) fn to(server: &str, token: Option<String>) -> Result<Self> {
        let base = Url::parse(server)
            .map_err(|e| CliError::Usage(format!("--server {server}: {e}, such as http://127.0.0.1:7700")))?;
        if base.scheme() != "http" || !base.has_host() {
            return Err(CliError::Usage(format!(
                "--server {server}: expected http://HOST:PORT. The API is served on loopback; reach another machine's through a tunnel"
            )));
        }
        let http = reqwest::Client::builder()
            .user_agent(concat!("seawall/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(5))
            .no_proxy()
            .build()
            .map_err(|e| CliError::Failed(e.to_string()))?;
        Ok(Self {
            base,
            token,
            by: args::user(),
            http,
        })
    }

    /// The address.
    pub(crate) fn server(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    pub(crate) async fn get(&self, path: &[&str]) -> Result<Value> {
        self.get_with(path, &[]).await
    }

    pub(crate) async fn get_with(&self, path: &[&str], query: &[(&str, String)]) -> Result<Value> {
        self.send(Method::GET, path, query, Body::Nothing).await
    }

    pub(crate) async fn put(&self, path: &[&str], body: Value) -> Result<Value> {
        self.send(Method::PUT, path, &[], Body::Json(body)).await
    }

    pub(crate) async fn post(&self, path: &[&str], body: Body) -> Result<Value> {
        self.send(Method::POST, path, &[], body).await
    }

    /// All pages of a list, as one answer.
    pub(crate) async fn all(&self, path: &[&str], query: &[(&str, String)]) -> Result<Value> {
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut query = query.to_vec();
            query.push(("limit", "1000".into()));
            query.extend(cursor.take().map(|cursor| ("cursor", cursor)));
            let mut page = self.get_with(path, &query).await?;
            if let Some(Value::Array(more)) = page.get_mut("items").map(Value::take) {
                items.extend(more);
            }
            match page["next"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => return Ok(json!({"items": items, "next": null})),
            }
        }
    }

    /// Sends one request below `/api/v1`. An empty answer is null.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, String)],
        body: Body,
    ) -> Result<Value> {
        self.send_with(method, path, query, body, &[]).await
    }

    /// The same with further headers.
    pub(crate) async fn send_with(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, String)],
        body: Body,
        headers: &[(&str, String)],
    ) -> Result<Value> {
        let said = query.iter().any(|(name, _)| *name == "by");
        let by = self.by().filter(|_| !said && is_definition(&method, path));
        let mut request = self.http.request(method, self.url(path)?);
        if let Some(by) = by {
            request = request.query(&[("by", by)]);
        }
        if !query.is_empty() {
            request = request.query(query);
        }
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        request = match body {
            Body::Nothing => request,
            Body::Json(value) => request.json(&value),
            Body::Plugin(bytes, provenance) if provenance == Provenance::file() => {
                request.header(header::CONTENT_TYPE, WASM).body(bytes)
            }
            Body::Plugin(bytes, provenance) => {
                let provenance = serde_json::to_string(&provenance).map_err(|e| CliError::Failed(e.to_string()))?;
                let component = multipart::Part::bytes(bytes).file_name("component.wasm");
                let form = multipart::Form::new().part("component", component);
                request.multipart(form.text("provenance", provenance))
            }
        };
        let response = request.send().await.map_err(|e| self.lost(&e))?;
        let status = response.status();
        let bytes = response.bytes().await.map_err(|e| self.lost(&e))?;
        if !status.is_success() {
            return Err(CliError::Refused(Box::new(Problem::read(status.as_u16(), &bytes))));
        }
        if bytes.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&bytes).map_err(|e| {
            CliError::Failed(format!(
                "{} answered something that is no JSON ({e}); is it a Seawall server?",
                self.server()
            ))
        })
    }

    fn url(&self, path: &[&str]) -> Result<Url> {
        // An address has these mean the folder and the one above it, however they are written (WHATWG's URL standard, 4.1).
        if let Some(dots) = path.iter().find(|part| matches!(**part, "." | "..")) {
            return Err(CliError::Usage(format!(
                "`{dots}` cannot stand in an address; such an identifier is read by a list, as in `seawall catalog list BLUEPRINT`, \
                 and written by `seawall catalog put FILE`"
            )));
        }
        let mut url = self.base.clone();
        match url.path_segments_mut() {
            Ok(mut segments) => segments.pop_if_empty().extend(["api", "v1"]).extend(path),
            Err(()) => return Err(CliError::Usage(format!("--server {}: no address", self.base))),
        };
        Ok(url)
    }

    fn lost(&self, error: &reqwest::Error) -> CliError {
        let mut why: &dyn std::error::Error = error;
        // The innermost cause is the one that people know: `Connection refused`.
        while let Some(source) = why.source() {
            why = source;
        }
        CliError::Unreachable {
            server: self.server().to_owned(),
            why: why.to_string(),
        }
    }
}

/// Whether a request changes a definition, which takes who does it.
fn is_definition(method: &Method, path: &[&str]) -> bool {
    let puts = *method == Method::PUT || *method == Method::DELETE;
    let posts = *method == Method::POST;
    match path {
        ["settings" | "retention" | "policy"]
        | [
            "blueprints" | "integrations" | "credentials" | "views" | "subscriptions" | "settings",
            _,
        ]
        | ["integrations", _, "mapping"]
        | ["definitions", _, _] => puts,
        ["integrations", _, "mapping", "rollback"] => posts,
        ["subscriptions", _, "pause" | "resume" | "rotate"] => posts,
        _ => false,
    }
}

/// Where `serve` keeps its data: what was given, or the user's data folder.
pub(crate) fn data_folder(given: Option<PathBuf>) -> PathBuf {
    let variable = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    given
        .or_else(|| variable("SEAWALL_DATA"))
        .or_else(|| variable("XDG_DATA_HOME").map(|folder| folder.join("seawall")))
        .or_else(|| variable("HOME").map(|home| home.join(".local/share/seawall")))
        .unwrap_or_else(|| PathBuf::from("seawall-data"))
}

/// Where what can be made again is kept: `$SEAWALL_CACHE`, or the user's cache folder.
pub(crate) fn cache_folder() -> PathBuf {
    let variable = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    variable("SEAWALL_CACHE")
        .or_else(|| variable("XDG_CACHE_HOME").map(|folder| folder.join("seawall")))
        .or_else(|| variable("HOME").map(|home| home.join(".cache/seawall")))
        .unwrap_or_else(|| PathBuf::from("seawall-cache"))
}

/// The token that `serve` made on its first start.
pub(crate) fn stored_token(data: &std::path::Path) -> Option<String> {
    let token = std::fs::read_to_string(data.join("token")).ok()?;
    Some(token.trim().to_owned()).filter(|token| !token.is_empty())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_segment_of_the_path_may_hold_anything() {
        let client = Client::to("http://127.0.0.1:1/base/", None).unwrap();
        let url = client.url(&["blueprints", "a/b", "entities", "x?y#z ü%"]).unwrap();
        assert_eq!(
            url.as_str(),
            "http://127.0.0.1:1/base/api/v1/blueprints/a%2Fb/entities/x%3Fy%23z%20%C3%BC%25"
        );
    }

    #[test]
    fn only_plain_http_is_spoken() {
        Client::to("https://example.com", None).unwrap_err();
        Client::to("127.0.0.1:7700", None).unwrap_err();
    }
}
