//! Calls of the user database, which write to the disk or hash a password, on threads for blocking
//! work.
//!
//! Password checks have a separate limit: each occupies a core, so few run at a time, and the others wait
//! without a thread. A call that has begun keeps its permit until it ends, also if its client disconnects.

use super::AccessControl;
use crate::http::error::Error;
use access::{Access, Settings};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The cost of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cost {
    /// Some reads or one write.
    Disk,
    /// In addition a password hash.
    Password,
}

/// Limits the number of concurrent calls.
pub struct Blocking {
    calls: Arc<Semaphore>,
    passwords: Arc<Semaphore>,
    /// Password checks that run or wait.
    admitted: Arc<Semaphore>,
}

impl Blocking {
    /// At most `calls` calls at a time, and as many password checks as `settings` allow.
    pub fn new(calls: usize, settings: &Settings) -> Self {
        let at_once = settings.password_checks_at_once as usize;
        let admitted = at_once.saturating_add(settings.password_checks_waiting as usize);
        Self {
            calls: Arc::new(Semaphore::new(calls)),
            passwords: Arc::new(Semaphore::new(at_once)),
            admitted: Arc::new(Semaphore::new(admitted)),
        }
    }

    /// Runs `call` with the database and returns its result.
    pub async fn run<T: Send + 'static>(
        &self,
        control: &AccessControl,
        cost: Cost,
        call: impl FnOnce(&Access) -> Result<T, access::Error> + Send + 'static,
    ) -> Result<T, Error> {
        let access = Arc::clone(control.database()?);
        Ok(self.run_apart(cost, move || call(&access)).await??)
    }

    /// Runs `call` on a thread for blocking work and returns its result.
    pub async fn run_apart<T: Send + 'static>(
        &self,
        cost: Cost,
        call: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let permits = self.enter(cost).await?;
        let done = tokio::task::spawn_blocking(move || {
            let done = call();
            drop(permits);
            done
        });
        done.await.map_err(|error| Error::internal(error.into()))
    }

    async fn enter(&self, cost: Cost) -> Result<Vec<OwnedSemaphorePermit>, Error> {
        if cost == Cost::Disk {
            return Ok(vec![take(&self.calls).await?]);
        }
        let Ok(admitted) = Arc::clone(&self.admitted).try_acquire_owned() else {
            return Err(access::Error::Busy.into());
        };
        Ok(vec![admitted, take(&self.passwords).await?])
    }
}

async fn take(semaphore: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Error> {
    let permit = Arc::clone(semaphore).acquire_owned().await;
    permit.map_err(|error| Error::internal(error.into()))
}
