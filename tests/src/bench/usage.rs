//! What processes use, as Linux tells it. On a machine that others use too, time on a processor is steadier than the clock.

use std::{fs, time::Duration};

/// Linux counts a process' time in hundredths of a second, whatever its kernel's clock.
const TICK: Duration = Duration::from_millis(10);

/// Time on processors of all threads of a process so far, those that have ended too; in steps of 10 ms. Zero where
/// there is no such process.
pub fn process_cpu(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The program's name, in parentheses, may hold spaces. utime and stime are the 14th and 15th field of the line.
    let fields = stat.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
    let ticks: u32 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|ticks| ticks.parse::<u32>().ok())
        .sum();
    TICK * ticks
}

/// Time on a processor of the thread that asks so far, in nanoseconds.
pub fn thread_cpu() -> Duration {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let spent = stat.split_whitespace().next().and_then(|ns| ns.parse().ok());
    Duration::from_nanos(spent.unwrap_or_default())
}

/// Memory of a process, bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memory {
    /// Resident now.
    pub resident: u64,
    /// Of that, what belongs to no file.
    pub anonymous: u64,
    /// Of that, pages of files: the binary, compiled plugins, the database. The system takes them back when it needs them.
    pub files: u64,
    /// The most that was ever resident.
    pub peak: u64,
}

/// Memory of a process; zeros where there is no such process.
pub fn memory(pid: u32) -> Memory {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name));
        let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
        kilobytes.unwrap_or_default() * 1024
    };
    Memory {
        resident: field("VmRSS:"),
        anonymous: field("RssAnon:"),
        files: field("RssFile:"),
        peak: field("VmHWM:"),
    }
}
