"""Which dumps of a bronze table count, and which supersede which.

The rules are those of the program: dumps are ordered by the time in their name (none is oldest), then by their last
change, then by landing. A rewritten file can remove the records of its older versions. A file whose beginning is a
known dump continues it: that dump no longer counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .._native import Contract

#: The key of a file and the number of its version.
VersionId = tuple[str, int]


@dataclass(frozen=True)
class Version:
    """A dump: one version of a file."""

    file: str
    number: int
    #: The version whose bytes are the beginning of this one.
    continues: int | None
    #: Times in microseconds since 1970 UTC: in the name, of the last change, of landing.
    dumped_us: int | None
    modified_us: int
    ingested_us: int
    rows: int
    #: Rows that are not rejected.
    good: int

    @property
    def id(self) -> VersionId:
        return (self.file, self.number)

    @property
    def order(self) -> tuple[bool, int, int, int]:
        """Its position among dumps; a greater one is newer."""
        return (self.dumped_us is not None, self.dumped_us or 0, self.modified_us, self.ingested_us)


@dataclass(frozen=True)
class Counting:
    """The dumps that count: the rank of each (0 is newest), and those that others continue."""

    ranks: dict[VersionId, int]
    continued: set[VersionId]


def choose(contract: Contract, versions: Iterable[Version]) -> Counting:
    """The dumps whose records count."""
    ordered = sorted(versions, key=lambda it: (it.order, it.file, it.number), reverse=True)
    continued = {(it.file, it.continues) for it in ordered if it.continues is not None}
    if contract.supersede == "dump":
        counting = _newest_dump(contract, ordered, continued)
    else:
        counting = _not_removed(contract, ordered, continued)
    ranks = {it.id: rank for rank, it in enumerate(ordered) if it.id in counting}
    return Counting(ranks, continued)


def _not_removed(contract: Contract, ordered: list[Version], continued: set[VersionId]) -> set[VersionId]:
    """The versions that no newer version of their file removes. One without a good record removes nothing."""
    idle: set[VersionId] = set()
    while True:
        counts_from: dict[str, int] = {}
        for it in ordered:
            removes = it.number > 1 and it.id not in idle and contract.removes_records(it.dumped_us is not None)
            if removes:
                counts_from[it.file] = max(counts_from.get(it.file, 0), it.number)
        counting = {it.id for it in ordered if it.number >= counts_from.get(it.file, 0) and it.id not in continued}
        good = {it.id for it in ordered if it.good > 0 and it.id in counting}
        found = {(file, number) for file, number in counts_from.items() if (file, number) not in good}
        if found <= idle:
            return counting
        idle |= found


def _newest_dump(contract: Contract, ordered: list[Version], continued: set[VersionId]) -> set[VersionId]:
    """The newest good version of each part of the newest dump that has one."""
    dumps: dict[tuple[int, str, int], dict[str, list[Version]]] = {}
    for it in ordered:
        parts = dumps.setdefault(contract.dump_id(it.file, it.dumped_us), {})
        parts.setdefault(it.file, []).append(it)

    def newest(dump: tuple[int, str, int]) -> tuple[tuple[bool, int, int, int], tuple[int, str, int]]:
        parts = dumps[dump].values()
        return (max(max(versions, key=lambda it: it.number).order for versions in parts), dump)

    for dump in sorted(dumps, key=newest, reverse=True):
        counting: set[VersionId] = set()
        for versions in dumps[dump].values():
            good = [it for it in versions if it.good > 0 and it.id not in continued]
            if good:
                counting.add(max(good, key=lambda it: it.number).id)
        if counting:
            return counting
    return set()
