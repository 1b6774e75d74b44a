"""Emulators of Google Cloud Storage and Azure Blob Storage on free loopback ports, with clients of their own.

Promise: nothing leaves the machine. `start` returns when the emulator answers; what was stored before it was stopped is
there again. The clients write by the interfaces of the services and share no code with the program.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path

from checks import wait_for
from receivers import free_port

LIMIT_S = 60.0
VERSION = "2021-12-02"
"""The version of Azure's interface that the client requests."""


class Emulator:
    """A server that is started and stopped; its data stays in `folder`."""

    scheme = ""
    """The scheme of its URLs."""

    def __init__(self, program: Path, folder: Path) -> None:
        self.program = program
        self.folder = folder
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        folder.mkdir()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        """Variables by which the program reaches the emulator."""
        raise NotImplementedError

    def own_environment(self) -> dict[str, str]:
        return {}

    def answers(self) -> bool:
        try:
            urllib.request.urlopen(f"http://{self.host}/", timeout=5).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            environment = os.environ | self.own_environment()
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log, cwd=self.folder, env=environment)
        wait_for(f"an answer of {self.program.name}", self.answers, LIMIT_S)

    def restart(self) -> None:
        """Kills the server with -9 and starts it again."""
        if self.process:
            self.process.kill()
            self.process.wait(LIMIT_S)
        self.start()

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(LIMIT_S)

    def create(self, bucket: str) -> None:
        raise NotImplementedError

    def put(self, bucket: str, key: str, data: bytes) -> None:
        raise NotImplementedError

    def upload(self, folder: Path, bucket: str, prefix: str) -> int:
        """Stores every file below `folder`; gives their number."""
        paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        for path in paths:
            self.put(bucket, f"{prefix}/{path.relative_to(folder)}", path.read_bytes())
        return len(paths)


class Google(Emulator):
    """fake-gcs-server. It accepts every token."""

    scheme = "gs"

    def command(self) -> list[str]:
        words = ["-scheme", "http", "-host", "127.0.0.1", "-port", str(self.port), "-public-host", self.host]
        return [str(self.program), *words, "-backend", "filesystem", "-filesystem-root", str(self.folder / "data")]

    def environment(self) -> dict[str, str]:
        """With the key of a service account, whose tokens the program signs itself."""
        return {"GOOGLE_BASE_URL": f"http://{self.host}", "GOOGLE_SERVICE_ACCOUNT_KEY": f"file:{self.key()}"}

    def key(self) -> Path:
        path = self.folder / "key.json"
        if not path.exists():
            made = subprocess.run(["openssl", "genrsa", "2048"], capture_output=True, text=True, check=True)
            account = {"client_email": "plant@example.com", "private_key_id": "1", "private_key": made.stdout}
            path.write_text(json.dumps({"type": "service_account"} | account))
        return path

    def create(self, bucket: str) -> None:
        self._post("/storage/v1/b?project=plant", json.dumps({"name": bucket}).encode(), "application/json")

    def put(self, bucket: str, key: str, data: bytes) -> None:
        name = urllib.parse.quote(key, safe="")
        path = f"/upload/storage/v1/b/{bucket}/o?uploadType=media&name={name}"
        self._post(path, data, "application/octet-stream")

    def _post(self, path: str, data: bytes, kind: str) -> None:
        request = urllib.request.Request(f"http://{self.host}{path}", data, {"Content-Type": kind})
        urllib.request.urlopen(request, timeout=LIMIT_S).close()


@dataclass(frozen=True)
class Account:
    """A storage account with its key."""

    name: str = "plant"
    key: str = field(default=base64.b64encode(hashlib.sha256(b"the key of the plant").digest()).decode(), repr=False)


class Azure(Emulator):
    """Azurite. It checks the signatures of requests."""

    scheme = "az"
    account = Account()

    def command(self) -> list[str]:
        words = ["--blobHost", "127.0.0.1", "--blobPort", str(self.port), "--location", str(self.folder / "data")]
        return [str(self.program), *words, "--silent", "--skipApiVersionCheck", "--disableTelemetry"]

    def own_environment(self) -> dict[str, str]:
        return {"AZURITE_ACCOUNTS": f"{self.account.name}:{self.account.key}"}

    def environment(self) -> dict[str, str]:
        return {
            "AZURE_STORAGE_ACCOUNT_NAME": self.account.name,
            "AZURE_STORAGE_ACCOUNT_KEY": self.account.key,
            "AZURE_STORAGE_ENDPOINT": f"http://{self.host}/{self.account.name}",
        }

    def create(self, bucket: str) -> None:
        self._put(f"/{self.account.name}/{bucket}", {"restype": "container"}, b"", {})

    def put(self, bucket: str, key: str, data: bytes) -> None:
        path = f"/{self.account.name}/{bucket}/{urllib.parse.quote(key)}"
        self._put(path, {}, data, {"x-ms-blob-type": "BlockBlob"})

    def get(self, bucket: str, key: str) -> bytes | None:
        """What a key has; `None` if there is none."""
        url = f"http://{self.host}/{self.account.name}/{bucket}/{urllib.parse.quote(key)}?{self.sas()}"
        try:
            with urllib.request.urlopen(url, timeout=LIMIT_S) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise

    def sas(self, seconds: int = 3600) -> str:
        """A signature that permits to list and read what the account has."""
        def at(moment: float) -> str:
            return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))

        start, end = at(time.time() - 300), at(time.time() + seconds)
        text = "\n".join([self.account.name, "rl", "b", "sco", start, end, "", "https,http", VERSION, "", ""])
        pairs = {"sv": VERSION, "ss": "b", "srt": "sco", "sp": "rl", "st": start, "se": end, "spr": "https,http"}
        return urllib.parse.urlencode(pairs | {"sig": self._mac(text)})

    def _put(self, path: str, query: dict[str, str], data: bytes, headers: dict[str, str]) -> None:
        """A request that is signed with the key of the account."""
        ours = headers | {"x-ms-date": formatdate(usegmt=True), "x-ms-version": VERSION}
        length = str(len(data)) if data else ""
        kind = "application/octet-stream"
        lines = ["PUT", "", "", length, "", kind, "", "", "", "", "", ""]
        lines += [f"{name}:{value}" for name, value in sorted(ours.items())]
        lines += [f"/{self.account.name}{path}", *(f"{name}:{value}" for name, value in sorted(query.items()))]
        signature = f"SharedKey {self.account.name}:{self._mac(chr(10).join(lines))}"
        url = f"http://{self.host}{path}" + (f"?{urllib.parse.urlencode(query)}" if query else "")
        ours |= {"Authorization": signature, "Content-Type": kind, "Content-Length": str(len(data))}
        request = urllib.request.Request(url, data, ours, method="PUT")
        urllib.request.urlopen(request, timeout=LIMIT_S).close()

    def _mac(self, text: str) -> str:
        key = base64.b64decode(self.account.key)
        return base64.b64encode(hmac.new(key, text.encode(), hashlib.sha256).digest()).decode()
