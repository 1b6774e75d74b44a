"""HTTP interfaces with every way of pages and credentials, while program and server are killed.

Promise: seven interfaces are read with all their pages, as wholes and in increments, with changed, new, deleted and
dirty records. Program and server are killed with -9 again and again. At the end silver of each table equals the
source, the rows balance, the kept answers have the SHA-256 that bronze names, and another run reads nothing. A
server that is away, answers HTML, repeats a page for ever or sends 5 GB is an error that names it, and the other
sources are read.

    python http_source_case.py --cockpit BIN [--records 20000] [--kills 6]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import http_source_server as server
import lake as lakes
import small_plant
from checks import Report, wait_for
from program import Cockpit
from receivers import free_port

LIMIT_S = 300.0
GENERATIONS = 3

COLUMNS = """columns = [
    { name = "id", type = "int", required = true },
    { name = "name", type = "text" },
    { name = "qty", type = "int" },
    { name = "updated_at", type = "time", formats = ["yyyy-MM-dd'T'HH:mm:ssXXX"] },
]
"""

SINCE = 'watermark = "updated_at"\nwatermark_parameter = "since"\n'
JSON = 'format = "json_array"\n'
# Name of the table and the interface: its format, and its table [http].
SOURCES = {
    "number": (JSON, 'auth = "bearer"\nsecret = "env:HTTP_CASE_SECRET"\npages = "number"\n'
               'page_parameter = "page"\nsize_parameter = "limit"\npage_size = 500\n'),
    "offset": (JSON + 'records = "data.items"\n', 'auth = "key_parameter"\nkey_name = "key"\n'
               'secret = "env:HTTP_CASE_SECRET"\npages = "offset"\npage_parameter = "offset"\n' + SINCE),
    "cursor": (JSON + 'records = "items"\n', 'auth = "basic"\nuser = "cockpit"\n'
               'secret = "env:HTTP_CASE_SECRET"\npages = "cursor"\npage_parameter = "cursor"\n'
               'next = "meta.next"\n' + SINCE),
    "link": ('format = "json_lines"\n', 'auth = "key_header"\nkey_name = "X-Api-Key"\n'
             'secret = "env:HTTP_CASE_SECRET"\npages = "link"\n' + SINCE),
    "odata": (JSON + 'records = "value"\n', 'auth = "client_credentials"\ntoken_url = "{base}/token"\n'
              'client_id = "cockpit"\nsecret = "env:HTTP_CASE_SECRET"\npages = "next_link"\n'
              'next = "@odata.nextLink"\nwatermark = "updated_at"\nwatermark_parameter = "$filter"\n'
              'watermark_value = "updated_at ge {{watermark}}"\n'),
    "csv": ('format = "delimited"\ndelimiter = ","\nheader = true\n', ""),
}
WHOLE = ("number", "csv")
# Interfaces that cannot be read, and what the program must report.
FAULTY = {
    "repeating": ('pages = "number"\npage_parameter = "page"\n', "would repeat for ever"),
    "endless": ("", "larger than"),
    "missing": ("", "404"),
}


class World:
    """The server, the plant and the lake."""

    def __init__(self, program: Path, folder: Path, records: int) -> None:
        self.folder, self.records = folder, records
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.state = folder / "state.json"
        self.lake = folder / "lake"
        self.process: subprocess.Popen[bytes] | None = None
        self.set_state(0)
        self.cockpit = Cockpit(program, self.plant(list(SOURCES)))

    def set_state(self, generation: int, faults: tuple[str, ...] = ()) -> None:
        content = json.dumps({"generation": generation, "faults": faults})
        new = self.state.with_suffix(".new")
        new.write_text(content)
        new.replace(self.state)
        self.generation = generation

    def plant(self, names: list[str]) -> Path:
        folder = small_plant.write(self.folder / "plant", [])
        alarms = '[notifications]\nallow = ["127.0.0.0/8"]\n'
        (folder / "alarms.toml").write_text(alarms)
        for name in names:
            form, http = SOURCES[name] if name in SOURCES else (JSON, FAULTY[name][0])
            http = http.format(base=self.base)
            contract = (
                f'description = "Interface {name}."\nsource = "mes"\n{form}{COLUMNS}\n[http]\n'
                f'url = "{self.base}/{name}"\nevery = "1 s"\nrequests_per_second = 1000\n{http}'
            )
            (folder / "bronze" / f"{name}.toml").write_text(contract)
            model = (
                f"-- Interface {name}.\n--\n-- key: id\n-- column id [1]: Number.\n-- column name: Name.\n"
                "-- column qty [1]: Quantity.\n-- column updated_at: Last change.\n"
                f"SELECT id, name, qty, updated_at FROM typed.{name}\n"
            )
            (folder / "silver" / f"{name}.sql").write_text(model)
        return folder

    def start_server(self) -> None:
        args = [sys.executable, str(Path(server.__file__)), "--port", str(self.port)]
        args += ["--records", str(self.records), "--state", str(self.state)]
        self.process = subprocess.Popen(args)
        wait_for("the server", self.is_serving, LIMIT_S)

    def is_serving(self) -> bool:
        try:
            urllib.request.urlopen(f"{self.base}/none", timeout=5)
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    def kill_server(self) -> None:
        assert self.process
        self.process.kill()
        self.process.wait()

    def once(self) -> subprocess.CompletedProcess[str]:
        """One round to its end."""
        args = ["ingest", "--plant", str(self.cockpit.plant), "--lake", str(self.lake), "--once", "--wait"]
        return self.cockpit.run([str(self.cockpit.program), *args])

    def start(self) -> subprocess.Popen[bytes]:
        args = ["ingest", "--plant", str(self.cockpit.plant), "--lake", str(self.lake), "--wait"]
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen([str(self.cockpit.program), *args], stdout=log, stderr=log)

    def truth(self, name: str) -> dict[int, tuple[Any, ...]]:
        """The valid records of an interface by their number."""
        rows = server.versions(self.records, self.generation)
        rows = server.remaining(rows, self.generation) if name in WHOLE else rows
        valid = (row for row in rows if not isinstance(row["qty"], str))
        return {row["id"]: (row["name"], row["qty"], row["updated_at"]) for row in valid}

    def silver(self, name: str) -> dict[int, tuple[Any, ...]]:
        table = lakes.read(str(self.lake), f"silver.{name}", ["id", "name", "qty", "updated_at"])
        rows = table.to_pylist()
        found = {
            row["id"]: (row["name"], row["qty"], row["updated_at"].strftime("%Y-%m-%dT%H:%M:%SZ"))
            for row in rows
        }
        if len(found) != len(rows):
            raise AssertionError(f"{len(rows)} rows of {len(found)} records in silver.{name}")
        return found

    def bronze_versions(self) -> dict[str, int]:
        return {name: lakes.open_table(str(self.lake), f"bronze.{name}").version() for name in SOURCES}


def compare(world: World, report: Report, what: str) -> None:
    for name in SOURCES:
        truth, silver = world.truth(name), world.silver(name)
        wrong = [it for it in truth.keys() | silver.keys() if truth.get(it) != silver.get(it)]
        shown = [f"{it}: {silver.get(it)} must be {truth.get(it)}" for it in sorted(wrong)[:3]]
        report.check(f"{what}: silver.{name} equals the source ({len(truth)})", not wrong, "\n".join(shown))


def disturb(world: World, kills: int, chance: random.Random) -> None:
    """Kills program and server in turn while they work, and lets the source change."""
    for number in range(kills):
        process = world.start()
        time.sleep(chance.uniform(0.3, 4.0))
        if number % 2:
            world.kill_server()
            time.sleep(chance.uniform(0.0, 0.5))
        process.send_signal(signal.SIGKILL)
        process.wait()
        if number % 2:
            world.start_server()
        if number % 3 == 2 and world.generation < GENERATIONS:
            world.set_state(world.generation + 1)


def check_books(world: World, report: Report) -> None:
    runs = world.cockpit.query("SELECT file FROM meta.runs WHERE NOT closed", str(world.lake))
    report.equal("the rows balance", runs.num_rows, 0)
    wrong = 0
    for name in SOURCES:
        rows = lakes.read(str(world.lake), f"bronze.{name}", ["_file", "_file_sha256"])
        for row in {(it["_file"], it["_file_sha256"]) for it in rows.to_pylist()}:
            kept = world.lake / "_cockpit" / "answers" / row[0]
            digest = hashlib.sha256(kept.read_bytes()).hexdigest() if kept.exists() else ""
            wrong += digest != row[1]
    report.equal("answers that are not kept as they were received", wrong, 0)
    found = subprocess.run(
        ["grep", "-rlF", server.SECRET, str(world.lake), str(world.folder / "log")],
        capture_output=True, text=True, check=False,
    )
    report.equal("files with a secret", found.stdout, "")


def check_faults(world: World, report: Report) -> None:
    """Sources that cannot be read are named, and do not stop the others."""
    world.plant([*SOURCES, *FAULTY])
    world.set_state(world.generation + 1)
    done = world.once()
    said = done.stdout + done.stderr
    for name, (_, expected) in FAULTY.items():
        report.check(f"{name} is reported", name in said and expected in said, said[-3000:])
    compare(world, report, "beside faulty sources")
    for fault, expected in (("html", "HTML"), ("unavailable", "503")):
        world.set_state(world.generation, (fault,))
        said = (lambda it: it.stdout + it.stderr)(world.once())
        report.check(f"{fault} is reported", expected in said, said[-3000:])
    world.set_state(world.generation)
    world.kill_server()
    said = (lambda it: it.stdout + it.stderr)(world.once())
    report.check("a server that is away is reported", "no answer of" in said, said[-3000:])
    world.start_server()
    for name in FAULTY:
        (world.cockpit.plant / "bronze" / f"{name}.toml").unlink()
        (world.cockpit.plant / "silver" / f"{name}.sql").unlink()
    world.once()
    compare(world, report, "after the faults")


def run(world: World, kills: int, report: Report) -> None:
    world.start_server()
    disturb(world, kills, random.Random(27))
    started = time.monotonic()
    done = world.once()
    report.equal("a round to the end succeeds", done.returncode, 0)
    if done.returncode:
        print(done.stdout[-2000:], done.stderr[-3000:])
    print(f"        last round after {kills} kills: {time.monotonic() - started:.1f} s")
    compare(world, report, "after the kills")
    # A source that repeats the records of its last second does so once.
    world.once()
    before = world.bronze_versions()
    world.once()
    report.equal("another round reads nothing", world.bronze_versions(), before)
    world.set_state(world.generation + 1)
    world.once()
    compare(world, report, "after a change")
    check_faults(world, report)
    check_books(world, report)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cockpit", type=Path, required=True)
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=6)
    args = parser.parse_args()
    os.environ["HTTP_CASE_SECRET"] = server.SECRET
    os.environ["COCKPIT_HTTP_SOURCE_RETRY_FIRST_MS"] = "50"
    os.environ["COCKPIT_HTTP_SOURCE_RETRY_LONGEST_MS"] = "500"
    os.environ["COCKPIT_HTTP_SOURCE_ANSWER_BYTES"] = str(64 << 20)
    folder = Path(tempfile.mkdtemp(prefix="http-source-"))
    report = Report()
    world = World(args.cockpit.resolve(), folder, args.records)
    try:
        run(world, args.kills, report)
    except (TimeoutError, AssertionError) as error:
        log = folder / "log"
        report.check("the case", False, f"{error}\n{log.read_text()[-3000:] if log.exists() else ''}")
    finally:
        if world.process:
            world.process.kill()
        shutil.rmtree(folder, ignore_errors=True)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
