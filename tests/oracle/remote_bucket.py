"""A bucket at a server beside the folder with the same dumps: what holds wherever dumps are read from.

Promise: `RemoteBucket` is a world of a case; the functions check it against a lake that was made from the folder.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import kill_case
import lake as lakes
from checks import Report
from program import Cockpit, environment

VOLATILE = (*kill_case.VOLATILE, "_modified_at")
"""Columns that may differ: a copy of a dump is younger than the dump, and times are to the second."""


class RemoteBucket:
    """A folder with dumps, the same dumps at a server, and lakes."""

    prefixes: tuple[str, ...] = ()
    """Beginnings of the variables of all servers of this kind; those of others are removed for a command."""

    def __init__(self, cockpit: Cockpit, name: str, url: str, folder: Path, report: Report) -> None:
        self.cockpit = cockpit
        self.name = name
        self.url = url
        self.folder = folder
        self.report = report
        self.dumps = folder / "dumps"
        self.sound = folder / "sound"
        self.lake = folder / f"{name}-lake"

    def variables(self) -> dict[str, str]:
        """Variables by which the program reaches the server."""
        raise NotImplementedError

    def secrets(self) -> tuple[str, ...]:
        """Texts that no output may have."""
        raise NotImplementedError

    def check(self, what: str, ok: bool, reason: str = "") -> bool:
        return self.report.check(f"{self.name}: {what}", ok, reason)

    def run(
        self, *words: str, variables: dict[str, str] | None = None, secrets: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        """A command with the variables of the server, or with others; no secret may be in its output."""
        with environment(self.variables() if variables is None else variables, self.prefixes):
            done = self.cockpit.run([str(self.cockpit.program), *words, "--plant", str(self.cockpit.plant)])
        said = done.stdout + done.stderr
        found = [secret for secret in (*self.secrets(), *secrets) if secret in said]
        self.check(f"no secret in the output of {words[0]}", not found and "panicked" not in said, said[-2000:])
        return done

    def ingest(
        self,
        lake: Path,
        url: str | None = None,
        variables: dict[str, str] | None = None,
        secrets: tuple[str, ...] = (),
    ) -> subprocess.CompletedProcess[str]:
        words = ["--once", "--bucket", url or self.url, "--lake", str(lake)]
        return self.run("ingest", *words, variables=variables, secrets=secrets)

    def read_dumps(self, lake: Path) -> int:
        """How many versions of dumps the lake has read."""
        rows = lakes.read(str(lake), "meta.files", ["status"]).column("status").to_pylist()
        return rows.count("landed")


def compare(world: RemoteBucket, name: str, lake: Path, sound: Path) -> None:
    kill_case.compare_lakes(world.report, f"{world.name} {name}", lake, sound, VOLATILE)


def same_as_a_folder(world: RemoteBucket) -> None:
    done = world.ingest(world.lake)
    if world.check("an ingest", done.returncode == 0, done.stderr[-2000:]):
        compare(world, "as from a folder", world.lake, world.sound)


def second_run(world: RemoteBucket) -> None:
    before = world.read_dumps(world.lake)
    done = world.ingest(world.lake)
    world.check("a second ingest", done.returncode == 0, done.stderr[-2000:])
    world.report.equal(f"{world.name}: a second run reads nothing", world.read_dumps(world.lake), before)


def changed_dump(world: RemoteBucket) -> None:
    """One dump was written again; `sound` has read the same change already."""
    before = world.read_dumps(world.lake)
    done = world.ingest(world.lake)
    world.check("an ingest after a change", done.returncode == 0, done.stderr[-2000:])
    world.report.equal(f"{world.name}: only the changed dump is read", world.read_dumps(world.lake), before + 1)
    compare(world, "after the change", world.lake, world.sound)


def killed_runs(world: RemoteBucket, kills: tuple[float, ...], run_s: float, sound: Path) -> None:
    """Runs into one fresh lake are killed after these parts of an undisturbed run; the last one completes it."""
    lake = world.folder / f"{world.name}-killed"
    with environment(world.variables(), world.prefixes):
        # The time of an undisturbed run varies, so that not each of them meets a run.
        killed = [kill_case.killed_after(world.cockpit, world.url, lake, part * run_s) for part in kills]
        world.check(f"{sum(killed)} of {len(kills)} runs are killed", any(killed))
        _, said = kill_case.undisturbed(world.cockpit, world.url, lake)
    if world.check("the next run completes a killed one", said == "", said):
        compare(world, "after kills", lake, sound)
        left = kill_case.orphans(lake)
        world.check("no file is left behind", not left, "\n".join(left))


def one_line(world: RemoteBucket, what: str, done: subprocess.CompletedProcess[str], words: list[str]) -> None:
    """A failure is one line with these words."""
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    missing = [word for word in words if word not in done.stderr]
    ok = done.returncode != 0 and len(lines) == 1 and not missing and "<" not in done.stderr
    world.check(f"{what} is one line with a remedy", ok, f"{missing} is missing in:\n{done.stderr}")


def without_a_record(dump: Path) -> bytes:
    """The dump without its last record."""
    lines = dump.read_bytes().splitlines(keepends=True)
    return b"".join(lines[:-1])
