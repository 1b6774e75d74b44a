"""Plant Cockpit for Python: its rules on Arrow batches, a client of its service, and refining on Spark.

The functions of this module call the crates that the program runs, so a record that is cleaned here has the
values and the reasons that the program would give it.
"""

from __future__ import annotations

from typing import Any

from ._native import (
    Cleaned,
    Cleaner,
    Contract,
    Mistake,
    Model,
    Plant,
    PlantError,
    __version__,
    check,
    ledger,
    load_plant,
)
from .client import Cockpit, CockpitError, Event, LiveReading

__all__ = [
    "Cleaned",
    "Cleaner",
    "Cockpit",
    "CockpitError",
    "Contract",
    "Event",
    "LiveReading",
    "Mistake",
    "Model",
    "Plant",
    "PlantError",
    "__version__",
    "check",
    "clean",
    "ledger",
    "load_plant",
]


def clean(batch: Any, plant: Plant, table: str, key: list[str] | None = None) -> Cleaned:
    """Cleans one batch of a bronze table by its contract.

    ``batch`` has the columns of the contract as text and the pointer columns of bronze, and any type with the Arrow
    PyCapsule interface (pyarrow, Polars, DuckDB). Rows without a value in a column of ``key`` are rejected. For many
    batches of one table a :class:`Cleaner` is faster.
    """
    return Cleaner(plant, table, key or []).clean(batch)
