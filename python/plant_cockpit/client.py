"""A client of the HTTP interface of ``cockpit serve``."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    import pandas
    import polars

#: How long the service may stay silent, in seconds. The live stream has a heartbeat every 5 s.
TIMEOUT_S = 60.0


class CockpitError(Exception):
    """An answer of the service that is an error.

    ``status`` is the HTTP status, ``code`` the stable name of the error; the message contains the remedy.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{message} ({status} {code})")
        self.status = status
        self.code = code


@dataclass(frozen=True)
class LiveReading:
    """A value of a sensor. ``at`` is the newest event time of the frame that contains it."""

    sensor: str
    at: datetime
    value: float | None
    unit: str


@dataclass(frozen=True)
class Event:
    """One event of the live stream, as its reference describes it."""

    name: str
    data: dict[str, Any]


class Cockpit:
    """A running service.

    ``url`` is its address, ``token`` an API token; a service that permits access without a login needs none.
    ``cafile`` is the PEM file of an authority or of a self-signed certificate.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        cafile: str | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ValueError(f"invalid address `{url}`: expected https://HOST[:PORT]")
        self._base = f"{parts.scheme}://{parts.netloc}/api/v1"
        self._token = token
        self._timeout_s = timeout_s
        handlers: list[urllib.request.BaseHandler] = [_NoRedirect()]
        if parts.scheme == "https":
            handlers.append(urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=cafile)))
        self._opener = urllib.request.build_opener(*handlers)

    def __repr__(self) -> str:
        return f"Cockpit({self._base.removesuffix('/api/v1')!r})"

    # Tables and SQL

    def tables(self) -> list[dict[str, Any]]:
        """All tables that the token may read, with columns, units, row count and version."""
        return self._json("tables")["tables"]

    def schema(self, table: str) -> dict[str, Any]:
        """The entry of one table, such as ``gold.production_daily``, in :meth:`tables`."""
        for entry in self.tables():
            if f"{entry['schema']}.{entry['table']}" == table:
                return entry
        raise CockpitError(404, "unknown_table", f"unknown table `{table}`")

    def table(
        self,
        table: str,
        *,
        columns: list[str] | None = None,
        order: str | None = None,
        filters: Mapping[str, str] | None = None,
        parameters: Mapping[str, str] | None = None,
    ) -> pa.Table:
        """The rows of a table. ``filters`` are conditions by column: ``{"day_local": "2026-03-01.."}``."""
        schema, _, name = table.partition(".")
        query: dict[str, str] = {"format": "arrow"}
        if columns is not None:
            query["columns"] = ",".join(columns)
        if order is not None:
            query["order"] = order
        query |= {f"filter.{column}": condition for column, condition in (filters or {}).items()}
        query |= {f"parameter.{key}": value for key, value in (parameters or {}).items()}
        path = f"tables/{urllib.parse.quote(schema, safe='')}/{urllib.parse.quote(name, safe='')}"
        return self._arrow(path, query)

    def query(self, sql: str) -> pa.Table:
        """The rows of one reading statement as an Arrow table."""
        body = json.dumps({"sql": sql}).encode()
        return self._arrow("query", {"format": "arrow"}, body)

    def query_pandas(self, sql: str) -> pandas.DataFrame:
        """The rows of one reading statement as a pandas frame."""
        return self.query(sql).to_pandas()

    def query_polars(self, sql: str) -> polars.DataFrame:
        """The rows of one reading statement as a Polars frame."""
        import polars

        frame = polars.from_arrow(self.query(sql))
        assert isinstance(frame, polars.DataFrame)
        return frame

    # KPIs, alarms, reports

    def kpis(self, **parameters: str) -> dict[str, Any]:
        """KPIs with value, bounds, or the reason why there is no value: ``kpis(level="line", granularity="day")``.

        The parameter ``from`` is written ``from_``.
        """
        return self._json("kpis", {key.rstrip("_"): value for key, value in parameters.items()})

    def alarms(self, **parameters: str) -> dict[str, Any]:
        """The current alarms: ``alarms(state="all", priority="1,2")``."""
        return self._json("alarms", parameters)

    def acknowledge(self, alarm: int, comment: str | None = None) -> dict[str, Any]:
        """Acknowledges an alarm by its number; the answer is the alarm after it."""
        body = {} if comment is None else {"comment": comment}
        return self._json(f"alarms/{alarm}/acknowledge", body=json.dumps(body).encode())

    def reports(self) -> dict[str, Any]:
        """The reports of the plant, with parameters and schedule."""
        return self._json("reports")

    def report(self, name: str, format: str = "pdf", **parameters: str) -> bytes:
        """Runs a report and returns its file: ``report("shift-summary", "xlsx", day="2026-03-01")``."""
        query = {"format": format, **parameters}
        with self._open(f"reports/{urllib.parse.quote(name, safe='')}/file", query) as answer:
            return answer.read()

    def issued_reports(self, **parameters: str) -> dict[str, Any]:
        """Issued reports, newest first."""
        return self._json("issued-reports", parameters)

    def issued_report(self, number: int, format: str = "pdf") -> bytes:
        """The file of an issued report, byte for byte as it was stored."""
        with self._open(f"issued-reports/{number}/files/{format}") as answer:
            return answer.read()

    # Live

    def events(self, topics: str = "temps", hz: float = 1, after: int | None = None) -> Iterator[Event]:
        """The events of the live stream, until the connection ends.

        ``topics`` is ``temps``, ``temps:PLANT``, ``alarms``, or two of them with a comma between.
        """
        query = {"topics": topics, "hz": f"{hz:g}"}
        if after is not None:
            query["after"] = str(after)
        with self._open("live", query) as answer:
            yield from _events(line.decode() for line in answer)

    def live(self, plant: str | None = None, hz: float = 1) -> Iterator[LiveReading]:
        """The values of the sensors as they change, until the connection ends."""
        sensors: list[list[Any]] = []
        topics = "temps" if plant is None else f"temps:{plant}"
        for event in self.events(topics, hz):
            data = event.data
            if event.name == "dict":
                sensors = data["s"]
            elif event.name in ("snap", "t"):
                at = datetime.fromtimestamp(data["t"] / 1000, timezone.utc) if data["t"] else None
                indexes = data.get("i", range(len(data["v"])))
                for index, value in zip(indexes, data["v"]):
                    if at is None or (event.name == "snap" and value is None):
                        continue
                    name, unit, scale, *_ = sensors[index]
                    yield LiveReading(name, at, None if value is None else value / scale, unit)

    # Requests

    def _open(self, path: str, query: Mapping[str, str] | None = None, body: bytes | None = None) -> Any:
        address = f"{self._base}/{path}"
        if query:
            address = f"{address}?{urllib.parse.urlencode(query)}"
        request = urllib.request.Request(address, data=body, method="GET" if body is None else "POST")
        if body is not None:
            request.add_header("Content-Type", "application/json")
        if self._token is not None:
            request.add_header("Authorization", f"Bearer {self._token}")
        try:
            return self._opener.open(request, timeout=self._timeout_s)
        except urllib.error.HTTPError as error:
            raise _refusal(error) from None

    def _json(self, path: str, query: Mapping[str, str] | None = None, body: bytes | None = None) -> dict[str, Any]:
        with self._open(path, query, body) as answer:
            return json.load(answer)

    def _arrow(self, path: str, query: Mapping[str, str], body: bytes | None = None) -> pa.Table:
        with self._open(path, query, body) as answer, pa.ipc.open_stream(answer) as stream:
            return stream.read_all()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect could take the token to another host."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _refusal(error: urllib.error.HTTPError) -> CockpitError:
    text = error.read().decode(errors="replace")
    try:
        found = json.loads(text)["error"]
        return CockpitError(error.code, found["code"], found["message"])
    except (ValueError, KeyError, TypeError):
        return CockpitError(error.code, "http", text.strip() or error.reason)


def _events(lines: Iterator[str]) -> Iterator[Event]:
    """Server-sent events: fields line by line, an empty line ends an event."""
    name, data = "", []
    for line in lines:
        line = line.rstrip("\r\n")
        if not line:
            if data:
                yield Event(name, json.loads("\n".join(data)))
            name, data = "", []
        elif line.startswith("event:"):
            name = line[6:].strip()
        elif line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
