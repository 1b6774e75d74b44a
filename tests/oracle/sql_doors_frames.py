"""Broken frames of HTTP/2, gRPC and Flight SQL, sent to the port of Flight SQL.

Promise: `send_garbage` sends at least the number of frames it is given, of which most arrive at the decoder that they are
made for: a part has a valid preface, valid heads and a valid token, so that the messages behind them are decoded.
"""

from __future__ import annotations

import random
import socket
import struct

import sql_doors_flight as flight

LIMIT_S = 5
SILENCE_S = 0.2
FRAMES_MAX = 200
"""Frames of one connection."""
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS = 0, 1, 4
END_STREAM, END_HEADERS = 1, 4
SERVICE = "/arrow.flight.protocol.FlightService/"
METHODS = (
    *("GetFlightInfo", "DoGet", "DoAction", "Handshake", "GetSchema", "PollFlightInfo"),
    *("ListFlights", "ListActions", "DoPut", "DoExchange", "Absent"),
)
COMMANDS = (
    *("CommandStatementQuery", "CommandPreparedStatementQuery", "CommandGetTables", "CommandGetDbSchemas"),
    *("CommandGetCatalogs", "CommandGetTableTypes", "CommandGetSqlInfo", "CommandGetPrimaryKeys"),
    *("CommandGetXdbcTypeInfo", "CommandStatementSubstraitPlan", "CommandStatementIngest", "TicketStatementQuery"),
    *("ActionCreatePreparedStatementRequest", "ActionClosePreparedStatementRequest", "Absent"),
)
ACTIONS = ("CreatePreparedStatement", "ClosePreparedStatement", "BeginTransaction", "CancelFlightInfo", "x")


def send_garbage(port: int, token: str, count: int, seed: int) -> int:
    """Sends random and damaged frames on many connections; gives their number."""
    rng = random.Random(seed)
    sent = 0
    while sent < count:
        frames = rng.randrange(1, FRAMES_MAX)
        sent += frames
        try:
            with socket.create_connection(("127.0.0.1", port), LIMIT_S) as connection:
                connection.settimeout(LIMIT_S)
                if rng.random() < 0.95:
                    connection.sendall(PREFACE + frame(SETTINGS, 0, 0, b""))
                calls = [call(rng, token, 2 * number + 1) for number in range(frames)]
                connection.sendall(b"".join(calls))
                # Most connections end while calls are running.
                connection.recv(1 << 16)
                if rng.random() < 0.05:
                    connection.settimeout(SILENCE_S)
                    while connection.recv(1 << 16):
                        pass
        except OSError:
            continue
    return sent


def call(rng: random.Random, token: str, stream: int) -> bytes:
    """A call with a message, either of which may be damaged, or a random frame."""
    if rng.random() < 0.3:
        return frame(rng.randrange(12), rng.randrange(256), rng.choice([0, 1, stream]), noise(rng), rng)
    text = message(rng)
    prefix = bytes([rng.choice([0, 0, 0, 0, 1])]) + struct.pack("!I", len(text))
    if rng.random() < 0.1:
        prefix = rng.randbytes(5)
    data = frame(DATA, END_STREAM, stream, prefix + text, rng)
    return frame(HEADERS, END_HEADERS, stream, head(rng, token), rng) + data


def frame(kind: int, flags: int, stream: int, body: bytes, rng: random.Random | None = None) -> bytes:
    size = len(body)
    if rng and rng.random() < 0.002:
        size = rng.choice([0, 1, size + 1, (1 << 24) - 1])
    return struct.pack("!I", size)[1:] + bytes([kind, flags]) + struct.pack("!I", stream) + body


def head(rng: random.Random, token: str) -> bytes:
    """The head of a call, in literals of HPACK."""
    if rng.random() < 0.02:
        return noise(rng)
    fields = {
        ":method": "POST",
        ":scheme": "http",
        ":path": SERVICE + rng.choice(METHODS),
        ":authority": "localhost",
        "content-type": rng.choice(["application/grpc", "application/grpc", "text/plain"]),
        "te": "trailers",
        "authorization": rng.choice([f"Bearer {token}", f"Bearer {token}", f"Bearer {token}", "Basic e", "x", ""]),
    }
    if rng.random() < 0.05:
        fields.pop(rng.choice(list(fields)))
    return b"".join(b"\0" + literal(name) + literal(value) for name, value in fields.items())


def literal(text: str) -> bytes:
    """A text of fewer than 127 bytes, without a code of Huffman."""
    return bytes([len(text)]) + text.encode()


def message(rng: random.Random) -> bytes:
    """A descriptor or ticket with a command, an action, or bytes."""
    if rng.random() < 0.2:
        return noise(rng)
    body = flight.field(1, noise(rng)) + flight.field(2, noise(rng))
    if rng.random() < 0.5:
        body = noise(rng)
    command = flight.packed(f"type.googleapis.com/arrow.flight.protocol.sql.{rng.choice(COMMANDS)}", body)
    kind = rng.random()
    if kind < 0.4:
        text = b"\x08\x02" + flight.field(2, command)
    elif kind < 0.8:
        text = flight.field(1, command)
    else:
        text = flight.field(1, rng.choice(ACTIONS).encode()) + flight.field(2, command)
    return damaged(rng, text)


def damaged(rng: random.Random, text: bytes) -> bytes:
    if rng.random() < 0.7:
        return text
    at = rng.randrange(len(text))
    return text[:at] + rng.randbytes(rng.randrange(3)) + text[at + rng.randrange(3) :]


def noise(rng: random.Random) -> bytes:
    return rng.randbytes(rng.randrange(60))
