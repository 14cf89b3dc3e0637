//! What the benchmarks share: items, a tool that serves them, a load generator, clocks of processes, and the report.

mod items;
mod load;
mod report;
mod server;
mod usage;

pub use items::{Items, Source, item};
pub use load::{Load, deliver, load};
pub use report::{Goal, Report, median};
pub use server::{Pass, Served, install_bench, sync, wait_for_pass};
pub use usage::{Memory, memory, process_cpu, thread_cpu};
