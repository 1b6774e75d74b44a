"""Opens connections that occupy a service, and keeps them until standard input ends.

Promise: of the slow connections a third sends the head of a request byte by byte, a third its body, and a third
nothing at all; a dead reader requests the live stream and reads nothing. A connection that the service closes is
opened again, so their number stays the same. Prints one line `ready N` once N connections are open, and at the
end one line of JSON with how often the service closed one.

    python load_clients.py --port P --slow N --dead N
"""

from __future__ import annotations

import argparse
import json
import select
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

TRICKLE_EVERY_S = 5.0
"""Each slow connection sends a byte this often, so that it is never idle."""
RECEIVE_BYTES = 4096
"""The receive buffer of a dead reader, so that the rest stays at the service."""
SOURCES = 250
"""Connections come from so many addresses of the loopback network."""

HEAD = b"GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
BODY = (
    b"POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b'Content-Length: 60000\r\n\r\n{"sql": "'
)
STREAM = b"GET /api/v1/live?topics=temps HTTP/1.1\r\nHost: localhost\r\n\r\n"


@dataclass
class Client:
    """One connection, and how it begins."""

    start: bytes
    is_trickling: bool
    source: str
    socket: socket.socket | None = None


def clients(slow: int, dead: int) -> Iterator[Client]:
    for number in range(slow):
        start = (HEAD, BODY, b"")[number % 3]
        yield Client(start, start != b"", source(number))
    for number in range(dead):
        yield Client(STREAM, False, source(number))


def source(number: int) -> str:
    return f"127.1.{number % SOURCES // 250}.{number % SOURCES % 250 + 1}"


class Crowd:
    """All connections of the run."""

    def __init__(self, port: int, members: list[Client]) -> None:
        self.port, self.members = port, members
        self.poll = select.poll()
        self.by_number: dict[int, Client] = {}
        self.closed = 0

    def open(self, client: Client) -> None:
        made = socket.socket()
        if not client.is_trickling:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        made.bind((client.source, 0))
        made.connect(("127.0.0.1", self.port))
        made.sendall(client.start)
        made.setblocking(False)
        client.socket = made
        self.by_number[made.fileno()] = client
        # Data that is not read stays unread: only the end of a connection is looked for.
        self.poll.register(made, select.POLLRDHUP | select.POLLHUP | select.POLLERR)

    def close(self, client: Client) -> None:
        gone, client.socket = client.socket, None
        if gone is not None:
            self.poll.unregister(gone)
            del self.by_number[gone.fileno()]
            gone.close()

    def reopen_closed(self, limit_s: float) -> None:
        for number, _ in self.poll.poll(limit_s * 1000):
            if number in self.by_number:
                client = self.by_number[number]
                self.close(client)
                self.closed += 1
                self.open(client)

    def trickle(self, part: list[Client]) -> None:
        for client in part:
            if client.socket is not None and client.is_trickling:
                try:
                    client.socket.send(b"a")
                except OSError:
                    continue  # It was closed; the next poll finds it.


def run(crowd: Crowd) -> None:
    for client in crowd.members:
        crowd.open(client)
    print(f"ready {len(crowd.by_number)}", flush=True)
    parts = [crowd.members[at::50] for at in range(50)]
    at, next_s = 0, time.monotonic()
    while not select.select([sys.stdin], [], [], 0)[0]:
        crowd.reopen_closed(max(0.0, min(0.05, next_s - time.monotonic())))
        if time.monotonic() >= next_s:
            crowd.trickle(parts[at % len(parts)])
            at, next_s = at + 1, next_s + TRICKLE_EVERY_S / len(parts)
    for client in crowd.members:
        crowd.close(client)
    print(json.dumps({"closed_by_service": crowd.closed}), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--slow", type=int, required=True)
    parser.add_argument("--dead", type=int, required=True)
    args = parser.parse_args()
    run(Crowd(args.port, list(clients(args.slow, args.dead))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
