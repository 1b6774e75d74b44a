"""The plant's questions of its temperatures: does everybody answer them alike, also after a restart?

Promise: a stream with late and dirty messages of the last 40 minutes goes through Apache Kafka while the
program serves. When it has ended, three questions are asked: which components of each type were above the
limit in the last ten minutes; the highest, mean and variance of each lane and component in the last half
hour; the same of each single sensor. The interface, SQL over it, an independent computation by Polars over the files of
silver, and the page must agree; then the program is killed with -9, started again and asked again.

    python questions_case.py --cockpit BIN --broker FOLDER/start --port N [--pages ui]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

import lake as lakes
from bench_latency import free_port
from broker import Broker
from checks import Report, wait_for
from program import PLANT

TOPIC = "IOTTemperatureStream01"
SILVER = "silver.temperature"
SENSORS, PAST, LIVE = 200, timedelta(minutes=40), timedelta(seconds=20)
LIMIT_S = 120.0
SHOWN = 5
NEAR = 1e-9
EXACT = ("readings", "temp_c_max", "temp_c_min")
ROUNDED = ("temp_c_mean", "temp_c_variance")
LANE = ("plant", "lane", "component")
LIMIT_C = "29"
"""Above it something is at any hour: at night, when machines stand, nothing may be above 35."""

Row = dict[str, Any]


@dataclass
class Server:
    """The program, serving."""

    cockpit: Path
    broker: str
    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def lake(self) -> str:
        return str(self.folder / "lake")

    def start(self) -> None:
        places = ["--lake", self.lake, "--plant", str(PLANT), "--kafka", self.broker]
        with (self.folder / "serve.log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(self.cockpit), "serve", *places, "--listen", f"127.0.0.1:{self.port}"],
                stdout=log,
                stderr=log,
                env=os.environ | {"COCKPIT_TEMP_LIMIT_C": LIMIT_C},
            )
        wait_for("an answer of the program", lambda: self.answers(), LIMIT_S)

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait(timeout=LIMIT_S)

    def answers(self) -> bool:
        try:
            return bool(self.get("/health"))
        except OSError:
            return False

    def get(self, path: str, body: Row | None = None) -> Row:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/api/v1{path}", data=data)
        request.add_header("content-type", "application/json")
        with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:
            return json.load(answer)

    def now(self) -> Row:
        return self.get("/temperatures/now")


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def by_polars(lake: str, now: Row, grain: tuple[str, ...]) -> list[Row]:
    """The answers from the files of silver."""
    rows = pl.from_arrow(lakes.read(lake, SILVER))
    of = rows.filter(pl.col("at") >= moment(now["hottest_from"]))
    value = pl.col("temp_c")
    return (
        of.group_by(grain)
        .agg(
            pl.len().alias("readings"),
            value.max().alias("temp_c_max"),
            value.min().alias("temp_c_min"),
            value.mean().alias("temp_c_mean"),
            value.var(ddof=0).alias("temp_c_variance"),
        )
        .to_dicts()
    )


def over_by_polars(lake: str, now: Row) -> dict[str, int]:
    rows = pl.from_arrow(lakes.read(lake, SILVER))
    late = pl.col("at") >= moment(now["over_limit_from"])
    hot = rows.filter(late & (pl.col("temp_c") > now["limit_c"]))
    counts = hot.group_by("component").agg(pl.col("sensor").n_unique().alias("count"))
    return dict(counts.iter_rows())


def by_sql(server: Server, now: Row, grain: tuple[str, ...]) -> list[Row]:
    names = ", ".join(grain)
    sql = f"""SELECT {names}, count(*) AS readings, max(temp_c) AS temp_c_max, min(temp_c) AS temp_c_min,
        avg(temp_c) AS temp_c_mean, var_pop(temp_c) AS temp_c_variance
        FROM {SILVER} WHERE at >= TIMESTAMP '{now["hottest_from"]}' GROUP BY {names}"""
    return server.get("/query", {"sql": sql})["rows"]


def over_by_sql(server: Server, now: Row) -> dict[str, int]:
    sql = f"""SELECT component, count(DISTINCT sensor) AS over FROM {SILVER}
        WHERE at >= TIMESTAMP '{now["over_limit_from"]}' AND temp_c > {now["limit_c"]} GROUP BY component"""
    return {row["component"]: row["over"] for row in server.get("/query", {"sql": sql})["rows"]}


def differences(told: list[Row], expected: list[Row], grain: tuple[str, ...]) -> list[str]:
    """Rows that are not the same, in words; places without a reading are no answer."""
    key = lambda row: tuple(row[name] for name in grain)  # noqa: E731
    rows = {key(row): row for row in told if row["readings"] > 0}
    wrong = [f"{name} is told, must not be" for name in rows.keys() - {key(it) for it in expected}]
    for must in expected:
        row = rows.get(key(must))
        is_same = row is not None and all(row[name] == must[name] for name in EXACT)
        if not is_same or any(abs(row[name] - must[name]) > NEAR for name in ROUNDED):
            wrong.append(f"{row}, must be {must}")
    return wrong


def over(now: Row) -> dict[str, int]:
    return {row["component"]: row["over_limit"] for row in now["over_limit"] if row["over_limit"]}


def is_settled(server: Server) -> bool:
    """Whether memory and lake have all that was sent."""
    now = server.now()
    rows = pl.from_arrow(lakes.read(server.lake, SILVER))
    of = rows.filter(pl.col("at") >= moment(now["hottest_from"])).height
    return of > 0 and sum(row["readings"] for row in now["sensors"]) == of


def ask(server: Server, pages: Path | None, when: str, report: Report) -> None:
    try:
        wait_for("memory and lake with the same readings", lambda: is_settled(server), LIMIT_S)
    except TimeoutError as error:
        report.check(f"{when}: all that was sent is there", False, str(error))
    now = server.now()
    report.check(f"{when}: something is above the limit", bool(over(now)))
    report.equal(f"{when}: above the limit, by SQL", over(now), over_by_sql(server, now))
    report.equal(f"{when}: above the limit, by Polars", over(now), over_by_polars(server.lake, now))
    for what, grain, told in (
        ("lanes", LANE, now["hottest"]),
        ("sensors", ("sensor",), now["sensors"]),
    ):
        for whom, rows in (
            ("SQL", by_sql(server, now, grain)),
            ("Polars", by_polars(server.lake, now, grain)),
        ):
            wrong = differences(told, rows, grain)
            said = "\n".join([f"{len(wrong)} of {len(rows)} differ", *wrong[:SHOWN]])
            report.check(f"{when}: {len(rows)} {what}, by {whom}", not wrong, said)
    if pages:
        page = subprocess.run(
            ["node", "test/browser.mjs", "answers"],
            cwd=pages,
            env=os.environ | {"COCKPIT_URL": server.url},
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        report.check(f"{when}: on the page", page.returncode == 0, page.stdout + page.stderr)


def case(server: Server, pages: Path | None, report: Report) -> None:
    server.start()
    begun = datetime.now(UTC) - PAST
    lasting = int((PAST + LIVE).total_seconds())
    simulate = ["simulate", "--kafka", server.broker, "--topic", TOPIC, "--sensors", str(SENSORS)]
    simulate += ["--hz", "1", "--dirt", "filthy", "--from", begun.strftime("%Y-%m-%dT%H:%M:%SZ")]
    subprocess.run([str(server.cockpit), *simulate, "--for", f"{lasting}s"], check=True)
    ask(server, pages, "while it runs", report)
    server.kill()
    server.start()
    ask(server, pages, "after kill -9", report)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cockpit", type=Path, required=True)
    parser.add_argument("--broker", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pages", type=Path)
    args = parser.parse_args()
    report = Report()
    broker = Broker(args.broker.resolve(), args.port)
    with tempfile.TemporaryDirectory() as folder:
        server = Server(args.cockpit.resolve(), broker.address, Path(folder))
        try:
            broker.start()
            case(server, args.pages and args.pages.resolve(), report)
        finally:
            server.kill()
            broker.kill()
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
