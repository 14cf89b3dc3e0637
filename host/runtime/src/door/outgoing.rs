//! A guest's request as it leaves: where it leads, and what of it is sent.

use super::{Bounds, Door, Secret, Stopped, client::Outgoing};
use http::{Request, Uri, header, request::Parts};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use seawall_domain::{
    CredentialName,
    egress::{
        self, Target,
        attach::{GuestHeader, guest_header},
    },
};
use std::sync::Arc;
use wasmtime_wasi_http::WasiBody;

impl Door {
    /// Leaves out what the guest may not say, and gives the request the normalised address.
    pub(super) fn prepare(
        &self,
        request: Request<WasiBody>,
        target: &Target,
        credential: Option<&(CredentialName, Secret)>,
        bounds: &Arc<Bounds>,
    ) -> Result<(Parts, Outgoing), Stopped> {
        let (mut parts, body) = request.into_parts();
        // What was judged is what is sent.
        let path = target.path_and_query();
        let attached = credential.map(|(_, secret)| secret.attach_as());
        let names: Vec<_> = parts.headers.keys().cloned().collect();
        for name in names {
            match guest_header(name.as_str(), attached) {
                GuestHeader::Sent => {}
                GuestHeader::Dropped => drop(parts.headers.remove(name)),
                GuestHeader::Refused => {
                    let why =
                        format!("the header `{name}` would say something else than the request does; leave it out");
                    return Err(Stopped::refused(why, None));
                }
            }
        }
        if credential.is_some() {
            // An echo of the secret is found in plain text only.
            let plain = header::HeaderValue::from_static("identity");
            parts.headers.insert(header::ACCEPT_ENCODING, plain);
        }
        if !parts.headers.contains_key(header::USER_AGENT) {
            parts.headers.insert(
                header::USER_AGENT,
                header::HeaderValue::from_static(concat!("seawall/", env!("CARGO_PKG_VERSION"))),
            );
        }
        let uri = format!("{}://{}{path}", target.scheme.as_str(), target.authority());
        parts.uri = uri
            .parse::<Uri>()
            .map_err(|e| Stopped::refused(format!("the address is not valid: {e}"), None))?;
        parts.version = http::Version::HTTP_11;
        Ok((parts, bounds.outgoing(body)))
    }
}

/// The place that a request names, in its one form.
pub(super) fn normalise(uri: &Uri) -> Result<Target, Stopped> {
    let scheme = uri.scheme_str().unwrap_or("https");
    let authority = uri.authority().map_or("", |a| a.as_str());
    let path = uri.path_and_query().map_or("/", |p| p.as_str());
    egress::normalise(scheme, authority, path).map_err(|refusal| Stopped::refused(refusal.to_string(), None))
}

/// Whether a request can be sent once more: it changes nothing at the tool, and its body, which is gone then, says nothing.
pub(super) fn is_repeatable(parts: &Parts, body: &Outgoing) -> bool {
    let says_something = [header::CONTENT_TYPE, header::CONTENT_LENGTH];
    let is_bare = !says_something.iter().any(|name| parts.headers.contains_key(name));
    parts.method.is_safe() && (body.is_end_stream() || is_bare)
}

/// A body of nothing.
pub(super) fn nothing() -> WasiBody {
    Full::default().map_err(|never| match never {}).boxed_unsync()
}
