"""From a sensor's message to those who read: how long, and at what cost?

Promise: messages are produced to a topic at a steady pace while the program serves. How long each took
from its production (its time in Kafka, whole milliseconds) is measured from outside, to the moment at
which a viewer of the page's events has its value in hand, and to the moment at which a commit of the
silver table that holds it can be seen in the lake. Prints a line for each commit interval and each rate
of the viewer (0 is as it happens, 1 what a page asks for): p50 and p99 of both, and the program's share
of one core meanwhile.

    python bench_latency.py --cockpit BIN --brokers HOST:PORT --work DIR [--every-ms 2000 200]
        [--hz 0 1]
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from bench_stream import without_gold
from checks import wait_for
from program import PLANT

TOPIC = "IOTTemperatureStream01"
WARM_UP_S = 15.0
"""Before it nothing is counted: the first commits, the first sensors."""
SILVER = "silver/temperature"
LIMIT_S = 60.0
LOOK_S = 0.001
WINDOW_S = 1.0
"""A value that is pushed was said at most so long ago; by then the sensor says the next one."""


@dataclass
class Watch:
    """What was seen, and when (seconds since 1970)."""

    frames: list[tuple[float, bytes]] = field(default_factory=list)
    commits: list[tuple[float, Path]] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]


def watch_frames(port: int, hz: int, watch: Watch) -> None:
    """One viewer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
    connection.request("GET", f"/api/v1/live?topics=temps&hz={hz}")
    answer = connection.getresponse()
    event = b""
    while not watch.stop.is_set():
        part = answer.read1(1 << 20)
        now = time.time()
        if not part:
            break
        *whole, event = (event + part).split(b"\n\n")
        watch.frames.extend((now, it) for it in whole)
    connection.close()


def watch_commits(lake: Path, watch: Watch) -> None:
    """Every commit of silver, when it can be seen."""
    log, version = lake / SILVER / "_delta_log", 0
    while not watch.stop.is_set():
        commit = log / f"{version:020}.json"
        if commit.exists():
            watch.commits.append((time.time(), commit))
            version += 1
        else:
            time.sleep(LOOK_S)


def answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def cpu_s(process: int) -> float:
    """CPU time of a process so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_mib(process: int) -> int:
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


def values(frames: list[tuple[float, bytes]]) -> list[tuple[float, str, int]]:
    """When which sensor was shown with how many hundredths of a degree."""
    names: list[str] = []
    shown = []
    for at, event in frames:
        lines = dict(line.split(b": ", 1) for line in event.split(b"\n") if b": " in line)
        if lines.get(b"event") == b"dict":
            names = [sensor[0] for sensor in json.loads(lines[b"data"])["s"]]
        elif lines.get(b"event") == b"t":
            frame = json.loads(lines[b"data"])
            pairs = zip(frame["i"], frame["v"], strict=True)
            shown.extend((at, names[place], value) for place, value in pairs)
    return shown


def readings(lake: Path, watch: Watch) -> list[pa.Table]:
    """For each commit of silver the rows it brought, with when it was seen."""
    found = []
    for seen, commit in watch.commits:
        actions = [json.loads(line) for line in commit.read_text().splitlines()]
        for add in (it["add"] for it in actions if "add" in it and it["add"]["dataChange"]):
            # One file, not the folder of its day.
            with (lake / SILVER / add["path"]).open("rb") as file:
                rows = pq.read_table(file, columns=["sensor", "temp_c", "received_at"])
            found.append(rows.append_column("seen", pa.array([seen] * len(rows))))
    return found


def quantiles(name: str, waits_s: list[float]) -> dict[str, float | int]:
    ms = sorted(1000 * it for it in waits_s) or [float("nan")]
    of = {
        f"{name}_p{share}_ms": round(ms[min(len(ms) - 1, len(ms) * share // 100)], 1)
        for share in (50, 99)
    }
    return of | {f"{name}_count": len(waits_s)}


def latencies(lake: Path, watch: Watch, begun: float, ended: float) -> dict[str, float | int]:
    said: dict[tuple[str, int], list[float]] = defaultdict(list)
    in_silver, newest = [], []
    for rows in readings(lake, watch):
        columns = (rows[name].to_pylist() for name in ("sensor", "temp_c", "seen"))
        times = [us / 1e6 for us in rows["received_at"].cast(pa.int64()).to_pylist()]
        waits = []
        for sensor, temp_c, seen, at in zip(*columns, times, strict=True):
            said[sensor, round(temp_c * 100)].append(at)
            if begun <= at <= ended:
                waits.append(seen - at)
        in_silver += waits
        # The newest of a commit is what the interval does not hold back.
        newest += [min(waits)] if waits else []
    for times in said.values():
        times.sort()
    on_screen = []
    for came, sensor, value in values(watch.frames):
        times = said.get((sensor, value), [])
        at = times[place - 1] if (place := bisect_right(times, came)) else 0.0
        if begun <= at <= ended and came - at < WINDOW_S:
            on_screen.append(came - at)
    found = quantiles("shown", on_screen) | quantiles("silver", in_silver)
    return found | quantiles("commit", newest)


def plant(folder: Path, topic: str, has_gold: bool) -> Path:
    """The reference plant, or its stream alone, with another topic, so that nothing older lies in it."""
    if has_gold:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(PLANT, folder)
    else:
        folder = without_gold(folder)
    contract = folder / "bronze/temperature_message.toml"
    contract.write_text(contract.read_text().replace(TOPIC, topic))
    return folder


def measure(args: argparse.Namespace, every_ms: int, hz: int) -> dict[str, float | int]:
    topic, lasts_s = f"temperatures-{every_ms}-{hz}-{os.getpid()}", WARM_UP_S + args.seconds + 5
    lake, port = args.work / f"lake-{every_ms}", free_port()
    shutil.rmtree(lake, ignore_errors=True)
    folder = plant(args.work / f"plant-{every_ms}", topic, args.gold)
    places = ["--kafka", args.brokers, "--lake", str(lake), "--plant", str(folder)]
    sent = [
        "--topic",
        topic,
        "--sensors",
        str(args.sensors),
        "--hz",
        "1",
        "--for",
        f"{lasts_s:.0f}s",
    ]
    env = os.environ | {"COCKPIT_STREAM_COMMIT_EVERY_MS": str(every_ms)}

    def start(*words: str) -> subprocess.Popen[bytes]:
        with (args.work / "program.log").open("ab") as log:
            return subprocess.Popen([args.cockpit, *words], stdout=log, stderr=log, env=env)

    simulate = start("simulate", "--kafka", args.brokers, *sent)
    serve = start("serve", *places, "--listen", f"127.0.0.1:{port}")
    watch = Watch()
    try:
        wait_for("an answer", lambda: answers(port), LIMIT_S)
        watchers = [
            threading.Thread(target=watch_frames, args=(port, hz, watch)),
            threading.Thread(target=watch_commits, args=(lake, watch)),
        ]
        for watcher in watchers:
            watcher.start()
        time.sleep(WARM_UP_S)
        begun, before_s = time.time(), cpu_s(serve.pid)
        time.sleep(args.seconds)
        ended, after_s = time.time(), cpu_s(serve.pid)
        simulate.wait(timeout=LIMIT_S)
        # The last messages are committed one interval later.
        time.sleep(2 * every_ms / 1000)
        peak = peak_mib(serve.pid)
    finally:
        watch.stop.set()
        simulate.kill()
        simulate.wait()
        serve.terminate()
        serve.wait(timeout=LIMIT_S)
    for watcher in watchers:
        watcher.join()
    found = {"commit_every_ms": every_ms, "viewer_hz": hz}
    found |= {"messages_per_s": args.sensors, "gold": args.gold}
    found |= latencies(lake, watch, begun, ended)
    share = (after_s - before_s) / (ended - begun)
    return found | {"share_of_a_core": round(share, 3), "peak_memory_mib": peak}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cockpit", type=Path, required=True)
    parser.add_argument("--brokers", required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--sensors", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--gold", action="store_true", help="make the tables of gold meanwhile")
    parser.add_argument("--every-ms", type=int, nargs="+", default=[2000, 200])
    parser.add_argument("--hz", type=int, nargs="+", default=[0, 1])
    args = parser.parse_args()
    args.cockpit = args.cockpit.resolve()
    args.work.mkdir(parents=True, exist_ok=True)
    for every_ms, hz in itertools.product(args.every_ms, args.hz):
        print(json.dumps(measure(args, every_ms, hz)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
