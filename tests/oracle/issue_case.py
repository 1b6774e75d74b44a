"""Is every report issued once, delivered, and corrected when its figures change?

Promise: a report is due while two programs with one lake and a user database each are running and the mail server
is away. One of them issues it, is killed with -9 while it delivers, and starts again. In the end there is one issued
report, one mail for each recipient with the stored bytes attached, and the files in the folder and in the bucket (S3). Then a corrected
dump changes one figure: the report is issued again, names that figure alone, and goes to the same recipients.

    python issue_case.py --cockpit BIN
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import boto3

import s3
import small_plant
from checks import Report, wait_for
from receivers import MailServer, free_port

ZONE = ZoneInfo("Europe/Berlin")
LIMIT_S = 240.0
REPORT = "counts"
BUCKET, PREFIX = "plant", "reports"

DEFINITION = """
title = "Counts"
description = "Boards of a day."

[parameters.day]
kind = "day"
default = "yesterday"

[[query]]
name = "counts"
sql = "select station, made from silver.counts where day = cast(:day as varchar) order by station"
[query.columns.made]
title = "Made"
unit = "boards"

[schedule]
at = "{at}"
formats = ["pdf", "xlsx"]

[[send]]
kind = "email"
roles = ["manager"]
to = ["boss@plant.example"]
formats = ["pdf"]

[[send]]
kind = "link"
roles = ["manager"]

[[send]]
kind = "folder"
location = "{folder}"

[[send]]
kind = "s3"
location = "s3://{bucket}/{prefix}"
"""

TEMPLATE = """
#let data = json("data.json")
= #data.title
#for row in data.queries.counts.rows [
  #row.station: #row.made #parbreak()
]
"""

ALARMS = """
[notifications]
retry_first_ms = 100
retry_longest_ms = 1000
attempt_time_ms = 3000

[[channel]]
name = "mail"
kind = "email"
host = "127.0.0.1"
port = {smtp}
security = "none"
from = "cockpit@plant.example"

[[person]]
name = "anna"
role = "manager"
channels = ["mail"]
email = "anna@plant.example"
"""

SETTINGS = {
    "COCKPIT_REPORT_POLL_MS": "100",
    "COCKPIT_REPORT_CORRECTIONS_S": "1",
    "COCKPIT_REPORT_CORRECTION_PAUSE_S": "0",
    "COCKPIT_LISTING_EVERY_S": "1",
    "COCKPIT_DUMP_SETTLE_MS": "1",
    "COCKPIT_STREAM_REFINE_EVERY_S": "1",
}


@dataclass
class Server:
    """The program, serving with a user database of its own."""

    cockpit: Path
    folder: Path
    name: str
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    def start(self) -> None:
        places = ["--lake", self.folder / "lake", "--plant", self.folder / "plant"]
        state = {"COCKPIT_ACCESS_STATE": str(self.folder / self.name)}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [self.cockpit, "serve", *places, "--bucket", self.folder / "bucket"]
                + ["--listen", f"127.0.0.1:{self.port}"],
                stdout=log,
                stderr=log,
                env=os.environ | SETTINGS | state,
            )
        wait_for(f"an answer of {self.name}", self.answers, LIMIT_S)

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()

    def answers(self) -> bool:
        if self.process and self.process.poll() is not None:
            raise RuntimeError(f"the program ended:\n{self.log.read_text()[-2000:]}")
        try:
            self.get("/reports")
        except OSError:
            return False
        return True

    def bytes(self, path: str) -> bytes:
        with urllib.request.urlopen(
            f"http://127.0.0.1:{self.port}/api/v1{path}", timeout=30
        ) as got:
            return bytes(got.read())

    def get(self, path: str) -> Any:
        return json.loads(self.bytes(path))

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the user database, read beside the program."""
        found = list((self.folder / self.name).rglob("access.db"))
        if not found:
            return []
        with sqlite3.connect(f"file:{found[0]}?mode=ro", uri=True, timeout=30) as database:
            try:
                return database.execute(sql).fetchall()
            except sqlite3.OperationalError:
                return []

    @property
    def issued(self) -> list[tuple[Any, ...]]:
        return self.rows("SELECT id, corrects FROM issued_reports ORDER BY id")


def main() -> int:
    parser = argparse.ArgumentParser(description="Issues, delivers and corrects a report.")
    parser.add_argument("--cockpit", type=Path, required=True)
    args = parser.parse_args()
    report, mail = Report(), MailServer()
    with s3.server(), tempfile.TemporaryDirectory(prefix="issue-case-") as name:
        _store().create_bucket(Bucket=BUCKET)
        folder = Path(name)
        first, second = (Server(args.cockpit.resolve(), folder, it) for it in ("one", "two"))
        _write_plant(folder, mail.port, _next_minute())
        _dump(folder, "1.csv", {"EP": 5, "SB": 7})
        try:
            _run(report, first, second, mail)
        except TimeoutError as error:
            logs = first.log.read_text()[-2000:] + second.log.read_text()[-2000:]
            report.check("everything happens in time", ok=False, reason=f"{error}\n{logs}")
        finally:
            first.kill()
            second.kill()
            mail.stop()
    return report.finish()


def _yesterday() -> date:
    """The production day before the current one: days begin with shift A at 06:00."""
    return (datetime.now(ZONE) - timedelta(hours=6)).date() - timedelta(days=1)


def _next_minute() -> str:
    """A minute of the plant that begins after the programs have started."""
    return (datetime.now(ZONE) + timedelta(seconds=100)).strftime("%H:%M")


def _write_plant(folder: Path, smtp: int, at: str) -> None:
    columns = ("id", "day", "station")
    table = small_plant.Table(
        "counts",
        ("counts/*.csv",),
        (*(small_plant.Column(it) for it in columns), small_plant.Column("made", 'type = "int"')),
    )
    plant = small_plant.write(folder / "plant", [table])
    (plant / "alarms.toml").write_text(ALARMS.format(smtp=smtp))
    own = plant / "reports" / REPORT
    own.mkdir(parents=True)
    (own / "report.toml").write_text(DEFINITION.format(at=at, folder=folder / "out", bucket=BUCKET, prefix=PREFIX))
    (own / "report.typ").write_text(TEMPLATE)


def _dump(folder: Path, name: str, made: dict[str, int]) -> None:
    day = _yesterday().isoformat()
    lines = [f"{day}-{station},{day},{station},{count}" for station, count in made.items()]
    path = folder / "bucket" / "counts" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("id,day,station,made\n" + "\n".join(lines) + "\n")


def _run(report: Report, first: Server, second: Server, mail: MailServer) -> None:
    first.start()
    second.start()
    wait_for("the report", lambda: bool(first.issued or second.issued), LIMIT_S)
    owner = first if first.issued else second
    attempted = "SELECT count(*) FROM report_deliveries WHERE attempts > 1"
    wait_for("failed attempts", lambda: owner.rows(attempted) != [(0,)], LIMIT_S)
    report.equal("no mail while the server is away", len(mail.mails), 0)
    owner.kill()
    owner.start()
    mail.start()
    wait_for("the deliveries", lambda: _is_delivered(owner), LIMIT_S)
    report.equal("one program issued it", len(first.issued) + len(second.issued), 1)
    _check_issued(report, owner, mail, owner.issued[0][0])
    _check_correction(report, owner, mail)
    report.equal("two reports in the end", len(first.issued) + len(second.issued), 2)


def _is_delivered(server: Server) -> bool:
    sql = "SELECT count(*) FROM report_deliveries WHERE state <> 'sent'"
    return server.rows(sql) == [(0,)]


def _check_issued(report: Report, server: Server, mail: MailServer, number: int) -> None:
    """The mails, the files of the folder and the downloads have the stored bytes."""
    detail = server.get(f"/issued-reports/{number}")
    files = {it["format"]: it for it in detail["issued"]["files"]}
    report.equal("the formats", sorted(files), ["pdf", "xlsx"])
    report.equal("its day", detail["issued"]["parameters"]["day"], _yesterday().isoformat())
    digests = {}
    for name, it in files.items():
        bytes_ = server.bytes(f"/issued-reports/{number}/files/{name}")
        digests[name] = hashlib.sha256(bytes_).hexdigest()
        report.equal(f"{name}: the digest", digests[name], it["sha256"])
        path = server.folder / "out" / REPORT / it["name"]
        report.check(f"{name} in the folder", path.is_file() and path.read_bytes() == bytes_)
        key = f"{PREFIX}/{REPORT}/{it['name']}"
        stored = _store().get_object(Bucket=BUCKET, Key=key)["Body"].read()
        report.check(f"{name} in the bucket", stored == bytes_)
    for address in ("anna@plant.example", "boss@plant.example"):
        mails = [it for it in mail.to(address) if _attached(it.message) == {digests["pdf"]}]
        report.equal(f"{address}: mails with the stored PDF", len({it.id for it in mails}), 1)


def _store() -> Any:
    return boto3.client("s3", region_name=os.environ["AWS_REGION"])


def _attached(message: Any) -> set[str]:
    parts = message.iter_attachments()
    return {hashlib.sha256(part.get_payload(decode=True)).hexdigest() for part in parts}


def _check_correction(report: Report, server: Server, mail: MailServer) -> None:
    before, count = server.issued[0][0], len(mail.mails)
    _dump(server.folder, "2.csv", {"SB": 9})
    wait_for("the correction", lambda: len(server.issued) == 2, LIMIT_S)
    wait_for("its deliveries", lambda: _is_delivered(server), LIMIT_S)
    number, corrects = server.issued[1]
    report.equal("it corrects the first one", corrects, before)
    detail = server.get(f"/issued-reports/{number}")
    difference = {"query": "counts", "row": "SB", "change": "changed", "column": "Made"}
    difference |= {"unit": "boards", "before": 7, "after": 9}
    report.equal("the differences", detail["differences"], [difference])
    old = server.get(f"/issued-reports/{before}")["issued"]
    report.equal("the first one is marked", old["corrected_by"], number)
    new = mail.mails[count:]
    report.equal("the same recipients", sorted(to for it in new for to in it.to),
                 ["anna@plant.example", "boss@plant.example"])
    texts = [part.get_content() for it in new for part in it.message.walk()
             if part.get_content_type() == "text/plain"]
    named = all("SB: Made 7 → 9 boards" in text and "EP" not in text for text in texts)
    report.check("the mail names what changed", bool(texts) and named, "\n".join(texts))
    _check_issued(report, server, mail, number)
    # A dump with the same figures is no correction.
    _dump(server.folder, "3.csv", {"SB": 9})
    compared = "SELECT compared_versions FROM issued_reports WHERE id = " + str(number)
    versions = server.rows(compared)
    wait_for("a comparison", lambda: server.rows(compared) != versions, LIMIT_S)
    report.equal("equal figures are not issued again", len(server.issued), 2)


if __name__ == "__main__":
    print(f"the case begins at {datetime.now(UTC):%H:%M:%S} UTC", flush=True)
    started = time.monotonic()
    code = main()
    print(f"{time.monotonic() - started:.0f} s")
    sys.exit(code)
