//! Requests to cancel a statement, which arrive on a connection of their own.

use bytes::Bytes;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::sync::CancellationToken;

/// The number of a connection and its secret, which only its client knows.
type Key = (i32, Bytes);

/// The running statements of all connections.
#[derive(Debug, Clone, Default)]
pub struct Cancels(Arc<Mutex<HashMap<Key, CancellationToken>>>);

/// The registration of one connection.
#[derive(Debug)]
pub struct Cancel {
    key: Key,
    all: Cancels,
}

impl Cancels {
    /// Registers a connection until the result is dropped.
    pub fn register(&self, number: i32, secret: Bytes) -> Cancel {
        let registered = Cancel { key: (number, secret), all: self.clone() };
        let _unused = registered.begin();
        registered
    }

    /// Cancels the statement of a connection; an unknown one is ignored, as the protocol demands.
    pub fn cancel(&self, number: i32, secret: Bytes) {
        if let Some(token) = self.lock().get(&(number, secret)) {
            token.cancel();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Key, CancellationToken>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cancel {
    /// The token of the next statement. Requests for an earlier one have no effect on it.
    pub fn begin(&self) -> CancellationToken {
        let token = CancellationToken::new();
        self.all.lock().insert(self.key.clone(), token.clone());
        token
    }
}

impl Drop for Cancel {
    fn drop(&mut self) {
        self.all.lock().remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_cancels_the_current_statement_of_its_connection_only() {
        let cancels = Cancels::default();
        let one = cancels.register(1, Bytes::from_static(b"7"));
        let other = cancels.register(2, Bytes::from_static(b"7"));
        let (first, of_other) = (one.begin(), other.begin());
        cancels.cancel(1, Bytes::from_static(b"8"));
        cancels.cancel(3, Bytes::from_static(b"7"));
        assert!(!first.is_cancelled());
        cancels.cancel(1, Bytes::from_static(b"7"));
        assert!(first.is_cancelled() && !of_other.is_cancelled());
        assert!(!one.begin().is_cancelled());
        drop((one, other));
        assert!(cancels.lock().is_empty());
    }
}
