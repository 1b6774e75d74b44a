//! Returns freed memory to the system.
//!
//! The allocator of glibc keeps an arena per thread and, once a large block was freed, keeps blocks of that size
//! too. A program that reads dumps in large batches on several threads then holds two thirds more than it uses.

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
