"""Does every alarm reach its receivers once, whatever fails on the way?

Promise: a thousand sensors become too hot within seconds while the mail server is away, the webhook refuses,
another one hangs, a third one redirects to an address of the cloud, and the program is killed with -9 while it
sends. In the end each alarm has exactly one message of the webhook, by its id; a request is repeated only if it
was not confirmed, or if the program was killed during it. Each alarm is in exactly one mail or waits for the
budget, which is never exceeded. An alarm that nobody acknowledges is escalated on time, and one that somebody
acknowledges is not.

    python notify_case.py --cockpit BIN [--alarms 1000] [--kills 2]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from confluent_kafka import Producer

from checks import Report, wait_for
from program import PLANT
from receivers import MailServer, MqttBroker, WebServer, free_port

TOPIC = "IOTTemperatureStream01"
LIMIT_S = 240.0
SECRET = "a secret of this test"
ESCALATE_S = 60
LATE_S = 15.0
"""How much later than planned an escalation may arrive on a busy machine."""
AT_ONCE = 4
"""Attempts at the same time: what a kill can cut off."""
BUDGET = 8

ALARMS = """
[notifications]
allow = ["127.0.0.0/8"]
messages_per_hour = {budget}
messages_per_hour_reserved = 2
group_after = 3
group_window_s = 5
retry_first_ms = 100
retry_longest_ms = 1000
attempt_time_ms = 2000
attempts_max = 100000
attempts_at_once = {at_once}
poll_ms = 50

[[channel]]
name = "mail"
kind = "email"
host = "127.0.0.1"
port = {smtp}
security = "none"
from = "cockpit@plant.example"

[[channel]]
name = "program"
kind = "webhook"
url = "{web}/flaky"
secret = "env:NOTIFY_CASE_SECRET"

[[channel]]
name = "hanging"
kind = "webhook"
url = "{web}/hang"

[[channel]]
name = "moved"
kind = "webhook"
url = "{web}/moved"

[[channel]]
name = "bus"
kind = "{bus}"
{broker}

[[person]]
name = "anna"
role = "maintenance"
channels = ["mail"]
email = "anna@plant.example"

[[person]]
name = "lead"
role = "shift_lead"
channels = ["mail"]
email = "lead@plant.example"
language = "ml"

[[route]]
rules = ["hot"]
to = ["role:maintenance", "channel:program"]

[[route]]
rules = ["very_hot"]
to = ["channel:hanging", "channel:moved", "channel:program", "channel:bus"]
escalate = [{{ after = "{escalate} s", to = ["role:shift_lead"] }}]

[[rule]]
name = "hot"
kind = "temperature"
sensors = "*"
above = 80
deadband = 2
on_delay = "0 s"
off_delay = "1 h"
priority = 2
owner = "maintenance"
text = "Temperature high"
response = "Reduce the speed"

[[rule]]
name = "very_hot"
kind = "temperature"
sensors = "*"
above = 120
deadband = 2
on_delay = "0 s"
off_delay = "1 h"
priority = 1
owner = "maintenance"
text = "Temperature very high"
response = "Stop the machine"
"""


@dataclass
class Stream:
    """A broker in this process, and the readings of all sensors once a second."""

    sensors: int
    temp_c: Callable[[int], float] = lambda _: 30.0
    ended: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        quiet = {"log_level": 0, "linger.ms": 5}
        self.producer = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "-", **quiet})
        brokers = self.producer.list_topics(TOPIC, timeout=30).brokers.values()
        self.address = ",".join(f"{broker.host}:{broker.port}" for broker in brokers)
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while not self.ended.wait(1.0):
            for number in range(self.sensors):
                self.producer.produce(TOPIC, self._message(number), key=str(number))
                self.producer.poll(0)
            self.producer.flush(30)

    def _message(self, number: int) -> str:
        kind = {"component_type": "printer", "component_manufacturer": f"m{number}"}
        place = {"plant_name": "Plant1", "lane_number": "1", "component_info": kind}
        return json.dumps(
            place | {"timestamp": int(time.time()), "temperature": self.temp_c(number)}
        )


@dataclass
class Server:
    """The program, serving."""

    cockpit: Path
    plant: Path
    broker: str
    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        places = ["--lake", self.folder / "lake", "--plant", self.plant, "--kafka", self.broker]
        with (self.folder / "serve.log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.cockpit, "serve", *places, "--listen", f"127.0.0.1:{self.port}"],
                stdout=log,
                stderr=log,
                env=os.environ | {"NOTIFY_CASE_SECRET": SECRET},
            )
        wait_for("an answer of the program", self.answers, LIMIT_S)

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()

    def answers(self) -> bool:
        if self.process and self.process.poll() is not None:
            log = (self.folder / "serve.log").read_text()
            raise RuntimeError(f"the program ended:\n{log[-2000:]}")
        try:
            self.get("/api/v1/health")
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as got:
            return bytes(got.read())

    def post(self, path: str, body: dict[str, Any]) -> Any:
        url = f"http://127.0.0.1:{self.port}{path}"
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(url, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=30) as got:
            return json.loads(got.read())

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the database, read beside the program."""
        found = list(self.folder.rglob("access.db"))
        if not found:
            return []
        with sqlite3.connect(f"file:{found[0]}?mode=ro", uri=True, timeout=30) as database:
            try:
                return database.execute(sql).fetchall()
            except sqlite3.OperationalError:
                return []


def main() -> int:
    parser = argparse.ArgumentParser(description="Sends a thousand alarms through failing receivers.")
    parser.add_argument("--cockpit", type=Path, required=True)
    parser.add_argument("--alarms", type=int, default=1_000)
    parser.add_argument("--kills", type=int, default=2)
    args = parser.parse_args()
    report, mail, web, bus = Report(), MailServer(), WebServer(refusals=30), MqttBroker()
    bus.start("plant/alarms")
    stream = Stream(args.alarms)
    with tempfile.TemporaryDirectory(prefix="notify-case-") as folder:
        plant = Path(folder) / "plant"
        shutil.copytree(PLANT, plant)
        values = {"smtp": mail.port, "web": web.url, "escalate": ESCALATE_S}
        values |= {"budget": BUDGET, "at_once": AT_ONCE}
        broker = f'host = "127.0.0.1"\nport = {bus.port}\ntls = false\ntopic = "plant/alarms"'
        has_bus = bus.is_installed
        values |= {"bus": "mqtt", "broker": broker} if has_bus else {"bus": "outbox", "broker": ""}
        (plant / "alarms.toml").write_text(ALARMS.format(**values))
        server = Server(args.cockpit.resolve(), plant, stream.address, Path(folder))
        try:
            _run(args, report, server, stream, mail, web)
            _check_bus(report, bus)
        except TimeoutError as error:
            report.check("everything happens in time", ok=False, reason=_state(error, server))
        finally:
            stream.ended.set()
            server.kill()
            mail.stop()
            web.stop()
            bus.stop()
    return report.finish()


def _state(error: Exception, server: Server) -> str:
    counts = server.rows("SELECT channel, state, count(*) FROM notifications GROUP BY 1, 2")
    log = (server.folder / "serve.log").read_text()
    return f"{error}\n{counts}\n{log[-3000:]}"


def _run(
    args: argparse.Namespace,
    report: Report,
    server: Server,
    stream: Stream,
    mail: MailServer,
    web: WebServer,
) -> None:
    server.start()
    raised = "SELECT count(*) FROM alarm_events WHERE transition = 'raised'"
    wait_for("the first readings", lambda: _has_readings(server), LIMIT_S)
    two = {0: 130.0, 1: 131.0}
    stream.temp_c = lambda number: two.get(number, 90.0)
    expected = args.alarms + len(two)
    for number in range(1, args.kills + 1):
        part = expected * number // (args.kills + 2)
        wait_for(f"{part} messages", lambda part=part: len(web.at("/flaky")) >= part, LIMIT_S)
        server.kill()
        server.start()
    wait_for("all alarms", lambda: server.rows(raised) == [(expected,)], LIMIT_S)
    _acknowledge_one(report, server)
    ids = lambda: {request.id for request in web.at("/flaky")}  # noqa: E731
    wait_for("all messages of the webhook", lambda: len(ids()) >= expected, LIMIT_S)
    _check_webhook(args, report, server, web, expected)
    # The mail server was away until now.
    report.equal("no mail while the server is away", len(mail.mails), 0)
    mail.start()
    wait_for("the escalation", lambda: bool(mail.to("lead@plant.example")), LIMIT_S)
    _check_escalation(report, server, mail)
    wait_for("the mails", lambda: _is_mail_settled(server), LIMIT_S)
    _check_mail(report, server, mail, expected - len(two))
    _check_others(report, server, web)


def _has_readings(server: Server) -> bool:
    try:
        return b"printer" in server.get("/api/v1/temperatures/now")
    except OSError:
        return False


def _acknowledge_one(report: Report, server: Server) -> None:
    """One of the two urgent alarms is acknowledged before its escalation."""
    sql = "SELECT occurrence FROM alarm_events WHERE rule = 'very_hot' AND transition = 'raised'"
    first = min(row[0] for row in server.rows(sql))
    answer = server.post(f"/api/v1/alarms/{first}/acknowledge", {"comment": "seen"})
    report.equal("an alarm is acknowledged", answer.get("state"), "acknowledged")


def _check_webhook(
    args: argparse.Namespace, report: Report, server: Server, web: WebServer, expected: int
) -> None:
    requests = web.at("/flaky")
    alarms: dict[str, set[int]] = {}
    for request in requests:
        body = json.loads(request.body)
        alarms.setdefault(request.id, set()).update(alarm["id"] for alarm in body["alarms"])
    report.equal("each alarm has one message", len(alarms), expected)
    report.check("a message has one alarm", all(len(it) == 1 for it in alarms.values()))
    report.equal("no alarm is missing", len(set().union(*alarms.values())), expected)
    repeated = sum(count - 1 for count in Counter(it.id for it in requests).values())
    allowed = args.kills * AT_ONCE
    report.check(
        f"{repeated} confirmed messages repeated, at most {allowed}", repeated <= allowed
    )
    report.equal("refused requests were tried again", len(web.refused), web.refusals)
    report.check("all are signed", all(it.is_signed(SECRET.encode()) for it in requests))
    report.check("the key is stable", all(it.headers["idempotency-key"] == it.id for it in requests))
    keys = {row[0] for row in server.rows("SELECT idempotency_key FROM notifications")}
    report.check("ids are those of the database", set(alarms) <= keys)


def _check_escalation(report: Report, server: Server, mail: MailServer) -> None:
    sql = """SELECT occurrence, recorded_at_us FROM alarm_events
        WHERE rule = 'very_hot' AND transition = 'raised' ORDER BY occurrence"""
    (_, _), (second, raised_at_us) = server.rows(sql)
    sent = server.rows("SELECT occurrence FROM notifications WHERE kind = 'escalation'")
    report.equal("only what nobody acknowledged is escalated", sent, [(second,)])
    mails = mail.to("lead@plant.example")
    delay_s = mails[0].at - raised_at_us / 1e6
    is_on_time = ESCALATE_S - 1 <= delay_s <= ESCALATE_S + LATE_S
    report.check(f"an escalation after {delay_s:.1f} s", is_on_time, f"planned: {ESCALATE_S} s")
    subject = str(mails[0].message["Subject"])
    report.check("it is in the language of the person", "അംഗീകരിച്ചിട്ടില്ല" in subject, subject)


def _is_mail_settled(server: Server) -> bool:
    sql = """SELECT count(*) FROM notifications WHERE channel = 'mail'
        AND (state = 'sending' OR state = 'waiting' AND first_attempt_at_us IS NOT NULL)"""
    return server.rows(sql) == [(0,)]


def _check_mail(report: Report, server: Server, mail: MailServer, expected: int) -> None:
    for address in ("anna@plant.example", "lead@plant.example"):
        ids = [it.id for it in mail.to(address)]
        report.equal(f"{address}: each mail once", len(set(ids)), len(ids))
        report.check(f"{address}: {len(ids)} mails in the budget", len(ids) <= BUDGET)
    sql = """SELECT count(*), count(DISTINCT n.event_number), count(*) FILTER (WHERE
            n.state = 'sent' OR g.state = 'sent' OR n.state = 'waiting' AND n.due_at_us > n.queued_at_us)
        FROM notifications n LEFT JOIN notifications g ON g.id = n.group_id
        WHERE n.recipient = 'anna' AND n.kind = 'alarm'"""
    report.equal("every alarm in one mail", server.rows(sql), [(expected, expected, expected)])
    keys = {row[0] for row in server.rows("SELECT idempotency_key FROM notifications")}
    is_ours = all(it.id.strip("<>").split("@")[0] in keys for it in mail.mails)
    report.check("Message-ID is the key", is_ours)
    kinds = {part.get_content_type() for it in mail.mails for part in it.message.walk()}
    report.check("plain text and HTML", {"text/plain", "text/html"} <= kinds, str(kinds))


def _check_bus(report: Report, bus: MqttBroker) -> None:
    if not bus.is_installed:
        print("SKIPPED MQTT, Mosquitto is not installed")
        return
    found = [json.loads(line) for line in bus.received]
    objects = sorted(it["alarms"][0]["object"] for it in found)
    report.check("MQTT: both urgent alarms", len(set(objects)) == 2, str(objects))
    report.check("MQTT: each has its id", len({it["id"] for it in found}) == 2, str(found))


def _check_others(report: Report, server: Server, web: WebServer) -> None:
    report.check("the receiver that hangs was tried", web.hanging > 0)
    sql = "SELECT DISTINCT last_error FROM notifications WHERE channel = 'moved'"
    errors = " ".join(str(row[0]) for row in server.rows(sql))
    report.check("a redirect is not followed", "redirects are not followed" in errors, errors)
    sql = "SELECT DISTINCT last_error FROM notifications WHERE channel = 'hanging'"
    errors = " ".join(str(row[0]) for row in server.rows(sql))
    report.check("a receiver that hangs is visible", "no response within" in errors, errors)


if __name__ == "__main__":
    sys.exit(main())
