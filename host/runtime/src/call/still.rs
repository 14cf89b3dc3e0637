//! A clock that stands, and random numbers that follow from it: a plugin that puts the time or a random number into a
//! request asks the same in a recording and in each replay of it.

use seawall_domain::Millis;
use sha2::{Digest as _, Sha256};
use std::time::Duration;
use wasmtime_wasi::{Deterministic, HostWallClock, WasiCtxBuilder};

/// Random bytes before they come again.
const CYCLE: u64 = 64 << 10;

struct Still(Duration);

impl HostWallClock for Still {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        self.0
    }
}

/// Stops the wall clock at `at`. The clock that measures how long something takes goes on: plugins wait by it.
pub(super) fn stand(wasi: &mut WasiCtxBuilder, at: Millis) {
    wasi.wall_clock(Still(Duration::from_millis(u64::try_from(at).unwrap_or(0))));
    let block = |n: u64| {
        Sha256::new()
            .chain_update(at.to_le_bytes())
            .chain_update(n.to_le_bytes())
            .finalize()
    };
    let bytes = |from: u64| (from..from + CYCLE / 32).flat_map(block).collect::<Vec<u8>>();
    wasi.secure_random(Deterministic::new(bytes(0)));
    wasi.insecure_random(Deterministic::new(bytes(CYCLE)));
    let mut seed = [0; 16];
    seed.copy_from_slice(&block(2 * CYCLE)[..16]);
    wasi.insecure_random_seed(u128::from_le_bytes(seed));
}
