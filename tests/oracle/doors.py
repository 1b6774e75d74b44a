"""A service with an administrator and API tokens over a lake of two lines, for clients that read tables from it."""

from __future__ import annotations

import base64
import http.client
import json
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

import lake as lakes
from damage_state import LIMIT_S, Service, World
from program import PLANT

TOKEN_LIFE_S = 3_600
PLACES = Decimal("0.000001")
NUMBERS = ("long", "integer", "short", "byte", "float", "double", "decimal")

LINE, SCOPE = "Packing", "line:SMT/Packing"
UNITS = ("EE-0001", "SB-0001")
"""The units of the second line."""
VIEWER, PASSWORD = "vera", "eleven calm rivers at dawn"
"""A user whose role is limited to the second line."""
FILL_S = 300

Sums = dict[str, Any]


def two_lines(folder: Path) -> Path:
    """The reference plant with some of its units on a second line."""
    plant = shutil.copytree(PLANT, folder / "plant")
    file = plant / "plant.toml"
    text = file.read_text()
    line = '[[line]]\nname = "Assembly"\narea = "SMT"\n'
    if line not in text:
        raise RuntimeError(f"{file}: no line Assembly")
    text = text.replace(line, f'{line}\n[[line]]\nname = "{LINE}"\narea = "SMT"\n')
    for unit in UNITS:
        before = f'name = "{unit}"\nline = '
        if before not in text:
            raise RuntimeError(f"{file}: no unit {unit}")
        text = text.replace(f'{before}"Assembly"', f'{before}"{LINE}"')
    file.write_text(text)
    return plant


def fill(program: Path, folder: Path, days: int) -> tuple[Path, Path]:
    """The folder of a plant of two lines, and its lake after some simulated days."""
    plant, bucket, lake = two_lines(folder), folder / "bucket", folder / "filled"
    simulate = ["simulate", "--days", str(days), "--dirt", "usual", "--out", bucket]
    ingest = ["ingest", "--once", "--bucket", bucket, "--lake", lake, "--plant", plant]
    for words in (simulate, ingest):
        subprocess.run([program, *words], check=True, timeout=FILL_S, stdout=subprocess.DEVNULL)
    return plant, lake


def open_world(program: Path, folder: Path, lake: Path, plant: Path) -> World:
    """The lake, with a user database of its own: an administrator, and a user of one line."""
    (folder / "lake").symlink_to(lake.resolve(), target_is_directory=True)
    world = World(program, folder, {"COCKPIT_PLANT": str(plant)})
    world.prepare()
    words = ["user", "add", VIEWER, "--role", f"engineer@{SCOPE}", "--password"]
    made = world.run(*words, text=PASSWORD)
    if made.returncode != 0:
        raise RuntimeError(made.stderr)
    return world


def token(service: Service, cookie: str, actions: list[str], scope: str = "plant") -> str:
    """A new API token."""
    body = {"name": "test", "actions": actions, "scope": scope, "life_s": TOKEN_LIFE_S}
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
    return sums_of(lakes.read(lake, table), numeric_columns(lake, table))


def sums_of(data: pa.Table, columns: list[str]) -> Sums:
    return {"rows": data.num_rows} | {c: _sum(data.column(c)) for c in columns}


def of_line(data: pa.Table) -> pa.Table | None:
    """The rows that belong to the second line; `None` if no column names equipment."""
    wanted = {"unit": UNITS, "station": UNITS, "line": (LINE,)}
    named = [name for name in wanted if name in data.column_names]
    for name in named:
        data = data.filter(pc.is_in(data[name], pa.array(wanted[name])))
    return data if named else None


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
