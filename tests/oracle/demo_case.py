"""Does the demo end quietly, whenever somebody stops it?

Promise: the demo is started again and again on one lake and stopped by Ctrl-C (SIGINT, or SIGTERM every
other time) after a random while, from the moment its pages can be reached. Each time it ends by itself,
in time, with exit code 0, writes nothing on the side of errors, and leaves no lease behind.

    python demo_case.py --cockpit BIN [--rounds 50] [--seed 1]
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from checks import Report, wait_for

START_LIMIT_S = 300.0
"""The first start writes the dumps of 30 days."""
END_LIMIT_S = 30.0
"""An optimised build takes a second; one without optimisation on a busy machine takes several."""
LONGEST_S = 4.0
"""How long a demo runs at most: long enough for landing, refinement and a few commits of the stream."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Starts and stops the demo again and again.")
    parser.add_argument("--cockpit", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    report, chance = Report(), random.Random(args.seed)
    with tempfile.TemporaryDirectory(prefix="demo-case-") as folder:
        for number in range(args.rounds):
            how = signal.SIGTERM if number % 2 else signal.SIGINT
            said = _round(args.cockpit, Path(folder), chance.uniform(0.0, LONGEST_S), how)
            report.check(f"round {number} ends quietly", not said, said)
    return report.finish()


def _round(cockpit: Path, folder: Path, run_s: float, how: signal.Signals) -> str:
    """One demo from its start to its end; what was wrong with it, or nothing."""
    out, errors = folder / "out.txt", folder / "errors.txt"
    command = [cockpit.resolve(), "demo", "--data", folder / "demo"]
    with out.open("wb") as to, errors.open("wb") as side:
        demo = subprocess.Popen(command, stdout=to, stderr=side, cwd=folder)
        try:
            wait_for("the demo", lambda: _is_up(demo, out), START_LIMIT_S)
            time.sleep(run_s)
            demo.send_signal(how)
            demo.wait(END_LIMIT_S)
        except subprocess.TimeoutExpired:
            return f"stopped after {run_s:.1f} s it still ran {END_LIMIT_S:.0f} s later"
        finally:
            demo.kill()
            demo.wait()
    leases = [path.name for path in folder.glob("demo/lake/_cockpit/lease/*.json")]
    faults = [f"exit code {demo.returncode}"] if demo.returncode else []
    faults += [f"a lease is left: {leases}"] if leases else []
    return "\n".join([*faults, errors.read_text().strip()]).strip()


def _is_up(demo: subprocess.Popen[bytes], out: Path) -> bool:
    return demo.poll() is not None or "Ctrl-C" in out.read_text()


if __name__ == "__main__":
    sys.exit(main())
