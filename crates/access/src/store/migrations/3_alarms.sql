-- The journal of alarms, the current state of each alarm, and the notifications about them.

-- Append-only; entries are linked by hashes as those of the audit log.
CREATE TABLE alarm_events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at_us INTEGER NOT NULL,
    rule TEXT NOT NULL,
    object TEXT NOT NULL,
    -- Number of the event that raised the alarm; 0 if none did.
    occurrence INTEGER NOT NULL,
    transition TEXT NOT NULL,
    from_state TEXT NOT NULL,
    to_state TEXT NOT NULL,
    priority INTEGER NOT NULL,
    value REAL,
    limit_value REAL,
    reading_at_us INTEGER,
    actor TEXT,
    comment TEXT,
    evidence TEXT,
    -- Time of the program when the event was recorded.
    recorded_at_us INTEGER NOT NULL,
    prev TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT;

CREATE INDEX alarm_events_of_occurrences ON alarm_events (occurrence, number);
CREATE INDEX alarm_events_by_time ON alarm_events (at_us, number);

CREATE TRIGGER alarm_events_keeps_entries BEFORE DELETE ON alarm_events
BEGIN
    SELECT RAISE(ABORT, 'entries of the alarm journal cannot be removed');
END;

CREATE TRIGGER alarm_events_keeps_content BEFORE UPDATE ON alarm_events
BEGIN
    SELECT RAISE(ABORT, 'entries of the alarm journal cannot be changed');
END;

-- Also refuses INSERT OR REPLACE, which would remove an entry without the trigger above.
CREATE TRIGGER alarm_events_keeps_order BEFORE INSERT ON alarm_events
WHEN NEW.number <= (SELECT coalesce(max(number), 0) FROM alarm_events)
BEGIN
    SELECT RAISE(ABORT, 'entries of the alarm journal are appended only');
END;

-- Alarms that are not in the state normal, written in the transaction of their last event.
CREATE TABLE alarm_states (
    rule TEXT NOT NULL,
    object TEXT NOT NULL,
    occurrence INTEGER NOT NULL,
    -- The alarm as JSON.
    alarm TEXT NOT NULL,
    PRIMARY KEY (rule, object)
) STRICT, WITHOUT ROWID;

CREATE TABLE notifications (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    event_number INTEGER NOT NULL,
    occurrence INTEGER NOT NULL,
    channel TEXT NOT NULL,
    recipient TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('alarm', 'returned', 'escalation', 'group', 'test')),
    priority INTEGER NOT NULL,
    language TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    queued_at_us INTEGER NOT NULL,
    due_at_us INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'sending', 'sent', 'failed', 'dropped')),
    attempts INTEGER NOT NULL DEFAULT 0,
    last_error TEXT,
    sent_at_us INTEGER,
    idempotency_key TEXT NOT NULL UNIQUE
) STRICT;

CREATE INDEX notifications_due ON notifications (due_at_us) WHERE state IN ('waiting', 'sending');
CREATE INDEX notifications_of_occurrences ON notifications (occurrence);

-- Notifications per recipient and hour: sent or queued within the budget, and withheld by it.
CREATE TABLE notification_budget (
    recipient TEXT NOT NULL,
    hour INTEGER NOT NULL,
    used INTEGER NOT NULL DEFAULT 0,
    withheld INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (recipient, hour)
) STRICT, WITHOUT ROWID;
