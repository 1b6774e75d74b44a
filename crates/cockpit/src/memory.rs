//! Returns freed memory to the system.
//!
//! The allocator of glibc keeps an arena per thread and, once a large block was freed, keeps blocks of that size
//! too. A program that reads dumps in large batches on several threads then holds two thirds more than it uses.
//! Blocks that are freed between used ones stay with the process until `malloc_trim` is called: after ten million
//! records these were two thirds of its memory.

use config::settings::RefineLimits;
use std::sync::Once;
use std::time::Duration;

/// Arenas that the threads share: one costs speed, one per thread costs memory.
const ARENAS: i32 = 2;
/// Size from which a block is returned as soon as it is freed, in bytes. The batches of a stream are smaller:
/// allocating them from the system each time costs some 6 % of their processing.
const OWN_PIECE_BYTES: i32 = 8 << 20;
/// Free bytes at the end of an arena before they are returned.
const FREE_END_BYTES: i32 = 1 << 20;
/// A variable of glibc; if it is set, its value is respected.
const DECIDED: &str = "MALLOC_ARENA_MAX";

/// Configures the allocator to return freed memory. Call it before the first thread starts.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn give_back() {
    #[expect(clippy::disallowed_methods, reason = "a variable of glibc, read before anything runs")]
    if std::env::var_os(DECIDED).is_some() {
        return;
    }
    for (what, value) in [
        (libc::M_ARENA_MAX, ARENAS),
        (libc::M_MMAP_THRESHOLD, OWN_PIECE_BYTES),
        (libc::M_TRIM_THRESHOLD, FREE_END_BYTES),
    ] {
        #[expect(unsafe_code, reason = "the interface of glibc; it takes two numbers")]
        // SAFETY: mallopt may be called at any time and fails on numbers it does not know.
        let is_set = unsafe { libc::mallopt(what, value) } == 1;
        if !is_set {
            // The program works without it, with more memory.
            return;
        }
    }
}

/// Other allocators return memory by default.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn give_back() {}

/// Name of the thread that returns freed memory, as `top -H` shows it.
const THREAD_NAME: &str = "memory";

/// Starts a thread that returns freed memory regularly until the process ends. Further calls have no effect.
pub fn release_regularly(limits: &RefineLimits) {
    static STARTED: Once = Once::new();
    let every = Duration::from_secs(limits.memory_release_every_s);
    let from_bytes = limits.memory_release_from_bytes;
    STARTED.call_once(|| {
        let started = std::thread::Builder::new().name(THREAD_NAME.to_owned()).spawn(move || {
            loop {
                #[expect(clippy::disallowed_methods, reason = "runs at a fixed interval")]
                std::thread::sleep(every);
                if own_bytes().is_some_and(|it| it >= from_bytes) {
                    release();
                }
            }
        });
        // The program works without it, with more memory.
        if let Err(error) = started {
            tracing::warn!(%error, "freed memory is not returned to the system");
        }
    });
}

/// Resident memory of this process that is not backed by files, in bytes; `None` where the system does not provide
/// it.
fn own_bytes() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    let kib: usize = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib << 10)
}

/// Returns all freed pages to the system, those between used blocks too.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn release() {
    #[expect(unsafe_code, reason = "the interface of glibc; it takes one number")]
    // SAFETY: malloc_trim may be called at any time by any thread; it locks one arena at a time.
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn release() {}

#[cfg(all(test, target_os = "linux", target_env = "gnu"))]
mod tests {
    use super::*;

    #[test]
    fn pages_between_used_blocks_are_returned() {
        const BLOCK_BYTES: usize = 64 << 10;
        const BLOCKS: usize = 2_000;
        give_back();
        let blocks: Vec<Vec<u8>> = (0..BLOCKS).map(|_| vec![1; BLOCK_BYTES]).collect();
        let used: Vec<Vec<u8>> = blocks.into_iter().step_by(8).collect();
        let before = own_bytes().unwrap();
        release();
        let released = before.saturating_sub(own_bytes().unwrap());
        assert!(released > BLOCKS * BLOCK_BYTES / 4, "{released} of {before} bytes released");
        drop(used);
    }
}
