"""The PostgreSQL protocol on a socket: what drivers send that no driver here can be made to send.

Promise: `Wire` sends exactly the frames it is given. `NPGSQL` are the statements of Npgsql 4.0 when it
connects, `POWER_BI` those of Power BI for its navigator and for a visual, both from the sources and logs that
are public.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import random
import socket
import struct
import time
from dataclasses import dataclass, field

PROTOCOL = 196608
CANCEL = 80877102
TLS = 80877103
TEXT, BINARY = 0, 1
LIMIT_S = 60
ROW, READY = ord("D"), ord("Z")

TYPES = """SELECT ns.nspname, a.typname, a.oid, a.typrelid, a.typbasetype,
CASE WHEN pg_proc.proname='array_recv' THEN 'a' ELSE a.typtype END AS type,
CASE
  WHEN pg_proc.proname='array_recv' THEN a.typelem
  WHEN a.typtype='r' THEN rngsubtype
  ELSE 0
END AS elemoid,
CASE
  WHEN pg_proc.proname IN ('array_recv','oidvectorrecv') THEN 3
  WHEN a.typtype='r' THEN 2
  WHEN a.typtype='d' THEN 1
  ELSE 0
END AS ord
FROM pg_type AS a
JOIN pg_namespace AS ns ON (ns.oid = a.typnamespace)
JOIN pg_proc ON pg_proc.oid = a.typreceive
LEFT OUTER JOIN pg_class AS cls ON (cls.oid = a.typrelid)
LEFT OUTER JOIN pg_type AS b ON (b.oid = a.typelem)
LEFT OUTER JOIN pg_class AS elemcls ON (elemcls.oid = b.typrelid)
LEFT OUTER JOIN pg_range ON (pg_range.rngtypid = a.oid)
WHERE
  a.typtype IN ('b', 'r', 'e', 'd') OR
  (a.typtype = 'c' AND cls.relkind='c') OR
  (pg_proc.proname='array_recv' AND (
    b.typtype IN ('b', 'r', 'e', 'd') OR
    (b.typtype = 'p' AND b.typname IN ('record', 'void')) OR
    (b.typtype = 'c' AND elemcls.relkind='c')
  )) OR
  (a.typtype = 'p' AND a.typname IN ('record', 'void'))
ORDER BY ord"""

COMPOSITES = """SELECT typ.oid, att.attname, att.atttypid
FROM pg_type AS typ
JOIN pg_namespace AS ns ON (ns.oid = typ.typnamespace)
JOIN pg_class AS cls ON (cls.oid = typ.typrelid)
JOIN pg_attribute AS att ON (att.attrelid = typ.typrelid)
WHERE
  (typ.typtype = 'c' AND cls.relkind='c') AND
  attnum > 0 AND
  NOT attisdropped
ORDER BY typ.oid, att.attnum"""

ENUMS = """SELECT pg_type.oid, enumlabel
FROM pg_enum
JOIN pg_type ON pg_type.oid=enumtypid
ORDER BY oid, enumsortorder"""

NPGSQL = ["SELECT version()", TYPES, COMPOSITES, ENUMS]

NAVIGATOR = [
    "select character_set_name from INFORMATION_SCHEMA.character_sets",
    """select TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE
from INFORMATION_SCHEMA.tables
where TABLE_SCHEMA not in ('information_schema', 'pg_catalog')
order by TABLE_SCHEMA, TABLE_NAME""",
    """select COLUMN_NAME, ORDINAL_POSITION, IS_NULLABLE,
case when (data_type like '%unsigned%') then DATA_TYPE || ' unsigned' else DATA_TYPE end as DATA_TYPE
from INFORMATION_SCHEMA.columns
where TABLE_SCHEMA = '{schema}' and TABLE_NAME = '{table}'
order by TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION""",
    """select
    pkcol.COLUMN_NAME as PK_COLUMN_NAME,
    fkcol.TABLE_SCHEMA AS FK_TABLE_SCHEMA,
    fkcol.TABLE_NAME AS FK_TABLE_NAME,
    fkcol.COLUMN_NAME as FK_COLUMN_NAME,
    fkcol.ORDINAL_POSITION as ORDINAL,
    fkcon.CONSTRAINT_SCHEMA || '_' || fkcol.TABLE_NAME || '_' || '{table}' || '_' || fkcon.CONSTRAINT_NAME as FK_NAME
from
    (select distinct constraint_catalog, constraint_schema, unique_constraint_schema, constraint_name, unique_constraint_name
        from INFORMATION_SCHEMA.REFERENTIAL_CONSTRAINTS) fkcon
        inner join
    INFORMATION_SCHEMA.KEY_COLUMN_USAGE fkcol
        on fkcon.CONSTRAINT_SCHEMA = fkcol.CONSTRAINT_SCHEMA
        and fkcon.CONSTRAINT_NAME = fkcol.CONSTRAINT_NAME
        inner join
    INFORMATION_SCHEMA.KEY_COLUMN_USAGE pkcol
        on fkcon.UNIQUE_CONSTRAINT_SCHEMA = pkcol.CONSTRAINT_SCHEMA
        and fkcon.UNIQUE_CONSTRAINT_NAME = pkcol.CONSTRAINT_NAME
where pkcol.TABLE_SCHEMA = '{schema}' and pkcol.TABLE_NAME = '{table}'
        and pkcol.ORDINAL_POSITION = fkcol.ORDINAL_POSITION
order by FK_NAME, fkcol.ORDINAL_POSITION""",
    """select i.CONSTRAINT_SCHEMA || '_' || i.CONSTRAINT_NAME as INDEX_NAME, ii.COLUMN_NAME, ii.ORDINAL_POSITION,
case when i.CONSTRAINT_TYPE = 'PRIMARY KEY' then 'Y' else 'N' end as PRIMARY_KEY
from INFORMATION_SCHEMA.table_constraints i inner join INFORMATION_SCHEMA.key_column_usage ii
on i.CONSTRAINT_SCHEMA = ii.CONSTRAINT_SCHEMA and i.CONSTRAINT_NAME = ii.CONSTRAINT_NAME
and i.TABLE_SCHEMA = ii.TABLE_SCHEMA and i.TABLE_NAME = ii.TABLE_NAME
where i.TABLE_SCHEMA = '{schema}' and i.TABLE_NAME = '{table}'
and i.CONSTRAINT_TYPE in ('PRIMARY KEY', 'UNIQUE')
order by i.CONSTRAINT_SCHEMA || '_' || i.CONSTRAINT_NAME, ii.TABLE_SCHEMA, ii.TABLE_NAME, ii.ORDINAL_POSITION""",
    "select current_setting('max_index_keys')",
]

VISUALS = [
    'select "$Table"."{column}" as "{column}" from "{schema}"."{table}" "$Table" limit 1000',
    """select "_"."{column}" from ( select "{column}" from "{schema}"."{table}" "$Table" ) "_"
group by "_"."{column}" order by "_"."{column}" limit 101""",
    """select count(distinct("rows"."{column}")) + max(case when "rows"."{column}" is null then 1 else 0 end) as "a0"
from ( select "{column}" from "{schema}"."{table}" ) "rows" """,
    """select "_"."{column}", "_"."a0" from (
select "rows"."{column}" as "{column}", count(1) as "a0"
from ( select "_"."{column}" from "{schema}"."{table}" "_" where "_"."{column}" is not null ) "rows"
group by "{column}" ) "_" where not "_"."a0" is null limit 1000001""",
]


@dataclass
class Answer:
    """The frames up to the next ReadyForQuery."""

    frames: list[tuple[bytes, bytes]] = field(default_factory=list)

    @property
    def rows(self) -> list[list[bytes | None]]:
        return [values(body) for kind, body in self.frames if kind == b"D"]

    @property
    def error(self) -> str:
        for kind, body in self.frames:
            if kind == b"E":
                parts = body.split(b"\0")
                return " ".join(part.decode() for part in parts if part[:1] in (b"C", b"M"))
        return ""

    @property
    def columns(self) -> list[tuple[str, int, int]]:
        """Name, type and format of each column."""
        for kind, body in self.frames:
            if kind == b"T":
                return described(body)
        return []


def values(body: bytes) -> list[bytes | None]:
    (count,) = struct.unpack_from("!h", body)
    at, found = 2, []
    for _ in range(count):
        (size,) = struct.unpack_from("!i", body, at)
        at += 4
        found.append(None if size < 0 else body[at : at + size])
        at += max(size, 0)
    return found


def described(body: bytes) -> list[tuple[str, int, int]]:
    (count,) = struct.unpack_from("!h", body)
    at, found = 2, []
    for _ in range(count):
        end = body.index(b"\0", at)
        name = body[at:end].decode()
        _, _, kind, _, _, form = struct.unpack_from("!ihihih", body, end + 1)
        found.append((name, kind, form))
        at = end + 19
    return found


def proved(secret: str, first: bytes, answer: bytes) -> tuple[bytes, bytes]:
    """The last message of SCRAM without its proof, and the proof."""
    given = dict(part.split(b"=", 1) for part in answer.split(b","))
    salted = hashlib.pbkdf2_hmac("sha256", secret.encode(), base64.b64decode(given[b"s"]), int(given[b"i"]))
    client = hmac.digest(salted, b"Client Key", "sha256")
    signed = b"c=biws,r=" + given[b"r"]
    signature = hmac.digest(hashlib.sha256(client).digest(), b",".join([first, answer, signed]), "sha256")
    return signed, bytes(one ^ other for one, other in zip(client, signature, strict=True))


class Wire:
    """A connection; without a secret it stands before its login."""

    def __init__(self, port: int, user: str, secret: str | None, database: str = "lake") -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), LIMIT_S)
        self.buffer = b""
        self.key = b""
        names = {"user": user, "database": database, "application_name": "case"}
        text = b"".join(f"{name}\0{value}\0".encode() for name, value in names.items()) + b"\0"
        self.socket.sendall(struct.pack("!ii", len(text) + 8, PROTOCOL) + text)
        if secret is not None:
            self.start(secret)

    def start(self, secret: str) -> None:
        while True:
            kind, body = self.frame()
            if kind == b"R" and body[:4] == b"\0\0\0\3":
                self.send(b"p", secret.encode() + b"\0")
            elif kind == b"R" and body[:4] == b"\0\0\0\x0a":
                self.prove(secret)
            elif kind == b"K":
                self.key = body
            elif kind == b"E":
                raise PermissionError(Answer([(kind, body)]).error)
            elif kind == b"Z":
                return

    def prove(self, secret: str) -> None:
        """SCRAM-SHA-256, of which the library of Python derives the keys."""
        first = b"n=,r=" + base64.b64encode(random.randbytes(18))
        self.first_message(b"n,," + first)
        answer = self.challenge()
        signed, proof = proved(secret, first, answer)
        self.send(b"p", signed + b",p=" + base64.b64encode(proof))

    def first_message(self, message: bytes, mechanism: bytes = b"SCRAM-SHA-256") -> None:
        self.send(b"p", mechanism + b"\0" + struct.pack("!i", len(message)) + message)

    def challenge(self) -> bytes:
        kind, body = self.frame()
        if kind == b"E":
            raise PermissionError(Answer([(kind, body)]).error)
        return body[4:]

    def send(self, kind: bytes, body: bytes = b"") -> None:
        self.socket.sendall(kind + struct.pack("!i", len(body) + 4) + body)

    def frame(self) -> tuple[bytes, bytes]:
        head = self.take(5)
        return head[:1], self.take(struct.unpack("!i", head[1:])[0] - 4)

    def take(self, size: int) -> bytes:
        while len(self.buffer) < size:
            part = self.socket.recv(1 << 16)
            if not part:
                raise ConnectionError("the connection has ended")
            self.buffer += part
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def until_ready(self) -> Answer:
        answer = Answer()
        while True:
            kind, body = self.frame()
            answer.frames.append((kind, body))
            if kind == b"Z":
                return answer

    def simple(self, sql: str) -> Answer:
        self.send(b"Q", sql.encode() + b"\0")
        return self.until_ready()

    def extended(self, sql: str, form: int = BINARY, *parameters: bytes) -> Answer:
        """Parse, Bind, Describe, Execute, Sync, as Npgsql sends them, with results in one format."""
        self.begin(sql, form, parameters)
        return self.until_ready()

    def begin(self, sql: str, form: int, parameters: tuple[bytes, ...]) -> None:
        self.send(b"P", b"\0" + sql.encode() + b"\0\0\0")
        given = b"".join(struct.pack("!i", len(it)) + it for it in parameters)
        bind = struct.pack("!hh", 0, len(parameters)) + given + struct.pack("!hh", 1, form)
        self.send(b"B", b"\0\0" + bind)
        self.send(b"D", b"P\0")
        self.send(b"E", b"\0" + struct.pack("!i", 0))
        self.send(b"S")

    def count_rows(self, sql: str) -> tuple[int, float]:
        """The number of binary rows of a statement without keeping them, and the time to the first one."""
        begun, first_s, count = time.perf_counter(), 0.0, 0
        self.begin(sql, BINARY, ())
        rest = b""
        while True:
            data = rest + self.socket.recv(1 << 20)
            at, end = 0, len(data)
            while at + 5 <= end:
                size = int.from_bytes(data[at + 1 : at + 5], "big") + 1
                if at + size > end:
                    break
                kind = data[at]
                if kind == ROW:
                    count += 1
                elif kind == READY:
                    return count, first_s
                at += size
            first_s = first_s or (time.perf_counter() - begun if count else 0.0)
            rest = data[at:]

    def cancel(self, port: int) -> None:
        """Sends the request on a connection of its own, as the protocol demands."""
        with socket.create_connection(("127.0.0.1", port), LIMIT_S) as other:
            other.sendall(struct.pack("!ii", len(self.key) + 8, CANCEL) + self.key)
            other.recv(1)

    def close(self) -> None:
        self.socket.close()


def send_garbage(port: int, user: str, secret: str, count: int, seed: int) -> int:
    """Sends random and damaged frames on connections with and without login; gives their number."""
    rng = random.Random(seed)
    sent = 0
    while sent < count:
        try:
            if rng.random() < 0.5:
                connection = socket.create_connection(("127.0.0.1", port), LIMIT_S)
            else:
                connection = Wire(port, user, secret).socket
            with connection:
                connection.settimeout(5)
                for _ in range(rng.randrange(1, 200)):
                    connection.sendall(frame(rng))
                    sent += 1
        except OSError:
            sent += 1
    return sent


def frame(rng: random.Random) -> bytes:
    body = rng.choice(BODIES)(rng)
    kind = bytes([rng.choice(b"QPBDECSHXpfdcF" + bytes(range(256)))])
    length = (
        len(body) + 4 if rng.random() < 0.9 else rng.choice([0, 3, 4, 5, 1 << 20, (1 << 31) - 1])
    )
    return kind + struct.pack("!I", length) + body


def noise(rng: random.Random) -> bytes:
    return rng.randbytes(rng.randrange(0, 60))


def statement(rng: random.Random) -> bytes:
    words = [
        "select",
        "1",
        ";",
        "'",
        '"',
        "$1",
        "begin",
        "fetch",
        "all",
        "x",
        "copy",
        "(",
        ")",
        "é",
        "*",
    ]
    return " ".join(rng.choices(words, k=rng.randrange(0, 9))).encode() + b"\0"


def parsed(rng: random.Random) -> bytes:
    types = rng.randrange(0, 3)
    return (
        rng.choice([b"\0", b"a\0"])
        + statement(rng)
        + struct.pack("!h", types)
        + rng.randbytes(4 * types)
    )


def bound(rng: random.Random) -> bytes:
    codes = b"".join(
        struct.pack("!h", rng.choice([0, 1, 2, -1])) for _ in range(rng.randrange(0, 3))
    )
    counted = struct.pack("!h", rng.choice([len(codes) // 2, -1, 30000])) + codes
    return b"\0" + rng.choice([b"\0", b"a\0"]) + counted + noise(rng)


def executed(rng: random.Random) -> bytes:
    return rng.choice([b"\0", b"a\0"]) + struct.pack("!i", rng.choice([0, 1, -1, (1 << 31) - 1]))


BODIES = [noise, statement, parsed, bound, executed]
