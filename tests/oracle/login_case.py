"""Is the program let in by a real broker, and does it say clearly why not? Does it read what is packed?

Promise: one Apache Kafka with a listener for each way in: open, by password (PLAIN, SCRAM-SHA-256,
SCRAM-SHA-512), by token (OAUTHBEARER), each of them also encrypted, and encrypted under the name of
another host. By each way that must do, every message of the topic lands, byte for byte as it was
produced, and the books close. By each that must not (a wrong or missing password, a token that has ended
or is not believed, an authority nobody trusts, another way than the broker's), the program ends in time,
not well, with one sentence that names the cause, and nothing lands. Whatever the way: no password or token
stands in what the program says at its most talkative, or in any file it leaves. A token that is renewed
while the program reads goes on letting it in. A topic packed by each of the four codecs is read as if it
were not.

    python login_case.py --cockpit BIN --broker FOLDER/start --port N
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import lake as lakes
from broker import Broker
from checks import Report, wait_for
from login_broker import prepare, tell_users
from login_ways import Secrets, Way, dead_ends, login, ways
from program import PLANT

TOPIC = "IOTTemperatureStream01"
CONTRACT = "bronze/temperature_message.toml"
BRONZE, SILVER, REJECTED = "bronze.temperature_message", "silver.temperature", "silver.rejected"
CODECS = {"gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
"""What a batch of messages is packed with, as its first bytes say it."""
MESSAGES = 1_000
REFUSED_LIMIT_S = 30.0
READ_LIMIT_S = 60.0
TOKEN_S = 8
"""How long a token lasts that is renewed."""


@dataclass
class World:
    """The program, the broker with its listeners, and the folder to work in."""

    cockpit: Path
    broker: Broker
    folder: Path
    addresses: dict[str, str]
    secrets: Secrets

    def plant(self, way: Way, topic: str = TOPIC) -> Path:
        """The plant with the stream alone, and this way in."""
        plant = self.folder / "plant"
        shutil.rmtree(plant, ignore_errors=True)
        for kept in ("plant.toml", CONTRACT, "silver/temperature.sql"):
            (plant / kept).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PLANT / kept, plant / kept)
        contract = plant / CONTRACT
        contract.write_text(contract.read_text().replace(TOPIC, topic))
        said = {"brokers": self.addresses[way.listener]} | way.settings
        lines = [f"{name} = {json.dumps(value)}" for name, value in said.items()]
        with (plant / "plant.toml").open("a") as file:
            file.write("\n".join(["", "[kafka]", *lines, ""]))
        return plant

    def command(self, way: Way, lake: Path, *words: str, topic: str = TOPIC) -> list[str]:
        places = ["--lake", str(lake), "--plant", str(self.plant(way, topic))]
        return [str(self.cockpit), "ingest", *places, *words]


@dataclass(frozen=True)
class Ended:
    """How the program ended."""

    code: int
    took_s: float
    said: bytes

    @property
    def sentences(self) -> list[str]:
        """What it says is wrong; what it notes on the way is not meant."""
        lines = self.said.decode(errors="replace").splitlines()
        return [line for line in lines if line.startswith(("error", "Error"))]


def ingest(world: World, way: Way, lake: Path, *words: str, topic: str = TOPIC) -> Ended:
    """One round to its end."""
    begun = time.monotonic()
    done = subprocess.run(
        world.command(way, lake, "--once", *words, topic=topic),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=clean() | way.environment,
        timeout=120,
        check=False,
    )
    return Ended(done.returncode, time.monotonic() - begun, done.stdout)


def clean() -> dict[str, str]:
    return {name: it for name, it in os.environ.items() if not name.startswith("COCKPIT_")}


def messages() -> list[bytes]:
    """Readings in the plant's words, each its own; every tenth lacks its temperature."""
    component = {"component_type": "Heater", "component_manufacturer": "Acme"}
    return [
        json.dumps(
            {
                "plant_name": "PlantA",
                "lane_number": str(number % 5),
                "timestamp": str(1_700_000_000 + number),
                "temperature": None if number % 10 == 0 else f"{20 + number % 50}.5",
                "component_info": component,
            }
        ).encode()
        for number in range(MESSAGES)
    ]


def landed(lake: Path) -> tuple[Counter[bytes], int, int]:
    """The payloads in bronze, and the rows of silver and the rejected, by delta-rs."""
    has = set(lakes.tables(str(lake)))
    payloads = lakes.read(str(lake), BRONZE)["payload"].to_pylist() if BRONZE in has else []
    rows = [
        lakes.read(str(lake), name, []).num_rows if name in has else 0
        for name in (SILVER, REJECTED)
    ]
    return Counter(payloads), rows[0], rows[1]


def leaks(folder: Path, said: bytes, hidden: list[str]) -> list[str]:
    """Where one of these texts stands, plain or as base64, though it must not."""
    needles = [needle for it in hidden for needle in guises(it.encode())]
    files = {str(it.relative_to(folder)): it for it in folder.rglob("*") if it.is_file()}
    contents = {name: it.read_bytes() for name, it in files.items()} | {"what it says": said}
    return [name for name, it in contents.items() if any(needle in it for needle in needles)]


def guises(secret: bytes) -> list[bytes]:
    """A text as it is, and as base64 shows it within a longer one, where three places are possible."""
    found = [secret]
    for before, lost in ((0, 0), (1, 2), (2, 3)):
        whole = (before + len(secret)) // 3 * 3 - before
        found.append(base64.b64encode(bytes(before) + secret[:whole])[lost:])
    return found


def check_search(world: World, report: Report) -> None:
    """A search that finds nothing is worth something only if it would find it."""
    folder, secret = world.folder / "found", world.secrets.password
    folder.mkdir()
    for number in range(3):
        login = bytes(number) + f"\0cockpit\0{secret}\0".encode()
        (folder / f"{number}").write_bytes(base64.b64encode(login))
    found = leaks(folder, f"it is {secret}.".encode(), [secret])
    report.equal("a secret would be seen", sorted(found), ["0", "1", "2", "what it says"])


def check_in(world: World, way: Way, lines: list[bytes], report: Report) -> str:
    """A way that must lead in. Returns how it was, in a line."""
    lake = world.folder / "lake"
    shutil.rmtree(lake, ignore_errors=True)
    ended = ingest(world, way, lake, "--log", "trace")
    report.check(f"{way.name}: ends well", ended.code == 0, tail(ended))
    payloads, silver, rejected = landed(lake)
    report.check(f"{way.name}: every message is there", payloads == Counter(lines))
    report.equal(f"{way.name}: each has one fate", silver + rejected, len(lines))
    report.check(f"{way.name}: the books close", b"the books close" in ended.said)
    check_hidden(way, lake, ended, report)
    return f"{way.name:42}{'in':10}{ended.took_s:6.1f} s  {silver} readings, {rejected} rejected"


def check_out(world: World, way: Way, report: Report) -> str:
    """A way that must not. Returns how it was, in a line."""
    lake = world.folder / "lake"
    shutil.rmtree(lake, ignore_errors=True)
    ended = ingest(world, way, lake)
    sentences = ended.sentences
    report.check(f"{way.name}: does not end well", ended.code not in (0, -9), tail(ended))
    report.check(
        f"{way.name}: ends in time", ended.took_s < REFUSED_LIMIT_S, f"{ended.took_s:.0f} s"
    )
    report.check(f"{way.name}: one sentence", len(sentences) == 1, tail(ended))
    is_clear = any(re.search(way.fails or "", it) for it in sentences)
    report.check(f"{way.name}: it names the cause", is_clear, f"/{way.fails}/ in {tail(ended)}")
    report.equal(f"{way.name}: nothing lands", landed(lake), (Counter(), 0, 0))
    check_hidden(way, lake, ended, report)
    if way.hidden():
        talkative = ingest(world, way, lake, "--log", "trace")
        check_hidden(way, lake, talkative, report, ", asked for every detail")
    return f"{way.name:42}{'out':10}{ended.took_s:6.1f} s  {' / '.join(sentences)}"


def check_hidden(way: Way, lake: Path, ended: Ended, report: Report, when: str = "") -> None:
    found = leaks(lake, ended.said, way.hidden())
    report.check(f"{way.name}: no secret is seen{when}", not found, ", ".join(found))


def tail(ended: Ended) -> str:
    return f"{ended.code} after {ended.took_s:.1f} s: " + ended.said.decode(errors="replace")[-900:]


class Renewed:
    """A token in a file that somebody renews, or forgets to."""

    def __init__(self, world: World) -> None:
        self.world, self.file = world, world.folder / "renewed.jwt"
        self.tokens: list[str] = []
        self.renew()

    def renew(self) -> None:
        self.tokens.append(self.world.secrets.token(TOKEN_S))
        replaced = self.file.with_suffix(".new")
        replaced.write_text(self.tokens[-1])
        replaced.replace(self.file)

    def while_renewed(self, limit_s: float, done: Callable[[], bool]) -> bool:
        """Renews it until something is done, or for so long."""
        until = time.monotonic() + limit_s
        while not (is_done := done()) and time.monotonic() < until:
            self.renew()
            time.sleep(TOKEN_S / 4)
        return is_done

    def hidden(self) -> list[str]:
        parts = [part for token in self.tokens for part in [token, *token.split(".")]]
        return [part for part in parts if len(part) > 30]


def check_renewed(world: World, lines: list[bytes], report: Report) -> None:
    """A program that goes on reading while its token ends and another takes its place, in time at first,
    and then too late."""
    lake, log, token = world.folder / "lake", world.folder / "renewed.log", Renewed(world)
    shutil.rmtree(lake, ignore_errors=True)
    settings = login("sasl_plaintext", "OAUTHBEARER") | {"token_file": str(token.file)}
    command = world.command(Way("renewed", "LOGIN", settings), lake, "--log", "trace")

    def has(times: int) -> bool:
        return landed(lake)[0] == Counter({line: times for line in lines})

    with log.open("wb") as out:
        reading = subprocess.Popen(command, stdout=out, stderr=out, env=clean())
    try:
        first = token.while_renewed(READ_LIMIT_S, lambda: has(1))
        report.check("renewed token: messages land", first, log.read_text()[-900:])
        token.while_renewed(3 * TOKEN_S, lambda: False)
        world.broker.produce(TOPIC, lines)
        behind = token.while_renewed(READ_LIMIT_S, lambda: has(2))
        report.check("renewed token: they land when the first has ended", behind)
        wait_for("a word on the token", lambda: b"expired at" in log.read_bytes(), READ_LIMIT_S)
        time.sleep(TOKEN_S)
        world.broker.produce(TOPIC, lines)
        time.sleep(TOKEN_S)
        report.check("ended token: nothing lands any more", has(2))
        late = token.while_renewed(READ_LIMIT_S, lambda: has(3))
        report.check("token renewed too late: reading goes on", late, log.read_text()[-900:])
        report.check("renewed token: the program goes on", reading.poll() is None)
    finally:
        reading.terminate()
        reading.wait(timeout=READ_LIMIT_S)
    seen = leaks(lake, log.read_bytes(), token.hidden())
    report.check("renewed token: no secret is seen", not seen, ", ".join(seen))


def check_codec(world: World, codec: str, lines: list[bytes], report: Report) -> str:
    """A topic whose batches the broker packs. Returns how it was, in a line."""
    topic, lake = f"packed-{codec}", world.folder / "lake"
    shutil.rmtree(lake, ignore_errors=True)
    packed = ("--config", f"compression.type={codec}", "--partitions", "2")
    world.broker.tool("TopicCommand", "--create", "--topic", topic, *packed)
    world.broker.produce(topic, lines)
    logs = sorted((world.broker.program.parent / "data").glob(f"{topic}-*/*.log"))
    codecs = {code for log in logs for code in packed_with(log.read_bytes())}
    report.equal(f"{codec}: the broker holds it packed", codecs, {CODECS[codec]})
    ended = ingest(world, Way(codec, "OPEN", {}), lake, topic=topic)
    report.check(f"{codec}: ends well", ended.code == 0, tail(ended))
    payloads, silver, rejected = landed(lake)
    report.check(f"{codec}: every message is there", payloads == Counter(lines))
    report.equal(f"{codec}: each has one fate", silver + rejected, len(lines))
    size = sum(log.stat().st_size for log in logs)
    return f"{codec:42}{'in':10}{ended.took_s:6.1f} s  {size:,} bytes at the broker"


def packed_with(log: bytes) -> set[int]:
    """What the batches of a broker's file are packed with: three bits of each one's attributes."""
    place, found = 0, set()
    while place + 23 <= len(log):
        found.add(int.from_bytes(log[place + 21 : place + 23], "big") & 7)
        place += 12 + int.from_bytes(log[place + 8 : place + 12], "big")
    return found


def case(world: World, report: Report) -> None:
    world.broker.start()
    lines = messages()
    tell_users(world.broker, world.secrets.password)
    world.broker.produce(TOPIC, lines)
    report.equal("the broker has them", sum(world.broker.ends(TOPIC).values()), len(lines))
    check_search(world, report)
    table = [check_in(world, way, lines, report) for way in ways(world.folder, world.secrets)]
    table += [check_out(world, way, report) for way in dead_ends(world.folder, world.secrets)]
    table += [check_codec(world, codec, lines, report) for codec in CODECS]
    check_renewed(world, lines, report)
    print("\n".join(table))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cockpit", type=Path, required=True)
    parser.add_argument("--broker", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    args = parser.parse_args()
    report = Report()
    broker = Broker(args.broker.resolve(), args.port)
    with tempfile.TemporaryDirectory() as folder:
        secrets = Secrets()
        addresses = prepare(broker, Path(folder), secrets.password)
        world = World(args.cockpit.resolve(), broker, Path(folder), addresses, secrets)
        try:
            case(world, report)
        finally:
            broker.kill()
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
