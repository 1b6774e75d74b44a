"""Apache Kafka as a case drives it: started, stopped, killed, started again.

Promise: the recipe is not repeated here; `start` is the program that `cargo xtask` made in the folder
of a broker. A broker that is started answers when `start` returns.
"""

from __future__ import annotations

import json
import socket
import subprocess
import tempfile
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
        said = self.tool("GetOffsetShell", "--topic", topic)
        lines = [line.rsplit(":", 2) for line in said.splitlines() if line.startswith(topic)]
        return {int(partition): int(end) for _, partition, end in lines}

    def produce(self, topic: str, messages: list[bytes]) -> None:
        """Messages without a line break in them, by Kafka's own tool."""
        self.tool("ConsoleProducer", "--topic", topic, said=b"\n".join(messages) + b"\n")

    def create(self, topic: str, partitions: int) -> None:
        """Waits for a topic of this name that is still being deleted."""
        words = ("--create", "--if-not-exists", "--topic", topic, "--partitions", str(partitions))

        def is_created() -> bool:
            self.tool("TopicCommand", *words)
            return self.has(topic)

        wait_for(f"the topic {topic}", is_created, LIMIT_S)

    def delete(self, topic: str) -> None:
        self.tool("TopicCommand", "--delete", "--topic", topic)
        wait_for(f"the end of the topic {topic}", lambda: not self.has(topic), LIMIT_S)

    def has(self, topic: str) -> bool:
        return topic in self.tool("TopicCommand", "--list").split()

    def forget(self, topic: str, before: dict[int, int]) -> None:
        """Deletes what each partition holds before an offset, as if its retention had passed."""
        places = [{"topic": topic, "partition": it, "offset": before[it]} for it in before]
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump({"version": 1, "partitions": places}, file)
            file.flush()
            self.tool("DeleteRecordsCommand", "--offset-json-file", file.name)

    def tool(self, name: str, *words: str, said: bytes = b"") -> str:
        jars = self.program.read_text().split("-cp '")[1].split("'")[0]
        name = name if "." in name else f"org.apache.kafka.tools.{name}"
        command = ["java", "-cp", jars, name, "--bootstrap-server"]
        done = subprocess.run(
            [*command, self.address, *words],
            input=said,
            capture_output=True,
            check=False,
            timeout=LIMIT_S,
        )
        if done.returncode:
            words_of = (done.stdout + done.stderr).decode(errors="replace")
            raise RuntimeError(f"{name} ended with {done.returncode}: {words_of[:600]}")
        return done.stdout.decode()

    def answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(VERSIONS)
                return connection.recv(10)[4:10] == bytes([0, 0, 0, 1, 0, 0])
        except OSError:
            return False
