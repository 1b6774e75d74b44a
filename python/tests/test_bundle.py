"""The asset bundle of Databricks: its files, its landing check and, with `BUNDLE_SCHEMA`, its published JSON schema."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

yaml = pytest.importorskip("yaml")

FOLDER = Path(__file__).parents[2] / "databricks"


@pytest.fixture(scope="module")
def bundle() -> dict[str, Any]:
    return yaml.safe_load((FOLDER / "databricks.yml").read_text())


def test_every_task_has_its_file_and_its_upstream(bundle: dict[str, Any]) -> None:
    tasks = bundle["resources"]["jobs"]["refine"]["tasks"]
    known: set[str] = set()
    for task in tasks:
        file = FOLDER / task["spark_python_task"]["python_file"]
        compile(file.read_text(), str(file), "exec")
        assert {it["task_key"] for it in task.get("depends_on", [])} <= known
        known.add(task["task_key"])
    assert known == {"check", "refine", "quality", "register"}


@pytest.mark.skipif("BUNDLE_SCHEMA" not in os.environ, reason="BUNDLE_SCHEMA is not set")
def test_the_bundle_fits_its_schema(bundle: dict[str, Any]) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(Path(os.environ["BUNDLE_SCHEMA"]).read_text())
    # The schema has regular expressions of Go, so it is not checked itself.
    validator = jsonschema.Draft7Validator(schema)
    assert [it.message for it in validator.iter_errors(bundle)] == []
    wrong = json.loads(json.dumps(bundle))
    wrong["resources"]["jobs"]["refine"]["no_such_key"] = 1
    assert list(validator.iter_errors(wrong))


def test_the_landing_check_requires_bronze(tmp_path: Path) -> None:
    words = [sys.executable, FOLDER / "src/check.py", "--lake", tmp_path]
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 1
    assert "has no bronze table: land dumps with `cockpit ingest` first" in done.stdout
