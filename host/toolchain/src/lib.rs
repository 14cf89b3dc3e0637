//! Makes and builds plugins from source, in each language that has an SDK.
//!
//! The WIT files, the SDKs and their templates are inside this crate, and are unpacked once into a cache folder, so
//! the `seawall` binary alone is enough. Languages' own tools are found on the machine, or installed into the same
//! cache the first time ([`Toolchain::ensure_wasm_target`] and its two siblings), and every step that takes long says
//! so through [`Options::progress`].
//!
//! ```no_run
//! use seawall_toolchain::{Lang, Options, Toolchain};
//!
//! # fn main() -> Result<(), seawall_toolchain::BuildError> {
//! let tools = Toolchain::from_env()?;
//! let folder = std::path::Path::new("inventory");
//! tools.new_plugin(Lang::Rust, "inventory", folder)?;
//! let built = tools.build(folder, &Options::new(&|line| eprintln!("{line}")))?;
//! println!("{} {}", built.digest, built.path.display());
//! # Ok(())
//! # }
//! ```

mod build;
mod cache;
mod command;
mod definitions;
mod embedded;
mod error;
mod lang;
mod project;
mod scaffold;
mod world;

pub use build::{Built, Options};
pub use cache::Toolchain;
pub use error::BuildError;
pub use lang::{
    Lang, detect,
    rust::{WasmTarget, component},
};

/// Told one line at a time what goes on.
pub type Progress<'a> = &'a dyn Fn(&str);
