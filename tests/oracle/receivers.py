"""Receivers of notifications: a mail server and an HTTP server that can be away, refuse, hang or redirect.

Promise: what is in `mails` and `requests` was confirmed to the sender exactly as listed; a refused request is
in `refused`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.server
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@dataclass
class Mail:
    """A mail that the server accepted."""

    to: list[str]
    message: EmailMessage
    at: float

    @property
    def id(self) -> str:
        return str(self.message["Message-ID"])


@dataclass
class MailServer:
    """An SMTP server on a fixed port, so that it can go away and come back."""

    port: int = field(default_factory=free_port)
    mails: list[Mail] = field(default_factory=list)
    controller: Any = None

    def start(self) -> None:
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self.controller.start()

    def stop(self) -> None:
        if self.controller:
            self.controller.stop()
            self.controller = None

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        message = message_from_bytes(envelope.content, policy=policy.default)
        self.mails.append(Mail(list(envelope.rcpt_tos), message, time.time()))  # type: ignore[arg-type]
        return "250 OK"

    def to(self, address: str) -> list[Mail]:
        return [mail for mail in self.mails if address in mail.to]


@dataclass
class Request:
    """A request to the HTTP server."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def id(self) -> str:
        return self.headers.get("webhook-id", "")

    def is_signed(self, secret: bytes) -> bool:
        """Whether the signature is that of Standard Webhooks."""
        parts = (self.id, self.headers.get("webhook-timestamp", ""), self.body.decode())
        digest = hmac.new(secret, ".".join(parts).encode(), hashlib.sha256).digest()
        expected = "v1," + base64.b64encode(digest).decode()
        return hmac.compare_digest(self.headers.get("webhook-signature", ""), expected)


@dataclass
class MqttBroker:
    """Mosquitto with a subscriber that writes what it receives; not there without Mosquitto."""

    port: int = field(default_factory=free_port)
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="mosquitto-")))
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def is_installed(self) -> bool:
        return bool(shutil.which("mosquitto") and shutil.which("mosquitto_sub"))

    def start(self, topic: str) -> None:
        if not self.is_installed:
            return
        config = self.folder / "mosquitto.conf"
        config.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\n")
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.processes.append(subprocess.Popen(["mosquitto", "-c", config], **quiet))
        words = ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(self.port), "-q", "1", "-t", topic]
        while subprocess.run([*words, "-E"], check=False, **quiet).returncode:
            time.sleep(0.1)
        out = (self.folder / "received").open("wb")
        self.processes.append(
            subprocess.Popen([*words, "-i", "case", "-c"], stdout=out, stderr=subprocess.DEVNULL)
        )

    @property
    def received(self) -> list[str]:
        return (self.folder / "received").read_text().splitlines()

    def stop(self) -> None:
        for process in self.processes:
            process.kill()
        shutil.rmtree(self.folder)


class WebServer:
    """Receives at /ok, refuses the first requests at /flaky, hangs at /hang, redirects at /moved."""

    def __init__(self, refusals: int) -> None:
        self.requests: list[Request] = []
        self.refused: list[Request] = []
        self.hanging = 0
        self.refusals = refusals
        self.lock = threading.Lock()
        self.ended = threading.Event()
        handler = type("Handler", (_Handler,), {"owner": self})
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def at(self, path: str) -> list[Request]:
        with self.lock:
            return [request for request in self.requests if request.path == path]

    def stop(self) -> None:
        self.ended.set()
        self.server.shutdown()


class _Handler(http.server.BaseHTTPRequestHandler):
    owner: WebServer

    def do_POST(self) -> None:  # noqa: N802
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.path, headers, body, time.time())
        owner = self.owner
        if self.path == "/hang":
            with owner.lock:
                owner.hanging += 1
            owner.ended.wait()
        elif self.path == "/moved":
            self._respond(302, {"Location": "http://169.254.169.254/latest/meta-data/"})
        elif self.path == "/flaky" and self._is_refused(request):
            number = len(owner.refused)
            self._respond(*((500, {}) if number % 2 else (429, {"Retry-After": "1"})))
        else:
            with owner.lock:
                owner.requests.append(request)
            self._respond(200, {})

    def _is_refused(self, request: Request) -> bool:
        with self.owner.lock:
            if len(self.owner.refused) >= self.owner.refusals:
                return False
            self.owner.refused.append(request)
            return True

    def _respond(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_words: object) -> None:
        pass
