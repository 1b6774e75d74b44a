"""Commits and the lease on a folder."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import deltalake
import plant_cockpit
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from plant_cockpit._native import Store
from plant_cockpit.spark import CommitConflict, LeaseHeld, delta
from plant_cockpit.spark import lease as leases
from plant_cockpit.spark.delta import Change, DataFile, Definition, Lake
from plant_cockpit.spark.lease import Lease
from plant_cockpit.spark.register import statements
from plant_cockpit.spark.run import Run, explain
from plant_cockpit.spark.silver import check_version

FIELD = {"name": "a", "type": "long", "nullable": True, "metadata": {}}
SCHEMA = json.dumps({"type": "struct", "fields": [FIELD]})
DEAD = 2**22 + 1
"""A number that no process has."""


def write(lake: Path, name: str, values: list[int]) -> DataFile:
    path = lake / "silver/item" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"a": values}), path)
    return DataFile(name, path.stat().st_size, len(values))


def test_a_commit_has_rows_checkpoints_and_definition(tmp_path: Path) -> None:
    table = Lake(str(tmp_path)).table("silver.item")
    assert table.load() is None
    definition = Definition(SCHEMA, "Items.", "f1")
    change = Change([write(tmp_path, "one.parquet", [1, 2])], checkpoints={"bronze.items": 7}, definition=definition)
    assert table.commit(None, change, 1_000) == 0
    state = table.load()
    assert state is not None
    assert (state.version, state.fingerprint, state.checkpoint("bronze.items")) == (0, "f1", 7)
    assert (state.checkpoint("bronze.other"), state.columns()) == (None, {"a": "long"})
    second = Change([write(tmp_path, "two.parquet", [3])], state.files(), {"bronze.items": 8})
    assert table.commit(state, second, 2_000) == 1
    read = deltalake.DeltaTable(str(tmp_path / "silver/item"))
    assert read.to_pyarrow_table()["a"].to_pylist() == [3]
    assert read.transaction_version("bronze.items") == 8
    assert (read.protocol().min_reader_version, read.protocol().min_writer_version) == (1, 2)
    assert read.metadata().description == "Items."


def test_of_two_commits_of_one_version_one_fails(tmp_path: Path) -> None:
    table = Lake(str(tmp_path)).table("silver.item")
    definition = Definition(SCHEMA, "Items.", "f1")
    change = Change([write(tmp_path, "one.parquet", [1])], definition=definition)
    table.commit(None, change, 1_000)
    with pytest.raises(CommitConflict, match="version 0 of silver.item; nothing was changed"):
        table.commit(None, change, 1_000)


def test_tables_are_registered_where_they_exist(tmp_path: Path) -> None:
    table = Lake(str(tmp_path)).table("silver.item")
    table.commit(None, Change(definition=Definition(SCHEMA, "Items.", "f1")), 1_000)
    found = statements(plant_cockpit.load_plant(), str(tmp_path), "plant")
    created = [it for it in found if it.startswith("CREATE TABLE")]
    assert created == [
        f"CREATE TABLE IF NOT EXISTS `plant`.`silver`.`item` USING DELTA LOCATION 'file://{tmp_path}/silver/item'"
    ]


def test_only_one_process_holds_the_lease(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "WATCH_S", 0.05)
    store = Store(str(tmp_path))
    with Lease(store, "one", ttl_s=1) as lease:
        with pytest.raises(LeaseHeld, match=f"refined by process {os.getpid()} on"):
            Lease(store, "two", ttl_s=1)
        lease.check()
    assert store.list(leases.FOLDER) == []
    with Lease(store, "three", ttl_s=1):
        assert len(store.list(leases.FOLDER)) == 1


def test_the_lease_of_a_dead_process_is_taken_over(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    with Lease(store, "one") as lease:
        holder = lease._holder
    held = holder | {"pid": DEAD, "run": "dead"}
    assert store.create(f"{leases.FOLDER}/{5:020}.json", json.dumps(held).encode())
    with Lease(store, "two"):
        ((key, _),) = store.list(leases.FOLDER)
        assert key.endswith(f"{6:020}.json")


def wait_until_listening(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert time.monotonic() < deadline, "the server does not listen"
            time.sleep(0.05)


def test_a_lake_on_s3(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("moto.server")
    boto3 = pytest.importorskip("boto3")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    # A process of its own: deltalake may hold the lock of the interpreter while it waits for an answer.
    server = subprocess.Popen([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)])
    try:
        address = f"http://127.0.0.1:{port}"
        wait_until_listening(port)
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
        for name, value in keys.items() | {"AWS_ENDPOINT_URL": address}.items():
            monkeypatch.setenv(name, value)
        client = boto3.client("s3", endpoint_url=address, region_name="us-east-1")
        client.create_bucket(Bucket="plant")
        lake = Lake("s3://plant/lake")
        table, definition = lake.table("silver.item"), Definition(SCHEMA, "Items.", "f1")
        table.commit(None, Change(checkpoints={"bronze.items": 3}, definition=definition), 1_000)
        state = table.load()
        assert state is not None
        assert (state.version, state.checkpoint("bronze.items")) == (0, 3)
        assert table.spark_path == "s3a://plant/lake/silver/item"
        with pytest.raises(CommitConflict):
            table.commit(None, Change(definition=definition), 1_000)
        with Lease(lake.store, "one"):
            assert len(lake.store.list(leases.FOLDER)) == 1
    finally:
        server.kill()
        server.wait()


def test_the_error_of_a_worker_has_its_remedy() -> None:
    missing = explain(RuntimeError("Traceback …\nModuleNotFoundError: No module named 'plant_cockpit'\n"), "silver.item")
    assert "silver.item: a worker of Spark has no Python module `plant_cockpit`: install plant-cockpit" in str(missing)
    own = explain(RuntimeError("  raise …\nplant_cockpit._native.PlantError: too old\n at java"), "silver.item")
    assert str(own) == "silver.item: too old; the table is as it was"
    assert explain(RuntimeError("disk full"), "silver.item") is None


def test_a_worker_with_another_version_is_an_error() -> None:
    check_version(plant_cockpit.__version__)
    with pytest.raises(plant_cockpit.PlantError, match="on a worker, 0.0.0 on the driver: install one version on both"):
        check_version("0.0.0")


def test_a_file_is_created_once(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    assert (store.create("x/y", b"one"), store.create("x/y", b"two"), store.get("x/y")) == (True, False, b"one")
    assert (store.get("x/z"), store.list("x")) == (None, [("x/y", 3)])
    store.delete("x/y")
    store.delete("x/y")
    assert store.get("x/y") is None


def test_a_table_of_a_newer_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = Lake(str(tmp_path))
    table, definition = lake.table("silver.item"), Definition(SCHEMA, "Items.", "f1")
    run = Run.__new__(Run)
    run.lake = lake
    table.commit(None, Change([write(tmp_path, "one.parquet", [1])], definition=definition), 1_000)
    run.check_writer("silver.item")
    run.check_writer("silver.other")
    monkeypatch.setattr(delta, "__version__", "99.0.0")
    table.commit(table.load(), Change([write(tmp_path, "two.parquet", [2])]), 2_000)
    with pytest.raises(plant_cockpit.PlantError, match=r"written by version 99\.0\.0.*install plant-cockpit 99\.0\.0"):
        run.check_writer("silver.item")


def test_a_plant_that_is_edited_meanwhile_keeps_its_rules(tmp_path: Path) -> None:
    plant = tmp_path / "plant"
    shutil.copytree(Path(__file__).parents[2] / "plants/kerala", plant)
    loaded, today = plant_cockpit.load_plant(plant), date(2026, 3, 1)
    before = loaded.definition("silver.board_result", today)
    contract = plant / "bronze/results.toml"
    contract.write_text(re.sub(r"description = .*", 'description = "Edited."', contract.read_text(), count=1))
    model = plant / "silver/board_result.sql"
    model.write_text(model.read_text().replace("-- key: result_id", "-- key: board_id", 1))
    assert loaded.definition("silver.board_result", today) == before
    assert plant_cockpit.load_plant(plant).definition("silver.board_result", today) != before
