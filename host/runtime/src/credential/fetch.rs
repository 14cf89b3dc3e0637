//! The host's own requests for tokens and secrets. Their addresses are the operator's, written in a credential, and no plugin
//! has a say in them: so they do not pass a plugin's door.

use super::Unminted;
use crate::door::tls::{self, Trust};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::{client::legacy, rt::TokioExecutor};
use std::{error::Error, time::Duration};

/// Answers are small; more is not read.
const MOST: usize = 1 << 20;
const PATIENCE: Duration = Duration::from_secs(15);

/// Sends a request whose body is whole, and reads the whole answer. Redirects are not followed: a secret goes where the
/// operator wrote and nowhere else.
pub(super) async fn fetch(request: Request<Vec<u8>>, ca: Option<&str>) -> Result<Response<Vec<u8>>, Unminted> {
    let place = place(request.uri());
    let answer = tokio::time::timeout(PATIENCE, exchange(request, ca)).await;
    match answer {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(why)) => Err(Unminted::later(format!("{place}: {why}"))),
        Err(_) => Err(Unminted::later(format!(
            "{place}: no answer within {} s",
            PATIENCE.as_secs()
        ))),
    }
}

async fn exchange(request: Request<Vec<u8>>, ca: Option<&str>) -> Result<Response<Vec<u8>>, String> {
    let trust = Trust::of(ca, None)?;
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls::config(&trust)?)
        .https_or_http()
        .enable_all_versions()
        .build();
    let client = legacy::Client::builder(TokioExecutor::new()).build(connector);
    let request = request.map(|body| Full::new(Bytes::from(body)));
    let response = client.request(request).await.map_err(|e| root(&e))?;
    let (parts, body) = response.into_parts();
    let whole = Limited::new(body, MOST).collect().await;
    let whole = whole.map_err(|e| format!("its answer cannot be read: {}", root(&*e)))?;
    Ok(Response::from_parts(parts, whole.to_bytes().to_vec()))
}

/// The innermost cause, which is the one that helps.
fn root(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    while let Some(cause) = last.source() {
        last = cause;
    }
    last.to_string()
}

/// Scheme, host and path: a query could hold what is secret.
fn place(uri: &http::Uri) -> String {
    let scheme = uri.scheme_str().unwrap_or("https");
    let host = uri.authority().map_or("", |a| a.as_str());
    format!("{scheme}://{host}{}", uri.path())
}
