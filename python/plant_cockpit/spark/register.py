"""SQL that registers the tables of a lake as external tables.

The description of a table is in its Delta log, from which the catalogue takes it. A statement that comments a table
would commit to the log, and the next refinement would have to compute everything that reads the table again.
"""

from __future__ import annotations

from .._native import Plant
from .delta import Lake


def statements(plant: Plant, lake: str, catalog: str | None = None) -> list[str]:
    """The statements that register every silver and gold table that exists. ``catalog`` is that of Unity Catalog."""
    place = Lake(lake)
    prefix = "" if catalog is None else f"{_name(catalog)}."
    found = [f"CREATE SCHEMA IF NOT EXISTS {prefix}{layer}" for layer in ("silver", "gold")]
    for table in plant.models:
        if place.table(table).load() is None:
            continue
        layer, _, own = table.partition(".")
        full = f"{prefix}{_name(layer)}.{_name(own)}"
        path = place.table(table).spark_path
        found.append(f"CREATE TABLE IF NOT EXISTS {full} USING DELTA LOCATION {_text(path)}")
    return found


def _name(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _text(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
