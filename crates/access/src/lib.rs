//! People, roles, sessions and API tokens of a plant, and the audit log of what they do.
//!
//! *In*: names, passwords, codes, cookies and tokens as a client sent them; the address they came
//! from; the time in microseconds since the epoch (UTC); a source of random bytes.
//! *Out*: an [`Identity`] with its rights, the answer whether it may do something in a scope, and
//! entries of the audit log; or an [`Error`] whose text may be shown to the client.
//! *Promise*:
//! - Nothing is allowed unless the table in [`permission`] allows it to a role that the person
//!   holds in a scope that covers the requested one.
//! - Every change is one SQLite transaction together with its audit entry, durable before the call
//!   returns. A process that is killed leaves all of it or nothing.
//! - A revocation is effective when the call that made it returns; if another process made it,
//!   within `changes_checked_every_ms`.
//! - The answer to a refused login is the same, and takes the same time, for an unknown name, a
//!   wrong password, a wrong code, a disabled account and a locked one.
//! - Passwords are stored as argon2id; session ids, tokens, recovery codes and the setup secret as
//!   SHA-256 of at least 112 random bits. None of them appears in `Debug`, in errors or in the
//!   audit log. The shared secrets of TOTP have to be readable by the program; the database file
//!   has mode 0600.
//! - For clients that prove a secret instead of sending it, a verifier of SCRAM-SHA-256 is stored
//!   beside each password and token. It ends with its secret, and is in no backup.
//! - A clock that is set back never makes an expired session or token valid again, and never
//!   extends one: see [`Access`].
//!
//! The crate reads no clock, no environment and no socket, starts no thread and has no async
//! functions. Calls other than [`Access::authenticate_session`], [`Access::authenticate_token`],
//! [`Access::recheck`], [`Access::authorize`] and [`Access::audit_later`] write to the disk or hash
//! a password: an async caller makes them on a thread for blocking work.

pub mod access;
pub mod audit;
pub mod chain;
mod encoding;
mod error;
pub mod external;
mod identity;
mod json;
pub mod login;
pub mod password;
pub mod permission;
mod random;
mod scope;
pub mod scram;
mod secret;
pub mod session;
mod settings;
pub mod setup;
mod store;
#[cfg(test)]
mod testing;
pub mod throttle;
pub mod token;
pub mod totp;
mod user;

pub use access::{Access, Maintained};
pub use error::{Error, ErrorKind};
pub use identity::{Identity, Via};
pub use permission::{Action, Assignment, Granted, Rights, Role, Source, TokenLimit};
pub use random::os_random;
pub use scope::Scope;
pub use secret::{Random, Secret, random_bytes};
pub use session::Client;
pub use settings::Settings;
pub use store::{Database, Restored, restore};
pub use user::{NewPassword, NewUser, UserInfo};
