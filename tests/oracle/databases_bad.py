"""Databases that cannot be read, or not as before.

Promise: a server that is away, a wrong password, a dropped table, a watermark that was retyped and one that went
backwards are errors that name the cause, and the other sources are read. A wrong password is tried once. Rows with the
same key land, and silver has one of them.
"""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from checks import Report, wait_for

if TYPE_CHECKING:
    from databases_case import World

LIMIT_S = 120.0
SECRET = 'password = "env:DATABASES_CASE"\n'
WATERMARK = SECRET + 'watermark = "updated_at"\n'
COLUMNS = "(id BIGINT, name VARCHAR(80), qty VARCHAR(20), updated_at timestamp)"
ROWS = "(1, 'a', '1', '2026-11-20 06:00:00'), (2, 'b', '2', '2026-11-20 06:00:01')"
# Table: what its error names after the change.
CHANGED = {
    "dropped": ("DROP TABLE dropped", "no longer exists|does not exist"),
    "back": ("DELETE FROM back; INSERT INTO back VALUES (3, 'c', '3', '2026-11-10 06:00:00')", "went backwards"),
    "retyped": ("ALTER TABLE retyped ALTER COLUMN updated_at TYPE bigint USING extract(epoch FROM updated_at)",
                "was retyped to int8"),
    "renamed": ("ALTER TABLE renamed RENAME COLUMN updated_at TO changed_at", "has no column `updated_at`"),
}
# Connections after which a wrong password would have been tried again.
READS = 10


def check_bad(world: World, report: Report) -> None:
    postgres = world.sources[0].database
    for table in (*CHANGED, "twice"):
        postgres.sql(f"CREATE TABLE {table} {COLUMNS}; INSERT INTO {table} VALUES {ROWS}")
        world.contract(table, postgres.url, table, SECRET if table == "twice" else WATERMARK)
    postgres.sql("INSERT INTO twice VALUES (1, 'again', '7', '2026-11-20 06:00:02')")
    text = world.ingest()
    report.check("tables are read before they change", "5 dumps read" in text, text[:600])
    report.equal("silver has one row of each key", world.count("SELECT count(*) FROM silver.twice"), 2)
    report.equal("the other row is counted", world.count(
        "SELECT CAST(sum(superseded) AS BIGINT) FROM meta.runs WHERE table_name = 'twice'"), 1)
    check_errors(world, report)
    check_refused_once(world, report)


def check_errors(world: World, report: Report) -> None:
    postgres = world.sources[0].database
    os.environ["DATABASES_WRONG"] = "wrong"
    expected = {"away": "cannot be reached", "refused": "check user and password"}
    world.contract("away", "postgresql://cockpit@127.0.0.1:1/postgres", "whole", SECRET)
    world.contract("refused", postgres.url, "whole", 'password = "env:DATABASES_WRONG"\nevery = "1 s"\n')
    for table, (statement, cause) in CHANGED.items():
        postgres.sql(statement)
        expected[table] = cause
    postgres.sql("INSERT INTO twice VALUES (4, 'new', '4', '2026-11-20 06:00:03')")
    text = world.ingest()
    for name, causes in expected.items():
        line = next((it for it in text.splitlines() if it.strip().startswith(f"{name}:")), "")
        found = any(cause in line for cause in causes.split("|"))
        report.check(f"{name}: the error names the cause", found, f"{line!r} in {text[:1500]}")
    report.equal("the other sources are read", world.count("SELECT count(*) FROM silver.twice"), 3)
    failing = "SELECT count(*) FROM meta.sources WHERE error IS NOT NULL AND failing_since IS NOT NULL"
    report.equal("sources with errors", world.count(failing), len(expected))
    refused = "SELECT count(*) FROM meta.sources WHERE state = 'refused' AND next_read_at IS NULL"
    report.equal("sources that are refused", world.count(refused), 1)


def check_refused_once(world: World, report: Report) -> None:
    """A program that runs tries a wrong password once, while it reads another source each second."""
    world.contract("twice", world.sources[0].database.url, "twice", SECRET + 'every = "1 s"\n')
    log = world.folder / "postgres.log"
    before = log.read_text(errors="replace")

    def added(text: str) -> int:
        return log.read_text(errors="replace").count(text) - before.count(text)

    others = len(CHANGED) + 2
    args = [it for it in world.args() if it != "--once"]
    with (world.folder / "ingest.log").open("wb") as out:
        process = subprocess.Popen(args, stdout=out, stderr=out)
    try:
        wait_for("a source is read again and again",
                 lambda: added("connection authorized") >= others + READS, LIMIT_S)
        report.equal("a wrong password is tried once", added("password authentication failed"), 1)
    finally:
        process.terminate()
        process.wait(LIMIT_S)
