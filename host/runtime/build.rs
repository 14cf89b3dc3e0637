//! Hands the full version of wasmtime to the crate: the key of the cache of compiled code needs it, and wasmtime does
//! not export it.

fn main() {
    let lock = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock");
    println!("cargo::rerun-if-changed={lock}");
    let text = std::fs::read_to_string(lock).unwrap_or_default();
    let version = text
        .split("[[package]]")
        .find(|p| p.contains("name = \"wasmtime\"\n"))
        .and_then(|p| p.split("version = \"").nth(1))
        .and_then(|p| p.split('"').next());
    match version {
        Some(version) => println!("cargo::rustc-env=SEAWALL_WASMTIME_VERSION={version}"),
        None => println!("cargo::error=Cargo.lock does not name the version of wasmtime"),
    }
}
