//! Logins, permissions and scopes, over the real user database.

mod accounts;
mod alarm_rules;
mod alarm_stream;
mod alarms;
mod boards;
mod matrix;
mod openid;
mod scopes;
mod speed;
mod streams;
pub mod world;
