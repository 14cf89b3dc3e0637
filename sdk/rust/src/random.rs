//! Randomness from the host.

/// 64 random bits, fit for identifiers and jitter.
pub fn u64() -> u64 {
    if cfg!(target_arch = "wasm32") {
        return crate::bindings::wasi::random::random::get_random_u64();
    }
    use std::hash::{BuildHasher, Hasher};
    std::hash::RandomState::new().build_hasher().finish()
}
