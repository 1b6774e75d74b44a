"""From a message to its alarm in a browser: how long, beside 20,000 messages a second?

Promise: sensors send to a topic at a steady pace while the program serves and Chromium shows `/alarms`
(`ui/test/alarm_latency.mjs`). Probes send one reading above their limit each; an alarm has no on-delay. The times are
measured from outside, by one clock: when a message was passed to the Kafka client, when the browser received the
alarm as an event, and when the alarm was painted on the page. Prints a line with p50, p99 and the greatest of both,
the program's share of one core, and how many messages were in silver in the end.

    python bench_alarms.py --cockpit BIN --brokers HOST:PORT --work DIR [--sensors 20000] [--alarms 300]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from bench_latency import answers, cpu_s, free_port, plant
from checks import wait_for
from confluent_kafka import Producer
from program import REPOSITORY

LIMIT_S = 120.0
WARM_UP_S = 15.0
"""Before it nothing is measured: the first commits, the first readings of each sensor."""
PROBE_EVERY_S = 0.15
COOL_C = 30.0
HOT_C = 120.0

RULES = """
[[rule]]
name = "probe_hot"
kind = "temperature"
sensors = "*"
above = 100
deadband = 5
on_delay = "0 s"
off_delay = "0 s"
priority = 2
owner = "maintenance"
text = "Probe hot"
response = "Read the clock"
"""


def message(number: int, temp_c: float) -> bytes:
    kind = {"component_type": "probe", "component_manufacturer": f"m{number}"}
    place = {"plant_name": "Plant9", "lane_number": "1", "component_info": kind}
    return json.dumps(place | {"timestamp": int(time.time()), "temperature": temp_c}).encode()


def send_probes(brokers: str, topic: str, count: int) -> dict[str, float]:
    """Sends a hot reading of each probe; when, by its sensor."""
    producer = Producer({"bootstrap.servers": brokers, "linger.ms": 0})
    for number in range(count):
        producer.produce(topic, message(number, COOL_C), key=str(number))
    producer.flush(LIMIT_S)
    time.sleep(2)
    sent = {}
    for number in range(count):
        sent[f"Plant9.1.probe.m{number}"] = time.time()
        producer.produce(topic, message(number, HOT_C), key=str(number))
        producer.poll(0)
        time.sleep(PROBE_EVERY_S)
    producer.flush(LIMIT_S)
    return sent


def has_topic(brokers: str, topic: str) -> bool:
    """A program that starts before its topic exists looks for it again after a pause."""
    quiet = {"bootstrap.servers": brokers, "log_level": 0}
    return topic in Producer(quiet).list_topics(timeout=LIMIT_S).topics


def start_viewer(port: int) -> subprocess.Popen[str]:
    """A browser that shows the alarms."""
    env = os.environ | {"COCKPIT_URL": f"http://127.0.0.1:{port}"}
    command = ["node", "test/alarm_latency.mjs"]
    pipe = subprocess.PIPE
    folder = REPOSITORY / "ui"
    viewer = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=folder, env=env)
    line = viewer.stdout.readline() if viewer.stdout else ""
    if line.strip() != "ready":
        raise RuntimeError(f"the browser did not start: {line!r}")
    return viewer


def quantiles(name: str, sent: dict[str, float], seen_ms: dict[str, float | None]) -> dict[str, Any]:
    """Of the times from sending, in milliseconds."""
    waits = sorted(at_ms - 1000 * sent[it] for it, at_ms in seen_ms.items() if it in sent and at_ms)
    if not waits:
        return {f"{name}_count": 0}
    share = {f"p{it}": waits[min(len(waits) - 1, len(waits) * it // 100)] for it in (50, 99)}
    figures = share | {"max": waits[-1]}
    return {f"{name}_{key}_ms": round(ms, 1) for key, ms in figures.items()} | {
        f"{name}_count": len(waits)
    }


def rows_of(port: int, sql: str) -> list[dict[str, Any]]:
    url, body = f"http://127.0.0.1:{port}/api/v1/query", json.dumps({"sql": sql}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=LIMIT_S) as it:
        return json.loads(it.read())["rows"]


def measure(args: argparse.Namespace) -> dict[str, Any]:
    topic, port, lake = f"alarms-{os.getpid()}", free_port(), args.work / "lake"
    shutil.rmtree(lake, ignore_errors=True)
    folder = plant(args.work / "plant", topic, has_gold=False)
    (folder / "alarms.toml").write_text(RULES)
    lasts_s = WARM_UP_S + args.alarms * PROBE_EVERY_S + 60
    steady = ["--topic", topic, "--sensors", str(args.sensors), "--hz", "1", "--for", f"{lasts_s:.0f}s"]
    places = ["--lake", str(lake), "--plant", str(folder), "--listen", f"127.0.0.1:{port}"]

    def start(*words: str) -> subprocess.Popen[bytes]:
        with (args.work / "program.log").open("ab") as log:
            command = [args.cockpit, *words, "--kafka", args.brokers]
            return subprocess.Popen(command, stdout=log, stderr=log)

    sensors = start("simulate", *steady)
    wait_for("the topic", lambda: has_topic(args.brokers, topic), LIMIT_S)
    serve, viewer = start("serve", *places), None
    try:
        wait_for("an answer", lambda: answers(port), LIMIT_S)
        viewer = start_viewer(port)
        time.sleep(WARM_UP_S)
        began, before_s = time.time(), cpu_s(serve.pid)
        sent = send_probes(args.brokers, topic, args.alarms)
        took_s, used_s = time.time() - began, cpu_s(serve.pid) - before_s
        time.sleep(3)
        seen, _ = viewer.communicate("\n", timeout=LIMIT_S)
        last_s = f"received_at >= to_timestamp({began}) AND received_at < to_timestamp({began + took_s})"
        sql = f"SELECT count(*) AS messages FROM silver.temperature WHERE {last_s}"
        landed = rows_of(port, sql)[0]["messages"]
    finally:
        if viewer:
            viewer.kill()
        for process in (sensors, serve):
            process.terminate()
            process.wait(LIMIT_S)
    times = json.loads(seen.splitlines()[-1])
    found = quantiles("event", sent, times["received"]) | quantiles("painted", sent, times["painted"])
    share = {"share_of_a_core": round(used_s / took_s, 2)}
    return found | {"alarms": len(sent), "messages_per_s": round(landed / took_s)} | share


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cockpit", type=Path, required=True)
    parser.add_argument("--brokers", required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--sensors", type=int, default=20_000)
    parser.add_argument("--alarms", type=int, default=300)
    args = parser.parse_args()
    args.cockpit, args.work = args.cockpit.resolve(), args.work.resolve()
    args.work.mkdir(parents=True, exist_ok=True)
    print(json.dumps(measure(args)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
