//! Logins, permissions and scopes, over the real user database.

mod accounts;
mod matrix;
mod openid;
mod scopes;
mod streams;
mod world;
