"""SQL over the PostgreSQL protocol and Arrow Flight SQL, read by the clients that people use.

Promise: every client reads every table of gold with the counts and sums of its files; a viewer of one line reads the
rows of that line by each of them; the calls of drivers about the catalogue, and statements of Npgsql and Power BI,
have answers; nothing can be changed; a statement ends when it is cancelled and at its limits; broken frames end their
connection only.

    python sql_doors_case.py --cockpit BIN [--short] [--frames 20000] [--days 3] [--only PART ...]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy

import sql_doors_catalogue as catalogue
import sql_doors_clients as clients
import sql_doors_flight as flight
import sql_doors_frames as flight_frames
import sql_doors_matrix as matrix
import sql_doors_parameters as parameters
import sql_doors_scram as scram
import sql_doors_speed as speed
import sql_doors_tools as tools
import sql_doors_wire as wire
from checks import Report
from sql_doors_runaways import CROSS_JOIN, HUGE_PATTERN, RUNAWAYS
from sql_doors_world import PASSWORD, Summary, World, difference, expected

FRAMES, DAYS = 20_000, 3
SHORT_FRAMES, SHORT_DAYS = 2_000, 1
PARTS = (
    *("clients", "line", "matrix", "catalogue", "logins", "flight", "npgsql", "refusals", "limits"),
    *("scram", "parameters", "flight-limit", "audit", "settings", "tls", "connect", "frames", "speed"),
)
SLOW = ("speed",)
"""Parts that the short form leaves out."""
SHORT_LATE_S = 5.0
"""The short form runs on machines with other load."""
LIMITED = ("57014", "53200")
REFUSED = {
    "CREATE TABLE gold.x (a int)": "25006",
    "INSERT INTO gold.oee_hourly SELECT * FROM gold.oee_hourly": "25006",
    "DELETE FROM gold.oee_hourly": "25006",
    "DROP TABLE gold.oee_hourly": "25006",
    "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'": "42601 25006",
    "COPY gold.oee_hourly FROM '/etc/passwd'": "0A000",
    "COPY (SELECT 1) TO '/tmp/x'": "0A000",
    "SELECT * FROM '/etc/passwd'": "42P01 42601",
    "SELECT pg_read_file('/etc/passwd')": "42000",
    "SELECT * FROM gold.absent": "42P01",
    "SELECT 1; SELECT 2": "",
}


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cockpit", type=Path, required=True)
    parser.add_argument("--short", action="store_true", help="few frames, one day, and no figures of speed")
    parser.add_argument("--frames", type=int)
    parser.add_argument("--days", type=int)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=[], help="parts of the case; all if none is named")
    args = parser.parse_args()
    frames, days = (SHORT_FRAMES, SHORT_DAYS) if args.short else (FRAMES, DAYS)
    left_out = SLOW if args.short else ()
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        world = World(args.cockpit.resolve(), Path(folder))
        if args.short:
            world.late_s = SHORT_LATE_S
        world.fill(args.days or days)
        world.start()
        try:
            only = args.only or [name for name in PARTS if name not in left_out]
            check(world, args.frames or frames, only, report)
        except BaseException:
            print((world.folder / "serve.log").read_text()[-4000:])
            raise
        finally:
            world.stop()
    return report.finish()


def check(world: World, frames: int, only: list[str], report: Report) -> None:
    for user in ("anna", "vera"):
        world.make_token(user)
    parts: dict[str, Callable[[], None]] = {
        "clients": lambda: check_clients(world, "anna", report),
        "line": lambda: check_clients(world, "vera", report),
        "matrix": lambda: matrix.check(world, report),
        "catalogue": lambda: check_catalogue(world, report),
        "logins": lambda: check_logins(world, report),
        "scram": lambda: scram.check(world, report),
        "flight": lambda: flight.check(world, report),
        "parameters": lambda: parameters.check(world, report),
        "npgsql": lambda: check_npgsql(world, report),
        "refusals": lambda: check_refusals(world, report),
        "limits": lambda: check_limits(world, report),
        "flight-limit": lambda: flight.check_limit(world, report),
        "audit": lambda: check_audit(world, report),
        "settings": lambda: check_settings(world, report),
        "tls": lambda: check_tls(world, report),
        "connect": lambda: check_connect(world, report),
        "frames": lambda: check_frames(world, frames, report),
        "speed": lambda: speed.measure(world),
    }
    for name, run in parts.items():
        if name in only:
            begun = time.monotonic()
            run()
            print(f"{name} took {time.monotonic() - begun:.1f} s", flush=True)


def check_clients(world: World, user: str, report: Report) -> None:
    tables = world.gold_tables(user)
    report.check(f"{user} sees tables", len(tables) > 3, f"{tables}")
    must = {name: expected(world.query(f"SELECT * FROM gold.{name}", user)) for name in tables}
    if user == "anna":
        of_files = {name: difference(must[name], world.file_summary(name)) for name in tables}
        wrong = "\n".join(f"{name}: {text}" for name, text in of_files.items() if text)
        report.check(f"HTTP has the rows of the files of {len(tables)} tables", not wrong, wrong)
    else:
        of_line = world.line_summary("oee_hourly")
        report.check("a viewer sees rows", of_line["rows"] > 0, "no rows of the second line")
        wrong = difference(must["oee_hourly"], of_line)
        report.check("HTTP has the rows of the line in the files", not wrong, wrong)
    for client, connect in (clients.CLIENTS | flight.CLIENTS).items():
        wrong = differences(world, user, connect, must)
        report.check(f"{client} reads {len(tables)} tables as {user}", not wrong, wrong)


def differences(
    world: World, user: str, connect: Callable[..., Any], must: dict[str, Summary]
) -> str:
    wrong = {}
    try:
        with connect(world, user) as read:
            for name in must:
                try:
                    found = difference(read(f"gold.{name}"), must[name])
                except Exception as error:
                    found = f"{type(error).__name__}: {error}"[:2000]
                if found:
                    wrong[name] = found
    except Exception as error:
        wrong["connection"] = f"{type(error).__name__}: {error}"[:2000]
    return "\n".join(f"{name}: {text}" for name, text in wrong.items())


def check_catalogue(world: World, report: Report) -> None:
    for command in catalogue.PSQL:
        try:
            text, reason = clients.psql(world, "anna", "-c", command), ""
        except RuntimeError as error:
            text, reason = "", str(error)
        is_empty = reason.startswith(catalogue.NOTHING)
        report.check(f"psql {command}", is_empty or not reason, reason)
        if command == r"\d+ gold.oee_hourly":
            has_key = "PRIMARY KEY" in text and "oee_hourly_pkey" in text
            report.check("psql shows keys and comments", has_key and "The unit." in text, text)
    for user in ("anna", "vera"):
        for client, call in catalogue.CALLS.items():
            reason = call(world, user)
            report.check(f"calls of {client} about the catalogue as {user}", not reason, reason)
    seen = clients.psql(world, "vera", "-At", "-c", r"\dt bronze.*")
    report.check("a viewer sees no received files", "bronze" not in seen, seen)


def check_logins(world: World, report: Report) -> None:
    for name, user, secret, is_accepted in [
        ("a password", "anna", PASSWORD, True),
        ("a token as password", "token", world.tokens["anna"], True),
        ("a wrong password", "anna", "wrong", False),
        ("a token of another user", "vera", world.tokens["anna"], False),
        ("an unknown user", "nemo", PASSWORD, False),
    ]:
        try:
            wire.Wire(world.postgres, user, secret).close()
            reason, done = "", True
        except PermissionError as error:
            reason, done = str(error), False
        report.equal(
            f"{name} is {'accepted' if is_accepted else 'refused'} {reason}", done, is_accepted
        )
    try:
        wire.Wire(world.postgres, "anna", PASSWORD, "other")
        reason = "accepted"
    except PermissionError as error:
        reason = str(error)
    report.check("another database is refused", "3D000" in reason, reason)


def check_npgsql(world: World, report: Report) -> None:
    """Npgsql and Power BI: every statement has an answer whose values are all binary."""
    connection = wire.Wire(world.postgres, "anna", world.tokens["anna"])
    place = {"schema": "gold", "table": "oee_hourly", "column": "unit"}
    number = "SELECT oid FROM pg_class WHERE relname = 'oee_hourly'"
    place["relation"] = (connection.simple(number).rows[0][0] or b"").decode()
    statements = wire.NPGSQL + [it.format(**place) for it in wire.NAVIGATOR + wire.VISUALS]
    statements += [it.format(**place) for it in tools.NAVIGATORS] + tools.QUERIES
    for number, sql in enumerate(statements):
        answer = connection.extended(sql)
        formats = {form for _, _, form in answer.columns}
        report.check(
            f"statement {number}: {' '.join(sql.split())[:60]}", not answer.error, answer.error
        )
        report.check(f"statement {number} is binary", formats <= {wire.BINARY}, f"{answer.columns}")
    types = connection.extended(wire.TYPES)
    names = {row[1] for row in types.rows}
    wanted = {
        b"bool",
        b"int4",
        b"int8",
        b"float8",
        b"numeric",
        b"text",
        b"timestamptz",
        b"date",
        b"_int4",
    }
    report.check("Npgsql finds its types", wanted <= names, f"missing {wanted - names}")
    report.equal("DISCARD ALL", connection.simple("DISCARD ALL").error, "")
    found = connection.extended(
        "SELECT 1::bigint, 2::int, 1.5::double, 'é', true, DATE '2000-01-02', NULL"
    ).rows
    must = [
        [
            bytes(7) + b"\1",
            b"\0\0\0\2",
            b"\x3f\xf8" + bytes(6),
            "é".encode(),
            b"\1",
            b"\0\0\0\1",
            None,
        ]
    ]
    report.equal("values are those of the protocol", found, must)
    found = connection.extended(
        "SELECT count(*) FROM gold.oee_hourly WHERE unit = $1", wire.TEXT, b"x"
    ).rows
    report.equal("a parameter without a type", found, [[b"0"]])
    connection.close()


def check_refusals(world: World, report: Report) -> None:
    connection = wire.Wire(world.postgres, "anna", world.tokens["anna"])
    for sql, codes in REFUSED.items():
        error = connection.simple(sql).error
        is_right = error[1:6] in codes.split() if codes else not error
        report.check(f"{sql} {'is refused' if codes else 'has answers'}", is_right, error)
    for count, code in ((400, ""), (30_000, "54001"), (200_000, "54001")):
        error = connection.simple("SELECT " + "+".join(["1"] * count)).error
        report.equal(f"a chain of {count} operators", error[1:6], code)
    nested = connection.simple("SELECT " + "(" * 30_000 + "1").error
    report.check("thirty thousand parentheses are refused", bool(nested))
    connection.simple("BEGIN")
    connection.simple("SELECT absent")
    report.check("a failed transaction", "25P02" in connection.simple("SELECT 1").error)
    report.equal("ends by ROLLBACK", connection.simple("ROLLBACK").error, "")
    report.equal("and the next statement runs", connection.simple("SELECT 1").rows, [[b"1"]])
    connection.close()


def check_limits(world: World, report: Report) -> None:
    for name, sql in (RUNAWAYS | {"a huge pattern": HUGE_PATTERN}).items():
        connection = wire.Wire(world.postgres, "anna", world.tokens["anna"])
        connection.simple("SET statement_timeout = '1s'")
        begun = time.monotonic()
        error = connection.simple(sql).error
        took_s = time.monotonic() - begun
        is_limited = error[1:6] in LIMITED or (name == "a huge pattern" and bool(error))
        report.check(
            f"{name} ends at its limit ({took_s:.1f} s)", is_limited and took_s < 1 + world.late_s, error
        )
        connection.close()
    connection = wire.Wire(world.postgres, "anna", world.tokens["anna"])
    threading.Timer(1, connection.cancel, [world.postgres]).start()
    begun = time.monotonic()
    error = connection.simple(CROSS_JOIN).error
    took_s = time.monotonic() - begun
    report.check(
        f"a cancelled statement ends ({took_s:.1f} s)",
        "57014" in error and took_s < 1 + world.late_s,
        error,
    )
    report.equal("its connection continues", connection.simple("SELECT 1").rows, [[b"1"]])
    connection.close()


def check_audit(world: World, report: Report) -> None:
    statements = {"postgres": "SELECT 41 + 1 AS audited", "flight": "SELECT 41 + 2 AS audited"}
    connection = wire.Wire(world.postgres, "anna", world.tokens["anna"])
    connection.simple(statements["postgres"])
    connection.close()
    flight.run(world, "anna", statements["flight"])
    parameters.run(world, "anna", "SELECT ? AS audited_value", ("never in the log",))
    world.stop()
    text = world.run("audit", *world.places, "export")
    for protocol, sql in statements.items():
        lines = [line for line in text.splitlines() if sql in line]
        is_right = len(lines) == 1 and protocol in lines[0] and "anna" in lines[0]
        report.check(f"one audit entry per statement of {protocol}", is_right, "\n".join(lines))
    lines = [line for line in text.splitlines() if "audited_value" in line]
    is_right = len(lines) == 1 and "flight" in lines[0] and "anna" in lines[0]
    report.check("one audit entry of a statement with parameters", is_right, "\n".join(lines))
    report.check("without its values", "never in the log" not in text)
    world.start()


def check_settings(world: World, report: Report) -> None:
    """Limits that are smaller than usual, so that statements reach them."""
    with world.started(COCKPIT_FILE_ROWS_MAX="1000", COCKPIT_MEMORY_BYTES=str(24 << 20)):
        connection = wire.Wire(world.postgres, "anna", world.tokens["anna"])
        rows = "SELECT a.value FROM generate_series(1, 9000) a"
        report.check("more rows than the limit", "54000" in connection.simple(rows).error)
        large = f"SELECT array_agg(repeat('x', 9000) || value) FROM ({rows}) x"
        error = connection.simple(large).error
        report.check("more memory than the limit", "53200" in error, error)
        report.equal("and the next statement runs", connection.simple("SELECT 1").rows, [[b"1"]])
        connection.close()


def check_tls(world: World, report: Report) -> None:
    pair = world.folder / "tls"
    world.run("certificate", "--host", "localhost", "--dir", str(pair))
    certificate, key = pair / "cockpit.crt", pair / "cockpit.key"
    with world.started("--certificate", str(certificate), "--key", str(key)):
        with catalogue.tls_connection(world, "anna", "verify-full", str(certificate)) as connection:
            answer = connection.execute("SELECT count(*) > 0 FROM gold.oee_hourly").fetchone()
        report.equal("TLS with a verified certificate", answer, (True,))
        reason = flight.tls_refusal(world, certificate.read_text())
        report.equal("TLS of Flight SQL with a verified certificate", reason, "")
        world.run("certificate", "--host", "localhost", "--dir", str(world.folder / "other"))
        try:
            other = str(world.folder / "other" / "cockpit.crt")
            reason = flight.tls_refusal(world, Path(other).read_text())
            report.check("another issuer is refused by a client of Flight SQL", bool(reason))
            with catalogue.tls_connection(world, "anna", "verify-full", other):
                reason = "accepted"
        except psycopg.OperationalError as error:
            reason = str(error)
        report.check("another issuer is refused", "certificate" in reason, reason)


def check_connect(world: World, report: Report) -> None:
    """The snippets of `cockpit connect` work with a token in its place."""
    listen = ["--listen", f"127.0.0.1:{world.http}", "--postgres-listen", f"127.0.0.1:{world.postgres}"]
    listen += ["--flight-listen", f"127.0.0.1:{world.flight}"]
    text = world.run("connect", *world.places, *listen)
    token = world.tokens["anna"]
    line = next(it for it in text.splitlines() if "PGPASSWORD=" in it).replace("TOKEN", token)
    command = f"{line.strip()} -At -c 'SELECT 1'"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    report.equal(f"the snippet for psql {done.stderr}", done.stdout.strip(), "1")
    place = next(it for it in text.splitlines() if "SQLAlchemy:" in it).split()[-1]
    engine = sqlalchemy.create_engine(place.replace("TOKEN", token))
    with engine.connect() as connection:
        found = connection.execute(sqlalchemy.text("SELECT 1")).scalar()
    report.equal("the snippet for SQLAlchemy", found, 1)
    at = text.index("import adbc_driver_flightsql")
    script = "\n".join(line.strip() for line in text[at:].splitlines()[:3]).replace("TOKEN", token)
    script += ".cursor().execute('SELECT 1')"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    report.equal(f"the snippet for Flight SQL {done.stderr}", done.returncode, 0)
    line = next(it for it in text.splitlines() if it.strip().startswith("curl -u"))
    line = line.replace("TOKEN", token).replace("gold_production_daily?$top=10", "gold_oee_hourly?$top=1")
    done = subprocess.run(["sh", "-c", f"{line.strip()} -sf"], capture_output=True, text=True, check=False)
    rows = json.loads(done.stdout)["value"] if done.returncode == 0 else []
    report.equal(f"the snippet for OData {done.stderr}", len(rows), 1)
    line = next(it for it in text.splitlines() if "shareCredentialsVersion" in it)
    profile = json.loads(line[line.index("{") : line.rindex("}") + 1].replace("TOKEN", token))
    bearer = {"Authorization": f"Bearer {profile['bearerToken']}"}
    answer = json.loads(world.ask("GET", "/sharing/shares", None, bearer))
    is_right = profile["endpoint"] == f"http://127.0.0.1:{world.http}/sharing" and bool(answer["items"])
    report.check("the snippet for Delta Sharing", is_right, f"{profile['endpoint']} {answer}")


def check_frames(world: World, frames: int, report: Report) -> None:
    sent = wire.send_garbage(world.postgres, "anna", world.tokens["anna"], frames, seed=7)
    connection = wire.Wire(world.postgres, "anna", world.tokens["anna"])
    report.equal(f"after {sent} broken frames of PostgreSQL", connection.simple("SELECT 1").rows, [[b"1"]])
    connection.close()
    sent = flight_frames.send_garbage(world.flight, world.tokens["anna"], frames, seed=8)
    report.equal(f"after {sent} broken frames of Flight SQL", flight.run(world, "anna", "SELECT 1"), 1)
    log = (world.folder / "serve.log").read_text()
    report.check("no panic", "panicked" not in log, log[-1500:])
    alive = world.process is not None and world.process.poll() is None
    report.check("the program still runs", alive)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.TimeoutExpired as error:
        sys.exit(f"too slow: {error}")
