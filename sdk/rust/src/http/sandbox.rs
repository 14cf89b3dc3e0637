//! Requests through `wasi:http`.

use super::{Error, Method, Request, Response, url::Parts};
use crate::bindings::wasi::{
    http::{
        outgoing_handler,
        types::{
            ErrorCode, Fields, IncomingBody, IncomingResponse, Method as WasiMethod, OutgoingBody, OutgoingRequest,
            RequestOptions, Scheme, http_error_code,
        },
    },
    io::streams::StreamError,
};

/// The most that `blocking-write-and-flush` takes.
const WRITE: usize = 4096;
/// What one call to the host reads at most.
const READ: u64 = 256 * 1024;

pub(super) fn send(request: &Request, parts: &Parts<'_>) -> Result<Response, Error> {
    let fail = |code: ErrorCode| from_code(request, &code);
    let invalid = |what: &str| Error::InvalidRequest {
        request: request.name(),
        reason: format!("the host does not take its {what}"),
    };

    let headers = Fields::from_list(&request.headers).map_err(|e| invalid(&format!("headers ({e:?})")))?;
    let outgoing = OutgoingRequest::new(headers);
    let scheme = if parts.https { Scheme::Https } else { Scheme::Http };
    outgoing
        .set_method(&method(request.method))
        .map_err(|()| invalid("method"))?;
    outgoing.set_scheme(Some(&scheme)).map_err(|()| invalid("scheme"))?;
    outgoing
        .set_authority(Some(parts.authority))
        .map_err(|()| invalid("host"))?;
    outgoing
        .set_path_with_query(Some(&parts.path))
        .map_err(|()| invalid("path"))?;

    // A host may refuse to bound a wait; it has limits of its own.
    let options = RequestOptions::new();
    let nanoseconds = u64::try_from(request.timeout.as_nanos()).unwrap_or(u64::MAX);
    let _ = options.set_connect_timeout(Some(nanoseconds));
    let _ = options.set_first_byte_timeout(Some(nanoseconds));
    let _ = options.set_between_bytes_timeout(Some(nanoseconds));

    let body = outgoing.body().map_err(|()| invalid("body"))?;
    let answer = outgoing_handler::handle(outgoing, Some(options)).map_err(fail)?;
    // A tool may answer before it has read the body, so a write that fails is not the last word.
    let written = write(body, request.body.as_deref().unwrap_or_default());
    answer.subscribe().block();
    match answer.get() {
        Some(Ok(Ok(incoming))) => read(request, incoming),
        Some(Ok(Err(code))) => Err(fail(code)),
        Some(Err(())) | None => Err(written.err().map_or_else(
            || unreachable(request, "the host gave no answer"),
            |code| code.map_or_else(|| unreachable(request, "the body could not be sent"), fail),
        )),
    }
}

fn write(body: OutgoingBody, bytes: &[u8]) -> Result<(), Option<ErrorCode>> {
    if !bytes.is_empty() {
        let stream = body.write().map_err(|()| None)?;
        for chunk in bytes.chunks(WRITE) {
            stream.blocking_write_and_flush(chunk).map_err(|error| match error {
                StreamError::LastOperationFailed(error) => http_error_code(&error),
                StreamError::Closed => None,
            })?;
        }
    }
    OutgoingBody::finish(body, None).map_err(Some)
}

fn read(request: &Request, incoming: IncomingResponse) -> Result<Response, Error> {
    let status = incoming.status();
    let headers = incoming.headers().entries();
    let consumed = "the body was taken already";
    let body: IncomingBody = incoming.consume().map_err(|()| unreachable(request, consumed))?;
    let stream = body.stream().map_err(|()| unreachable(request, consumed))?;
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(READ) {
            Ok(chunk) if bytes.is_empty() => bytes = chunk,
            Ok(chunk) => bytes.extend_from_slice(&chunk),
            Err(StreamError::Closed) => break,
            Err(StreamError::LastOperationFailed(error)) => {
                let code = http_error_code(&error);
                let broken = || unreachable(request, "the answer broke off");
                return Err(code.map_or_else(broken, |code| from_code(request, &code)));
            }
        }
    }
    Ok(Response {
        request: request.name(),
        status,
        headers,
        body: bytes,
    })
}

fn method(method: Method) -> WasiMethod {
    match method {
        Method::Get => WasiMethod::Get,
        Method::Head => WasiMethod::Head,
        Method::Post => WasiMethod::Post,
        Method::Put => WasiMethod::Put,
        Method::Patch => WasiMethod::Patch,
        Method::Delete => WasiMethod::Delete,
        Method::Options => WasiMethod::Options,
    }
}

fn unreachable(request: &Request, reason: &str) -> Error {
    Error::Unreachable {
        request: request.name(),
        reason: reason.to_owned(),
    }
}

fn from_code(of: &Request, code: &ErrorCode) -> Error {
    let request = of.name();
    let denied = |reason: &str| Error::Denied {
        request: of.name(),
        reason: reason.to_owned(),
    };
    let reason = match code {
        ErrorCode::HttpRequestDenied => return denied("not granted"),
        ErrorCode::DestinationIpProhibited => return denied("its address is private or otherwise not granted"),
        ErrorCode::HttpResponseBodySize(limit) => {
            let limit = limit.map(|n| format!("the body is larger than {n} bytes"));
            let reason = limit.unwrap_or_else(|| "the body is larger than the host allows".to_owned());
            return Error::TooLarge { request, reason };
        }
        ErrorCode::HttpResponseHeaderSectionSize(_) | ErrorCode::HttpResponseHeaderSize(_) => {
            let reason = "its headers are larger than the host allows".to_owned();
            return Error::TooLarge { request, reason };
        }
        ErrorCode::HttpRequestMethodInvalid
        | ErrorCode::HttpRequestUriInvalid
        | ErrorCode::HttpRequestUriTooLong
        | ErrorCode::HttpRequestBodySize(_)
        | ErrorCode::HttpRequestHeaderSectionSize(_)
        | ErrorCode::HttpRequestHeaderSize(_) => {
            let reason = format!("{code:?}");
            return Error::InvalidRequest { request, reason };
        }
        ErrorCode::DnsTimeout | ErrorCode::DnsError(_) => "its name could not be resolved".to_owned(),
        ErrorCode::ConnectionRefused => "the connection was refused".to_owned(),
        ErrorCode::ConnectionTerminated | ErrorCode::HttpResponseIncomplete => "the connection broke off".to_owned(),
        ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionReadTimeout
        | ErrorCode::ConnectionWriteTimeout
        | ErrorCode::HttpResponseTimeout => "it took too long".to_owned(),
        ErrorCode::TlsCertificateError => "its certificate is not trusted".to_owned(),
        ErrorCode::InternalError(Some(words)) => words.clone(),
        other => format!("{other:?}"),
    };
    Error::Unreachable { request, reason }
}
