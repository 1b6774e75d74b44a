//! Logins, permissions and scopes, over the real user database.

mod accounts;
mod matrix;
mod scopes;
mod speed;
mod streams;
pub mod world;
