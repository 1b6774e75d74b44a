"""Frames of HTTP/2 (RFC 9113), written by hand, so that they may be wrong."""

from __future__ import annotations

import socket
import ssl
import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, GOAWAY = 0, 1, 2, 3, 4, 6, 7
WINDOW_UPDATE, CONTINUATION = 8, 9
END_STREAM, END_HEADERS, ACK = 1, 4, 1
INITIAL_WINDOW_SIZE = 4
LIMIT_S = 30.0


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def setting(name: int, value: int) -> bytes:
    return frame(SETTINGS, 0, 0, struct.pack(">HI", name, value))


def number(value: int, bits: int, first: int = 0) -> bytes:
    """An integer of HPACK (RFC 7541, section 5.1)."""
    most = (1 << bits) - 1
    if value < most:
        return bytes([first | value])
    found, value = [first | most], value - most
    while value >= 128:
        found.append(value % 128 | 128)
        value //= 128
    return bytes([*found, value])


def text(value: bytes) -> bytes:
    return number(len(value), 7) + value


def literal(name: bytes, value: bytes, is_indexed: bool = False) -> bytes:
    """A header field, kept in the dynamic table if it is indexed."""
    return bytes([0x40 if is_indexed else 0]) + text(name) + text(value)


def head(path: bytes = b"/api/v1/health", method: int = 0x82) -> bytes:
    """The fields of a GET (0x82) or POST (0x83) over HTTPS."""
    path_field = bytes([0x04]) + text(path)
    authority = bytes([0x01]) + text(b"localhost")
    return bytes([method, 0x87]) + path_field + authority


def get(stream: int, path: bytes = b"/api/v1/health") -> bytes:
    return frame(HEADERS, END_STREAM | END_HEADERS, stream, head(path))


def connect(port: int, protocols: list[str]) -> ssl.SSLSocket:
    """A connection over TLS; the certificate is not verified."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(protocols)
    plain = socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S)
    return context.wrap_socket(plain, server_hostname="localhost")


class Http2:
    """One connection."""

    def __init__(self, port: int) -> None:
        self.socket = connect(port, ["h2"])
        self.rest = b""
        self.send(PREFACE + frame(SETTINGS, 0, 0))

    def send(self, data: bytes) -> bool:
        """Whether the service still takes data."""
        try:
            self.socket.sendall(data)
        except (OSError, ssl.SSLError):
            return False
        return True

    def frames(self, limit_s: float) -> list[tuple[int, int, int, bytes]]:
        """Kind, flags, stream and payload of the frames that arrive within a time, or until the end."""
        self.socket.settimeout(limit_s)
        found = []
        try:
            while part := self.socket.recv(1 << 16):
                self.rest += part
                found += self.parsed()
        except (OSError, ssl.SSLError):
            pass
        return found

    def parsed(self) -> list[tuple[int, int, int, bytes]]:
        found = []
        while len(self.rest) >= 9:
            length = int.from_bytes(self.rest[:3], "big")
            if len(self.rest) < 9 + length:
                break
            kind, flags, stream = struct.unpack(">BBI", self.rest[3:9])
            found.append((kind, flags, stream & 0x7FFFFFFF, self.rest[9 : 9 + length]))
            self.rest = self.rest[9 + length :]
        return found

    def close(self) -> None:
        self.socket.close()
