-- Verifiers of secrets for SCRAM-SHA-256 (RFC 5802, RFC 7677), by which clients of the PostgreSQL protocol log in
-- without sending the secret.

-- One salt for all secrets of a user, since a client names its user only.
CREATE TABLE scram_salts (
    user_id INTEGER PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    salt BLOB NOT NULL,
    iterations INTEGER NOT NULL
) STRICT;

CREATE TABLE password_verifiers (
    user_id INTEGER PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    stored_key BLOB NOT NULL,
    server_key BLOB NOT NULL
) STRICT;

CREATE TABLE token_verifiers (
    token_id INTEGER PRIMARY KEY REFERENCES tokens (id) ON DELETE CASCADE,
    stored_key BLOB NOT NULL,
    -- NULL for a revoked token: it is recognized, but cannot be used.
    server_key BLOB
) STRICT;

-- No verifier outlives its secret, whatever statement ends it.
CREATE TRIGGER password_verifiers_end AFTER UPDATE OF password ON users
WHEN OLD.password IS NOT NEW.password
BEGIN
    DELETE FROM password_verifiers WHERE user_id = NEW.id;
END;

CREATE TRIGGER token_verifiers_end AFTER UPDATE OF revoked_us ON tokens
WHEN NEW.revoked_us IS NOT NULL
BEGIN
    UPDATE token_verifiers SET server_key = NULL WHERE token_id = NEW.id;
END;
