//! Ctrl-C and SIGTERM.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Cancels `stop` at the first Ctrl-C or SIGTERM. Both handlers are installed when this returns, so that
/// no signal ends the program while it holds the lease of the lake.
#[expect(clippy::disallowed_methods, reason = "the task runs until the program ends")]
pub fn cancel_on_signal(stop: CancellationToken) {
    let handlers = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    let (Ok(mut interrupted), Ok(mut terminated)) = handlers else {
        tracing::warn!("signal handlers not installed; a signal ends the program at once");
        return;
    };
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
        stop.cancel();
    });
}
