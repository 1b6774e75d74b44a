"""Attacks on the protocols of the service, over TLS.

Promise: streams that are reset at once, unlimited header blocks, floods of control frames, windows that never open
and compressed headers that grow are bounded: the connection is closed or its cost is small. The memory of the
program stays within a limit, and another client is answered meanwhile. Requests that a proxy and the service could
delimit differently are refused with the connection. Compressed bodies are not unpacked, and parts of private data
are not stored by caches.

    python flood_case.py --cockpit BIN [--seconds 2]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import flood_frames as h2
from bench_latency import answers, free_port
from checks import Report, wait_for
from flood_frames import Http2

LIMIT_S = 60.0
GROWTH_MAX_MIB = 60.0
ANSWER_MAX_S = 5.0
"""Of another client, beside a flood on a busy machine."""
PER_SEND = 200
STREAM_MAX = 2_000_000


@dataclass
class Service:
    process: subprocess.Popen[bytes]
    port: int

    def memory_mib(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def exchange(self, request: bytes) -> bytes:
        """Sends bytes over HTTP/1.1, and returns all that comes back until the end."""
        stream = h2.connect(self.port, ["http/1.1"])
        stream.sendall(request)
        found = b""
        try:
            while part := stream.recv(1 << 16):
                found += part
        except OSError:
            pass
        stream.close()
        return found

    def health_s(self) -> float:
        began = time.monotonic()
        answer = self.exchange(request("GET", "/api/v1/health", "Connection: close"))
        if not answer.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"health: {answer[:200]!r}")
        return time.monotonic() - began


def request(method: str, path: str, *lines: str, body: bytes = b"") -> bytes:
    head = [f"{method} {path} HTTP/1.1", "Host: localhost", *lines, "", ""]
    return "\r\n".join(head).encode() + body


def start(cockpit: Path, folder: Path) -> Service:
    pair = [cockpit, "certificate", "--host", "localhost", "--dir", folder]
    subprocess.run(pair, check=True, capture_output=True, timeout=LIMIT_S)
    port = free_port()
    files = ["--certificate", folder / "cockpit.crt", "--key", folder / "cockpit.key"]
    words = ["serve", "--no-ingest", "--lake", folder / "lake", "--listen", str(port), *files]
    with (folder / "serve.log").open("wb") as log:
        process = subprocess.Popen([cockpit, *words], stdout=log, stderr=log, cwd=folder)
    wait_for("an answer", lambda: answers(port), LIMIT_S)
    return Service(process, port)


def rapid_reset() -> Iterator[bytes]:
    """Streams that are opened and reset at once (CVE-2023-44487)."""
    cancel = (8).to_bytes(4, "big")
    for stream in range(1, STREAM_MAX, 2):
        yield h2.get(stream) + h2.frame(h2.RST_STREAM, 0, stream, cancel)


def continuation() -> Iterator[bytes]:
    """A header block that never ends (CVE-2024-27316)."""
    yield h2.frame(h2.HEADERS, 0, 1, h2.head())
    field = h2.literal(b"x-more", b"a" * 4000)
    while True:
        yield h2.frame(h2.CONTINUATION, 0, 1, field)


def empty_continuation() -> Iterator[bytes]:
    yield h2.frame(h2.HEADERS, 0, 1, h2.head())
    while True:
        yield h2.frame(h2.CONTINUATION, 0, 1)


def header_bomb() -> Iterator[bytes]:
    """A large field kept in the dynamic table and named thousands of times by one byte each."""
    first = h2.head() + h2.literal(b"x-bomb", b"a" * 3900, is_indexed=True)
    yield h2.frame(h2.HEADERS, h2.END_STREAM | h2.END_HEADERS, 1, first)
    named = h2.number(62, 7, 0x80) * 16_000
    for stream in range(3, STREAM_MAX, 2):
        yield h2.frame(h2.HEADERS, h2.END_STREAM | h2.END_HEADERS, stream, h2.head() + named)


def settings() -> Iterator[bytes]:
    while True:
        yield h2.setting(h2.INITIAL_WINDOW_SIZE, 65_535)


def pings() -> Iterator[bytes]:
    while True:
        yield h2.frame(h2.PING, 0, 0, bytes(8))


def empty_data() -> Iterator[bytes]:
    """A body of frames without content (CVE-2019-9518)."""
    yield h2.frame(h2.HEADERS, h2.END_HEADERS, 1, h2.head(b"/api/v1/session", 0x83))
    while True:
        yield h2.frame(h2.DATA, 0, 1)


def priorities() -> Iterator[bytes]:
    while True:
        for stream in range(1, 1000, 2):
            yield h2.frame(h2.PRIORITY, 0, stream, bytes([0, 0, 0, 0, 16]))


def closed_window() -> Iterator[bytes]:
    """As many answers as there may be streams, none of which may be sent."""
    yield h2.setting(h2.INITIAL_WINDOW_SIZE, 0)
    for stream in range(1, STREAM_MAX, 2):
        yield h2.get(stream, b"/api/v1/openapi.json")


def window_updates() -> Iterator[bytes]:
    while True:
        yield h2.frame(h2.WINDOW_UPDATE, 0, 0, (1).to_bytes(4, "big"))


FLOODS: list[Callable[[], Iterator[bytes]]] = [
    rapid_reset,
    continuation,
    empty_continuation,
    header_bomb,
    settings,
    pings,
    empty_data,
    priorities,
    closed_window,
    window_updates,
]


def flood(port: int, frames: Iterator[bytes], until: float, result: dict[str, int]) -> None:
    """Sends frames, and reads nothing, until the service closes the connection or the time is over."""
    connection = Http2(port)
    connection.socket.settimeout(1.0)
    sent = 0
    while time.monotonic() < until:
        part = b"".join(next(frames, b"") for _ in range(PER_SEND))
        if not part or not connection.send(part):
            break
        sent += len(part)
    result["sent"] = sent
    result["closed"] = int(time.monotonic() < until)
    connection.close()


def check_flood(service: Service, make: Callable[[], Iterator[bytes]], seconds: float, report: Report) -> None:
    name, before = make.__name__, service.memory_mib()
    result: dict[str, int] = {}
    until = time.monotonic() + seconds
    attack = threading.Thread(target=flood, args=(service.port, make(), until, result))
    attack.start()
    slowest, memory = 0.0, before
    while attack.is_alive():
        slowest = max(slowest, service.health_s())
        memory = max(memory, service.memory_mib())
        time.sleep(0.05)
    attack.join()
    end = "closed by the service" if result["closed"] else "taken"
    print(f"{name}: {result['sent'] / 1e6:.2f} MB {end}, +{memory - before:.1f} MiB, others {slowest:.2f} s")
    report.check(f"{name}: memory", memory - before < GROWTH_MAX_MIB)
    report.check(f"{name}: others are answered", slowest < ANSWER_MAX_S, f"{slowest:.2f} s")
    report.check(f"{name}: the service runs", service.process.poll() is None)


def check_streams(service: Service, report: Report) -> None:
    """More streams than allowed are refused one by one; the connection goes on."""
    connection = Http2(service.port)
    live = b"".join(h2.get(stream, b"/api/v1/live") for stream in range(1, 301, 2))
    connection.send(live)
    refused = [it for it in connection.frames(2.0) if it[0] == h2.RST_STREAM]
    report.check(f"more streams than allowed: {len(refused)} refused", len(refused) >= 50)
    connection.close()


CLOSED = [
    ("two lengths", request("POST", "/api/v1/session", "Content-Length: 5", "Content-Length: 6", body=b"{}   ")),
    ("a length that is no number", request("POST", "/api/v1/session", "Content-Length: +5", body=b"{}   ")),
    ("a name with a blank", request("POST", "/api/v1/session", "Content-Length : 2", body=b"{}")),
    ("another coding last", request("POST", "/api/v1/session", "Transfer-Encoding: chunked, gzip", body=b"0\r\n\r\n")),
    ("a coding with a tab", request("POST", "/api/v1/session", "Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n")),
    ("a folded line", request("GET", "/api/v1/health", "X-A: b", " Content-Length: 40", body=b"")),
    ("a bare carriage return", request("GET", "/api/v1/health", "X-A: b\rX-C: d")),
    ("a size with a sign", request("POST", "/api/v1/session", "Transfer-Encoding: chunked", body=b"+2\r\n{}\r\n0\r\n\r\n")),
    ("a size beyond 64 bits", request("POST", "/api/v1/session", "Transfer-Encoding: chunked", body=b"1" + b"0" * 17 + b"\r\n")),
    ("no host", b"GET /api/v1/health HTTP/1.1\r\n\r\n"),
    ("two hosts", request("GET", "/api/v1/health", "Host: evil.example")),
]
"""Requests that must not be answered with success, and after which nothing else is answered."""
SMUGGLED = request("GET", "/api/v1/health", "X-Smuggled: 1", "Connection: close")


def check_smuggling(service: Service, report: Report) -> None:
    for name, sent in CLOSED:
        answer = service.exchange(sent + SMUGGLED)
        lines = [line for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]
        is_refused = len(lines) <= 1 and all(line[9:10] == b"4" for line in lines)
        report.check(f"smuggling: {name}", is_refused, repr(lines))
    both = ["Content-Length: 5", "Transfer-Encoding: chunked"]
    answer = service.exchange(request("POST", "/api/v1/session", *both, body=b"0\r\n\r\n") + SMUGGLED)
    lines = [line for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]
    # RFC 9112 permits to process it by its chunks, if the connection is closed then.
    report.check("smuggling: length and chunks", len(lines) <= 1, repr(lines))


def check_content(service: Service, report: Report) -> None:
    """Compressed bodies, ranges, and what caches may store."""
    packed = zlib.compress(b'{"sql":"' + b" " * 10_000_000 + b'"}')
    lines = ["Content-Type: application/json", "Connection: close", f"Content-Length: {len(packed)}"]
    for coding in ("deflate", "gzip", "br", "zstd"):
        sent = request("POST", "/api/v1/session", *lines, f"Content-Encoding: {coding}", body=packed)
        answer = service.exchange(sent)
        report.check(f"a body packed by {coding} is refused", answer[9:12] in (b"400", b"415"), repr(answer[:200]))
    for path in ("/api/v1/openapi.json", "/api/v1/tables", "/now"):
        answer = service.exchange(request("GET", path, "Range: bytes=0-0", "Connection: close"))
        head = answer.split(b"\r\n\r\n")[0].lower()
        report.check(f"no part of {path}", not answer.startswith(b"HTTP/1.1 206"), repr(answer[:100]))
        is_private = any(it in head for it in (b"no-store", b"private", b"no-cache"))
        report.check(f"{path} is not stored", b"cache-control" in head and is_private, repr(head))


def check_head_size(service: Service, report: Report) -> None:
    many = service.exchange(request("GET", "/api/v1/health", *[f"X-{it}: a" for it in range(2000)]))
    report.check("too many headers", many.startswith(b"HTTP/1.1 431"), repr(many[:80]))
    long = service.exchange(request("GET", "/api/v1/health?" + "a" * 200_000))
    report.check("a long address", long[9:12] in (b"414", b"431"), repr(long[:80]))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cockpit", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=2.0, help="how long each flood lasts")
    args = parser.parse_args()
    report = Report()
    with tempfile.TemporaryDirectory(prefix="flood-case-") as name:
        service = start(args.cockpit.resolve(), Path(name))
        try:
            service.health_s()
            check_smuggling(service, report)
            check_content(service, report)
            check_head_size(service, report)
            check_streams(service, report)
            for make in FLOODS:
                check_flood(service, make, args.seconds, report)
            said = (Path(name) / "serve.log").read_text()
            report.check("no panic", "panicked" not in said, said[-900:])
            print(json.dumps({"memory_mib": round(service.memory_mib()), "files": len(os.listdir(f"/proc/{service.process.pid}/fd"))}))
        finally:
            service.process.terminate()
            service.process.wait(LIMIT_S)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
