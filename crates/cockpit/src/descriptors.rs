//! The limit on open files of the process.
//!
//! Each connection is one. Systems start programs with a low limit that a program may raise itself, because
//! some use `select`, which fails beyond 1,024.

/// Raises the limit to the highest that the system permits. Without it fewer connections are accepted.
#[cfg(unix)]
pub fn raise() {
    let Some(limit) = limit() else { return };
    let raised = libc::rlimit { rlim_cur: limit.rlim_max, ..limit };
    // If it fails, the limit stays as it was, and the connections are limited to it.
    #[expect(unsafe_code, reason = "the interface of the system; it reads one struct")]
    // SAFETY: the struct is initialised and outlives the call.
    unsafe {
        libc::setrlimit(libc::RLIMIT_NOFILE, &raw const raised);
    }
}

/// How many files the process may have open; `None` without limit.
#[cfg(unix)]
pub fn available() -> Option<usize> {
    let count = limit()?.rlim_cur;
    (count != libc::RLIM_INFINITY).then(|| usize::try_from(count).unwrap_or(usize::MAX))
}

#[cfg(unix)]
fn limit() -> Option<libc::rlimit> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    #[expect(unsafe_code, reason = "the interface of the system; it writes one struct")]
    // SAFETY: the struct is initialised and outlives the call.
    let is_read = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } == 0;
    is_read.then_some(limit)
}

/// Other systems have no such limit.
#[cfg(not(unix))]
pub fn raise() {}

/// Other systems have no such limit.
#[cfg(not(unix))]
pub fn available() -> Option<usize> {
    None
}
