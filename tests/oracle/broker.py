"""Apache Kafka as a case drives it: started, stopped, killed, started again.

Promise: the recipe is not repeated here; `start` is the program that `cargo xtask` made in the folder
of a broker. A broker that is started answers when `start` returns.
"""

from __future__ import annotations

import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from checks import wait_for

LIMIT_S = 60.0
VERSIONS = bytes([0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xFF, 0xFF])
"""The question which versions are spoken: length, ApiVersions, version 0, number 1, no name."""


@dataclass
class Broker:
    """A broker on this machine."""

    program: Path
    port: int
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        with self.program.with_name("kafka.log").open("ab") as log:
            self.process = subprocess.Popen([self.program], stdout=log, stderr=log)
        wait_for("an answer of the broker", self.answers, LIMIT_S)

    def stop(self) -> None:
        """Lets it end by itself."""
        if self.process:
            self.process.terminate()
            self.process.wait(timeout=LIMIT_S)

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait(timeout=LIMIT_S)

    def ends(self, topic: str) -> dict[int, int]:
        """The offset behind the last message of each partition, by Kafka's own tool."""
        jars = self.program.read_text().split("-cp '")[1].split("'")[0]
        tool = ["java", "-cp", jars, "org.apache.kafka.tools.GetOffsetShell"]
        ask = [*tool, "--bootstrap-server", self.address, "--topic", topic]
        said = subprocess.run(ask, capture_output=True, text=True, check=True, timeout=LIMIT_S)
        lines = [line.rsplit(":", 2) for line in said.stdout.splitlines() if line.startswith(topic)]
        return {int(partition): int(end) for _, partition, end in lines}

    def answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(VERSIONS)
                return connection.recv(10)[4:10] == bytes([0, 0, 0, 1, 0, 0])
        except OSError:
            return False
