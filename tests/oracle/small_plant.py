"""Plants of a few lines for cases about single files.

Promise: `write` makes a plant folder that `cockpit check` accepts if its columns do.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

PLANT = """name = "Small"
description = "A plant for one case"
zone = "Europe/Berlin"
currency = "EUR"

[[shift]]
name = "A"
start = "06:00"
end = "18:00"

[[shift]]
name = "B"
start = "18:00"
end = "06:00"
"""


DELIMITED = 'format = "delimited"\ndelimiter = ","\nheader = true'


@dataclass(frozen=True)
class Column:
    """A column of a contract: its type and further words, as TOML has them."""

    name: str
    type: str = 'type = "text"'

    @property
    def unit(self) -> str:
        numbers = ('"int"', '"decimal"', '"float"')
        return " [1]" if any(kind in self.type for kind in numbers) else ""


@dataclass(frozen=True)
class Table:
    """A table with a contract and a silver model that takes every column as it is."""

    name: str
    paths: tuple[str, ...]
    columns: tuple[Column, ...]
    format: str = DELIMITED


def write(folder: Path, tables: list[Table]) -> Path:
    """Writes the plant and gives its folder. The first column of a table is its key."""
    for layer in ("bronze", "silver"):
        (folder / layer).mkdir(parents=True, exist_ok=True)
    (folder / "plant.toml").write_text(PLANT)
    for table in tables:
        (folder / "bronze" / f"{table.name}.toml").write_text(_contract(table))
        (folder / "silver" / f"{table.name}.sql").write_text(_model(table))
    return folder


def _contract(table: Table) -> str:
    columns = "".join(
        f"    {{ name = {json.dumps(column.name)}, {column.type} }},\n" for column in table.columns
    )
    paths = json.dumps(list(table.paths), ensure_ascii=False)
    return (
        f'description = "Table {table.name}."\nsource = "case"\npaths = {paths}\n{table.format}\n\n'
        f"columns = [\n{columns}]\n"
    )


def _model(table: Table) -> str:
    names = [column.name for column in table.columns]
    lines = [f"-- Table {table.name}.", "--", f"-- key: {names[0]}"]
    lines += [f"-- column {column.name}{column.unit}: Its value." for column in table.columns]
    return "\n".join(lines) + f"\nSELECT {', '.join(names)} FROM typed.{table.name}\n"
