"""A broker with a listener for each way in.

Promise: changes the settings of a broker that has not been started yet, makes the certificates it needs
below a folder, and tells the users of SCRAM once it runs.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from bench_latency import free_port
from broker import Broker
from login_ways import PASSWORDS, USER

PROTOCOLS = {
    "OPEN": "PLAINTEXT",
    "LOGIN": "SASL_PLAINTEXT",
    "PACKED": "SSL",
    "BOTH": "SASL_SSL",
    "ELSEWHERE": "SSL",
    "MUTUAL": "SSL",
}
"""What each listener speaks. ELSEWHERE has a certificate for another host, MUTUAL asks for one."""
CERTIFICATES = {"PACKED": "here", "BOTH": "here", "ELSEWHERE": "elsewhere", "MUTUAL": "here"}


def prepare(broker: Broker, folder: Path, password: str) -> dict[str, str]:
    """Gives the broker its listeners, before it is started for the first time. Returns their addresses."""
    certify(folder, "authority", None)
    certify(folder, "stranger", None)
    certify(folder, "here", "IP:127.0.0.1")
    certify(folder, "elsewhere", "DNS:broker.elsewhere.example")
    certify(folder, "us", "DNS:cockpit.example")
    certify(folder, "outsider", "DNS:cockpit.example", by="stranger")
    lock(folder, "us", password)
    at = {name: f"127.0.0.1:{free_port()}" for name in PROTOCOLS} | {"OPEN": broker.address}
    properties = broker.program.with_name("server.properties")
    lines = properties.read_text().splitlines()
    settings = dict(line.split("=", 1) for line in lines)
    controller = settings["listeners"].rsplit(",", 1)[1]
    listeners = [f"{name}://{at[name]}" for name in PROTOCOLS]
    named = {**PROTOCOLS, "CONTROLLER": "PLAINTEXT"}
    settings |= {
        "listeners": ",".join([*listeners, controller]),
        "advertised.listeners": ",".join(listeners),
        "listener.security.protocol.map": ",".join(f"{it}:{named[it]}" for it in named),
        "inter.broker.listener.name": "OPEN",
        "connections.max.reauth.ms": "600000",
    }
    for listener in ("LOGIN", "BOTH"):
        settings |= letting_in(f"listener.name.{listener.lower()}", password)
    for listener, certificate in CERTIFICATES.items():
        here = f"listener.name.{listener.lower()}.ssl.keystore"
        settings[f"{here}.type"] = "PEM"
        settings[f"{here}.location"] = str(folder / f"{certificate}.pem")
    settings |= {
        "listener.name.mutual.ssl.client.auth": "required",
        "listener.name.mutual.ssl.truststore.type": "PEM",
        "listener.name.mutual.ssl.truststore.location": str(folder / "authority.crt"),
    }
    properties.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    return at


def tell_users(broker: Broker, password: str) -> None:
    """Makes the user known to SCRAM, one mechanism a time, for the broker takes no two at once."""
    for mechanism in PASSWORDS[1:]:
        made = ("--add-config", f"{mechanism}=[password={password}]")
        who = ("--entity-type", "users", "--entity-name", USER)
        broker.tool("kafka.admin.ConfigCommand", "--alter", *made, *who)


def letting_in(listener: str, password: str) -> dict[str, str]:
    """What a listener knows of users. Those of SCRAM are told to the running broker."""
    module = "org.apache.kafka.common.security"
    scram = f"{module}.scram.ScramLoginModule required;"
    token = 'OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";'
    return {
        f"{listener}.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
        f"{listener}.plain.sasl.jaas.config": f"{module}.plain.PlainLoginModule required "
        f'user_{USER}="{password}";',
        f"{listener}.scram-sha-256.sasl.jaas.config": scram,
        f"{listener}.scram-sha-512.sasl.jaas.config": scram,
        f"{listener}.oauthbearer.sasl.jaas.config": f"{module}.oauthbearer.{token}",
    }


def lock(folder: Path, name: str, password: str) -> None:
    """A key once more, as `locked.key`, with a password."""
    made = ["openssl", "pkcs8", "-topk8", "-v2", "aes-256-cbc", "-in", str(folder / f"{name}.key")]
    made += ["-out", str(folder / "locked.key"), "-passout", "stdin"]
    subprocess.run(made, check=True, capture_output=True, timeout=60, input=password.encode())


def certify(folder: Path, name: str, host: str | None, by: str = "authority") -> None:
    """An authority, or the key and certificate of a host by an authority."""

    def file(which: str) -> str:
        return str(folder / which)

    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj"]
    make += [f"/CN={name}", "-keyout", file(f"{name}.key"), "-out", file(f"{name}.crt")]
    if host:
        make += ["-CA", file(f"{by}.crt"), "-CAkey", file(f"{by}.key")]
        make += ["-addext", f"subjectAltName={host}", "-addext", "basicConstraints=CA:FALSE"]
    subprocess.run(make, check=True, capture_output=True, timeout=60)
    both = (folder / f"{name}.{it}" for it in ("key", "crt"))
    (folder / f"{name}.pem").write_text("".join(it.read_text() for it in both))
