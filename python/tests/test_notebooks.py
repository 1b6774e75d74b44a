"""The notebooks, executed on a lake: `LAKE`, with `PLANT` and `JARS` if they are set."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
TIMEOUT_S = 300


@pytest.mark.skipif("LAKE" not in os.environ, reason="LAKE is not set")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda it: it.stem)
def test_a_notebook_runs(path: Path) -> None:
    if path.stem.endswith("_spark") and "JARS" not in os.environ:
        pytest.skip("JARS is not set")
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    nbclient.NotebookClient(nbformat.read(path, as_version=4), timeout=TIMEOUT_S, kernel_name="python3").execute()
