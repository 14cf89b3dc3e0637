//! Requests to the outside. All of them pass the host's door, which lets through what the manifest asked for and the
//! operator granted, and attaches the credential: a plugin never sees a secret.

mod date;
mod error;
mod request;
mod response;
mod url;

#[cfg(target_arch = "wasm32")]
mod sandbox;

pub use error::Error;
pub use request::{Method, Request};
pub use response::Response;
pub use url::{encode, join};

/// A GET request.
pub fn get(url: impl Into<String>) -> Request {
    Request::new(Method::Get, url)
}

/// A POST request.
pub fn post(url: impl Into<String>) -> Request {
    Request::new(Method::Post, url)
}

/// A PUT request.
pub fn put(url: impl Into<String>) -> Request {
    Request::new(Method::Put, url)
}

/// A PATCH request.
pub fn patch(url: impl Into<String>) -> Request {
    Request::new(Method::Patch, url)
}

/// A DELETE request.
pub fn delete(url: impl Into<String>) -> Request {
    Request::new(Method::Delete, url)
}

/// A request with any method.
pub fn request(method: Method, url: impl Into<String>) -> Request {
    Request::new(method, url)
}
