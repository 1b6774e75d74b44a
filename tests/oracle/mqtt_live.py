"""The live pages fed by an MQTT broker.

Promise: readings that are published reach a viewer of the live stream; the delay from the publication is printed. The
link is lost while the broker is away, and connected again after it returns.
"""

from __future__ import annotations

import json
import subprocess
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

from bench_latency import Watch, values, watch_frames
from checks import Report, wait_for
from mqtt_broker import Message, MqttBroker, Publisher
from receivers import free_port

LIMIT_S = 60.0
READINGS, SENSORS, PAUSE_S = 1_000, 10, 0.005
CONTRACT = """description = "Temperatures of components."
source = "machines"
columns = [
    {{ name = "plant", type = "text", from = "topic", required = true }},
    {{ name = "lane", type = "text", from = "topic", required = true }},
    {{ name = "component", type = "text", from = "topic", required = true }},
    {{ name = "at", type = "time", formats = ["epoch_ms"], required = true }},
    {{ name = "temp_c", type = "float", required = true }},
]

[mqtt]
url = "{url}"
version = "{version}"
topics = ["{{plant}}/{{lane}}/{{component}}/temperature"]
user = "cockpit"
password = "env:MQTT_CASE"
ca_file = "{ca_file}"
client_id = "cockpit-live"
"""
SILVER = """-- Temperatures of components.
--
-- key: sensor, at
-- column sensor: Sensor.
-- column plant: Plant.
-- column lane: Lane.
-- column component: Type of the component.
-- column manufacturer: Manufacturer.
-- column at: Time of the reading.
-- column temp_c [degC]: Temperature.
SELECT
    concat(plant, '.', lane, '.', component, '.unknown') AS sensor, plant, lane, component, 'unknown' AS manufacturer,
    at, temp_c
FROM typed.component_temperature
"""


class Service:
    """The program, serving a plant whose temperatures come from the broker."""

    def __init__(self, program: Path, broker: MqttBroker, folder: Path, version: str) -> None:
        plant = folder / "live-plant"
        for name in ("bronze", "silver"):
            (plant / name).mkdir(parents=True)
        (plant / "plant.toml").write_text('name = "Live"\nzone = "UTC"\n')
        contract = CONTRACT.format(url=broker.url, ca_file=broker.ca_file, version=version)
        (plant / "bronze/component_temperature.toml").write_text(contract)
        (plant / "silver/temperature.sql").write_text(SILVER)
        self.port = free_port()
        words = ["serve", "--plant", str(plant), "--lake", str(folder / "live-lake"), "--listen", f"127.0.0.1:{self.port}"]
        with (folder / "log").open("ab") as log:
            self.process = subprocess.Popen([str(program), *words], stdout=log, stderr=log)

    def now(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/temperatures/now", timeout=LIMIT_S) as answer:
            return json.load(answer)

    def link(self) -> tuple[str, str]:
        try:
            link = self.now()["link"]
        except OSError:
            return "", ""
        return link["state"], link["reason"] or ""

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=LIMIT_S)


def check_live(program: Path, broker: MqttBroker, folder: Path, version: str, report: Report) -> None:
    service = Service(program, broker, folder, version)
    try:
        wait_for("a link", lambda: service.link()[0] == "connected", LIMIT_S)
        _check_delay(service, broker, report)
        broker.stop()
        wait_for("the loss of the link", lambda: service.link()[0] == "lost", LIMIT_S)
        report.check("the reason names the broker", broker.url in service.link()[1], service.link()[1])
        broker.start()
        wait_for("the link again", lambda: service.link()[0] == "connected", LIMIT_S)
        report.check("the link returns", True)
    finally:
        service.stop()


def _check_delay(service: Service, broker: MqttBroker, report: Report) -> None:
    publisher, sent = Publisher(broker, "sensors"), {}
    publisher.publish(_message(number, 0) for number in range(SENSORS))
    wait_for("all sensors", lambda: len(service.now()["sensors"]) == SENSORS, LIMIT_S)
    watch = Watch()
    watching = threading.Thread(target=watch_frames, args=(service.port, 0, watch), daemon=True)
    watching.start()
    wait_for("a first frame", lambda: bool(watch.frames), LIMIT_S)
    for number in range(1, READINGS):
        sent[f"P.L.C{number % SENSORS}.unknown", 2_000 + number] = time.time()
        publisher.publish([_message(number % SENSORS, number)])
        time.sleep(PAUSE_S)
    last = f"P.L.C{(READINGS - 1) % SENSORS}.unknown", 2_000 + READINGS - 1
    wait_for("the last reading", lambda: any(it[1:] == last for it in values(list(watch.frames))), LIMIT_S)
    shown = {(sensor, value): at for at, sensor, value in reversed(values(watch.frames))}
    delays = sorted((shown[key] - at) * 1000 for key, at in sent.items() if key in shown)
    watch.stop.set()
    report.check("readings reach the viewer", len(delays) > READINGS / 2, f"{len(delays)} of {READINGS}")
    p50, p99 = (delays[int(len(delays) * part)] for part in (0.5, 0.99))
    print(f"published to viewer: median {p50:.1f} ms, 99 % within {p99:.1f} ms ({len(delays)} readings)")


def _message(sensor: int, number: int) -> Message:
    payload = {"at": int(time.time() * 1000), "temp_c": 20 + number / 100}
    return Message(f"P/L/C{sensor}/temperature", json.dumps(payload).encode())
