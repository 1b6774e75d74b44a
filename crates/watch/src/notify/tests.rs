//! Notifications on a real database, sent to real servers on this machine.

mod outage;
mod planning;
mod properties;
mod protocols;
mod rounds;
mod sending;
mod world;
