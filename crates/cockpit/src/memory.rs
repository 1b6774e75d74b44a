//! How freed memory goes back to the system.
//!
//! The allocator of glibc keeps an arena for every thread and, once a large piece was freed, keeps
//! pieces of that size too. A program that reads dumps in large batches on several threads then holds
//! two thirds more than it uses.

/// Arenas the threads share; one costs speed, as many as threads cost memory.
const ARENAS: i32 = 2;
/// From this size on a piece is given back as soon as it is freed, in bytes. The batches of a stream are
/// smaller: to be given their memory anew each time cost the system some 6 % of all they do.
const OWN_PIECE_BYTES: i32 = 8 << 20;
/// What lies free at the end of an arena before it is given back, in bytes.
const FREE_END_BYTES: i32 = 1 << 20;
/// Who sets this has decided for himself.
const DECIDED: &str = "MALLOC_ARENA_MAX";

/// Makes the allocator give back what is freed. Call it before the first thread starts.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn give_back() {
    #[expect(
        clippy::disallowed_methods,
        reason = "glibc's own variable, asked before anything runs"
    )]
    if std::env::var_os(DECIDED).is_some() {
        return;
    }
    for (what, value) in [
        (libc::M_ARENA_MAX, ARENAS),
        (libc::M_MMAP_THRESHOLD, OWN_PIECE_BYTES),
        (libc::M_TRIM_THRESHOLD, FREE_END_BYTES),
    ] {
        #[expect(unsafe_code, reason = "glibc's own way of saying it; it takes two numbers")]
        // SAFETY: mallopt may be called at any time and fails on numbers it does not know.
        let is_set = unsafe { libc::mallopt(what, value) } == 1;
        if !is_set {
            // It works all the same, with more memory.
            return;
        }
    }
}

/// Other allocators give back by themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn give_back() {}
