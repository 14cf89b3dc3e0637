//! A component at rest holds no pages: when nobody has called it for a moment, the pages of its compiled code go back to
//! the system's cache of files, and come again by themselves with the next call (about a third of a millisecond for
//! the largest). Twenty plugins in three languages held 230 MB otherwise.

use std::{
    ops::Range,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use wasmtime::component::Component;

/// How long nobody calls before the pages are given back.
const QUIET: Duration = Duration::from_secs(1);

/// Counts the calls of one component.
#[derive(Clone)]
pub(crate) struct Rest {
    inner: Arc<Inner>,
}

struct Inner {
    /// Keeps the mapping for as long as pages of it may be given back.
    component: Component,
    running: AtomicU64,
    begun: AtomicU64,
    /// Whether somebody waits for the quiet moment.
    watched: AtomicBool,
    /// Whether its code is a file's, looked up once: code is sealed, so it stays what it was.
    of_file: OnceLock<bool>,
}

/// A call in flight.
pub(crate) struct Busy(Rest);

impl Rest {
    pub(crate) fn new(component: Component) -> Self {
        Self {
            inner: Arc::new(Inner {
                component,
                running: AtomicU64::new(0),
                begun: AtomicU64::new(0),
                watched: AtomicBool::new(false),
                of_file: OnceLock::new(),
            }),
        }
    }

    pub(crate) fn busy(&self) -> Busy {
        self.inner.running.fetch_add(1, Ordering::Relaxed);
        self.inner.begun.fetch_add(1, Ordering::Relaxed);
        Busy(self.clone())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let inner = &self.0.inner;
        if inner.running.fetch_sub(1, Ordering::AcqRel) > 1 || inner.watched.swap(true, Ordering::AcqRel) {
            return;
        }
        match tokio::runtime::Handle::try_current() {
            Ok(handle) => drop(handle.spawn(wait(inner.clone()))),
            Err(_) => inner.watched.store(false, Ordering::Release),
        }
    }
}

/// Waits until no call has begun for a while. A call that begins in the moment of giving back only reads its pages again.
async fn wait(inner: Arc<Inner>) {
    let mut begun = inner.begun.load(Ordering::Relaxed);
    loop {
        tokio::time::sleep(QUIET).await;
        let now = inner.begun.load(Ordering::Relaxed);
        if now == begun && inner.running.load(Ordering::Acquire) == 0 {
            break;
        }
        begun = now;
    }
    inner.watched.store(false, Ordering::Release);
    let work = move || {
        let code = inner.component.image_range();
        if *inner.of_file.get_or_init(|| is_file(&code)) {
            give_back(code);
        }
    };
    drop(tokio::task::spawn_blocking(work));
}

#[cfg(target_os = "linux")]
fn give_back(code: Range<*const u8>) {
    use rustix::mm::{Advice, madvise};
    let length = (code.end as usize).saturating_sub(code.start as usize);
    #[expect(
        unsafe_code,
        reason = "the pages are those of a file that is mapped for reading, and none was written"
    )]
    // SAFETY: wasmtime maps compiled code privately and seals it against writing before it hands it out; `is_file` has
    // seen that every page of it is the file's. Such a page is read from the file again by whoever needs it.
    let given = unsafe { madvise(code.start.cast_mut().cast(), length, Advice::LinuxDontNeed) };
    if let Err(error) = given {
        tracing::debug!("pages of compiled code cannot be given back: {error}");
    }
}

#[cfg(not(target_os = "linux"))]
fn give_back(_: Range<*const u8>) {}

#[cfg(not(target_os = "linux"))]
fn is_file(_: &Range<*const u8>) -> bool {
    false
}

/// Whether all pages of a range are a file's, unwritten: what was compiled in this process is in memory alone.
#[cfg(target_os = "linux")]
fn is_file(code: &Range<*const u8>) -> bool {
    let Ok(maps) = std::fs::File::open("/proc/self/smaps") else {
        return false;
    };
    all_of_file(std::io::BufReader::new(maps), code.start as usize..code.end as usize)
}

/// Whether mappings, as in `smaps` of proc(5), cover the range, each of them a file's and without a page of its own.
#[cfg(target_os = "linux")]
fn all_of_file(maps: impl std::io::BufRead, code: Range<usize>) -> bool {
    let mut covered = code.start;
    let mut inside = false;
    for line in maps.lines().map_while(Result::ok) {
        let mut words = line.split_ascii_whitespace();
        let Some(first) = words.next() else { continue };
        if let Some((start, end)) = first.split_once('-') {
            let hex = |text| usize::from_str_radix(text, 16);
            let (Ok(start), Ok(end)) = (hex(start), hex(end)) else {
                continue;
            };
            inside = start < code.end && end > code.start;
            if inside {
                let (mode, inode) = (words.next().unwrap_or_default(), words.nth(2));
                if start > covered || mode.contains('w') || matches!(inode, None | Some("0")) {
                    return false;
                }
                covered = end;
            }
        } else if inside && matches!(first, "Anonymous:" | "Swap:") && words.next() != Some("0") {
            return false;
        }
    }
    covered >= code.end
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    const MAPS: &str = "\
1000-2000 r--p 00000000 fe:00 77 /cache/a.cwasm
Swap:         0 kB
Anonymous:             0 kB
2000-4000 r-xp 00001000 fe:00 77 /cache/a.cwasm
Swap:         0 kB
Anonymous:             0 kB
4000-5000 r--p 00003000 fe:00 77 /cache/a.cwasm
Swap:         4 kB
Anonymous:             4 kB
5000-6000 r--p 00000000 00:00 0
Anonymous:             0 kB
7000-8000 rw-p 00000000 fe:00 78 /cache/b
Anonymous:             0 kB
";

    #[test]
    fn only_unwritten_pages_of_files_are_given_back() {
        assert!(all_of_file(MAPS.as_bytes(), 0x1000..0x4000));
        assert!(all_of_file(MAPS.as_bytes(), 0x1800..0x3000));
        assert!(!all_of_file(MAPS.as_bytes(), 0x1000..0x5000), "a page was written");
        assert!(!all_of_file(MAPS.as_bytes(), 0x5000..0x6000), "no file");
        assert!(!all_of_file(MAPS.as_bytes(), 0x6000..0x7000), "nothing is mapped");
        assert!(!all_of_file(MAPS.as_bytes(), 0x7000..0x8000), "it may be written");
    }
}
