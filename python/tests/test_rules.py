"""The rules on Arrow batches, with known truth."""

from __future__ import annotations

import pickle
from datetime import datetime, timezone
from pathlib import Path

import plant_cockpit
import pyarrow as pa
import pytest

PLANT_TOML = """
name = "Small"
description = "A plant for tests."
timezone = "Asia/Kolkata"
currency = "INR"
"""


@pytest.fixture(scope="module")
def plant() -> plant_cockpit.Plant:
    return plant_cockpit.load_plant()


def bronze(plant: plant_cockpit.Plant, table: str, columns: dict[str, list[str | None]]) -> pa.RecordBatch:
    """A batch of a bronze table: the given texts, all other columns null, pointers that count up."""
    rows = len(next(iter(columns.values())))
    schema = plant_cockpit.Cleaner(plant, table).schema
    arrays: dict[str, pa.Array] = {}
    for field in schema:
        if field.name.startswith("_"):
            arrays[field.name] = pointer(field, rows)
        elif not field.name.endswith(("_day_local", "_hour_local", "_shift", "_production_day")):
            arrays[field.name] = pa.array(columns.get(field.name, [None] * rows), pa.string())
    return pa.RecordBatch.from_pydict(arrays)


def pointer(field: pa.Field, rows: int) -> pa.Array:
    if pa.types.is_timestamp(field.type):
        return pa.array([datetime(2026, 3, 1, tzinfo=timezone.utc)] * rows, field.type)
    if pa.types.is_string(field.type):
        return pa.array(["dump.csv"] * rows)
    return pa.array(range(rows), field.type)


def test_the_reference_plant_is_read(plant: plant_cockpit.Plant) -> None:
    assert plant.zone == "Asia/Kolkata"
    assert "gold.production_daily" in plant.models
    assert plant.models["gold.production_daily"].upstreams
    assert plant_cockpit.check() == []


def test_mistakes_have_file_line_and_remedy(tmp_path: Path) -> None:
    (tmp_path / "plant.toml").write_text("name = 'X'\nzoen = 'UTC'\n")
    found = plant_cockpit.check(tmp_path)
    assert any(it.file == "plant.toml" and it.line == 2 and "zoen" in it.message and it.remedy for it in found)
    with pytest.raises(plant_cockpit.PlantError, match="plant.toml:2: .*zoen"):
        plant_cockpit.load_plant(tmp_path)


def test_a_folder_without_a_plant_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(plant_cockpit.PlantError, match="plant.toml"):
        plant_cockpit.load_plant(tmp_path)


def test_an_unknown_contract_names_the_known_ones(plant: plant_cockpit.Plant) -> None:
    with pytest.raises(plant_cockpit.PlantError, match="unknown contract `nothing`: the plant has .*"):
        plant_cockpit.Cleaner(plant, "nothing")


def test_plants_and_cleaners_can_be_pickled(plant: plant_cockpit.Plant) -> None:
    cleaner = plant_cockpit.Cleaner(plant, plant.contracts[0])
    copy = pickle.loads(pickle.dumps(cleaner))
    assert copy.schema == cleaner.schema
    assert pickle.loads(pickle.dumps(plant)).models.keys() == plant.models.keys()


def test_a_ledger_gives_each_second_to_one_claim(plant: plant_cockpit.Plant) -> None:
    at = pa.timestamp("us", "UTC")
    hour = lambda h: datetime(2026, 3, 2, h, tzinfo=timezone.utc)  # noqa: E731
    claims = pa.table(
        {
            "unit": ["a", "a"],
            "line": ["l", "l"],
            "category": ["production", "stop"],
            "reason": ["", "jam"],
            "source": ["one", "two"],
            "from_at": pa.array([hour(4), hour(5)], at),
            "to_at": pa.array([hour(8), hour(6)], at),
            "precedence": pa.array([1, 2], pa.int64()),
        }
    )
    closed = pa.Table.from_batches(plant_cockpit.ledger(claims, plant))
    assert set(closed["unit"].to_pylist()) == {"a"}
    seconds: dict[str, int] = {}
    for row in closed.to_pylist():
        seconds[row["category"]] = seconds.get(row["category"], 0) + row["duration_s"]
    # The claims overlap for an hour, which the stronger one gets.
    assert seconds == {"production": 3 * 3600, "stop": 3600}


def test_claims_without_a_column_are_an_error(plant: plant_cockpit.Plant) -> None:
    with pytest.raises(plant_cockpit.PlantError, match="column `unit`.* missing"):
        plant_cockpit.ledger(pa.table({"line": ["l"]}), plant)
