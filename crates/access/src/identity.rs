//! Who sends a request, and with which rights.

use crate::secret::Hash;
use crate::{Action, Assignment, Error, Granted, Rights, Role, Scope};
use std::fmt;
use std::sync::Arc;

/// An authenticated person, or the command line of the machine itself. It is a snapshot:
/// [`crate::Access::recheck`] returns the current state.
#[derive(Clone)]
pub struct Identity {
    user_id: Option<i64>,
    name: Arc<str>,
    via: Via,
    rights: Arc<Rights>,
    key: Option<Hash>,
}

/// How an identity was authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Via {
    /// The command line: an account that can write the database file has every right.
    Terminal,
    Session {
        id: i64,
    },
    Token {
        id: i64,
    },
}

impl Identity {
    /// The person at the command line, by the name of their operating system account.
    pub fn terminal(account: &str) -> Self {
        let assignments = vec![Assignment::new(Role::Administrator, Scope::Plant)];
        let account: String = account.chars().filter(|it| !it.is_control()).take(100).collect();
        Self {
            user_id: None,
            // No user name contains a colon, so no user can be mistaken for the command line.
            name: format!("terminal:{account}").into(),
            via: Via::Terminal,
            rights: Arc::new(Rights { assignments, ..Rights::default() }),
            key: None,
        }
    }

    pub(crate) fn new(user_id: i64, name: &str, via: Via, rights: Rights, key: Hash) -> Self {
        let rights = Arc::new(rights);
        Self { user_id: Some(user_id), name: name.into(), via, rights, key: Some(key) }
    }

    /// The user name, or `terminal:ACCOUNT`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `None` for the command line.
    pub fn user_id(&self) -> Option<i64> {
        self.user_id
    }

    pub fn via(&self) -> Via {
        self.via
    }

    pub fn rights(&self) -> &Rights {
        &self.rights
    }

    /// Where `action` is allowed: for filters of rows.
    pub fn granted(&self, action: Action) -> Granted {
        self.rights.granted(action)
    }

    /// Refuses unless `action` is allowed on everything in `scope`.
    pub fn authorize(&self, action: Action, scope: &Scope) -> Result<(), Error> {
        if self.rights.allows(action, scope) {
            return Ok(());
        }
        Err(Error::Forbidden { action: action.rule().text, scope: scope.to_string() })
    }

    pub(crate) fn key(&self) -> Option<&Hash> {
        self.key.as_ref()
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &mut f.debug_struct("Identity");
        shown.field("name", &self.name).field("via", &self.via).finish_non_exhaustive()
    }
}
