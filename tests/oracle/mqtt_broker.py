"""Mosquitto with TLS, passwords and persistence, and a publisher that counts a message when the broker has it.

Promise: `Publisher.publish` returns when the broker has acknowledged every message, however often the connection is
lost; a message may then be at the broker twice. A broker that is started answers when `start` returns. The publisher
uses version 3.1.1 of the protocol or 5, in which messages have properties.
"""

from __future__ import annotations

import os
import signal
import socket
import ssl
import struct
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from checks import wait_for
from receivers import free_port

LIMIT_S = 60.0
USER, PASSWORD = "cockpit", "s3cret"
CONNACK, PUBACK = 0x20, 0x40
VERSIONS = {"3.1.1": 4, "5": 5}
"""The versions of the protocol and how a packet names them."""
CONFIG = """user root
listener {port} 127.0.0.1
certfile {folder}/here.crt
keyfile {folder}/here.key
allow_anonymous false
password_file {folder}/passwords
persistence true
persistence_location {folder}/
max_inflight_messages {inflight}
max_queued_messages 0
log_dest stderr
log_type error
log_type warning
log_type notice
log_type information
log_type subscribe
{more}
"""


@dataclass(frozen=True)
class Message:
    topic: str
    payload: bytes
    retain: bool = False
    properties: bytes = b""
    """Those of version 5, as `properties` makes them."""


def properties(user: dict[str, str], content_type: str, response_topic: str, expiry_s: int) -> bytes:
    """Properties of a message of version 5."""
    made = b"".join(b"\x26" + _text(name) + _text(value) for name, value in user.items())
    return made + b"\x03" + _text(content_type) + b"\x08" + _text(response_topic) + struct.pack(">BI", 2, expiry_s)


@dataclass
class MqttBroker:
    """A broker on this machine; `inflight` is the number of messages that it sends without an acknowledgement.

    `more` are further lines of its configuration.
    """

    folder: Path
    inflight: int = 20
    more: str = ""
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.folder.chmod(0o755)
        run = {"check": True, "capture_output": True, "cwd": self.folder}
        subject = ["-subj", "/CN=authority", "-days", "30"]
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key",
                        "-out", "ca.crt", *subject, "-addext", "basicConstraints=critical,CA:TRUE"], **run)
        subprocess.run(["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", "here.key", "-out", "here.csr",
                        "-subj", "/CN=localhost"], **run)
        (self.folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        subprocess.run(["openssl", "x509", "-req", "-in", "here.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
                        "-CAcreateserial", "-out", "here.crt", "-days", "30", "-extfile", "names"], **run)
        subprocess.run(["mosquitto_passwd", "-b", "-c", "passwords", USER, PASSWORD], **run)

    @property
    def url(self) -> str:
        return f"mqtts://localhost:{self.port}"

    @property
    def ca_file(self) -> Path:
        return self.folder / "ca.crt"

    def start(self) -> None:
        config = self.folder / "mosquitto.conf"
        config.write_text(CONFIG.format(port=self.port, folder=self.folder, inflight=self.inflight, more=self.more))
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(["mosquitto", "-c", str(config)], stdout=log, stderr=log)
        wait_for("an answer of the broker", self.answers, LIMIT_S)

    def answers(self) -> bool:
        try:
            Publisher(self, "probe").close()
        except OSError:
            return False
        return True

    def save(self) -> None:
        """Writes sessions and queued messages to the disk, which a killed broker starts from."""
        file = self.folder / "mosquitto.db"
        before = file.stat().st_mtime_ns if file.exists() else 0
        os.kill(self.process.pid, signal.SIGUSR1)  # type: ignore[union-attr]
        wait_for("a saved state", lambda: file.exists() and file.stat().st_mtime_ns != before, LIMIT_S)

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(timeout=LIMIT_S)
            self.process = None

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None


class Publisher:
    """A client that publishes with QoS 1, so many messages at a time."""

    window = 1_000

    def __init__(self, broker: MqttBroker, name: str, version: str = "3.1.1") -> None:
        self.broker, self.name, self.level = broker, name, VERSIONS[version]
        self.last_id = 0
        self.connect()

    def connect(self) -> None:
        context = ssl.create_default_context(cafile=str(self.broker.ca_file))
        plain = socket.create_connection(("127.0.0.1", self.broker.port), timeout=LIMIT_S)
        self.socket = context.wrap_socket(plain, server_hostname="localhost")
        self.received = b""
        words = [self.name, USER, PASSWORD]
        body = _text("MQTT") + bytes([self.level, 0xC2, 0, 60]) + self._properties(b"")
        self.socket.sendall(_packet(0x10, body + b"".join(_text(word) for word in words)))
        while not (packet := self._next()):
            self._receive()
        if packet[0] != CONNACK or packet[3] != 0:
            raise ConnectionError(f"refused: {packet[:4].hex()}")

    def _properties(self, properties: bytes) -> bytes:
        return _sized(properties) if self.level == 5 else b""

    def close(self) -> None:
        self.socket.sendall(bytes([0xE0, 0]))
        self.socket.close()

    def publish(self, messages: Iterable[Message], reconnect: bool = True) -> None:
        pending: dict[int, Message] = {}
        waiting = iter(messages)
        is_open = True
        while is_open or pending:
            try:
                packets = []
                while is_open and len(pending) < self.window:
                    message = next(waiting, None)
                    if message is None:
                        is_open = False
                        break
                    packets.append(self._publish(message, pending))
                self.socket.sendall(b"".join(packets))
                if pending:
                    self._receive()
                    for number in self._acknowledged():
                        pending.pop(number, None)
            except OSError:
                if not reconnect:
                    raise
                pending = self._again(pending)

    def _again(self, pending: dict[int, Message]) -> dict[int, Message]:
        """Connects again and sends what was not acknowledged."""
        deadline = time.monotonic() + LIMIT_S
        while True:
            try:
                self.connect()
                renewed: dict[int, Message] = {}
                self.socket.sendall(b"".join(self._publish(it, renewed) for it in pending.values()))
                return renewed
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def _publish(self, message: Message, pending: dict[int, Message]) -> bytes:
        self.last_id = self.last_id % 65_535 + 1
        pending[self.last_id] = message
        head = _text(message.topic) + struct.pack(">H", self.last_id) + self._properties(message.properties)
        body = head + message.payload
        return _packet(0x32 | int(message.retain), body)

    def _receive(self) -> None:
        data = self.socket.recv(65_536)
        if not data:
            raise ConnectionError("closed by the broker")
        self.received += data

    def _next(self) -> bytes:
        """The first packet that was received completely; none yet if it is empty. Those of a broker here are short."""
        end = 2 + self.received[1] if len(self.received) >= 2 else 0
        if not end or len(self.received) < end:
            return b""
        packet, self.received = self.received[:end], self.received[end:]
        return packet

    def _acknowledged(self) -> list[int]:
        ids = []
        while packet := self._next():
            if packet[0] == PUBACK:
                ids.append(struct.unpack(">H", packet[2:4])[0])
        return ids


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack(">H", len(data)) + data


def _packet(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + _sized(body)


def _sized(body: bytes) -> bytes:
    """The body after its length, seven bits in a byte."""
    length, left = b"", len(body)
    while True:
        digit, left = left % 128, left // 128
        length += bytes([digit | (0x80 if left else 0)])
        if not left:
            return length + body
