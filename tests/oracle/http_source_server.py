"""An HTTP interface of an MES with every way of pages and credentials, as a process that can be killed.

Promise: the records depend only on the number of the generation, which a file holds, so a server that is started
again continues where the one before was killed. `versions` gives the records as the server has them.

    python http_source_server.py --port 8000 --records 1000 --state FILE
"""

from __future__ import annotations

import argparse
import base64
import csv
import hashlib
import io
import json
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

SECRET = "s3cret of the case"
PAGE_MAX = 1000
"""The server gives no more records per page, whatever is requested."""
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
TOKENS_S = 3600

Record = dict[str, Any]


@lru_cache(maxsize=4)
def versions(records: int, generation: int) -> list[Record]:
    """The newest version of every record, in the order of their changes."""
    newest = {number: _record(number, 0, number) for number in range(records)}
    for turn in range(1, generation + 1):
        at = turn * records * 2
        for number in range(turn % 50, records, 50):
            newest[number] = _record(number, turn, at + number)
        for number in range(records // 100):
            added = records * (turn + 1) + number
            newest[added] = _record(added, turn, at + records + number)
    return sorted(newest.values(), key=lambda it: (it["updated_at"], it["id"]))


def _record(number: int, turn: int, second: int) -> Record:
    quantity: Any = number % 1009
    if number % 1000 == 7:
        quantity = f"{quantity} pcs?"
    elif number % 777 == 5:
        quantity = None
    at = (BEGIN + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"id": number, "name": f"v{turn} \"ä\" {number}", "qty": quantity, "updated_at": at}


def remaining(rows: list[Record], generation: int) -> list[Record]:
    """The records of a source that is read as a whole: some are deleted in each generation."""
    return [row for row in rows if generation == 0 or row["id"] % 200 >= generation]


class Source(ThreadingHTTPServer):
    daemon_threads = True
    records = 0
    state = Path()

    def generation(self) -> int:
        return int(json.loads(self.state.read_text())["generation"])

    def fault(self, name: str) -> bool:
        return name in json.loads(self.state.read_text())["faults"]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Source

    def log_message(self, *_args: object) -> None:
        pass

    def do_POST(self) -> None:
        """The token server: OAuth 2 client credentials."""
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        is_client = self.headers["authorization"] == basic("cockpit", SECRET.replace(" ", "+"))
        if not is_client or parse_qs(body).get("grant_type") != ["client_credentials"]:
            return self.send(400, json.dumps({"error": "invalid_client"}))
        self.send(200, json.dumps({"access_token": "t0ken", "expires_in": TOKENS_S}))

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        name = url.path.strip("/")
        if self.server.fault("html"):
            return self.send(200, "<!DOCTYPE html><p>Log in", "text/html")
        if self.server.fault("unavailable"):
            return self.send(503, "restarting", "text/plain", {"Retry-After": "1"})
        if not self.is_allowed(name, query):
            return self.send(401, "who are you?", "text/plain")
        answer = getattr(self, f"get_{name}", None)
        if answer is None:
            return self.send(404, "no such interface", "text/plain")
        answer(query)

    def is_allowed(self, name: str, query: dict[str, str]) -> bool:
        header = self.headers.get("authorization", "")
        match name:
            case "number":
                return header == f"Bearer {SECRET}"
            case "offset":
                return query.get("key") == SECRET
            case "cursor":
                return header == basic("cockpit", SECRET)
            case "link":
                return self.headers.get("x-api-key") == SECRET
            case "odata":
                return header == "Bearer t0ken"
            case _:
                return True

    def rows(self, since: str | None = None) -> list[Record]:
        """The records since a time, that time included."""
        rows = versions(self.server.records, self.server.generation())
        return [row for row in rows if since is None or row["updated_at"] >= since]

    def whole(self) -> list[Record]:
        generation = self.server.generation()
        return remaining(versions(self.server.records, generation), generation)

    def get_number(self, query: dict[str, str]) -> None:
        size = min(int(query["limit"]), PAGE_MAX)
        start = (int(query["page"]) - 1) * size
        self.send(200, json.dumps(self.whole()[start : start + size]))

    def get_offset(self, query: dict[str, str]) -> None:
        start = int(query["offset"])
        rows = self.rows(query.get("since"))
        self.send(200, json.dumps({"data": {"items": rows[start : start + PAGE_MAX]}}))

    def get_cursor(self, query: dict[str, str]) -> None:
        start = int(base64.b64decode(query.get("cursor", "MA==")))
        rows = self.rows(query.get("since"))
        more = start + PAGE_MAX < len(rows)
        cursor = base64.b64encode(str(start + PAGE_MAX).encode()).decode() if more else None
        body = {"meta": {"next": cursor}, "items": rows[start : start + PAGE_MAX]}
        self.send(200, json.dumps(body, indent=1))

    def get_link(self, query: dict[str, str]) -> None:
        start = int(query.get("start", "0"))
        rows = self.rows(query.get("since"))
        following = urlencode(query | {"start": str(start + PAGE_MAX)})
        more = start + PAGE_MAX < len(rows)
        headers = {"Link": f'</link?{following}>; rel="next"'} if more else {}
        page = rows[start : start + PAGE_MAX]
        body = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in page)
        self.send(200, body, "application/x-ndjson", headers)

    def get_odata(self, query: dict[str, str]) -> None:
        found = re.fullmatch(r"updated_at ge (\S+)", query.get("$filter", ""))
        start = int(query.get("$skiptoken", "0"))
        rows = self.rows(found[1] if found else None)
        body: dict[str, Any] = {"value": rows[start : start + PAGE_MAX]}
        if start + PAGE_MAX < len(rows):
            following = urlencode(query | {"$skiptoken": str(start + PAGE_MAX)})
            body["@odata.nextLink"] = f"http://{self.headers['host']}/odata?{following}"
        self.send(200, json.dumps(body))

    def get_csv(self, _query: dict[str, str]) -> None:
        text = io.StringIO()
        writer = csv.DictWriter(text, ["id", "name", "qty", "updated_at"])
        writer.writeheader()
        writer.writerows(self.whole())
        etag = f'"{hashlib.sha256(text.getvalue().encode()).hexdigest()}"'
        if self.headers.get("if-none-match") == etag:
            return self.send(304, "", headers={"ETag": etag})
        self.send(200, text.getvalue(), "text/csv", {"ETag": etag})

    def get_repeating(self, _query: dict[str, str]) -> None:
        self.send(200, json.dumps(self.rows()[:10]))

    def get_endless(self, _query: dict[str, str]) -> None:
        """An answer of 5 GB."""
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        try:
            for _ in range(5 << 10):
                self.wfile.write(b"x" * (1 << 20))
        except OSError:
            pass

    def send(
        self,
        status: int,
        body: str,
        kind: str = "application/json",
        headers: dict[str, str] | None = None,
    ) -> None:
        content = body.encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if status != 304:
            self.wfile.write(content)


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--records", type=int, required=True)
    parser.add_argument("--state", type=Path, required=True)
    args = parser.parse_args()
    server = Source(("127.0.0.1", args.port), Handler)
    server.records, server.state = args.records, args.state
    server.serve_forever()


if __name__ == "__main__":
    main()
