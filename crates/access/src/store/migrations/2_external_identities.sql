-- Identities of a provider, by issuer and subject, and the roles that its groups give.

CREATE TABLE external_identities (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    linked_us INTEGER NOT NULL,
    PRIMARY KEY (issuer, subject)
) STRICT, WITHOUT ROWID;

CREATE INDEX external_identities_of_users ON external_identities (user_id);

-- The same role can come from an administrator and from a group, and each can take back its own.
CREATE TABLE assignments_with_source (
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    area TEXT NOT NULL,
    line TEXT NOT NULL,
    source TEXT NOT NULL CHECK (source IN ('local', 'external')),
    PRIMARY KEY (user_id, role, area, line, source)
) STRICT, WITHOUT ROWID;

INSERT INTO assignments_with_source (user_id, role, area, line, source)
SELECT user_id, role, area, line, 'local' FROM assignments;

DROP TABLE assignments;

ALTER TABLE assignments_with_source RENAME TO assignments;
