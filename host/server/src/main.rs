//! The binary `seawall`: the server and its command line.

use std::process::ExitCode;

/// Mapping and the index allocate much and small: with it an item takes a fifth less of processor time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    seawall_server::cli::main()
}
