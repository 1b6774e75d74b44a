"""Runs the program under test from outside, always with a time limit."""

from __future__ import annotations

import io
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

REPOSITORY = Path(__file__).resolve().parents[2]
PLANT = REPOSITORY / "plants" / "kerala"
LIMIT_S = 900


@dataclass(frozen=True)
class Cockpit:
    """The program and the plant it is started for."""

    program: Path
    plant: Path = PLANT
    prefix: tuple[str, ...] = ()
    """A command that runs the program, such as one that gives it another process space."""

    def ingest_args(self, bucket: str, lake: str, once: bool = True) -> list[str]:
        args = ["ingest", "--plant", str(self.plant), "--bucket", bucket, "--lake", lake]
        return [*self.prefix, str(self.program), *args, *(["--once"] if once else [])]

    def ingest(
        self, bucket: str, lake: str, wait: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """One round to its end; `wait` lets it wait for a lake that somebody else holds."""
        return self.run([*self.ingest_args(bucket, lake), *(["--wait"] if wait else [])])

    def start(self, bucket: str, lake: str, log: Path, once: bool) -> subprocess.Popen[bytes]:
        """Starts an ingest and returns at once; what it says goes to `log`."""
        with log.open("ab") as out:
            args = self.ingest_args(bucket, lake, once)
            return subprocess.Popen(args, stdout=out, stderr=out, env=_env(), cwd=log.parent)

    def query(self, sql: str, lake: str) -> pa.Table:
        """The answer of `cockpit sql` read back from its CSV, every column as text."""
        args = ["sql", sql, "--format", "csv", "--lake", lake, "--plant", str(self.plant)]
        done = self.run([str(self.program), *args])
        if done.returncode != 0:
            raise RuntimeError(f"{sql}: {done.stderr.strip() or done.stdout.strip()}")
        return _text_table(done.stdout)

    def run(self, args: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            args, capture_output=True, text=True, timeout=LIMIT_S, env=_env(), check=False
        )


@contextmanager
def environment(variables: dict[str, str], prefixes: tuple[str, ...]) -> Iterator[None]:
    """Sets these variables, and removes all others that begin with one of `prefixes`."""
    before = {name: value for name, value in os.environ.items() if name.startswith(prefixes)}
    for name in before:
        del os.environ[name]
    os.environ.update(variables)
    try:
        yield
    finally:
        for name in variables:
            os.environ.pop(name, None)
        os.environ.update(before)


def _env() -> dict[str, str]:
    """The caller's environment; a zone other than the plant's must not matter."""
    return os.environ | {"TZ": "America/New_York"}


def _text_table(csv: str) -> pa.Table:
    header = csv.split("\n", 1)[0].strip().split(",")
    names = [name.strip('"') for name in header]
    options = pyarrow.csv.ConvertOptions(
        column_types={name: pa.string() for name in names},
        strings_can_be_null=True,
        null_values=[""],
    )
    return pyarrow.csv.read_csv(io.BytesIO(csv.encode()), convert_options=options)
