"""Logins over the PostgreSQL protocol by SCRAM-SHA-256: libpq in psycopg and psql, and frames that no driver sends.

Promise: a client that accepts nothing but SCRAM logs in by password and by token, and checks the signature of the
server; a proof that is wrong, replayed, cut or for another channel is refused.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable

import psycopg

import sql_doors_wire as wire
from checks import Report
from sql_doors_world import DATABASE, PASSWORD, World

ONLY_SCRAM = "channel_binding=disable require_auth=scram-sha-256"
REQUIRE_AUTH_SINCE = 16
"""The version of libpq from which on a client can insist on SCRAM."""
PROOF_BYTES = 44
CLEARTEXT, SASL = b"\0\0\0\3", b"\0\0\0\x0a"
FIRST = b"n,,n=,r=abcdefghijklmnop"
MALFORMED_FIRST = (
    b"",
    b"n,,n=,r=",
    b"n,,",
    b"n,a=root,n=,r=abc",
    b"p=tls-server-end-point,,n=,r=abc",
    b"x,,n=,r=abc",
    b"n,,m=x,n=,r=abc",
    b"n,,n=\xff,r=abc",
    b"n,,n=,r=" + b"x" * 10_000,
)


def check(world: World, report: Report) -> None:
    secrets = {"the password": PASSWORD, "a token": world.tokens["anna"]}
    for name, secret in secrets.items():
        reason = refusal(world, "anna", secret)
        report.equal(f"psycopg logs in by SCRAM with {name}", reason, "")
        reason = psql_refusal(world, "anna", secret)
        report.equal(f"psql logs in by SCRAM with {name}", reason, "")
    reason = refusal(world, "anna", "wrong")
    report.check("psycopg is refused with a wrong password", "FATAL" in reason, reason)
    reason = refusal(world, "vera", world.tokens["anna"])
    report.check("and with a token of another user", bool(reason))
    report.check("and as an unknown user", bool(refusal(world, "nemo", PASSWORD)))
    report.equal("and the right password is accepted", refusal(world, "anna", PASSWORD), "")
    report.equal("the name `token` sends the token", requested(world, "token"), CLEARTEXT)
    for user in ("anna", "nemo"):
        report.equal(f"{user} proves the secret", requested(world, user)[:4], SASL)
    check_salts(world, report)
    check_frames(world, report)
    check_replay(world, report)


def conninfo(world: World, user: str, secret: str, more: str = ONLY_SCRAM) -> str:
    return (
        f"host=127.0.0.1 port={world.postgres} dbname={DATABASE} user={user} password='{secret}' {more}"
    )


def refusal(world: World, user: str, secret: str) -> str:
    try:
        with psycopg.connect(conninfo(world, user, secret)) as connection:
            found = connection.execute("SELECT count(*) > 0 FROM gold.oee_hourly").fetchone()
            return "" if found == (True,) else f"{found}"
    except psycopg.Error as error:
        return str(error)


def psql_refusal(world: World, user: str, secret: str) -> str:
    version = subprocess.run(["psql", "--version"], capture_output=True, text=True, check=True).stdout
    major = int(re.findall(r"\d+", version)[0])
    more = ONLY_SCRAM if major >= REQUIRE_AUTH_SINCE else "channel_binding=disable"
    command = ["psql", "-X", "-At", conninfo(world, user, secret, more), "-c", "SELECT 41 + 1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return "" if done.stdout == "42\n" else done.stderr


def requested(world: World, user: str) -> bytes:
    """What the server requests first."""
    connection = wire.Wire(world.postgres, user, None)
    kind, body = connection.frame()
    connection.close()
    return body if kind == b"R" else b""


def answered(world: World, user: str, first: bytes = FIRST, mechanism: bytes = b"SCRAM-SHA-256") -> tuple[wire.Wire, bytes]:
    """A connection after the answer to its first message, with that answer."""
    connection = wire.Wire(world.postgres, user, None)
    connection.frame()
    connection.first_message(first, mechanism)
    return connection, connection.challenge()


def failure(run: Callable[[], object]) -> str:
    try:
        run()
    except (PermissionError, ConnectionError) as error:
        return str(error)
    return ""


def salt(answer: bytes) -> list[bytes]:
    return [part for part in answer.split(b",") if part[:2] in (b"s=", b"i=")]


def check_salts(world: World, report: Report) -> None:
    """A name without account answers like one with: always the same salt, another one for each name."""
    salts = {}
    for name in ("anna", "nemo", "nobody"):
        found = [salt(answered(world, name)[1]) for _ in range(2)]
        report.equal(f"the salt of {name} stays the same", found[0], found[1])
        salts[name] = found[0]
    report.equal("salts differ", len({one for one, _ in salts.values()}), 3)
    report.equal("the cost does not", len({cost for _, cost in salts.values()}), 1)
    world.stop()
    world.start()
    for name, before in salts.items():
        report.equal(f"the salt of {name} after a restart", salt(answered(world, name)[1]), before)


def check_frames(world: World, report: Report) -> None:
    for message in MALFORMED_FIRST:
        reason = failure(lambda message=message: answered(world, "anna", message))
        report.check(f"first message {message[:40]!r} is refused", "08P01" in reason, reason)
    reason = failure(lambda: answered(world, "anna", FIRST, b"SCRAM-SHA-256-PLUS"))
    report.check("another mechanism is refused", "08P01" in reason, reason)
    for name, change, expected in (
        ("a changed proof", changed_proof, "28P01"),
        ("a cut proof", lambda last: last[:-3], "08P01"),
        ("no proof", lambda last: last[: -PROOF_BYTES - 3], "08P01"),
        ("another channel", lambda last: last.replace(b"c=biws", b"c=eSws"), "08P01"),
        ("another nonce", lambda last: last.replace(b"r=abc", b"r=abd"), "08P01"),
        ("nothing", lambda _: b"", "08P01"),
    ):
        reason = failure(lambda change=change: finish(world, change))
        report.check(f"{name} is refused", expected in reason, reason)
    report.equal("the unchanged one is accepted", failure(lambda: finish(world, lambda last: last)), "")


def changed_proof(last: bytes) -> bytes:
    before, first, after = last[:-PROOF_BYTES], last[-PROOF_BYTES : 1 - PROOF_BYTES], last[1 - PROOF_BYTES :]
    return before + (b"C" if first == b"B" else b"B") + after


def finish(world: World, change: Callable[[bytes], bytes]) -> None:
    connection, answer = answered(world, "anna")
    signed, proof = wire.proved(PASSWORD, FIRST[3:], answer)
    connection.send(b"p", change(signed + b",p=" + wire.base64.b64encode(proof)))
    connection.challenge()
    connection.start("")
    connection.close()


def check_replay(world: World, report: Report) -> None:
    """The frames of a login that was overheard."""
    connection, answer = answered(world, "anna")
    signed, proof = wire.proved(PASSWORD, FIRST[3:], answer)
    last = signed + b",p=" + wire.base64.b64encode(proof)
    connection.send(b"p", last)
    signature = connection.challenge()
    report.check("the server proves that it has the verifier", signature.startswith(b"v="), f"{signature!r}")
    connection.close()
    again, _ = answered(world, "anna")
    again.send(b"p", last)
    reason = failure(again.challenge)
    report.check("a login that was overheard is refused", "08P01" in reason, reason)
