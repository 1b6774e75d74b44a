"""A schema registry that answers as those of Confluent, Apicurio and Karapace do.

Promise: schemas and subjects over HTTP with basic authentication, the errors of the original for what is not known, and
an outage on request. It counts requests and never repeats a password.
"""

from __future__ import annotations

import base64
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

USER, PASSWORD = "cockpit", "schemas are secret"
EXPECTED = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


@dataclass
class SchemaRegistry:
    """Schemas by id, and by subject and version."""

    schemas: dict[int, dict[str, Any]] = field(default_factory=dict)
    versions: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    requests: int = 0
    port: int = 0
    server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def register(self, number: int, schema: Any, kind: str = "AVRO", references: Any = ()) -> None:
        text = schema if isinstance(schema, str) else json.dumps(schema)
        self.schemas[number] = {"schema": text}
        if kind != "AVRO":
            self.schemas[number]["schemaType"] = kind
        if references:
            self.schemas[number]["references"] = list(references)

    def subject(self, name: str, version: int, schema: Any) -> dict[str, Any]:
        """Registers what others refer to, and returns the reference."""
        self.versions[name, version] = {"subject": name, "version": version, "schema": json.dumps(schema)}
        return {"name": schema["name"], "subject": name, "version": version}

    def start(self) -> None:
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                registry.requests += 1
                status, body = registry.answer(self.path, self.headers.get("Authorization"))
                text = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def answer(self, path: str, credentials: str | None) -> tuple[int, dict[str, Any]]:
        if credentials != EXPECTED:
            return 401, {"error_code": 401, "message": "Unauthorized"}
        match [unquote(part) for part in path.split("?")[0].strip("/").split("/")]:
            case ["schemas", "ids", number]:
                found = self.schemas.get(int(number))
                return (200, found) if found else (404, {"error_code": 40403, "message": "Schema not found"})
            case ["subjects", name, "versions", version]:
                found = self.versions.get((name, int(version)))
                return (200, found) if found else (404, {"error_code": 40401, "message": "Subject not found"})
            case _:
                return 404, {"error_code": 404, "message": "HTTP 404 Not Found"}
