"""Which dumps count, on versions made up here."""

from __future__ import annotations

import plant_cockpit
import pytest
from plant_cockpit.spark.dumps import Version, choose


def version(number: int, *, file: str = "a", good: int = 1, continues: int | None = None, dated: int | None = None) -> Version:
    return Version(file, number, continues, dated, number, number, 1, good)


class Contract:
    """A contract with the three answers that the choice needs."""

    def __init__(self, supersede: str, removes: bool = False) -> None:
        self.supersede = supersede
        self._removes = removes

    def removes_records(self, is_dated: bool) -> bool:
        return self._removes

    def dump_id(self, file: str, dated_us: int | None) -> tuple[int, str, int]:
        return (0, file, 0)


def counting(contract: Contract, *versions: Version) -> list[tuple[str, int]]:
    chosen = choose(contract, versions)  # type: ignore[arg-type]
    return sorted(chosen.ranks, key=lambda it: chosen.ranks[it])


def test_all_versions_count_newest_first() -> None:
    found = counting(Contract("key"), version(1), version(2), version(1, file="b", dated=5))
    assert found == [("b", 1), ("a", 2), ("a", 1)]


def test_an_overwritten_file_removes_its_older_versions() -> None:
    assert counting(Contract("key", True), version(1), version(2), version(3)) == [("a", 3)]


def test_a_version_without_a_good_record_removes_nothing() -> None:
    assert counting(Contract("key", True), version(1), version(2), version(3, good=0)) == [("a", 3), ("a", 2)]


def test_a_continued_version_does_not_count() -> None:
    assert counting(Contract("key"), version(1), version(2, continues=1)) == [("a", 2)]


def test_the_newest_dump_with_a_good_record_counts_alone() -> None:
    dumps = [version(1, file="a", dated=1), version(1, file="b", dated=2), version(1, file="c", dated=3, good=0)]
    assert counting(Contract("dump"), *dumps) == [("b", 1)]


@pytest.mark.parametrize("table", ["item", "results"])
def test_contracts_state_how_dumps_supersede(table: str) -> None:
    contract = plant_cockpit.load_plant().contract(table)
    assert contract.supersede == {"item": "dump", "results": "key"}[table]
    assert contract.dump_id("x/y.csv", None) == contract.dump_id("x/y.csv", None)
