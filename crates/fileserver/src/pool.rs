//! Connections that are used again, at most so many at the same time.

use crate::{Cause, Failure};
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Connections to one server.
#[derive(Debug)]
pub struct Pool<C> {
    idle: Arc<Mutex<Vec<C>>>,
    slots: Arc<Semaphore>,
}

/// A connection in use. It is closed when it is dropped, and used again after [`Leased::give_back`].
#[derive(Debug)]
pub struct Leased<C> {
    pub connection: C,
    idle: Arc<Mutex<Vec<C>>>,
    _slot: OwnedSemaphorePermit,
}

impl<C> Pool<C> {
    /// At most `connections` at the same time, at least one.
    pub fn new(connections: usize) -> Self {
        let slots = connections.clamp(1, Semaphore::MAX_PERMITS);
        Self { idle: Arc::default(), slots: Arc::new(Semaphore::new(slots)) }
    }

    /// An idle connection, or one that `connect` opens. Waits while all are in use.
    pub async fn lease<F>(&self, connect: impl FnOnce() -> F) -> Result<Leased<C>, Failure>
    where
        F: Future<Output = Result<C, Failure>>,
    {
        let slot = self.slots.clone().acquire_owned().await;
        let slot = slot.map_err(|closed| {
            Failure::new(Cause::Local, format!("no connection is left: {closed}"))
        })?;
        let idle = lock(&self.idle).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => connect().await?,
        };
        Ok(Leased { connection, idle: self.idle.clone(), _slot: slot })
    }

    /// Keeps the connection after a request if the server has answered it, even with a refusal.
    pub fn settle<T>(&self, leased: Leased<C>, done: Result<T, Failure>) -> Result<T, Failure> {
        match &done {
            Err(failure) if !matches!(failure.cause, Cause::Absent | Cause::Denied) => {
                self.close_idle();
            }
            _ => leased.give_back(),
        }
        done
    }

    /// Closes the idle connections, because one of them has failed and the others may be as old.
    pub fn close_idle(&self) {
        let idle = std::mem::take(&mut *lock(&self.idle));
        drop(idle);
    }
}

impl<C> Leased<C> {
    /// Keeps the connection for the next request. No answer may be outstanding.
    pub fn give_back(self) {
        let Self { connection, idle, _slot } = self;
        lock(&idle).push(connection);
    }
}

fn lock<C>(idle: &Mutex<Vec<C>>) -> std::sync::MutexGuard<'_, Vec<C>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    #[test]
    fn a_connection_is_used_again_and_only_one_is_open() {
        let pool = Pool::new(1);
        let open = |number: u32| move || std::future::ready(Ok(number));
        let lease = |number| pool.lease(open(number)).now_or_never();
        let first = lease(1).unwrap().unwrap();
        assert!(lease(2).is_none(), "the only slot is taken");
        first.give_back();
        let again = lease(3).unwrap().unwrap();
        assert_eq!(again.connection, 1);
        drop(again);
        assert_eq!(lease(4).unwrap().unwrap().connection, 4);
        lease(5).unwrap().unwrap().give_back();
        pool.close_idle();
        assert_eq!(lease(6).unwrap().unwrap().connection, 6);
    }
}
