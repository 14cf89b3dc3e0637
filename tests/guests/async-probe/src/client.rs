//! Requests through `wasi:http/client`.

use crate::{
    exports::seawall::plugin::ingestor::Failure,
    wasi::http::{
        client,
        types::{ErrorCode, Headers, Method, Request, Response, Scheme},
    },
    wit_future, wit_stream,
};
use futures::future::join;

/// What a tool has answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn is_good(&self) -> bool {
        self.status == 200
    }
}

/// GET, or POST with a body of so many bytes.
pub(crate) async fn send(url: &str, bytes: Option<usize>) -> Result<Answer, Failure> {
    let failed = |code: ErrorCode| match code {
        ErrorCode::HttpRequestDenied => Failure::Failed(format!("{url}: denied")),
        code => Failure::Unavailable(format!("{url}: {code:?}")),
    };
    let (scheme, rest) = match url.split_once("://") {
        Some(("http", rest)) => (Scheme::Http, rest),
        Some(("https", rest)) => (Scheme::Https, rest),
        _ => return Err(Failure::InvalidConfig(format!("{url} is no address"))),
    };
    let (authority, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    let (body, contents) = match bytes {
        Some(_) => {
            let (writer, reader) = wit_stream::new::<u8>();
            (Some(writer), Some(reader))
        }
        None => (None, None),
    };
    let (trailers, no_trailers) = wit_future::new(|| Ok(None));
    let (request, _sent) = Request::new(Headers::new(), contents, no_trailers, None);
    let invalid = |()| Failure::InvalidConfig(format!("{url} is no address"));
    let method = if bytes.is_some() { Method::Post } else { Method::Get };
    request.set_method(&method).map_err(invalid)?;
    request.set_scheme(Some(&scheme)).map_err(invalid)?;
    request.set_authority(Some(authority)).map_err(invalid)?;
    request.set_path_with_query(Some(path)).map_err(invalid)?;
    let writing = async {
        if let (Some(mut body), Some(bytes)) = (body, bytes) {
            body.write_all(vec![b'x'; bytes]).await;
        }
        // Dropped, it says that there are none.
        drop(trailers);
    };
    let (response, ()) = join(client::send(request), writing).await;
    let response = response.map_err(failed)?;
    let status = response.get_status_code();
    let (done, result) = wit_future::new(|| Ok(()));
    let (contents, end) = Response::consume_body(response, result);
    drop(done);
    let body = contents.collect().await;
    end.await.map_err(failed)?;
    Ok(Answer { status, body })
}
