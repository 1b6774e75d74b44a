"""The live stream while statements of SQL clients run away.

Promise: sensors send to a topic of a broker in this process (the simulated cluster of librdkafka), and a viewer
measures the time from a message to its value on the stream: before, while a client of the PostgreSQL protocol sends one
runaway statement after the other, and after. Each of them ends within a second of its limit. The figures are printed; the rise
is judged only with `--judge`, since a machine with other work has no constant times.

    python sql_doors_live.py --cockpit BIN [--seconds 30] [--judge]
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka import Producer

import sql_doors_wire as wire
from bench_latency import Watch, answers, free_port, plant, values, watch_commits, watch_frames
from checks import Report, wait_for
from load_case import RISE_MAX, Service, Window, sent_by_lake, waits, window
from sql_doors_runaways import RUNAWAYS

START_LIMIT_S = 60.0
END_LIMIT_S = 60.0
WARM_UP_S = 15.0
LIMIT_S = 2.0
"""The time limit of each runaway statement."""
LATE_S = 1.0
SENSORS = 500
"""Each sends once a second."""


@contextmanager
def started(cockpit: Path, work: Path, hz: int) -> Iterator[tuple[Service, int]]:
    """A service with a viewer, and the port of its PostgreSQL protocol."""
    broker = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "unused"})
    address = next(iter(broker.list_topics(timeout=10).brokers.values()))
    brokers = f"{address.host}:{address.port}"
    port, postgres, topic = free_port(), free_port(), f"runaways-{os.getpid()}"
    folder, lake = plant(work / "plant", topic, has_gold=False), work / "lake"

    def run(name: str, *words: str) -> subprocess.Popen[bytes]:
        with (work / f"{name}.log").open("wb") as log:
            command = [cockpit, *words, "--kafka", brokers]
            return subprocess.Popen(command, stdout=log, stderr=log, cwd=work)

    sensors = run("sensors", "simulate", "--topic", topic, "--sensors", str(SENSORS), "--hz", "1", "--for", "3600s")
    places = ["--plant", str(folder), "--lake", str(lake), "--listen", f"127.0.0.1:{port}"]
    serve = run("serve", "serve", *places, "--postgres-listen", f"127.0.0.1:{postgres}")
    service = Service(serve, sensors, port, lake, Watch())
    watchers = [
        threading.Thread(target=watch_frames, args=(port, hz, service.watch)),
        threading.Thread(target=watch_commits, args=(lake, service.watch)),
    ]
    try:
        wait_for("an answer", lambda: answers(port) and answers(postgres), START_LIMIT_S)
        for watcher in watchers:
            watcher.start()
        yield service, postgres
    finally:
        service.watch.stop.set()
        sensors.kill()
        sensors.wait()
        serve.send_signal(signal.SIGTERM)
        serve.wait(END_LIMIT_S)
        for watcher in watchers:
            watcher.join()
        broker.flush(0)


def run_away(port: int, stop: threading.Event, late_s: list[float]) -> None:
    """One runaway statement after the other; notes by how much each exceeded its limit."""
    while not stop.is_set():
        for sql in RUNAWAYS.values():
            connection = wire.Wire(port, "anna", "")
            connection.simple(f"SET statement_timeout = '{LIMIT_S:.0f}s'")
            begun = time.monotonic()
            connection.simple(sql)
            late_s.append(time.monotonic() - begun - LIMIT_S)
            connection.close()
            if stop.is_set():
                return


def measure(service: Service, postgres: int, seconds: float) -> tuple[list[tuple[float, float, float, int]], list[float]]:
    """Before, during and after, and how late the statements ended."""
    time.sleep(WARM_UP_S)
    before = service.observe(seconds)
    stop, late_s = threading.Event(), []
    client = threading.Thread(target=run_away, args=(postgres, stop, late_s))
    client.start()
    during = service.observe(seconds)
    stop.set()
    client.join()
    return [before, during, service.observe(seconds)], late_s


def judge(windows: list[Window], late_s: list[float], is_judged: bool, report: Report) -> None:
    for name, it in zip(("before", "during", "after"), windows, strict=True):
        print(f"{name:8} p50 {it.p50_ms:6.1f} ms  p99 {it.p99_ms:6.1f} ms  {it.count} values  {it.memory_mib:6.1f} MiB")
        report.check(f"{name}: the viewer got values", it.count > 100, str(it.count))
    before, during, after = windows
    rise = during.p99_ms / max(before.p99_ms, after.p99_ms)
    print(f"p99 of the live stream x {rise:.2f} while statements run away")
    if is_judged:
        report.check(f"the stream is as fast (p99 x {rise:.2f})", rise <= RISE_MAX)
    worst = max(late_s, default=float("nan"))
    report.check(f"{len(late_s)} statements ended within {worst:.2f} s of their limit", worst < LATE_S, f"{late_s}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cockpit", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--hz", type=int, default=0)
    parser.add_argument("--judge", action="store_true", help="fail if the stream is slower by more than a fifth")
    args = parser.parse_args()
    report = Report()
    with (
        tempfile.TemporaryDirectory(prefix="sql-doors-live-") as folder,
        started(args.cockpit.resolve(), Path(folder), args.hz) as (service, postgres),
    ):
        seen, late_s = measure(service, postgres, args.seconds)
        time.sleep(3)
        all_waits = waits(values(service.watch.frames), sent_by_lake(service))
        judge([window(all_waits, it) for it in seen], late_s, args.judge, report)
        report.check("the program still runs", service.process.poll() is None)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
