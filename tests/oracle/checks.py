"""Counts checks and says plainly which one failed.

Promise: every check ends as one line, passed or FAILED with the reason below it; `finish` prints
`N passed, N failed` last and gives the exit code.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

POLL_S = 0.05


@dataclass
class Report:
    """The checks of one run."""

    passed: int = 0
    failed: int = 0
    quiet: bool = False
    notes: list[str] = field(default_factory=list)

    def check(self, name: str, ok: bool, reason: str = "") -> bool:
        if ok:
            self.passed += 1
            if not self.quiet:
                print(f"passed  {name}")
        else:
            self.failed += 1
            print(f"FAILED  {name}")
            for line in reason.splitlines():
                print(f"        {line}")
        return ok

    def equal(self, name: str, actual: object, expected: object) -> bool:
        return self.check(name, actual == expected, f"is {actual}, must be {expected}")

    def finish(self) -> int:
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        return 1 if self.failed else 0


def wait_for(what: str, ready: Callable[[], bool], limit_s: float) -> None:
    """Polls until `ready`; a TimeoutError says what never came."""
    deadline = time.monotonic() + limit_s
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not happen within {limit_s:.0f} s")
        time.sleep(POLL_S)
