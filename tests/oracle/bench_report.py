"""How long do reports take, and how much memory does a large workbook need?

Promise: the program serves a lake of ten simulated days without other load. The shift summary is requested over HTTP
as PDF and as XLSX, for each day and language in turn, so that no answer is in a cache; prints p50 and p99. Then one
statement of a million rows and eight columns is requested as XLSX; prints its time, its size and the peak memory of
the process before and after.

    python bench_report.py --cockpit BIN --work DIR [--runs N] [--rows N]
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path

from bench_latency import free_port
from checks import wait_for
from program import PLANT, Cockpit

DAYS = 10
LANGUAGES = ("en", "ml", "hi")
WARM_UP = 3
LIMIT_S = 600.0
MIB = 1 << 20
COLUMNS = "b.result_id, b.work_order, b.station, b.inspected_at, b.routing_stage_id, x.n, x.n / 8.0 AS part, 'text' AS word"


class Server:
    """The program over a lake, without ingestion."""

    def __init__(self, cockpit: Path, work: Path) -> None:
        self.root = f"http://127.0.0.1:{free_port()}/api/v1"
        listen = urllib.parse.urlsplit(self.root).netloc
        with (work / "serve.log").open("wb") as log:
            self.process = subprocess.Popen(
                [cockpit, "serve", "--no-ingest", "--plant", PLANT, "--lake", work / "lake"]
                + ["--listen", listen],
                stdout=log,
                stderr=log,
                env=os.environ | {"COCKPIT_ACCESS_STATE": str(work / "state")},
            )
        wait_for("an answer", self.answers, LIMIT_S)

    def answers(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError("the program ended")
        try:
            self.get("/reports")
        except OSError:
            return False
        return True

    def get(self, path: str, **query: object) -> bytes:
        address = f"{self.root}{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(address, timeout=LIMIT_S) as answer:
            return bytes(answer.read())

    def peak_mib(self) -> int:
        """The peak of the resident memory so far."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(it for it in status.splitlines() if it.startswith("VmHWM:"))
        return int(line.split()[1]) >> 10

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


def shift_summary(server: Server, days: list[str], kind: str, runs: int) -> None:
    requests = itertools.cycle(itertools.product(days, LANGUAGES))
    times = []
    for number in range(WARM_UP + runs):
        day, language = next(requests)
        begun = time.monotonic()
        found = server.get(
            "/reports/shift-summary/file", format=kind, day=day, shift="G", language=language
        )
        taken = time.monotonic() - begun
        if not found.startswith(b"%PDF" if kind == "pdf" else b"PK"):
            raise RuntimeError(f"no {kind}: {found[:80]!r}")
        if number >= WARM_UP:
            times.append(taken * 1000)
    times.sort()
    p50, p99 = times[len(times) // 2], times[min(len(times) - 1, len(times) * 99 // 100)]
    print(f"shift summary as {kind}: p50 {p50:.0f} ms, p99 {p99:.0f} ms ({runs} runs)", flush=True)


def workbook(server: Server, boards: int, rows: int) -> None:
    copies = ", ".join(f"({number})" for number in range(rows // boards + 1))
    sql = (
        f"SELECT {COLUMNS} FROM silver.board_result b CROSS JOIN (VALUES {copies}) AS x(n)"
        f" LIMIT {rows}"
    )
    before, begun = server.peak_mib(), time.monotonic()
    found = server.get("/query", format="xlsx", sql=sql)
    taken = time.monotonic() - begun
    size, after = len(found) / MIB, server.peak_mib()
    print(
        f"{rows} rows of 8 columns as xlsx: {taken:.1f} s, {size:.0f} MiB,"
        f" peak memory {before} -> {after} MiB",
        flush=True,
    )


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--cockpit", type=Path, required=True)
    arguments.add_argument("--work", type=Path, required=True)
    arguments.add_argument("--runs", type=int, default=100)
    arguments.add_argument("--rows", type=int, default=1_000_000)
    given = arguments.parse_args()
    program, work = given.cockpit.resolve(), given.work.resolve()
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    cockpit = Cockpit(program)
    dumps, lake = work / "dumps", work / "lake"
    simulated = cockpit.run(
        [str(program), "simulate", "--days", str(DAYS), "--dirt", "none", "--out", str(dumps)]
    )
    ingested = cockpit.ingest(str(dumps), str(lake))
    if simulated.returncode or ingested.returncode:
        raise RuntimeError(simulated.stderr + ingested.stderr)
    found = cockpit.query(
        "SELECT DISTINCT production_day AS day FROM gold.oee_shift WHERE pq > 0 ORDER BY 1",
        str(lake),
    )
    days = found.column("day").to_pylist()
    count = cockpit.query("SELECT count(*) AS boards FROM silver.board_result", str(lake))
    boards = int(count.column("boards")[0].as_py())
    server = Server(program, work)
    try:
        for kind in ("pdf", "xlsx"):
            shift_summary(server, days, kind, given.runs)
        workbook(server, boards, given.rows)
    finally:
        server.stop()
    shutil.rmtree(work)
    return 0


if __name__ == "__main__":
    sys.exit(main())
