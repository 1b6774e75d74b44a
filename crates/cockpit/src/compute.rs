//! The threads on which statements of people and other programs are computed.
//!
//! They are apart from those of connections, ingestion and the live stream: a statement may occupy a thread for
//! seconds, and while all threads of a runtime are occupied, it reads no socket and no timer fires.

use anyhow::Context as _;
use tokio::runtime::{Builder, Handle};

/// Name of the threads, as `top -H` shows it.
const THREAD_NAME: &str = "statements";

/// By how much their priority is lower than that of other threads: where cores are scarce, a connection or a live
/// value is served first, and statements keep a quarter of a core against ingestion.
#[cfg(target_os = "linux")]
const NICE: libc::c_int = 5;

/// Starts one thread per core. They end with the process, as those of the main runtime do.
///
/// # Errors
/// The system starts no thread.
pub fn start() -> anyhow::Result<Handle> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let runtime = Builder::new_multi_thread()
        .worker_threads(cores)
        .thread_name(THREAD_NAME)
        .on_thread_start(lower_priority)
        .enable_all()
        .build()
        .context("start the threads of statements")?;
    let handle = runtime.handle().clone();
    // A runtime must not be dropped by asynchronous code; what it runs is cancelled by those who read it.
    std::mem::forget(runtime);
    Ok(handle)
}

/// Lowers the priority of the calling thread.
#[cfg(target_os = "linux")]
fn lower_priority() {
    #[expect(unsafe_code, reason = "the interface of the system; it takes three numbers")]
    // SAFETY: the call has no memory to violate; 0 is the calling thread. If it fails, the priority stays.
    unsafe {
        libc::setpriority(libc::PRIO_PROCESS, 0, NICE);
    }
}

/// Other systems have no priority of threads.
#[cfg(not(target_os = "linux"))]
fn lower_priority() {}
