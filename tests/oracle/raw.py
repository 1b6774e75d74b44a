"""Reads the plant's raw dumps into DuckDB, every field as text, every record once.

In: a folder laid out like the plant's bucket. Out: one table `raw.<dump>` per source with the
columns of the dump, plus `file` (path below the bucket), `dumped_at` (when the dump was made) and
`record` (number of the record within its file, from 1).

Promise: nothing here knows the program's contracts; the columns are those the plant's people named.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

DATE_FOLDER = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})")

PLANS = (
    "ID ItemNo Date Shift Station Hour Quantity LineLeader Bay DivisionId CreationDateTime "
    "BreakTime WorkOrderId Company Division"
).split()
WORKORDERS = (
    "Id ItemId LineNo Description Quantity Started StartDate EndDate EcnNo EcnQunatity EcnStatus "
    "ProductRevision PlannedStartDate PlannedEndDate Isblocked BlockedDate BlockedBy "
    "BatchProceedStatus WorkOrderClosureStatus ShortClosedQuantity CreationDate DysonPONumber "
    "CustomerSKUNumber RoutingVersionId RoutingHeaderId ERPClosureStatus FeederReloadLockRequired "
    "MSDLockRequired UnitPrice AllowCustomerRefNoRepetition Company Division"
).split()
RESULTS = (
    "Id Status BoardId BatchId WorkOrderId RoutingStageId RoutingStageName Operator Deviation "
    "InspectionDate LastModifiedDate ReInspectionNeeded PreviouslySannedBoards RoutingStatus "
    "CavityID SubWorkCenter StationCode StationName TrayId AssetSubNodeId CollectionId Company "
    "Division"
).split()
WAREHOUSE = [
    name.strip()
    for name in (
        "Entry No_, Journal Batch Name, Line No_, Registering Date, Location Code, Zone Code, "
        "Bin Code, Description, Item No_, Quantity, Qty_ (Base), Source Type, Source Subtype, "
        "Source No_, Source Line No_, Source Subline No_, Source Document, Source Code, "
        "Reason Code, No_ Series, Bin Type Code, Cubage, Weight, Journal Template Name, "
        "Whse_ Document No_, Whse_ Document Type, Whse_ Document Line No_, Entry Type, "
        "Reference Document, Reference No_, User ID, Variant Code, Qty_ per Unit of Measure, "
        "Unit of Measure Code, Serial No_, Lot No_, Warranty Date, Expiration Date, "
        "Phys Invt Counting Period Code, Phys Invt Counting Period Type, Dedicated"
    ).split(",")
]
PRODUCTION = [
    name.strip()
    for name in (
        "Production BOM No_, Version Code, Line No_, Type, Description, No_, "
        "Unit of Measure Code, Quantity, Position, Position 2, Position 3, Lead-Time Offset, "
        "Routing Link Code, Scrap _, Variant Code, Starting Date, Ending Date, Length, Width, "
        "Weight, Depth, Calculation Formula, Quantity per, Principal Input, Company, Division"
    ).split(",")
]
ITEM = [
    name.strip()
    for name in (
        "No_, No_ 2, Description, Search Description, Description 2, Base Unit of Measure, "
        "Price Unit Conversion, Type, Inventory Posting Group, Shelf No_, Item Disc_ Group, "
        "Allow Invoice Disc_, Statistics Group, Commission Group, Unit Price, "
        "Price_Profit Calculation, Profit _, Costing Method, Unit Cost, Standard Cost, "
        "Quoted Price(INR), Quoted Price(FCY), Quoted Currency, Standard Cost_, Production BOM No_"
    ).split(",")
]
ITEMS = (
    "ItemId Description Modality Revision BaseUOM Batch_Management Stamp SerialNumber_Profile "
    "ShelfLife ShelfLife_Date MSD Item_Category MSLDetails"
).split()


@dataclass(frozen=True)
class Dump:
    """One source: where its files lie below the bucket and how they are laid out."""

    table: str
    folder: str
    file: str
    columns: list[str]
    delimiter: str = ""
    quote: str = ""
    header: bool = False
    records: int = 0
    """Records of the plant's public dump."""


DUMPS = [
    Dump(
        "plans_shift_wise",
        "OperationsManagement/PlansShiftWise",
        "PlansShiftWise.csv",
        PLANS,
        "|",
        "",
        True,
        2_369,
    ),
    Dump(
        "workorders",
        "OperationsManagement/Workorders",
        "Workorders.csv",
        WORKORDERS,
        "\t",
        "",
        False,
        432,
    ),
    Dump(
        "results", "OperationsManagement/Results", "Results.csv", RESULTS, ",", '"', False, 77_142
    ),
    Dump(
        "routing_stages",
        "OperationsManagement/RoutingStages",
        "RoutingStages.parquet",
        [],
        records=77_142,
    ),
    Dump("items", "OperationsManagement/Items", "Items.txt", ITEMS, records=100),
    Dump(
        "warehouse", "SCSupplyChain/warehouse", "warehouse.csv", WAREHOUSE, ",", '"', False, 12_000
    ),
    Dump("item", "SCSupplyChain/item", "item.parquet", ITEM, records=12_000),
    Dump(
        "production",
        "SCSupplyChain/production",
        "production.txt",
        PRODUCTION,
        "\t",
        '"',
        True,
        12_000,
    ),
]


@dataclass(frozen=True)
class File:
    """One dump file of the bucket."""

    dump: Dump
    path: Path
    name: str
    """Path below the bucket."""
    dumped_at: datetime

    def sha256(self) -> str:
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def files(bucket: Path) -> list[File]:
    """The dump files of a bucket: the plain one and those in dated folders, per source."""
    found = []
    for dump in DUMPS:
        folder = bucket / "data" / dump.folder
        for path in [folder / dump.file, *sorted(folder.glob(f"*/{dump.file}"))]:
            if path.is_file():
                found.append(File(dump, path, str(path.relative_to(bucket)), _dumped_at(path)))
    return found


def load(con: duckdb.DuckDBPyConnection, bucket: Path) -> None:
    """Fills schema `raw` from a bucket; a source without a file gives an empty table."""
    con.execute("CREATE SCHEMA raw")
    found = files(bucket)
    for dump in DUMPS:
        parts = [_select(con, file) for file in found if file.dump == dump]
        if not parts:
            raise FileNotFoundError(f"{bucket} holds no {dump.file}")
        con.execute(f"CREATE TABLE raw.{dump.table} AS {' UNION ALL BY NAME '.join(parts)}")


def _dumped_at(path: Path) -> datetime:
    """The day in the folder's name if there is one, else when the file was last modified."""
    named = DATE_FOLDER.fullmatch(path.parent.name)
    if named:
        return datetime(int(named[1]), int(named[2]), int(named[3]))
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None)


def _select(con: duckdb.DuckDBPyConnection, file: File) -> str:
    about = (
        f"{_text(file.name)} AS file, TIMESTAMP '{file.dumped_at}' AS dumped_at, "
        "row_number() OVER () AS record"
    )
    if file.path.suffix == ".parquet":
        return (
            f"SELECT {_parquet_columns(con, file)}, {about} FROM read_parquet({_text(file.path)})"
        )
    if file.dump.table == "items":
        view = f"items_{abs(hash(file.name))}"
        rows = [item_fields(line) for line in file.path.read_text().splitlines() if line]
        con.execute(f"CREATE TEMP TABLE {view} ({', '.join(f'{_name(c)} VARCHAR' for c in ITEMS)})")
        con.executemany(f"INSERT INTO {view} VALUES ({', '.join('?' * len(ITEMS))})", rows)
        return f"SELECT *, {about} FROM {view}"
    columns = ", ".join(f"{_text(c)}: 'VARCHAR'" for c in file.dump.columns)
    return (
        f"SELECT *, {about} FROM read_csv({_text(file.path)}, delim={_text(file.dump.delimiter)}, "
        f"quote={_text(file.dump.quote)}, escape={_text(file.dump.quote)}, "
        f"header={file.dump.header}, columns={{{columns}}}, auto_detect=false, nullstr='\\0')"
    )


def _parquet_columns(con: duckdb.DuckDBPyConnection, file: File) -> str:
    """Parquet columns as text, renamed by position where the dump does not name them itself."""
    stored = [
        row[0] for row in con.sql(f"DESCRIBE FROM read_parquet({_text(file.path)})").fetchall()
    ]
    names = file.dump.columns or stored
    return ", ".join(
        f"CAST({_name(s)} AS VARCHAR) AS {_name(n)}" for s, n in zip(stored, names, strict=True)
    )


def item_fields(line: str) -> list[str]:
    """Cuts one line of the item register at its fixed tokens, walking from left to right."""
    rest = line[4:]  # C and three digits
    fields = []
    for token in ["UU-", "nxklh2022"]:
        field, rest = rest.split(token, 1)
        fields.append(field)
    modality, rest = rest.split("-", 1)
    fields.append(modality)
    rest = rest[len("abc0.1") :]
    for token in ["\\R$$", "plantxi12"]:
        field, rest = rest.split(token, 1)
        fields.append(field)
    batch_management, stamp, rest = _around_stamp(rest)
    fields += [batch_management, stamp]
    for token in ["k8", "bHM", "--", "P011", "MD"]:
        field, rest = rest.split(token, 1)
        fields.append(field)
    return [*fields, rest]


def _around_stamp(text: str) -> tuple[str, str, str]:
    """Text before, in and after the only run of digits and separators that ends in seconds."""
    start = next(i for i, c in enumerate(text) if c.isdigit())
    day, rest = text[start:].split(" ", 1)
    stamp = f"{day} {rest[:8]}"
    return text[:start], stamp, rest[8:]


def _text(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def _name(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'
