//! What the benchmarks share: items, a tool that serves them, a large catalog and its questions, a load generator, clocks of
//! processes, and the report.

mod arguments;
mod battery;
mod catalog;
mod draw;
mod grid;
mod items;
mod load;
mod report;
mod server;
#[path = "../../../host/index/examples/index_speed/shape.rs"]
mod shape;
mod startup;
mod usage;

pub use arguments::Arguments;
pub use battery::{Answered, Question, answer, questions};
pub use catalog::Catalog;
pub use grid::Grid;
pub use items::{Items, Source, item};
pub use load::{Ask, Load, ask, deliver, load};
pub use report::{Goal, Report, median};
pub use server::{
    Pass, Served, follow_pass, get, install_bench, install_bench_mapped, on_disk, on_server, rest, sync, wait_for_pass,
};
pub use startup::{Startup, start_up};
pub use usage::{Memory, memory, process_cpu, thread_cpu};
