"""Slow connections and viewers that never read, while somebody watches the live stream.

Promise: a crowd of connections occupies the service (`load_clients.py`), while sensors send to its topic. A viewer
that reads measures the time from a message in the broker to its value on the stream, before, during and after. The 99th percentile
rises by at most a fifth, or by what a busy machine varies by anyway; the memory of the program grows by at most
100 MB; every connection of the crowd is accepted; and when the crowd is gone, so are its connections.

    python load_case.py --cockpit BIN --brokers HOST:PORT [--slow 5000] [--dead 5000] [--seconds 30] [--hz 4]

The viewer requests as many frames a second as a page; with `--hz 0` it receives every change at once.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from bench_latency import (
    WINDOW_S,
    Watch,
    answers,
    free_port,
    plant,
    readings,
    values,
    watch_commits,
    watch_frames,
)
from checks import Report, wait_for

START_LIMIT_S = 60.0
WARM_UP_S = 20.0
SETTLE_S = 10.0
"""After the crowd is connected: each new viewer is sent the list of sensors once."""
END_LIMIT_S = 60.0
GONE_LIMIT_S = 100.0
"""Longer than `http_stall_time_s`, after which the last dead reader is disconnected."""
PAGE_HZ = 4
RISE_MAX = 1.2
NOISE_MS = 10.0
"""Differences below this are those of a machine with other work."""
GROWTH_MAX_MIB = 100.0
HEALTH_MAX_S = 5.0
SENSORS = 500
"""Each sends once a second."""


@dataclass(frozen=True)
class Window:
    """What was measured in one span of time."""

    p50_ms: float
    p99_ms: float
    count: int
    memory_mib: float
    descriptors: int


@dataclass
class Service:
    """The program under test, the sensors, and the viewer that reads."""

    process: subprocess.Popen[bytes]
    sensors: subprocess.Popen[bytes]
    port: int
    lake: Path
    watch: Watch

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def memory_mib(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def health_s(self) -> float:
        """How long the answer to a new client takes."""
        began = time.monotonic()
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/health", timeout=60) as it:
            it.read()
        return time.monotonic() - began

    def observe(self, seconds: float) -> tuple[float, float, float, int]:
        """Waits, and returns begin, end, the greatest memory and the greatest number of descriptors."""
        began, memory, descriptors = time.time(), 0.0, 0
        while time.time() < began + seconds:
            memory = max(memory, self.memory_mib())
            descriptors = max(descriptors, self.descriptors())
            time.sleep(0.5)
        return began, time.time(), memory, descriptors


def start(args: argparse.Namespace, work: Path) -> Service:
    port, topic, lake = free_port(), f"load-{os.getpid()}", work / "lake"
    folder = plant(work / "plant", topic, has_gold=False)

    def run(name: str, *words: str) -> subprocess.Popen[bytes]:
        with (work / f"{name}.log").open("wb") as log:
            command = [args.cockpit, *words, "--kafka", args.brokers]
            return subprocess.Popen(command, stdout=log, stderr=log, cwd=work)

    stream = ["--topic", topic, "--sensors", str(SENSORS), "--hz", "1", "--for", "3600s"]
    sensors = run("sensors", "simulate", *stream)
    places = ["--plant", str(folder), "--lake", str(lake), "--listen", f"127.0.0.1:{port}"]
    service = Service(run("serve", "serve", *places), sensors, port, lake, Watch())
    wait_for("an answer", lambda: answers(port), START_LIMIT_S)
    return service


def waits(
    shown: list[tuple[float, str, int]], sent: dict[tuple[str, int], list[float]]
) -> list[tuple[float, float]]:
    """When each value was sent, and how long it took to the viewer."""
    found = []
    for came, sensor, value in shown:
        times = [at for at in sent.get((sensor, value), []) if at <= came and came - at < WINDOW_S]
        found.extend((at, came - at) for at in times[-1:])
    return found


def sent_by_lake(service: Service) -> dict[tuple[str, int], list[float]]:
    """When each value of each sensor was produced, by the rows of silver."""
    sent: dict[tuple[str, int], list[float]] = {}
    for rows in readings(service.lake, service.watch):
        columns = (rows[name].to_pylist() for name in ("sensor", "temp_c", "received_at"))
        for sensor, temp_c, at in zip(*columns, strict=True):
            sent.setdefault((sensor, round(temp_c * 100)), []).append(at.timestamp())
    return sent


def window(all_waits: list[tuple[float, float]], seen: tuple[float, float, float, int]) -> Window:
    began, ended, memory, descriptors = seen
    ms = sorted(1000 * wait for at, wait in all_waits if began <= at <= ended)
    if not ms:
        return Window(float("nan"), float("nan"), 0, memory, descriptors)
    p99 = ms[min(len(ms) - 1, len(ms) * 99 // 100)]
    return Window(ms[len(ms) // 2], p99, len(ms), memory, descriptors)


def crowd(port: int, slow: int, dead: int) -> subprocess.Popen[str]:
    script = Path(__file__).with_name("load_clients.py")
    command = [sys.executable, script, "--port", str(port), "--slow", str(slow), "--dead", str(dead)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)


def leave(process: subprocess.Popen[str]) -> int:
    """Ends the crowd; how often the service closed one of its connections."""
    said, _ = process.communicate("\n", timeout=END_LIMIT_S)
    return int(json.loads(said.splitlines()[-1])["closed_by_service"])


def measure(service: Service, args: argparse.Namespace, report: Report) -> list[tuple[float, float, float, int]]:
    """Before, during and after."""
    time.sleep(WARM_UP_S)
    before = service.observe(args.seconds)
    occupied = crowd(service.port, args.slow, args.dead)
    try:
        line = occupied.stdout.readline() if occupied.stdout else ""
        report.equal("the crowd is connected", line.strip(), f"ready {args.slow + args.dead}")
        time.sleep(SETTLE_S)
        during = service.observe(args.seconds)
        health_s = service.health_s()
        report.check(f"a new client is answered ({health_s:.2f} s)", health_s < HEALTH_MAX_S)
        closed = leave(occupied)
    finally:
        occupied.kill()
    print(f"the service closed {closed} slow connections, which came back")
    few = before[3] + 20
    wait_for("the end of the connections", lambda: service.descriptors() <= few, GONE_LIMIT_S)
    after = service.observe(args.seconds)
    return [before, during, after]


def judge(windows: list[Window], crowd_size: int, report: Report) -> None:
    before, during, after = windows
    for name, it in zip(("before", "during", "after"), windows, strict=True):
        print(
            f"{name:8} p50 {it.p50_ms:6.1f} ms  p99 {it.p99_ms:6.1f} ms  {it.count} values  "
            f"{it.memory_mib:6.1f} MiB  {it.descriptors} descriptors"
        )
    for name, it in zip(("before", "during", "after"), windows, strict=True):
        report.check(f"{name}: the viewer got values", it.count > 100, str(it.count))
    usual_ms = max(before.p99_ms, after.p99_ms)
    most_ms = max(RISE_MAX * usual_ms, usual_ms + NOISE_MS)
    rise = during.p99_ms / usual_ms
    report.check(f"the stream is as fast (p99 x {rise:.2f})", during.p99_ms <= most_ms)
    growth = during.memory_mib - before.memory_mib
    report.check(f"memory grew by {growth:.1f} MiB", growth <= GROWTH_MAX_MIB)
    accepted = during.descriptors - before.descriptors
    report.check(f"all are accepted ({accepted})", accepted >= crowd_size * 0.99)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cockpit", type=Path, required=True)
    parser.add_argument("--brokers", required=True)
    parser.add_argument("--slow", type=int, default=5_000)
    parser.add_argument("--dead", type=int, default=5_000)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--hz", type=int, default=PAGE_HZ)
    args = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    report = Report()
    with tempfile.TemporaryDirectory(prefix="load-case-") as folder:
        args.cockpit = args.cockpit.resolve()
        service = start(args, Path(folder))
        watchers = [
            threading.Thread(target=watch_frames, args=(service.port, args.hz, service.watch)),
            threading.Thread(target=watch_commits, args=(service.lake, service.watch)),
        ]
        try:
            for watcher in watchers:
                watcher.start()
            seen = measure(service, args, report)
            time.sleep(3)
            all_waits = waits(values(service.watch.frames), sent_by_lake(service))
            judge([window(all_waits, it) for it in seen], args.slow + args.dead, report)
            alive = service.process.poll() is None
            report.check("the program still runs", alive)
        finally:
            service.watch.stop.set()
            service.sensors.kill()
            service.sensors.wait()
            service.process.send_signal(signal.SIGTERM)
            service.process.wait(END_LIMIT_S)
            for watcher in watchers:
                watcher.join()
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
