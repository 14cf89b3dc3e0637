//! Memory and tables of one instance, summed over all of them. wasmtime's own `StoreLimits` counts each memory by itself.

use wasmtime::ResourceLimiter;

/// Elements of all tables together. 100,000 is what the pool allows in one.
const MAX_TABLE_ELEMENTS: usize = 200_000;

/// Sums what an instance has, and remembers that it refused: the guest itself only shows `unreachable`.
pub(crate) struct Limiter {
    memory_bound: usize,
    memory: usize,
    tables: usize,
    refused: Option<&'static str>,
}

impl Limiter {
    pub(crate) fn new(memory_bytes: u64) -> Self {
        Self {
            memory_bound: usize::try_from(memory_bytes).unwrap_or(usize::MAX),
            memory: 0,
            tables: 0,
            refused: None,
        }
    }

    /// The limit that a growth would have crossed, if one was refused.
    pub(crate) fn refused(&self) -> Option<&'static str> {
        self.refused
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _max: Option<usize>) -> wasmtime::Result<bool> {
        let after = self.memory.saturating_add(desired.saturating_sub(current));
        if after > self.memory_bound {
            self.refused = Some("memory_bytes");
            return Ok(false);
        }
        self.memory = after;
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _max: Option<usize>) -> wasmtime::Result<bool> {
        let after = self.tables.saturating_add(desired.saturating_sub(current));
        if after > MAX_TABLE_ELEMENTS {
            self.refused = Some("table elements");
            return Ok(false);
        }
        self.tables = after;
        Ok(true)
    }
}
