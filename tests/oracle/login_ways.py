"""Ways into a broker: those that must lead in, and those that must not.

Promise: nothing is done here; a way is what plant.toml and the environment say, and what the program must
say of it if it leads nowhere.
"""

from __future__ import annotations

import base64
import json
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path

USER = "cockpit"
PASSWORDS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
REFUSED = "refused the connection"
UNTRUSTED = "certificate|SSL"
UNKNOWN = r"protocol|\[kafka\]"
"""Who speaks openly to a listener that does not is told nothing; where to look can still be said."""


@dataclass(frozen=True)
class Secrets:
    """What must never be seen: made anew for each run, so that none can be found by chance."""

    password: str = field(default_factory=lambda: f"pw-{secrets.token_hex(12)}")
    wrong: str = field(default_factory=lambda: f"no-{secrets.token_hex(12)}")

    def token(self, lasts_s: float, algorithm: str = "none") -> str:
        """A token that a broker believes for so long; signed ones it does not."""
        now = time.time()
        claims = {"sub": USER, "iat": now - 60, "exp": now + lasts_s, "jti": secrets.token_hex(12)}
        parts = [json.dumps(it).encode() for it in ({"alg": algorithm}, claims)]
        texts = [base64.urlsafe_b64encode(it).decode().rstrip("=") for it in parts]
        return ".".join([*texts, "" if algorithm == "none" else secrets.token_hex(24)])


@dataclass(frozen=True)
class Way:
    """A way in: what plant.toml says, what the environment does, and why it must fail, if it must."""

    name: str
    listener: str
    settings: dict[str, str]
    environment: dict[str, str] = field(default_factory=dict)
    fails: str | None = None
    """What the sentence must speak of."""

    def hidden(self) -> list[str]:
        """What must not be seen of it."""
        tokens = [part for it in self.environment.values() for part in it.split(".")]
        return [it for it in [*self.environment.values(), *tokens] if len(it) > 8]


def ways(folder: Path, hidden: Secrets) -> list[Way]:
    """Every way that must lead in."""
    password = {"COCKPIT_KAFKA_PASSWORD": hidden.password}
    token = {"COCKPIT_KAFKA_TOKEN": hidden.token(3_600)}
    ca = {"ca_file": str(folder / "authority.crt")}
    found = [Way("open", "OPEN", {}), Way("encrypted", "PACKED", {"protocol": "ssl"} | ca)]
    for protocol, listener, more in (("sasl_plaintext", "LOGIN", {}), ("sasl_ssl", "BOTH", ca)):
        for mechanism in PASSWORDS:
            settings = login(protocol, mechanism) | more
            found.append(Way(f"{mechanism} {protocol}", listener, settings, password))
        settings = login(protocol, "OAUTHBEARER") | more
        found.append(Way(f"OAUTHBEARER {protocol}", listener, settings, token))
    named = login("sasl_plaintext", "PLAIN") | {"password_env": "PASSWORD_OF_ANOTHER_NAME"}
    environment = {"PASSWORD_OF_ANOTHER_NAME": hidden.password}
    found.append(Way("a variable of another name", "LOGIN", named, environment))
    key = {"COCKPIT_KAFKA_KEY_PASSWORD": hidden.password}
    return [
        *found,
        Way("a certificate of ours", "MUTUAL", certified(folder, "us", "us")),
        Way("its key with a password", "MUTUAL", certified(folder, "us", "locked"), key),
    ]


def certified(folder: Path, certificate: str, key: str) -> dict[str, str]:
    """Encrypted, with a certificate of our own."""
    files = {"ca_file": "authority.crt", "cert_file": f"{certificate}.crt", "key_file": f"{key}.key"}
    return {"protocol": "ssl"} | {name: str(folder / file) for name, file in files.items()}


def login(protocol: str, mechanism: str) -> dict[str, str]:
    user = {} if mechanism == "OAUTHBEARER" else {"user": USER}
    return {"protocol": protocol, "mechanism": mechanism} | user


def dead_ends(folder: Path, hidden: Secrets) -> list[Way]:
    """Every way that must not."""
    return [
        *wrong_passwords(folder, hidden),
        *wrong_tokens(folder, hidden),
        *wrong_authorities(folder, hidden),
        *wrong_certificates(folder, hidden),
    ]


def wrong_passwords(folder: Path, hidden: Secrets) -> list[Way]:
    wrong = {"COCKPIT_KAFKA_PASSWORD": hidden.wrong}
    right = {"COCKPIT_KAFKA_PASSWORD": hidden.password}
    ca = {"ca_file": str(folder / "authority.crt")}
    found = []
    for mechanism in PASSWORDS:
        settings = login("sasl_plaintext", mechanism)
        found.append(Way(f"wrong password, {mechanism}", "LOGIN", settings, wrong, REFUSED))
        settings = login("sasl_ssl", mechanism) | ca
        found.append(
            Way(f"wrong password, {mechanism}, sasl_ssl", "BOTH", settings, wrong, REFUSED)
        )
    settings = login("sasl_plaintext", "SCRAM-SHA-512")
    nobody = settings | {"user": "nobody"}
    found.append(Way("unknown user", "LOGIN", nobody, right, REFUSED))
    found.append(Way("no password", "LOGIN", settings, {}, "COCKPIT_KAFKA_PASSWORD"))
    return found


def wrong_tokens(folder: Path, hidden: Secrets) -> list[Way]:
    settings = login("sasl_plaintext", "OAUTHBEARER")

    def way(name: str, token: str, fails: str) -> Way:
        return Way(name, "LOGIN", settings, {"COCKPIT_KAFKA_TOKEN": token}, fails)

    lost = settings | {"token_file": str(folder / "nowhere.jwt")}
    return [
        way("ended token", hidden.token(-5), "token .*expired"),
        way("token nobody believes", hidden.token(3_600, "HS256"), REFUSED),
        way("no token but a word", hidden.wrong, "token"),
        Way("no token", "LOGIN", settings, {}, "COCKPIT_KAFKA_TOKEN"),
        Way("token file that is not there", "LOGIN", lost, {}, "nowhere.jwt"),
    ]


def wrong_authorities(folder: Path, hidden: Secrets) -> list[Way]:
    password = {"COCKPIT_KAFKA_PASSWORD": hidden.password}

    def trusting(name: str) -> dict[str, str]:
        return {"protocol": "ssl", "ca_file": str(folder / name)}

    stranger = login("sasl_ssl", "SCRAM-SHA-512") | {"ca_file": trusting("stranger.crt")["ca_file"]}
    return [
        Way("another authority", "PACKED", trusting("stranger.crt"), {}, UNTRUSTED),
        Way("another authority, sasl_ssl", "BOTH", stranger, password, UNTRUSTED),
        Way("the system's authorities", "PACKED", {"protocol": "ssl"}, {}, UNTRUSTED),
        Way("authority that is not there", "PACKED", trusting("nowhere.crt"), {}, "nowhere.crt"),
        Way("certificate of another host", "ELSEWHERE", trusting("authority.crt"), {}, UNTRUSTED),
        Way("encrypted to an open listener", "OPEN", trusting("authority.crt"), {}, UNKNOWN),
        Way("open to an encrypted listener", "PACKED", {}, {}, UNKNOWN),
        Way("open to a listener with login", "LOGIN", {}, {}, UNKNOWN),
    ]


def wrong_certificates(folder: Path, hidden: Secrets) -> list[Way]:
    wrong = {"COCKPIT_KAFKA_KEY_PASSWORD": hidden.wrong}
    none = {"protocol": "ssl", "ca_file": str(folder / "authority.crt")}
    locked = certified(folder, "us", "locked")
    return [
        Way("no certificate", "MUTUAL", none, {}, UNTRUSTED),
        Way("another's", "MUTUAL", certified(folder, "outsider", "outsider"), {}, UNTRUSTED),
        Way("not its key", "MUTUAL", certified(folder, "us", "here"), {}, "key"),
        Way("a key that is not there", "MUTUAL", certified(folder, "us", "no"), {}, "no.key"),
        Way("a key without its password", "MUTUAL", locked, {}, "COCKPIT_KAFKA_KEY_PASSWORD"),
        Way("a key with another password", "MUTUAL", locked, wrong, "COCKPIT_KAFKA_KEY_PASSWORD"),
    ]
