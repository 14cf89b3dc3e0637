//! From the core module that the linker makes to a component.

use wit_component::ComponentEncoder;

/// Makes a component of a core module that was built with the SDK. It imports what the module's code reaches.
///
/// # Errors
/// What does not fit, and what to do about it where that is known.
pub fn component(module: &[u8]) -> Result<Vec<u8>, String> {
    let encoded = ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|mut e| e.encode());
    encoded.map_err(|error| {
        let error = format!("{error:#}");
        let hint = hint(&error);
        format!("the module makes no component: {error}{hint}")
    })
}

fn hint(error: &str) -> &'static str {
    if error.contains("wbindgen") {
        "\nA dependency was built for browsers (wasm-bindgen). Turn off its feature `js`, `wasmbind` or `wasm-bindgen`; \
         for time and randomness use seawall_sdk::clock and seawall_sdk::random."
    } else {
        ""
    }
}
