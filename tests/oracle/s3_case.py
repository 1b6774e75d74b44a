"""Ingests with dumps and lake both on S3, then lets two programs race for one lake.

Promise: the lake on S3 holds the truth and foreign readers read it; while one program holds a lake a
second one says who holds it and does not get it; after `kill -9` of the holder the second takes over
within the limit and finishes, and the lake then holds the truth. The race is run twice: with a holder
the second can see is gone, and with one in a process space of its own, as on another machine, which is
known to be gone only by its silence.

    python s3_case.py --cockpit BIN --bucket DIR [--takeover-limit-s 180]
"""

from __future__ import annotations

import argparse
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import compare
import lake as lakes
import readers
import s3
import truth
from checks import Report, wait_for
from program import PLANT, Cockpit

DUMPS = "s3://plant/dumps"
START_LIMIT_S = 60
ELSEWHERE = ("unshare", "--pid", "--fork", "--kill-child")
"""Runs a program in a process space of its own; ending `unshare` ends it with `kill -9`."""


def ingest_on_s3(cockpit: Cockpit, bucket: Path, as_of: date, report: Report) -> None:
    lake = "s3://plant/lake"
    done = cockpit.ingest(DUMPS, lake)
    if report.check("ingest with dumps and lake on S3", done.returncode == 0, done.stderr[-1000:]):
        compare.run(cockpit, lake, bucket, as_of, [], report)
        readers.check(lake, report)


def race(
    cockpit: Cockpit,
    first: Cockpit,
    lake: str,
    bucket: Path,
    as_of: date,
    takeover_limit_s: float,
    report: Report,
) -> None:
    """`first` holds the lake, `cockpit` wants it and gets it after the kill."""
    with tempfile.TemporaryDirectory() as folder:
        holder = first.start(DUMPS, lake, Path(folder) / "holder.log", once=False)
        try:
            wait_for("the holder's lease", lambda: _lease(lake), START_LIMIT_S)
            _refused(cockpit, lake, holder, Path(folder) / "second.log", report)
            report.check(
                "the holder still runs", holder.poll() is None, _said(Path(folder) / "holder.log")
            )
        finally:
            holder.kill()
            holder.wait()
    took_s, said = _take_over(cockpit, lake, takeover_limit_s)
    text = f"{lake}: the second has taken over and finished {took_s:.0f} s after the kill"
    if report.check(text, said == "", said):
        compare.run(cockpit, lake, bucket, as_of, [], report)


def _refused(
    cockpit: Cockpit, lake: str, holder: subprocess.Popen[bytes], log: Path, report: Report
) -> None:
    """The second program must name the holder, by process number or host, and not get the lake."""
    second = cockpit.start(DUMPS, lake, log, once=True)
    names = {str(holder.pid), socket.gethostname()}
    try:
        wait_for(
            "a message",
            lambda: second.poll() is not None or any(n in _said(log) for n in names),
            START_LIMIT_S,
        )
    except TimeoutError:
        report.check("the second program says something", False, _said(log))
    second_done = second.poll()
    second.kill()
    second.wait()
    said = _said(log)
    report.check("the second program does not succeed", second_done != 0, said)
    report.check("the second program says who holds the lake", any(n in said for n in names), said)
    report.check("the second program does not crash", "panicked" not in said, said)


def _take_over(cockpit: Cockpit, lake: str, limit_s: float) -> tuple[float, str]:
    """Starts the second again, waiting for the lake; gives the seconds and what went wrong."""
    begun = time.monotonic()
    refusals: list[str] = []

    def got_it() -> bool:
        done = cockpit.ingest(DUMPS, lake, wait=True)
        refusals.append(done.stderr[-1000:])
        return done.returncode == 0

    try:
        wait_for("the takeover", got_it, limit_s)
    except TimeoutError as error:
        return time.monotonic() - begun, f"{error}: {refusals[-1]}"
    return time.monotonic() - begun, ""


def _can_run(prefix: tuple[str, ...]) -> bool:
    return subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0


def _lease(lake: str) -> bool:
    return any(key.startswith("_cockpit/") for key in lakes.keys(lake))


def _said(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:] if log.exists() else ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cockpit", type=Path, required=True)
    parser.add_argument("--bucket", type=Path, required=True)
    parser.add_argument("--plant", type=Path, default=PLANT)
    parser.add_argument("--as-of", type=date.fromisoformat, default=truth.today_local())
    parser.add_argument("--takeover-limit-s", type=float, default=180)
    args = parser.parse_args()
    report = Report()
    cockpit = Cockpit(args.cockpit.resolve(), args.plant)
    with s3.server():
        s3.upload(args.bucket, DUMPS)
        ingest_on_s3(cockpit, args.bucket, args.as_of, report)
        race_args = (args.bucket, args.as_of, args.takeover_limit_s, report)
        race(cockpit, cockpit, "s3://plant/raced", *race_args)
        if _can_run(ELSEWHERE):
            first = replace(cockpit, prefix=ELSEWHERE)
            race(cockpit, first, "s3://plant/raced-elsewhere", *race_args)
        else:
            print("skipped the race with a holder elsewhere: no process space of its own here")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
