"""Many viewers of many sensors: how busy is a browser, and how busy the program?

Promise: sensors send to a topic at a steady pace while the program serves and tabs of one Chromium show `/temps`
(`ui/test/viewers.mjs`). Prints the share of time for which the main thread of a tab was busy, and the program's share
of one core meanwhile.

    python bench_viewers.py --cockpit BIN --brokers HOST:PORT --work DIR [--sensors 5000] [--hz 2]
        [--viewers 16] [--seconds 60]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench_alarms import has_topic
from bench_latency import answers, cpu_s, free_port, peak_mib, plant
from checks import wait_for
from program import REPOSITORY

LIMIT_S = 120.0
MARGIN_S = 240.0
"""The sensors send until the last tab is measured; tabs are opened one after the other."""


def measure(args: argparse.Namespace) -> dict[str, Any]:
    topic, port, lake = f"viewers-{os.getpid()}", free_port(), args.work / "lake"
    shutil.rmtree(lake, ignore_errors=True)
    folder = plant(args.work / "plant", topic, has_gold=False)
    lasts = f"{args.seconds + MARGIN_S:.0f}s"
    steady = ["--topic", topic, "--sensors", str(args.sensors), "--hz", str(args.hz), "--for", lasts]
    places = ["--lake", str(lake), "--plant", str(folder), "--listen", f"127.0.0.1:{port}"]

    def start(*words: str) -> subprocess.Popen[bytes]:
        with (args.work / "program.log").open("ab") as log:
            command = [args.cockpit, *words, "--kafka", args.brokers]
            return subprocess.Popen(command, stdout=log, stderr=log)

    sensors = start("simulate", *steady)
    wait_for("the topic", lambda: has_topic(args.brokers, topic), LIMIT_S)
    serve = start("serve", *places)
    try:
        wait_for("an answer", lambda: answers(port), LIMIT_S)
        env = os.environ | {"COCKPIT_URL": f"http://127.0.0.1:{port}"}
        env |= {"VIEWERS": str(args.viewers), "SECONDS": str(args.seconds)}
        began, before_s = time.time(), cpu_s(serve.pid)
        command, ui = ["node", "test/viewers.mjs"], REPOSITORY / "ui"
        limit_s = args.seconds + MARGIN_S
        done = subprocess.run(command, cwd=ui, env=env, stdout=subprocess.PIPE, timeout=limit_s, check=True)
        used, peak = (cpu_s(serve.pid) - before_s) / (time.time() - began), peak_mib(serve.pid)
    finally:
        for process in (sensors, serve):
            process.terminate()
            process.wait(LIMIT_S)
    of_tabs = {key: round(value, 4) for key, value in json.loads(done.stdout).items()}
    return of_tabs | {"program_share_of_a_core": round(used, 3), "program_peak_mib": peak}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cockpit", type=Path, required=True)
    parser.add_argument("--brokers", required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--sensors", type=int, default=5_000)
    parser.add_argument("--hz", type=float, default=2)
    parser.add_argument("--viewers", type=int, default=16)
    parser.add_argument("--seconds", type=int, default=60)
    args = parser.parse_args()
    args.cockpit, args.work = args.cockpit.resolve(), args.work.resolve()
    args.work.mkdir(parents=True, exist_ok=True)
    print(json.dumps(measure(args)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
