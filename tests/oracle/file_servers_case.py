"""Dumps at servers of SFTP, FTP, FTPS and WebDAV.

Promise: the dumps of a simulated plant give the same bronze, silver and gold from each server as from a folder. A second
run reads nothing; a changed dump is read again, and only that. A dump that is still being uploaded waits. Runs that are
killed with -9, and those that meet a restart or a kill of the server (dumps_killed.py), lose and double nothing. A
refused login, an unknown host key, a missing folder and a server that is away are one line with what to do, and no
output has a secret. Nothing is written at the server, and a lake is refused there.

    python file_servers_case.py --cockpit BIN [--records 20000] [--kills 3]
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import dumps_killed
import kill_case
import lake as lakes
from checks import Report
from file_servers import PASSWORD, Ftp, Server, Sftp, Webdav
from program import Cockpit, environment
from remote_bucket import (
    RemoteBucket,
    changed_dump,
    compare,
    killed_runs,
    one_line,
    same_as_a_folder,
    second_run,
    without_a_record,
)

DAYS = "2"
PREFIX, KILLED = "line 1", "killed"
CHANGED = "data/OperationsManagement/PlansShiftWise/PlansShiftWise.csv"
GROWING = "data/OperationsManagement/Results/Results.csv"
KILLS = (0.2, 0.35, 0.5, 0.65, 0.8)
"""When a run is killed, in parts of an undisturbed run."""
SECRETS = (PASSWORD, "wrong-password-2", "PRIVATE KEY")
OURS = ("COCKPIT_SFTP_", "COCKPIT_FTP_", "COCKPIT_WEBDAV_", "COCKPIT_FILE_SERVER_")
REST_S = 5.0
"""A run waits once until its files rest."""
APPEND_EVERY_S = 0.5


class World(RemoteBucket):
    """A bucket at a server."""

    prefixes = OURS

    def __init__(self, cockpit: Cockpit, server: Server, folder: Path, report: Report) -> None:
        super().__init__(cockpit, server.name, server.url(PREFIX), folder, report)
        self.server = server
        self.served = server.files / PREFIX

    def variables(self) -> dict[str, str]:
        return self.server.environment()

    def secrets(self) -> tuple[str, ...]:
        return SECRETS

    def shape(self) -> list[tuple[str, int, int]]:
        """All names at the server with size and time."""
        stats = [(str(path), path.stat()) for path in sorted(self.server.files.rglob("*"))]
        return [(path, stat.st_size, stat.st_mtime_ns) for path, stat in stats]


def restarted_server(world: World, run_s: float, sound: Path) -> None:
    """The server is stopped in the middle of a run and started again; the run goes on, or the next one completes it."""
    lake, log = world.folder / f"{world.name}-restart", world.folder / f"{world.name}-restart.log"
    with environment(world.variables(), OURS):
        process = world.cockpit.start(world.url, str(lake), log, once=True)
        try:
            process.wait(timeout=0.4 * run_s)
        except subprocess.TimeoutExpired:
            world.server.stop()
            world.server.start()
        world.check("the server was restarted during a run", process.poll() is None)
        process.wait(timeout=300)
    said = log.read_text()
    world.check("no secret in the log of that run", not any(secret in said for secret in SECRETS), said[-2000:])
    done = world.ingest(lake)
    if world.check("the run after a restart", done.returncode == 0, done.stderr[-2000:]):
        compare(world, "after a restart of the server", lake, sound)


def growing_dump(world: World) -> None:
    """A dump that is appended to while a run looks at it waits, and is read as a whole afterwards."""
    path = world.served / GROWING
    whole, stat = path.read_bytes(), path.stat()
    lines = whole.splitlines(keepends=True)
    done = threading.Event()
    lake = world.folder / f"{world.name}-growing"

    def upload() -> None:
        at = len(lines) // 2
        path.write_bytes(b"".join(lines[:at]))
        while not done.wait(APPEND_EVERY_S) and at < len(lines) - 1:
            with path.open("ab") as file:
                file.write(lines[at])
            at += 1
        path.write_bytes(whole)
        # The same version as before for the lakes that have read it.
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))

    thread = threading.Thread(target=upload)
    thread.start()
    try:
        first = world.ingest(lake)
    finally:
        done.set()
        thread.join()
    is_left = "still being written" in first.stdout and GROWING in first.stdout
    world.check("a growing dump waits", is_left, first.stdout[-2000:] + first.stderr[-2000:])
    landed = lakes.read(str(lake), "meta.files", ["file"]).column("file").to_pylist()
    world.check("no part of it is read", GROWING not in landed)
    second = world.ingest(lake)
    if world.check("an ingest after the upload", second.returncode == 0, second.stderr[-2000:]):
        compare(world, "after the upload", lake, world.sound)


def refusals(world: World) -> None:
    none = world.folder / "none"
    key = {"sftp": "COCKPIT_SFTP_KEY", "webdav": "COCKPIT_WEBDAV_PASSWORD"}.get(world.name, "COCKPIT_FTP_PASSWORD")
    done = world.ingest(none, variables=world.server.refused())
    one_line(world, "a refused login", done, [world.url, "refuses the login", key])
    absent = world.server.url("absent")
    done = world.ingest(none, absent)
    one_line(world, "a missing folder", done, [absent, "does not exist"])
    world.check("a missing folder is not created", not (world.server.files / "absent").exists())
    done = world.run("ingest", "--once", "--bucket", str(world.dumps), "--lake", world.url)
    one_line(world, "a lake at the server", done, ["bucket of dumps only", "s3://"])
    with_password = world.url.replace("://", f"://plant:{PASSWORD}@").replace("@plant@", "@")
    done = world.ingest(none, with_password)
    one_line(world, "a password in the URL", done, ["password", key])
    if world.name == "sftp":
        host_keys(world, none)
    if world.name == "ftps":
        variables = world.server.environment()
        del variables["COCKPIT_FILE_SERVER_CA"]
        done = world.ingest(none, variables=variables)
        one_line(world, "an unknown certificate", done, [world.url, "certificate", "COCKPIT_FILE_SERVER_CA"])


def host_keys(world: World, none: Path) -> None:
    for name, what in (("no_hosts", "an unknown host key"), ("other_hosts", "another host key")):
        variables = world.server.environment()
        variables["COCKPIT_SFTP_KNOWN_HOSTS"] = str(world.server.folder / name)
        done = world.ingest(none, variables=variables)
        one_line(world, what, done, [world.url, "host key", "COCKPIT_SFTP_KNOWN_HOSTS", "ssh-keyscan"])
    key = (world.server.folder / "user_key").read_text()
    for way in ("env:PLANT_KEY", key):
        variables = world.server.environment() | {"COCKPIT_SFTP_KEY": way, "PLANT_KEY": key}
        done = world.run("source", "test", "items", "--bucket", world.url, variables=variables)
        is_read = f"records of {world.url}/" in done.stdout
        world.check("a key that is no file", is_read, done.stdout[-500:] + done.stderr[-2000:])


def away(world: World) -> None:
    world.server.stop()
    # Fewer attempts than by default, so that the message comes soon.
    variables = world.server.environment() | {"COCKPIT_FILE_SERVER_ATTEMPTS": "2"}
    done = world.ingest(world.folder / "none", variables=variables)
    one_line(world, "a server that is away", done, [world.url, "not reached", "host and port"])
    world.server.start()
    done = world.ingest(world.lake)
    world.check("it is read again when it is back", done.returncode == 0, done.stderr[-2000:])


def servers(folder: Path) -> list[Server]:
    return [
        Sftp(folder / "sftp"),
        Ftp(folder / "ftp", facts=True, tls=False),
        Ftp(folder / "ftp-list", facts=False, tls=False),
        Ftp(folder / "ftps", facts=True, tls=True),
        Webdav(folder / "webdav"),
    ]


def case(cockpit: Cockpit, all_servers: list[Server], folder: Path, report: Report) -> None:
    dumps, sound = folder / "dumps", folder / "sound"
    words = ["simulate", "--days", DAYS, "--dirt", "usual", "--out", str(dumps)]
    made = cockpit.run([str(cockpit.program), *words, "--plant", str(cockpit.plant)])
    if not report.check("a plant is simulated", made.returncode == 0, made.stderr[-2000:]):
        return
    run_s, said = kill_case.undisturbed(cockpit, str(dumps), sound)
    if not report.check(f"an ingest from the folder ({run_s:.1f} s)", said == "", said):
        return
    # A run from a server waits once until its files rest.
    run_s += 5.0
    first = folder / "sound-before"
    shutil.copytree(sound, first)
    worlds = [World(cockpit, server, folder, report) for server in all_servers]
    for world in worlds:
        shutil.copytree(dumps, world.served)
        world.server.start()
        print(f"dumps at {world.url}")
        before = world.shape()
        same_as_a_folder(world)
        report.equal(f"{world.name}: nothing is written at the server", world.shape(), before)
        second_run(world)
        killed_runs(world, KILLS, run_s, first)
        restarted_server(world, run_s, first)
        growing_dump(world)
    changed = without_a_record(dumps / CHANGED)
    (dumps / CHANGED).write_bytes(changed)
    _, said = kill_case.undisturbed(cockpit, str(dumps), sound)
    report.check("an ingest of the change from the folder", said == "", said)
    for world in worlds:
        (world.served / CHANGED).write_bytes(changed)
        changed_dump(world)
        refusals(world)
        away(world)


def killed_with_server(args: argparse.Namespace, server: Server, folder: Path, report: Report) -> None:
    served = server.files / KILLED
    served.mkdir()

    def put(name: str, content: bytes) -> None:
        # Outside of the folder that is read, and then in one step, as an upload under another name does.
        part = server.files / name
        part.write_bytes(content)
        part.rename(served / name)

    source = dumps_killed.Source(server.name, server.url(KILLED), put, server.restart, rest_s=REST_S)
    with environment(server.environment(), OURS):
        dumps_killed.run(report, args.cockpit.resolve(), folder, source, args.records, args.kills)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cockpit", type=Path, required=True)
    parser.add_argument("--records", type=int, default=20_000, help="of the dumps that are read under kills")
    parser.add_argument("--kills", type=int, default=3)
    args = parser.parse_args()
    report = Report()
    with tempfile.TemporaryDirectory(prefix="file-servers-case-") as name:
        folder = Path(name)
        all_servers = servers(folder)
        try:
            case(Cockpit(args.cockpit.resolve()), all_servers, folder, report)
            for server in all_servers:
                killed_with_server(args, server, folder, report)
        finally:
            for server in all_servers:
                server.stop()
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
