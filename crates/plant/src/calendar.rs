//! The plant calendar.
