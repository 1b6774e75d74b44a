-- The journal of alarms, and the current state of each alarm.

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
