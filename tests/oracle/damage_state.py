"""A user database with an administrator, ways to damage it, and the service over it."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from bench_latency import answers, free_port
from checks import wait_for

NAME, PASSWORD = "olga", "seven green lorries on a hill"
LIMIT_S = 60.0
PAGE_BYTES = 4096
DAY_US = 86_400_000_000
STRANGER = 65_534
"""The account `nobody`."""


@dataclass(frozen=True)
class Answer:
    status: int
    code: str
    cookie: str
    took_s: float


@dataclass
class Service:
    """A running service; its log is on the disk."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def ask(
        self,
        method: str,
        path: str,
        body: dict[str, object] | None = None,
        cookie: str = "",
        source: str = "127.0.0.1",
    ) -> Answer:
        """The answer, from the source address of the loopback network."""
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=LIMIT_S, source_address=(source, 0)
        )
        headers = {"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin"}
        headers |= {"Cookie": cookie} if cookie else {}
        began = time.monotonic()
        connection.request(method, path, json.dumps(body) if body else None, headers)
        response = connection.getresponse()
        text = response.read()
        took_s = time.monotonic() - began
        connection.close()
        code = ""
        if response.status >= 400:
            code = json.loads(text)["error"]["code"]
        set_cookie = (response.getheader("Set-Cookie") or "").split(";")[0]
        return Answer(response.status, code, set_cookie, took_s)

    def login(self, source: str = "127.0.0.1", name: str = NAME, password: str = PASSWORD) -> Answer:
        body: dict[str, object] = {"name": name, "password": password}
        return self.ask("POST", "/api/v1/session", body, source=source)

    def is_running(self) -> bool:
        return self.process.poll() is None

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(LIMIT_S)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def said(self) -> str:
        return self.log.read_text()


@dataclass
class World:
    """The program, and where its state is."""

    program: Path
    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    lake: str = ""
    """The address of the lake; without one it is a folder beside the state."""

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def database(self) -> Path:
        return self.state / "access.db"

    @property
    def kept(self) -> Path:
        """The state before any damage."""
        return self.folder / "kept"

    def env(self) -> dict[str, str]:
        own = {"COCKPIT_ACCESS_STATE": str(self.state), "COCKPIT_ACCESS_MODE": "login"}
        return os.environ | own | self.settings

    def run(self, *words: str, text: str = "", user: int | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.program, *words],
            input=text,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            env=self.env(),
            cwd=self.folder,
            user=user,
            check=False,
        )

    def prepare(self) -> None:
        """Makes the administrator, and a copy of the state to return to."""
        words = ["user", "add", NAME, "--role", "administrator", "--password"]
        made = self.run(*words, text=PASSWORD)
        if made.returncode != 0:
            raise RuntimeError(made.stderr)
        shutil.copytree(self.state, self.kept)

    def repair(self) -> None:
        """Brings the state back as it was before the damage."""
        shutil.rmtree(self.state, ignore_errors=True)
        shutil.copytree(self.kept, self.state)

    def start(self, user: int | None = None) -> Service:
        port, log = free_port(), self.folder / "serve.log"
        words = ["serve", "--no-ingest", "--lake", self.lake or self.folder / "lake", "--listen", str(port)]
        with log.open("wb") as out:
            process = subprocess.Popen(
                [self.program, *words],
                stdout=out,
                stderr=out,
                env=self.env(),
                cwd=self.folder,
                user=user,
            )
        service = Service(process, port, log)
        wait_for("an answer", lambda: not service.is_running() or answers(port), LIMIT_S)
        if not service.is_running():
            raise RuntimeError(f"the service ended: {service.said()}")
        return service


@dataclass(frozen=True)
class Damage:
    """A damage that prevents the service from using the database, and what it reports."""

    name: str
    do: Callable[[World], None]
    words: str
    user: int | None = None


def overwrite(path: Path, chance: Random, pages: int) -> None:
    """Writes random bytes over some pages of a file."""
    count = max(1, path.stat().st_size // PAGE_BYTES)
    with path.open("r+b") as file:
        for _ in range(pages):
            file.seek(chance.randrange(count) * PAGE_BYTES)
            file.write(chance.randbytes(PAGE_BYTES))


def foreign(world: World) -> None:
    remove(world.database)
    with sqlite3.connect(world.database) as other:
        other.execute("CREATE TABLE notes (text TEXT)")


def newer(world: World) -> None:
    with sqlite3.connect(world.database) as database:
        database.execute("PRAGMA user_version = 999")


def missing(world: World) -> None:
    """Only the write-ahead log is left."""
    remove(world.database)
    world.database.with_name("access.db-wal").write_bytes(bytes(PAGE_BYTES))


def remove(path: Path) -> None:
    for ending in ("", "-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)


def truncate(world: World) -> None:
    os.truncate(world.database, 0)


def strange(world: World) -> None:
    """Another account owns the files, and nobody else may read them."""
    world.state.chmod(0o755)
    for path in world.state.iterdir():
        path.chmod(0o600)


def set_ahead(world: World, by_us: int) -> None:
    """As if the program had run with a clock that was ahead."""
    with sqlite3.connect(world.database) as database:
        now_us = int(time.time() * 1e6) + by_us
        sql = "INSERT OR REPLACE INTO stored_values (name, value) VALUES ('clock_us', ?)"
        database.execute(sql, (str(now_us),))


DAMAGES = [
    Damage("read-only file", lambda it: it.database.chmod(0o400), r"cannot be written"),
    Damage("empty file", truncate, r"corrupt \(the file is empty\)"),
    Damage("no file but its log", missing, r"corrupt \(the file is missing"),
    Damage("text", lambda it: it.database.write_text("a text\n" * 900), r"corrupt"),
    Damage("foreign database", foreign, r"SQLite database of another program"),
    Damage("newer version", newer, r"has version 999, this program knows"),
    Damage("all pages random", lambda it: overwrite(it.database, Random(1), 400), r"corrupt"),
    Damage("a folder", lambda it: (remove(it.database), it.database.mkdir())[1], r"access\.db"),
]
OF_ROOT = [Damage("wrong owner", strange, r"cannot be written", STRANGER)]
"""Need an account that may become another one."""


def sentences(log: str) -> list[str]:
    """The lines of the log about the user database."""
    return re.findall(r".*user_database_unavailable.*", log)
