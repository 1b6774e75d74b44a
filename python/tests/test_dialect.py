"""The statements of a plant in Spark's SQL."""

from __future__ import annotations

import plant_cockpit
import pytest
from plant_cockpit.spark import find_differences, translate


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT a FROM t ORDER BY a", "SELECT a FROM t ORDER BY a NULLS LAST"),
        ("SELECT a FROM t ORDER BY a DESC, b", "SELECT a FROM t ORDER BY a DESC NULLS FIRST, b NULLS LAST"),
        ("sum(x) OVER (ORDER BY f(a, b) ROWS 1 PRECEDING)", "sum(x) OVER (ORDER BY f(a, b) NULLS LAST ROWS 1 PRECEDING)"),
        ("ORDER BY a NULLS FIRST", "ORDER BY a NULLS FIRST"),
        ("CASE WHEN a THEN 1 ELSE 0 END", "CASE WHEN a THEN CAST(1 AS BIGINT) ELSE CAST(0 AS BIGINT) END"),
        ("CASE WHEN a THEN 0.0 ELSE 1 - b END", "CASE WHEN a THEN 0.0 ELSE 1 - b END"),
        ("SELECT 1 AS n", "SELECT CAST(1 AS BIGINT) AS n"),
        ("CAST(1 AS INT)", "CAST(1 AS INT)"),
        ("SELECT 'THEN 1' FROM silver.item", "SELECT 'THEN 1' FROM silver_item AS item"),
        ("FROM silver.item AS i JOIN gold.oee o ON 1", "FROM silver_item AS i JOIN gold_oee o ON 1"),
        ("FROM silver.item WHERE a", "FROM silver_item AS item WHERE a"),
        ("extract(epoch FROM max(at)) - 1", "(unix_micros(max(at)) / 1000000.0D) - 1"),
        ("SELECT a -- why\nFROM silver.item", "SELECT a \nFROM silver_item AS item"),
    ],
)
def test_translate(sql: str, expected: str) -> None:
    assert translate(sql) == expected


def test_the_reference_plant_has_no_differences() -> None:
    models = plant_cockpit.load_plant().models.items()
    assert {name: find_differences(model.sql) for name, model in models if find_differences(model.sql)} == {}


def test_a_difference_has_its_line_and_remedy() -> None:
    (found,) = find_differences("-- text\nSELECT\n  date_bin(INTERVAL '5 minutes', at) FROM silver.x")
    assert (found.line, found.remedy) == (3, "use date_trunc")
