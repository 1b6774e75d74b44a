//! What a login needs and gives, and the limit on password checks at a time.

use crate::{Client, Error, Identity, Secret};
use std::sync::{Condvar, Mutex, PoisonError};

/// The input of a login.
#[derive(Debug, Clone)]
pub struct Login<'a> {
    pub name: &'a str,
    pub password: &'a Secret,
    /// The code of the authenticator app, or a recovery code. A person with a second factor who
    /// enters none is refused like one with a wrong password.
    pub code: Option<&'a Secret>,
    pub client: &'a Client,
    /// The session cookie the browser already has: that session ends with the login.
    pub previous: Option<&'a Secret>,
}

/// A login that succeeded.
#[derive(Debug)]
pub struct LoggedIn {
    /// The value of the session cookie. It is not stored.
    pub cookie: Secret,
    pub identity: Identity,
    /// When the session ends at the latest.
    pub expires_us: i64,
    /// Only the own account can be managed until the temporary password is replaced.
    pub must_change_password: bool,
}

/// Why a login was refused: for the audit log only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    UnknownAccount,
    NoPassword,
    WrongPassword,
    AccountDelayed,
    AccountDisabled,
    PasswordExpired,
    NoCode,
    WrongCode,
    AccountChanged,
}

impl Refusal {
    pub fn name(self) -> &'static str {
        match self {
            Self::UnknownAccount => "unknown account",
            Self::NoPassword => "account has no password",
            Self::WrongPassword => "wrong password",
            Self::AccountDelayed => "account is delayed",
            Self::AccountDisabled => "account is disabled",
            Self::PasswordExpired => "temporary password has expired",
            Self::NoCode => "no code of the second factor",
            Self::WrongCode => "wrong code of the second factor",
            Self::AccountChanged => "account changed during the login",
        }
    }
}

/// Semaphore with a limited number of waiters. Each password check takes a core and megabytes of
/// memory.
#[derive(Debug)]
pub(crate) struct Gate {
    at_once: u32,
    waiting_max: u32,
    state: Mutex<GateState>,
    freed: Condvar,
}

#[derive(Debug, Default)]
struct GateState {
    running: u32,
    waiting: u32,
}

/// Permit to check one password; released on drop.
pub(crate) struct Permit<'a>(&'a Gate);

impl Gate {
    pub fn new(at_once: u32, waiting_max: u32) -> Self {
        Self { at_once, waiting_max, state: Mutex::default(), freed: Condvar::new() }
    }

    /// Waits for a permit; [`Error::Busy`] if too many callers wait already.
    pub fn enter(&self) -> Result<Permit<'_>, Error> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.running >= self.at_once {
            if state.waiting >= self.waiting_max {
                return Err(Error::Busy);
            }
            state.waiting += 1;
            while state.running >= self.at_once {
                state = self.freed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            state.waiting -= 1;
        }
        state.running += 1;
        Ok(Permit(self))
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner).running -= 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn no_more_than_allowed_run_at_once_and_all_get_their_turn() {
        let gate = Gate::new(2, 20);
        let (running, most, done) = (AtomicU32::new(0), AtomicU32::new(0), AtomicU32::new(0));
        let start = Barrier::new(16);
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    start.wait();
                    let permit = gate.enter().unwrap();
                    most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::yield_now();
                    running.fetch_sub(1, Ordering::SeqCst);
                    drop(permit);
                    done.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        assert!(most.load(Ordering::SeqCst) <= 2);
        assert_eq!(done.load(Ordering::SeqCst), 16);
    }

    #[test]
    fn when_too_many_wait_the_next_is_refused() {
        let gate = Gate::new(1, 0);
        let permit = gate.enter().unwrap();
        assert!(matches!(gate.enter(), Err(Error::Busy)));
        drop(permit);
        assert!(gate.enter().is_ok());
    }
}
