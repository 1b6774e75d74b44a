"""A service with an administrator and an API token over an existing lake, for clients that read tables from it."""

from __future__ import annotations

import base64
import http.client
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

import lake as lakes
from damage_state import LIMIT_S, Service, World

TOKEN_LIFE_S = 3_600
PLACES = Decimal("0.000001")
NUMBERS = ("long", "integer", "short", "byte", "float", "double", "decimal")

Sums = dict[str, Any]


def open_world(program: Path, folder: Path, lake: Path) -> World:
    """The lake, with a user database of its own."""
    (folder / "lake").symlink_to(lake.resolve(), target_is_directory=True)
    world = World(program, folder)
    world.prepare()
    return world


def token(service: Service, cookie: str, actions: list[str]) -> str:
    """A new API token for the whole plant."""
    body = {"name": "test", "actions": actions, "scope": "plant", "life_s": TOKEN_LIFE_S}
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=LIMIT_S)
    headers = {"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin", "Cookie": cookie}
    connection.request("POST", "/api/v1/account/tokens", json.dumps(body), headers)
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    if response.status != 201:
        raise RuntimeError(f"no token: {answer}")
    return str(answer["secret"])


def basic(secret: str) -> str:
    return "Basic " + base64.b64encode(f"excel:{secret}".encode()).decode()


def numeric_columns(lake: str, table: str) -> list[str]:
    """Columns that can be added up, as the Delta log names them."""
    fields = lakes.open_table(lake, table).schema().fields
    return [f.name for f in fields if str(getattr(f.type, "type", f.type)).startswith(NUMBERS)]


def expected(lake: str, table: str) -> Sums:
    """Rows and sums of a table, read from its files."""
    columns = numeric_columns(lake, table)
    data = lakes.read(lake, table, columns=columns) if columns else lakes.read(lake, table)
    return {"rows": data.num_rows} | {c: _sum(data.column(c)) for c in columns}


def _sum(column: pa.ChunkedArray) -> Decimal:
    if pa.types.is_floating(column.type):
        return rounded(sum(v for v in column.to_pylist() if v is not None and v == v))
    total = pc.sum(pc.cast(column, pa.decimal128(38, 6))).as_py()
    return rounded(total or 0)


def rounded(value: Any) -> Decimal:
    """A sum of doubles depends on the order of the rows."""
    return Decimal(str(value)).quantize(PLACES)


def is_near(left: Sums, right: Sums) -> bool:
    """Equal rows and columns, and sums that differ by the rounding of doubles at most."""
    if left.keys() != right.keys() or left["rows"] != right["rows"]:
        return False
    far = [c for c in left if abs(left[c] - right[c]) > max(abs(left[c]), 1) * Decimal("1e-9")]
    return not far
