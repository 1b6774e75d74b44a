"""Dumps and lakes under names that disks and S3 allow and programs stumble over.

Promise: every key that a contract's path matches is read under the name it was listed with, on S3
and on a disk; a bucket and a lake work under any such prefix, named with a blank or with %20; foreign
readers open that lake; names that cannot be keys, and the markers of folders, cost no other dump,
and the odd ones are reported once.

    python names_case.py --cockpit BIN
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

import boto3

import lake as lakes
import s3
import small_plant
from checks import Report
from program import Cockpit
from small_plant import Column, Table

NAMES = [
    "plain.csv",
    "with blank.csv",
    "Müller.csv",
    "温度.csv",
    "a~1.csv",
    "b#2.csv",
    "c%41 100%.csv",
    "d[1].csv",
    "e^f|g.csv",
    "h+i&j=k;l,m.csv",
    "n'o\"p<q>.csv",
    "r?s.csv",
    "t\\u.csv",
    "é.csv",
    "x.csv#1",
    " y.csv ",
    "🏭.csv",
]
ODD = ["in//twice.csv", "in/../up.csv", "in/cr\r.csv"]
MARKERS = ["in/", "in/folder/"]
PREFIXES = ["my dumps", "Süd~1", "温度", "x [final]^|", "100%", "a#1/b?c"]
FOLDERS = ["Werk Süd", "data~1", "line#3", "100%", "x [final]", "a+b c", "a^b|c", "温度"]


def plant(folder: Path) -> Path:
    columns = (Column("id", 'type = "int", required = true'), Column("place"))
    names = Table("names", ("in/*",), columns)
    folders = [
        Table(f"folder_{at}", (f"{name}/x.csv",), columns) for at, name in enumerate(FOLDERS)
    ]
    return small_plant.write(folder, [names, *folders])


def content(at: int) -> bytes:
    return f"id,place\n{at},p{at}\n".encode()


def dumps() -> dict[str, bytes]:
    files = {f"in/{name}": content(at) for at, name in enumerate(NAMES)}
    return files | {f"{name}/x.csv": content(at) for at, name in enumerate(FOLDERS)}


def check_lake(cockpit: Cockpit, what: str, bucket: str, lake: str, report: Report) -> str:
    """Ingests, and asks whether each dump is there; gives what was printed."""
    done = cockpit.ingest(bucket, lake)
    said = done.stdout + done.stderr
    if not report.check(f"{what}: the ingest succeeds", done.returncode == 0, said[-1500:]):
        return said
    rows = cockpit.query("SELECT id FROM silver.names ORDER BY id", lake).column("id").to_pylist()
    missing = [name for at, name in enumerate(NAMES) if str(at) not in rows]
    report.equal(f"{what}: names that were not read", missing, [])
    files = cockpit.query("SELECT _file FROM silver.names ORDER BY id", lake)
    report.equal(
        f"{what}: files have their names",
        sorted(files.column("_file").to_pylist()),
        sorted(f"in/{name}" for name in NAMES),
    )
    for at, name in enumerate(FOLDERS):
        found = cockpit.query(f"SELECT id FROM silver.folder_{at}", lake).column("id").to_pylist()
        report.equal(f"{what}: the dump in {name}/", found, [str(at)])
    again = cockpit.ingest(bucket, lake)
    unchanged = f"{len(dumps())} unchanged"
    report.check(f"{what}: nothing is read twice", unchanged in again.stdout, again.stdout)
    return said


def on_disk(cockpit: Cockpit, work: Path, report: Report) -> None:
    for prefix in PREFIXES:
        bucket, lake = work / "disk" / prefix / "dumps", work / "disk" / prefix / "lake"
        for key, text in dumps().items():
            path = bucket / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text)
        odd = os.fsencode(bucket / "in") + b"/M\xfcller.csv"
        with open(odd, "wb") as file:
            file.write(content(99))
        (bucket / "in" / "cr\r.csv").write_bytes(content(98))
        said = check_lake(cockpit, f"disk, {prefix}", str(bucket), str(lake), report)
        report.equal(f"disk, {prefix}: the odd name is reported once", said.count("xfcller"), 1)
        rows = lakes.read(str(lake), "silver.names")
        report.equal(f"disk, {prefix}: deltalake reads the lake", rows.num_rows, len(NAMES))
        url = f"file://{quote(str(bucket))}"
        again = cockpit.ingest(url, f"file://{quote(str(lake))}")
        text = f"disk, {prefix}: its URL is the same place"
        report.check(text, f"{len(dumps())} unchanged" in again.stdout, again.stdout + again.stderr)


def on_s3(cockpit: Cockpit, report: Report) -> None:
    client = boto3.client("s3", region_name=os.environ["AWS_REGION"])
    client.create_bucket(Bucket="names")
    for prefix in PREFIXES:
        for key, text in dumps().items():
            client.put_object(Bucket="names", Key=f"{prefix}/dumps/{key}", Body=text)
        for key in MARKERS:
            client.put_object(Bucket="names", Key=f"{prefix}/dumps/{key}", Body=b"")
        for key in ODD:
            client.put_object(Bucket="names", Key=f"{prefix}/dumps/{key}", Body=content(97))
        place = f"s3://names/{quote(prefix)}"
        said = check_lake(cockpit, f"S3, {prefix}", f"{place}/dumps", f"{place}/lake", report)
        report.equal(f"S3, {prefix}: an odd name is reported once", said.count("in//twice.csv"), 1)
        rows = lakes.read(f"{place}/lake", "silver.names")
        report.equal(f"S3, {prefix}: deltalake reads the lake", rows.num_rows, len(NAMES))
        if "%" not in prefix:
            again = cockpit.ingest(f"s3://names/{prefix}/dumps", f"s3://names/{prefix}/lake")
            unchanged = f"{len(dumps())} unchanged" in again.stdout
            text = f"S3, {prefix}: the same place without percent signs"
            refuses = "?" in prefix and "query" in again.stderr
            report.check(text, unchanged or refuses, again.stdout + again.stderr)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cockpit", type=Path, required=True)
    args = parser.parse_args()
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        cockpit = Cockpit(args.cockpit.resolve(), plant(work / "plant"))
        on_disk(cockpit, work, report)
        with s3.server():
            on_s3(cockpit, report)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
