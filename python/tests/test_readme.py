"""The lines of the README about cleaning, run as they are written."""

from __future__ import annotations

import re
from pathlib import Path

import plant_cockpit
import pyarrow as pa
import pytest

ROOT = Path(__file__).parents[2]
README = Path(__file__).parents[1] / "README.md"


def blocks(heading: str) -> list[str]:
    """The Python of a section."""
    section = README.read_text().partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"```python\n(.*?)```", section, re.DOTALL)


def test_the_lines_about_cleaning_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    (lines,) = blocks("Cleaning")
    texts = {name: pa.array(["7", "x"]) for name in plant_cockpit.load_plant().contract("results").columns}
    nothing = pa.nulls(2, pa.string())
    batch = pa.RecordBatch.from_pydict(texts | pointers() | {"_fault": nothing, "_rest": nothing})
    known = {"batch": batch}
    exec(lines, known)
    cleaned = known["cleaned"]
    assert len(cleaned) == 2
    assert cleaned.rejected.schema.names == ["row", "column", "reason", "raw", "rule"]
    assert cleaned.accepted.num_rows + len({*cleaned.rejected["row"].to_pylist()}) == 2


def pointers() -> dict[str, pa.Array]:
    """Pointers as Spark hands them over: times in a zone of another name, large texts."""
    at = pa.array([0, 1], pa.timestamp("us", "Etc/UTC"))
    text, number = pa.array(["a.csv", "a.csv"], pa.large_string()), pa.array([1, 2], pa.int64())
    times = {name: at for name in ("_dumped_at", "_modified_at", "_ingested_at")}
    return {"_file": text, "_file_sha256": text, "_dump": number, "_record": number, **times}
