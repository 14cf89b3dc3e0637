//! The binary `seawall`: the server and its command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    seawall_server::cli::main()
}
