//! The binary `seawall`: HTTP API, sign-in, command line, wiring. The only crate that knows HTTP and its JSON.

pub mod cli;
pub mod demo;
pub mod http;
mod post;
pub mod serve;
