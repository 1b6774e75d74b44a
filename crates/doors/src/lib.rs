//! SQL for other programs: the PostgreSQL protocol and Arrow Flight SQL.
