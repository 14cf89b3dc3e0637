//! Medians.

use std::time::{Duration, Instant};

/// Prints the median and the slowest of as many runs as fit into a third of a second, after the first.
pub(crate) fn time<T>(name: &str, mut run: impl FnMut() -> T) {
    let begin = Instant::now();
    run();
    let first = begin.elapsed();
    let mut times = Vec::new();
    while times.len() < 20 || begin.elapsed() < Duration::from_millis(300) {
        let start = Instant::now();
        std::hint::black_box(run());
        times.push(start.elapsed());
    }
    print_times(name, Some(first), times);
}

pub(crate) fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

pub(crate) fn print_times(name: &str, first: Option<Duration>, mut times: Vec<Duration>) {
    times.sort_unstable();
    let first = first.map_or_else(String::new, |first| format!("{:9.3}", ms(first)));
    let (median, p99) = (times[times.len() / 2], times[times.len() * 99 / 100]);
    println!("{name:<58}{:9.4}{:9.4}{first:>10}", ms(median), ms(p99));
}
