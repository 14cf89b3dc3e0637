//! Takes the compression off an answer to a request that a credential was attached to: what is redacted is plain text.

use async_compression::tokio::bufread::{GzipDecoder, ZlibDecoder};
use futures::TryStreamExt;
use http::{HeaderMap, header};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, StreamBody};
use std::io;
use tokio::io::AsyncRead;
use tokio_util::io::{ReaderStream, StreamReader};
use wasmtime_wasi_http::{Error, WasiBody};

/// The body without the encodings that its headers name, which go with them. Trailers go too where there are any.
///
/// # Errors
/// The encoding that is none of gzip and deflate (RFC 9110, 8.4.1).
pub(super) fn plain(headers: &mut HeaderMap, mut body: WasiBody) -> Result<WasiBody, String> {
    let encodings: Vec<String> = headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .flat_map(|value| value.to_str().unwrap_or("?").split(','))
        .map(|encoding| encoding.trim().to_ascii_lowercase())
        .filter(|encoding| !encoding.is_empty() && encoding != "identity")
        .collect();
    // An answer to HEAD names the encoding of a body that it does not have.
    if encodings.is_empty() || body.is_end_stream() {
        return Ok(body);
    }
    // The last one was put on last.
    for encoding in encodings.into_iter().rev() {
        let reader = StreamReader::new(body.into_data_stream().map_err(io::Error::other));
        body = match encoding.as_str() {
            "gzip" | "x-gzip" => {
                let mut decoder = GzipDecoder::new(reader);
                decoder.multiple_members(true);
                read(decoder)
            }
            "deflate" => read(ZlibDecoder::new(reader)),
            _ => return Err(encoding),
        };
    }
    headers.remove(header::CONTENT_ENCODING);
    headers.remove(header::CONTENT_LENGTH);
    Ok(body)
}

fn read(reader: impl AsyncRead + Send + 'static) -> WasiBody {
    let stream = ReaderStream::with_capacity(reader, 64 << 10);
    let stream = stream.map_ok(Frame::data).map_err(|error| {
        let inner = error.into_inner().map(|inner| inner.downcast::<Error>());
        match inner {
            // The connection's own failure.
            Some(Ok(error)) => *error,
            _ => Error::HttpResponseContentCoding(None),
        }
    });
    StreamBody::new(stream).boxed_unsync()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use async_compression::tokio::bufread::{GzipEncoder, ZlibEncoder};
    use bytes::Bytes;
    use http::HeaderValue;
    use http_body_util::Full;
    use tokio::io::AsyncReadExt;

    async fn all(mut reader: impl AsyncRead + Unpin) -> Vec<u8> {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).await.unwrap();
        bytes
    }

    fn answered(encoding: &'static str, body: &[u8]) -> (HeaderMap, WasiBody) {
        let headers = HeaderMap::from_iter([
            (header::CONTENT_ENCODING, HeaderValue::from_static(encoding)),
            (header::CONTENT_LENGTH, HeaderValue::from(body.len())),
        ]);
        let body = Full::new(Bytes::copy_from_slice(body));
        (headers, body.map_err(|never| match never {}).boxed_unsync())
    }

    #[tokio::test]
    async fn encodings_come_off_in_their_order_and_go_with_their_headers() {
        let text = b"the secret is plain again".as_slice();
        let gzip = all(GzipEncoder::new(text)).await;
        let both = all(GzipEncoder::new(all(ZlibEncoder::new(text)).await.as_slice())).await;
        for (encoding, body) in [
            ("gzip", &gzip),
            ("X-Gzip", &gzip),
            ("deflate, gzip", &both),
            ("identity", &text.to_vec()),
        ] {
            let (mut headers, body) = answered(encoding, body);
            let plain = plain(&mut headers, body).unwrap();
            assert_eq!(plain.collect().await.unwrap().to_bytes(), text, "{encoding}");
            assert_eq!(headers.contains_key(header::CONTENT_ENCODING), encoding == "identity");
        }
    }

    #[tokio::test]
    async fn what_cannot_be_decoded_is_an_error() {
        let (mut headers, body) = answered("br", b"x");
        assert_eq!(plain(&mut headers, body).err().as_deref(), Some("br"));
        let (mut headers, body) = answered("gzip", b"this is no gzip");
        let broken = plain(&mut headers, body).unwrap().collect().await.err();
        assert!(
            matches!(broken, Some(Error::HttpResponseContentCoding(None))),
            "{broken:?}"
        );
    }
}
