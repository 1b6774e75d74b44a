"""Every table of gold by Delta Sharing, read by the official client with pandas, in both response formats.

Promise: counts and sums equal those of the table's files. An older version and a version by time are read; files are
left out by predicate hints only if no row matches; a changed address of a file is refused; a user with a role on one
line gets no files. The change data feed of a table that has one is complete, and refused for the others. The addresses
of a lake on S3 have valid signatures of Version 4 that expire.

    python sharing_case.py --cockpit BIN --client PYTHON
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import os
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable, write_deltalake

import doors
import lake as lakes
import s3
from checks import Report
from damage_state import LIMIT_S, Service

CLIENT_S = 300
TABLE = "production_daily"
CHANGED = "oee_shift"
"""The table that gets a change data feed."""
DAYS = 4
ON_S3 = "s3://plant/lake"
ON_S3_TABLES = ("gold.production_daily", "gold.oee_shift", "gold.inventory_by_lot")
URL_LIFE_S = 900

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


def run_client(share: Share, folder: Path, client: Path, words: list[str], report: Report) -> Any:
    """What the client printed; it has no credentials of the store."""
    profile = folder / "plant.share"
    text = {"shareCredentialsVersion": 1, "endpoint": share.base, "bearerToken": share.secret}
    profile.write_text(json.dumps(text))
    script = Path(__file__).with_name("sharing_client.py")
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    words = [str(client), str(script), str(profile), *words]
    done = subprocess.run(words, capture_output=True, text=True, timeout=CLIENT_S, check=False, env=own)
    if not report.equal("the client ends", done.returncode, 0):
        print(done.stderr[-3000:])
        return None
    return json.loads(next(it for it in done.stdout.splitlines() if it.startswith("RESULT "))[7:])


def check_client(
    share: Share, lake: str, folder: Path, client: Path, tables: list[str], report: Report
) -> None:
    """Rows and sums of tables as the client reads them, in both response formats."""
    wanted = {table: doors.numeric_columns(lake, table) for table in tables}
    result = run_client(share, folder, client, [json.dumps(wanted)], report)
    if result is None:
        return
    report.equal("shares", result["shares"], ["gold", "silver"])
    shared = [it for it in result["tables"] if it.startswith("gold.")]
    report.equal("tables of gold", shared, lakes.tables(lake, ("gold",)))
    for table in tables:
        want = doors.expected(lake, table)
        for form in ("parquet", "delta"):
            found = result[form][table]
            have = {"rows": found["rows"]} | {c: doors.rounded(found[c]) for c in wanted[table]}
            report.check(f"{table} as {form}", doors.is_near(have, want), f"{have}\n{want}")
    report.equal("limit", result["limited"], min(3, doors.expected(lake, tables[0])["rows"]))


def check_changes(share: Share, lake: Path, folder: Path, client: Path, report: Report) -> None:
    """A table that another program gave a change data feed, and changed."""
    base = f"{share.base}/shares/gold/schemas/gold/tables"
    refused = f"{base}/{TABLE}/changes?startingVersion=0"
    report.equal("a table without a change data feed", status(lambda: share.open(refused)), 400)
    table = DeltaTable(str(lake / "gold" / CHANGED))
    rows = table.to_pyarrow_table()
    table.alter.set_table_properties({"delta.enableChangeDataFeed": "true"})
    first = table.version()
    unit = rows["unit"][0].as_py()
    of = sum(value == unit for value in rows["unit"].to_pylist())
    table.update(updates={"line": "'Moved'"}, predicate=f"unit = '{unit}'")
    table.delete(f"unit = '{unit}'")
    write_deltalake(table, rows.slice(0, 3), mode="append")
    wanted = Counter({(first + 1, "update_preimage"): of, (first + 1, "update_postimage"): of})
    wanted += Counter({(first + 2, "delete"): of, (first + 3, "insert"): 3})
    expected = sorted([version, kind, count] for (version, kind), count in wanted.items())
    words = ["--changes", f"gold.{CHANGED}", str(first)]
    result = run_client(share, folder, client, words, report)
    if result is not None:
        report.equal("changes as parquet", result["parquet"], expected)
        report.equal("changes as delta", result["delta"], expected)
    before = f"{base}/{CHANGED}/changes?startingVersion={first - 1}"
    report.equal("changes before the feed", status(lambda: share.open(before)), 400)
    one = f"{base}/{CHANGED}/changes?startingVersion={first + 2}&endingVersion={first + 2}"
    with share.open(one) as answer:
        kinds = [next(iter(json.loads(line))) for line in answer.read().splitlines()]
    report.equal("the changes of one version", kinds[2:], ["cdf"] * (len(kinds) - 2))


def signature(url: str, secret: str) -> str:
    """The signature of Version 4 that an address must have, computed a second time."""
    parts = urllib.parse.urlsplit(url)
    given = urllib.parse.parse_qsl(parts.query, keep_blank_values=True)
    values = dict(given)
    quoted = [tuple(urllib.parse.quote(it, safe="-_.~") for it in pair) for pair in given]
    query = "&".join(f"{name}={value}" for name, value in sorted(quoted) if name != "X-Amz-Signature")
    request = ["GET", parts.path, query, f"host:{parts.netloc}", "", "host", "UNSIGNED-PAYLOAD"]
    scope = values["X-Amz-Credential"].partition("/")[2]
    digest = hashlib.sha256("\n".join(request).encode()).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", values["X-Amz-Date"], scope, digest])
    key = f"AWS4{secret}".encode()
    for part in (*scope.split("/"), text):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key.hex()


def check_s3(program: Path, plant: Path, lake: Path, folder: Path, client: Path, report: Report) -> None:
    """The same lake on S3: the addresses are those of the store."""
    with s3.server() as environment:
        s3.upload(lake, ON_S3)
        (folder / "s3").mkdir()
        world = doors.open_world(program, folder / "s3", lake, plant)
        world.lake = ON_S3
        service = world.start()
        try:
            share = Share(service, doors.token(service, service.login().cookie, ["read_tables", "download"]))
            files, _ = share.query()
            for file in files:
                url = urllib.parse.urlsplit(file["url"])
                values = dict(urllib.parse.parse_qsl(url.query))
                store = environment["AWS_ENDPOINT_URL"].removeprefix("http://")
                report.equal("the host of an address", url.netloc, store)
                report.equal("its life", values["X-Amz-Expires"], str(URL_LIFE_S))
                have = signature(file["url"], environment["AWS_SECRET_ACCESS_KEY"])
                report.equal("its signature", values["X-Amz-Signature"], have)
            check_client(share, str(lake), folder, client, list(ON_S3_TABLES), report)
        finally:
            service.stop()


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


def check_scope(service: Service, report: Report) -> None:
    """A user whose role is limited to a line, by session and by token."""
    cookie = service.login(name=doors.VIEWER, password=doors.PASSWORD).cookie
    answer = service.ask("GET", "/sharing/shares", cookie=cookie)
    report.equal("a role on a line", (answer.status, answer.code), (403, "scope_too_small"))
    share = Share(service, doors.token(service, cookie, ["read_tables", "download"], doors.SCOPE))
    for address in ("/version", "/metadata", "/changes?startingVersion=0"):
        url = f"{share.base}/shares/gold/schemas/gold/tables/{TABLE}{address}"
        report.equal(f"a token on a line: {address}", status(lambda url=url: share.open(url)), 403)
    try:
        share.query()
    except urllib.error.HTTPError as refused:
        body = json.loads(refused.read())
        report.equal("the code of the refusal", body["errorCode"], "scope_too_small")
        report.check("its reason", "cannot be limited to areas or lines" in body["message"], body["message"])
    else:
        report.check("files of a line are refused", False)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cockpit", type=Path, required=True)
    parser.add_argument("--client", type=Path, required=True, help="a Python with delta-sharing")
    arguments = parser.parse_args()
    program, client = arguments.cockpit.resolve(), arguments.client
    report = Report()
    with tempfile.TemporaryDirectory(prefix="sharing-case-") as name:
        folder = Path(name)
        plant, lake = doors.fill(program, folder, DAYS)
        check_s3(program, plant, lake, folder, client, report)
        (folder / "world").mkdir()
        service = doors.open_world(program, folder / "world", lake, plant).start()
        try:
            cookie = service.login().cookie
            share = Share(service, doors.token(service, cookie, ["read_tables", "download"]))
            tables = lakes.tables(str(lake), ("gold",))
            check_client(share, str(lake), folder, client, tables, report)
            check_files(share, report)
            check_scope(service, report)
            check_changes(share, lake, folder, client, report)
            check_versions(share, lake, report)
        finally:
            service.stop()
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
