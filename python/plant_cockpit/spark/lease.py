"""The lease of a lake: only one process refines it, the program or Spark.

The lease is a numbered sequence of files below ``_cockpit/lease``. Each renewal creates the next one, which the store
allows once. A lease ends when its holder releases it, when its holder was a process of this machine that no longer
exists, or when it was not renewed for its duration.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from .._native import Store

FOLDER = "_cockpit/lease"

#: Duration of a lease in seconds, as the program has it by default.
TTL_S = 15

#: Pause between two checks of a lease that another process holds, in seconds.
WATCH_S = 1.0


class LeaseHeld(RuntimeError):
    """Another process refines the lake."""


class LeaseLost(RuntimeError):
    """The lease was not renewed in time, and another process has taken it over."""


class Lease:
    """A held lease, renewed by a thread until it is released."""

    def __init__(self, store: Store, run: str, ttl_s: int = TTL_S) -> None:
        self._store = store
        self._holder = _this_process(run, ttl_s)
        self._ttl_s = ttl_s
        self._stop = threading.Event()
        self._lost: str | None = None
        self._number = self._take()
        self._thread = threading.Thread(target=self._renew, name="lease", daemon=True)
        self._thread.start()

    def __enter__(self) -> Lease:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        if self._lost is None:
            self._store.delete(_key(self._number))

    def check(self) -> None:
        """Raises :class:`LeaseLost` if another process may refine the lake; called before each commit."""
        if self._lost is not None:
            raise LeaseLost(f"the lease of the lake was lost ({self._lost}); nothing more is committed, run again")

    def _take(self) -> int:
        seen: tuple[int, float] | None = None
        while True:
            newest = _newest(self._store)
            if newest is None or self._is_over(newest, seen):
                number = 0 if newest is None else newest[0] + 1
                if self._write(number):
                    return number
                raise LeaseHeld("another process took the lease of the lake at the same time; run again")
            number, held = newest
            if seen is None or seen[0] != number:
                if seen is not None:
                    raise LeaseHeld(_describe(held))
                seen = (number, time.monotonic())
            time.sleep(WATCH_S)

    def _is_over(self, newest: tuple[int, dict[str, Any]], seen: tuple[int, float] | None) -> bool:
        number, held = newest
        own = self._holder["machine"]
        is_dead = bool(own.strip()) and held["machine"] == own and not Path(f"/proc/{held['pid']}").exists()
        is_same = seen is not None and seen[0] == number
        return is_dead or (is_same and seen is not None and time.monotonic() - seen[1] >= held["ttl_s"])

    def _write(self, number: int) -> bool:
        if not self._store.create(_key(number), json.dumps(self._holder).encode()):
            return False
        for older, key in _files(self._store):
            if older < number:
                self._store.delete(key)
        return True

    def _renew(self) -> None:
        renewed = time.monotonic()
        while not self._stop.wait(self._ttl_s / 3):
            try:
                if not self._write(self._number + 1):
                    self._lost = "another process has taken it over"
                    return
            except Exception as error:  # The store failed; the next renewal may succeed in time.
                if time.monotonic() - renewed > self._ttl_s:
                    self._lost = str(error)
                    return
                continue
            self._number += 1
            renewed = time.monotonic()


def _this_process(run: str, ttl_s: int) -> dict[str, Any]:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        machine = f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        machine = ""
    since = datetime.now(timezone.utc).isoformat()
    return {
        "host": socket.gethostname(),
        "machine": machine,
        "pid": os.getpid(),
        "run": run,
        "since": since,
        "ttl_s": ttl_s,
    }


def _describe(held: dict[str, Any]) -> str:
    return (
        f"the lake is being refined by process {held['pid']} on {held['host']} since {held['since']}, and only one "
        f"process may refine a lake. Stop it, or wait: a process that died loses the lease {held['ttl_s']} s after "
        "its last renewal"
    )


def _key(number: int) -> str:
    return f"{FOLDER}/{number:020}.json"


def _files(store: Store) -> list[tuple[int, str]]:
    found = []
    for key, _ in store.list(FOLDER):
        name = key.rpartition("/")[2].removesuffix(".json")
        if name.isdigit():
            found.append((int(name), key))
    return sorted(found)


def _newest(store: Store) -> tuple[int, dict[str, Any]] | None:
    for number, key in reversed(_files(store)):
        content = store.get(key)
        if content is not None:
            return number, json.loads(content)
    return None
