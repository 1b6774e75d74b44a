"""Every table of gold by Delta Sharing, read by the official client with pandas, in both response formats.

Promise: counts and sums equal those of the table's files. An older version and a version by time are read; files are
left out by predicate hints only if no row matches; a changed address of a file is refused; a user with a role on one
line gets no files.

    python sharing_case.py --cockpit BIN --lake DIR --client PYTHON
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable, write_deltalake

import doors
import lake as lakes
from checks import Report
from damage_state import LIMIT_S, Service

CLIENT_S = 110
TABLE = "production_daily"

Line = dict[str, Any]


class Share:
    """The protocol by hand."""

    def __init__(self, service: Service, secret: str) -> None:
        self.base = f"http://127.0.0.1:{service.port}/sharing"
        self.secret = secret

    def open(self, url: str, body: Line | None = None, headers: dict[str, str] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        known = {"Authorization": f"Bearer {self.secret}", "Content-Type": "application/json"}
        request = urllib.request.Request(url, data=data, headers=known | (headers or {}))
        return urllib.request.urlopen(request, timeout=LIMIT_S)

    def lines(self, address: str, body: Line | None = None) -> tuple[list[Line], int]:
        url = f"{self.base}/shares/gold/schemas/gold/tables/{TABLE}{address}"
        with self.open(url, body) as answer:
            version = int(answer.headers["Delta-Table-Version"])
            return [json.loads(line) for line in answer.read().splitlines()], version

    def query(self, **body: Any) -> tuple[list[Line], int]:
        """The files of the table, and its version."""
        lines, version = self.lines("/query", body)
        return [line["file"] for line in lines[2:]], version

    def rows(self, files: list[Line]) -> int:
        total = 0
        for file in files:
            with urllib.request.urlopen(file["url"], timeout=LIMIT_S) as answer:
                total += pq.read_table(pa.BufferReader(answer.read())).num_rows
        return total


def status(open_url: Any) -> int:
    try:
        open_url()
    except urllib.error.HTTPError as refused:
        return refused.code
    return 200


def check_client(share: Share, lake: str, folder: Path, client: Path, report: Report) -> None:
    profile = folder / "plant.share"
    text = {"shareCredentialsVersion": 1, "endpoint": share.base, "bearerToken": share.secret}
    profile.write_text(json.dumps(text))
    tables = lakes.tables(lake, ("gold",))
    wanted = {table: doors.numeric_columns(lake, table) for table in tables}
    script = Path(__file__).with_name("sharing_client.py")
    words = [str(client), str(script), str(profile), json.dumps(wanted)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=CLIENT_S, check=False)
    if not report.equal("the client ends", done.returncode, 0):
        print(done.stderr[-3000:])
        return
    result = json.loads(next(it for it in done.stdout.splitlines() if it.startswith("RESULT "))[7:])
    report.equal("shares", result["shares"], ["gold", "silver"])
    report.equal("tables of gold", [it for it in result["tables"] if it.startswith("gold.")], tables)
    for table in tables:
        want = doors.expected(lake, table)
        for form in ("parquet", "delta"):
            found = result[form][table]
            have = {"rows": found["rows"]} | {c: doors.rounded(found[c]) for c in wanted[table]}
            report.check(f"{table} as {form}", doors.is_near(have, want), f"{have}\n{want}")
    report.equal("limit", result["limited"], min(3, doors.expected(lake, tables[0])["rows"]))


def check_versions(share: Share, lake: Path, report: Report) -> None:
    path = str(lake / "gold" / TABLE)
    before = DeltaTable(path)
    old, rows = before.version(), before.to_pyarrow_table()
    at = datetime.now(UTC)
    write_deltalake(path, rows.slice(0, 5), mode="overwrite")
    files, newest = share.query()
    report.equal("the newest version", (newest, share.rows(files)), (old + 1, 5))
    files, version = share.query(version=old)
    report.equal("an older version", (version, share.rows(files)), (old, rows.num_rows))
    files, version = share.query(timestamp=at.isoformat().replace("+00:00", "Z"))
    report.equal("a version by time", (version, share.rows(files)), (old, rows.num_rows))
    ahead = (at + timedelta(days=1)).isoformat().replace("+00:00", "Z")
    missing = f"{share.base}/shares/gold/schemas/gold/tables/{TABLE}/version?startingTimestamp={ahead}"
    report.equal("no version yet", status(lambda: share.open(missing)), 404)
    DeltaTable(path).vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    report.equal("a deleted version", status(lambda: share.query(version=old)), 404)


def check_files(share: Share, report: Report) -> None:
    files, _ = share.query()
    url = files[0]["url"]
    with share.open(url, headers={"Range": "bytes=0-3", "Authorization": ""}) as answer:
        found = (answer.status, answer.read(), answer.headers["Content-Range"])
        report.equal("the first bytes", found, (206, b"PAR1", f"bytes 0-3/{files[0]['size']}"))
    report.equal("a changed address", status(lambda: share.open(url.replace("grant=", "grant=x"))), 400)
    column = {"op": "column", "name": "actual", "valueType": "long"}

    def hint(op: str, value: str) -> str:
        literal = {"op": "literal", "value": value, "valueType": "long"}
        return json.dumps({"op": op, "children": [column, literal]})

    none, _ = share.query(jsonPredicateHints=hint("greaterThan", "1000000000"))
    report.equal("files without a matching row are left out", none, [])
    every, _ = share.query(jsonPredicateHints=hint("greaterThanOrEqual", "0"))
    report.equal("other files are not", len(every), len(files))


def check_scope(service: Service, world: doors.World, report: Report) -> None:
    words = ["user", "add", "line", "--role", "engineer@line:SMT/Line 1", "--password"]
    made = world.run(*words, text="eleven calm rivers at dawn")
    report.equal("a user of a line", made.returncode, 0)
    login = service.login(name="line", password="eleven calm rivers at dawn")
    answer = service.ask("GET", "/sharing/shares", cookie=login.cookie)
    report.equal("a role on a line", (answer.status, answer.code), (403, "scope_too_small"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cockpit", type=Path, required=True)
    parser.add_argument("--lake", type=Path, required=True)
    parser.add_argument("--client", type=Path, required=True, help="a Python with delta-sharing")
    arguments = parser.parse_args()
    report = Report()
    with tempfile.TemporaryDirectory(prefix="sharing-case-") as name:
        folder = Path(name)
        copy = shutil.copytree(arguments.lake, folder / "copy")
        (folder / "world").mkdir()
        world = doors.open_world(arguments.cockpit.resolve(), folder / "world", copy)
        service = world.start()
        try:
            cookie = service.login().cookie
            share = Share(service, doors.token(service, cookie, ["read_tables", "download"]))
            check_client(share, str(copy), folder, arguments.client, report)
            check_files(share, report)
            check_scope(service, world, report)
            check_versions(share, copy, report)
        finally:
            service.stop()
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
