-- Notifications of alarms, and the steps of escalations that are not due yet. Times are those of the program.

CREATE TABLE notifications (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    -- Entry of the alarm journal and occurrence that it is about; 0 for a group or a test.
    event_number INTEGER NOT NULL,
    occurrence INTEGER NOT NULL,
    channel TEXT NOT NULL,
    -- Name of a person, or `channel:NAME`.
    recipient TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('alarm', 'returned', 'escalation', 'group', 'test')),
    priority INTEGER NOT NULL,
    language TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    -- What the message is about, as JSON.
    data TEXT NOT NULL,
    queued_at_us INTEGER NOT NULL,
    due_at_us INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'sending', 'sent', 'failed', 'dropped', 'grouped')),
    attempts INTEGER NOT NULL DEFAULT 0,
    last_error TEXT,
    -- Counts for the budget and for the window of grouping.
    first_attempt_at_us INTEGER,
    sent_at_us INTEGER,
    -- The group message that this one is part of.
    group_id INTEGER REFERENCES notifications (id),
    idempotency_key TEXT NOT NULL UNIQUE
) STRICT;

CREATE INDEX notifications_due ON notifications (state, due_at_us);
CREATE INDEX notifications_of_recipients ON notifications (recipient, first_attempt_at_us);
CREATE INDEX notifications_of_groups ON notifications (group_id);

CREATE TABLE escalations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    event_number INTEGER NOT NULL,
    occurrence INTEGER NOT NULL,
    -- Recipients as the route names them, as JSON.
    recipients TEXT NOT NULL,
    data TEXT NOT NULL,
    due_at_us INTEGER NOT NULL
) STRICT;

CREATE INDEX escalations_due ON escalations (due_at_us);
