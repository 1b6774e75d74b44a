"""A program that serves a simulated plant over HTTP, PostgreSQL and Flight SQL, with two users.

Promise: `World.start` returns when the program answers; `World.stop` leaves no process behind.
"""

from __future__ import annotations

import json
import math
import os
import socket
import subprocess
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars
import pyarrow as pa
import pyarrow.ipc

from bench_latency import free_port
from checks import wait_for
from doors import SCOPE, UNITS, two_lines

PASSWORD = "correct horse battery 7"
DATABASE = "lake"
LIMIT_S = 120.0
SCOPES = {"anna": "plant", "vera": SCOPE}
NEAR = 1e-9

Row = Sequence[Any]
Summary = dict[str, Any]


@dataclass
class World:
    """The program under test."""

    cockpit: Path
    folder: Path
    http: int = field(default_factory=free_port)
    postgres: int = field(default_factory=free_port)
    flight: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    tokens: dict[str, str] = field(default_factory=dict)
    is_encrypted: bool = False
    late_s: float = 1.0
    """How long after its limit a statement may end."""

    @property
    def places(self) -> list[str]:
        return ["--lake", str(self.folder / "lake"), "--plant", str(self.folder / "plant")]

    def run(self, *args: str, text: str | None = None) -> str:
        done = subprocess.run(
            [str(self.cockpit), *args],
            input=text,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{args}: {done.stderr}")
        return done.stdout

    def fill(self, days: int) -> None:
        """Makes the lake, an engineer, and a viewer of one line."""
        two_lines(self.folder)
        bucket = str(self.folder / "bucket")
        self.run("simulate", "--out", bucket, "--days", str(days), "--units", "6", "--items", "20")
        self.run("ingest", "--bucket", bucket, *self.places, "--once")
        for name, scope in SCOPES.items():
            self.run(
                "user",
                *self.places,
                "add",
                name,
                "--role",
                f"engineer@{scope}",
                "--password",
                text=PASSWORD + "\n",
            )

    def start(self, *more: str, **settings: str) -> None:
        args = ["serve", *self.places, "--no-ingest", "--listen", f"127.0.0.1:{self.http}", *more]
        args += ["--postgres-listen", f"127.0.0.1:{self.postgres}"]
        args += ["--flight-listen", f"127.0.0.1:{self.flight}"]
        self.is_encrypted = "--certificate" in more
        env = os.environ | {"COCKPIT_ACCESS_MODE": "login"} | settings
        with (self.folder / "serve.log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(self.cockpit), *args], stdout=log, stderr=log, env=env
            )
        wait_for("an answer of the program", self.answers, LIMIT_S)

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(60)
            self.process = None

    @contextmanager
    def started(self, *more: str, **settings: str) -> Iterator[None]:
        """Runs the program with other settings for a while."""
        self.stop()
        self.start(*more, **settings)
        try:
            yield
        finally:
            self.stop()
            self.start()

    def answers(self) -> bool:
        if self.is_encrypted:
            with socket.socket() as other:
                return other.connect_ex(("127.0.0.1", self.postgres)) == 0
        try:
            return bool(self.ask("GET", "/api/v1/setup"))
        except OSError:
            return False

    def ask(
        self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
    ) -> bytes:
        data = None if body is None else json.dumps(body).encode()
        url = f"http://127.0.0.1:{self.http}{path}"
        request = urllib.request.Request(url, data, headers or {}, method=method)
        if data is not None:
            request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=LIMIT_S) as response:
            self.cookie = (response.headers.get("Set-Cookie") or "").split(";")[0]
            answer: bytes = response.read()
            return answer

    def make_token(self, name: str) -> str:
        """An API token of a user, which their programs send instead of the password."""
        self.ask("POST", "/api/v1/session", {"name": name, "password": PASSWORD})
        new = {
            "name": "case",
            "actions": ["run_sql", "download", "read_tables"],
            "scope": SCOPES[name],
            "life_s": 3600,
        }
        cookie = {"Cookie": self.cookie, "Origin": f"http://127.0.0.1:{self.http}"}
        made = json.loads(self.ask("POST", "/api/v1/account/tokens", new, cookie))
        self.tokens[name] = made["secret"]
        return str(made["secret"])

    def query(self, sql: str, user: str = "anna") -> pa.Table:
        """The result over HTTP, which the others are compared with."""
        bearer = {"Authorization": f"Bearer {self.tokens[user]}"}
        answer = self.ask("POST", "/api/v1/query?format=arrow", {"sql": sql}, bearer)
        return pyarrow.ipc.open_stream(answer).read_all()

    def file_summary(self, table: str) -> Summary:
        """What the files of a table of gold contain, read by Polars."""
        return expected(polars.read_delta(str(self.folder / "lake" / "gold" / table)).to_arrow())

    def line_summary(self, table: str) -> Summary:
        """What the files contain about the units of the viewer, read by Polars."""
        rows = polars.read_delta(str(self.folder / "lake" / "gold" / table))
        return expected(rows.filter(polars.col("unit").is_in(UNITS)).to_arrow())

    def gold_tables(self, user: str = "anna") -> list[str]:
        """The tables of which a user sees rows."""
        sql = (
            "SELECT table_name FROM information_schema.tables "
            "WHERE table_schema = 'gold' ORDER BY table_name"
        )
        names = [str(name) for name in self.query(sql, user).column(0).to_pylist()]
        return [name for name in names if self.is_visible(name, user)]

    def is_visible(self, table: str, user: str) -> bool:
        try:
            self.query(f"SELECT 1 FROM gold.{table} LIMIT 0", user)
        except OSError:
            return False
        return True


def expected(table: pa.Table) -> Summary:
    names = table.column_names
    rows = zip(*(table.column(name).to_pylist() for name in names), strict=True)
    return summary(names, rows)


def summary(names: Iterable[str], rows: Iterable[Row]) -> Summary:
    """The number of rows, and per column the sum of numbers, or the number of values."""
    columns = list(names)
    sums: list[Any] = [0] * len(columns)
    count = 0
    for row in rows:
        count += 1
        for index, value in enumerate(row):
            sums[index] += measure(value)
    return {"rows": count, **dict(zip(columns, sums, strict=True))}


def measure(value: object) -> int | float | Decimal:
    """A number for each value, in which a changed value shows."""
    if value is None:
        return 0
    if isinstance(value, bool):
        return 1 + int(value)
    if isinstance(value, int | Decimal):
        return int(value) if value == int(value) else Decimal(value)
    if isinstance(value, float):
        return 0.0 if math.isnan(value) else value
    if isinstance(value, datetime):
        return int(value.timestamp() * 1_000_000)
    if isinstance(value, date):
        return value.toordinal()
    return len(str(value)) + 1


def difference(actual: Summary, must: Summary) -> str:
    """What differs, or an empty text."""
    if list(actual) != list(must):
        return f"columns {list(actual)} instead of {list(must)}"
    wrong = [name for name in must if not is_near(actual[name], must[name])]
    return "\n".join(f"{name} is {actual[name]}, must be {must[name]}" for name in wrong)


def is_near(actual: Any, must: Any) -> bool:
    if isinstance(actual, float) or isinstance(must, float):
        return math.isclose(float(actual), float(must), rel_tol=NEAR, abs_tol=NEAR)
    return bool(actual == must)
