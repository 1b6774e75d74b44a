-- People, what they may do, and how they prove who they are.
-- Times are microseconds since the epoch (UTC). Secrets are stored as SHA-256, passwords as argon2id.

CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    full_name TEXT NOT NULL,
    password TEXT,
    -- Set for a temporary password: it has to be replaced by then.
    password_until_us INTEGER,
    totp_key BLOB,
    totp_confirmed INTEGER NOT NULL DEFAULT 0 CHECK (totp_confirmed IN (0, 1)),
    -- The last step of time whose code was used.
    totp_step INTEGER NOT NULL DEFAULT 0,
    created_us INTEGER NOT NULL,
    last_login_us INTEGER,
    disabled_us INTEGER
) STRICT;

-- An empty area is the whole plant, an empty line the whole area.
CREATE TABLE assignments (
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    area TEXT NOT NULL,
    line TEXT NOT NULL,
    PRIMARY KEY (user_id, role, area, line)
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    hash BLOB NOT NULL UNIQUE,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_us INTEGER NOT NULL,
    last_seen_us INTEGER NOT NULL,
    expires_us INTEGER NOT NULL,
    address TEXT NOT NULL,
    agent TEXT NOT NULL,
    method TEXT NOT NULL
) STRICT;

CREATE INDEX sessions_of_users ON sessions (user_id);

CREATE TABLE tokens (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    hash BLOB NOT NULL UNIQUE,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    -- Names of actions, as a JSON list.
    actions TEXT NOT NULL,
    area TEXT NOT NULL,
    line TEXT NOT NULL,
    created_us INTEGER NOT NULL,
    expires_us INTEGER NOT NULL,
    last_used_us INTEGER,
    revoked_us INTEGER
) STRICT;

CREATE INDEX tokens_of_users ON tokens (user_id);

CREATE TABLE recovery_codes (
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    hash BLOB NOT NULL,
    used_us INTEGER,
    PRIMARY KEY (user_id, hash)
) STRICT, WITHOUT ROWID;

-- Failed logins, by a hash of the account's name or by the address.
CREATE TABLE login_attempts (
    subject TEXT PRIMARY KEY,
    failures INTEGER NOT NULL,
    last_us INTEGER NOT NULL,
    blocked_until_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX login_attempts_by_age ON login_attempts (last_us);

CREATE TABLE audit (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at_us INTEGER NOT NULL,
    kind TEXT NOT NULL,
    actor TEXT NOT NULL,
    address TEXT,
    detail TEXT NOT NULL,
    prev TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT;

CREATE TRIGGER audit_keeps_entries BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'entries of the audit log cannot be removed');
END;

CREATE TRIGGER audit_keeps_content BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'entries of the audit log cannot be changed');
END;

-- Also refuses INSERT OR REPLACE, which would remove an entry without the trigger above.
CREATE TRIGGER audit_keeps_order BEFORE INSERT ON audit
WHEN NEW.seq <= (SELECT coalesce(max(seq), 0) FROM audit)
BEGIN
    SELECT RAISE(ABORT, 'entries of the audit log are appended only');
END;

-- Single values of this crate and of later parts of the program.
CREATE TABLE stored_values (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
