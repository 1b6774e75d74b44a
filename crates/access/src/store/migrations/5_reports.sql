-- Reports that were issued, with their bytes, and their deliveries. Times are those of the program.

CREATE TABLE issued_reports (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    report TEXT NOT NULL,
    title TEXT NOT NULL,
    language TEXT NOT NULL,
    -- Values of the parameters by name, as JSON.
    parameters TEXT NOT NULL,
    issued_at_us INTEGER NOT NULL,
    -- Name of the user; NULL for a run of the schedule or a correction.
    issued_by TEXT,
    -- Time of the run of the schedule.
    run_at_us INTEGER,
    -- When the youngest table that the report read last changed.
    data_as_of_us INTEGER,
    -- Version of every table that the report read, as JSON.
    versions TEXT NOT NULL,
    -- Versions whose figures were last compared with those of the report, as JSON.
    compared_versions TEXT NOT NULL,
    -- Whether later versions of its tables can correct the report: its period was over.
    is_correctable INTEGER NOT NULL,
    -- The issued report that this one corrects: each has one successor at most.
    corrects INTEGER UNIQUE REFERENCES issued_reports (id) ON DELETE SET NULL,
    -- Differences from the corrected report, as JSON; the list may be cut off.
    differences TEXT NOT NULL,
    differences_total INTEGER NOT NULL,
    -- Each run of a schedule is issued once.
    UNIQUE (report, run_at_us)
) STRICT;

CREATE INDEX issued_reports_by_name ON issued_reports (report, id);
CREATE INDEX issued_reports_by_time ON issued_reports (issued_at_us);

CREATE TABLE report_files (
    issued INTEGER NOT NULL REFERENCES issued_reports (id) ON DELETE CASCADE,
    -- `pdf`, `xlsx`, `csv`, `html`, or `data`: the rows, as JSON.
    format TEXT NOT NULL,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (issued, format)
) STRICT;

CREATE TABLE report_deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    issued INTEGER NOT NULL REFERENCES issued_reports (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('message', 'folder')),
    -- Channel of a message; location of a folder.
    target TEXT NOT NULL,
    -- Name of a person, `channel:NAME`, an address, or the location.
    recipient TEXT NOT NULL,
    -- Address that the report file names itself.
    address TEXT,
    -- Formats of the attached or written files, as JSON.
    formats TEXT NOT NULL,
    queued_at_us INTEGER NOT NULL,
    due_at_us INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'sending', 'sent', 'failed')),
    attempts INTEGER NOT NULL DEFAULT 0,
    last_error TEXT,
    first_attempt_at_us INTEGER,
    sent_at_us INTEGER,
    UNIQUE (issued, kind, target, recipient)
) STRICT;

CREATE INDEX report_deliveries_due ON report_deliveries (state, due_at_us);
CREATE INDEX report_deliveries_of_recipients ON report_deliveries (recipient, first_attempt_at_us);

-- Time of the last run of each schedule, or the time at which the schedule was first seen.
CREATE TABLE report_runs (
    report TEXT PRIMARY KEY,
    run_at_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
