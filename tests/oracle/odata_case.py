"""Every table of gold by OData, read as Power Query does, and by other clients of OData.

Promise: a feed that is followed from page to page has the rows and the sums of the table's files; filters and
aggregates equal those of pyarrow; python-odata reads every set; the generator of the SAP Cloud SDK and odata-openapi
accept `$metadata`. A user with a role in one line gets the rows of this line only. A feed whose table changes meanwhile has the rows of its first page's version, and is refused with
410 once the files of that version are deleted.

    python odata_case.py --cockpit BIN
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ET
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import requests
from deltalake import DeltaTable, write_deltalake
from odata import ODataService

import doors
import lake as lakes
from checks import Report
from damage_state import LIMIT_S, Service

POWER_QUERY = {
    "User-Agent": "Microsoft.Data.Mashup (https://go.microsoft.com/fwlink/?LinkID=304225)",
    "MaxDataServiceVersion": "3.0",
    "OData-MaxVersion": "4.0",
    "Accept": "application/json;odata.metadata=minimal;q=1.0,application/json;odata=minimalmetadata;q=0.9,"
    "application/atomsvc+xml;q=0.8,application/atom+xml;q=0.8,application/xml;q=0.7,text/plain;q=0.7",
    "Accept-Encoding": "gzip, deflate",
}
EDM = "{http://docs.oasis-open.org/odata/ns/edm}"
PACKAGES = ("odata-openapi@0.29.0", "@sap-cloud-sdk/generator@4.5.1", "@sap-cloud-sdk/odata-v4@4.5.1")
DAYS = 4
PAGES = 4
NPM_S = 300

Row = dict[str, Any]


class Feed:
    """The service as Power Query reads it."""

    def __init__(self, service: Service, secret: str) -> None:
        self.base = f"http://127.0.0.1:{service.port}/odata/v4/"
        self.headers = POWER_QUERY | {"Authorization": doors.basic(secret)}

    def get(self, address: str, headers: dict[str, str] | None = None) -> tuple[bytes, Any]:
        url = urllib.parse.urljoin(self.base, address)
        request = urllib.request.Request(url, headers=self.headers | (headers or {}))
        with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:
            if answer.headers.get_all("OData-Version") != ["4.0"]:
                raise RuntimeError(f"{url}: {answer.headers}")
            body = answer.read()
            packed = answer.headers["Content-Encoding"] == "gzip"
            return (gzip.decompress(body) if packed else body), answer.headers

    def json(self, address: str, headers: dict[str, str] | None = None) -> Row:
        return json.loads(self.get(address, headers)[0], parse_float=Decimal)

    def rows(self, address: str, page_rows: int) -> tuple[list[Row], int]:
        """The rows of all pages, and the number of pages."""
        prefer = {"Prefer": f"odata.maxpagesize={page_rows}"}
        rows: list[Row] = []
        pages = 0
        while address:
            page = self.json(address, prefer)
            rows += page["value"]
            pages += 1
            address = page.get("@odata.nextLink", "")
        return rows, pages

    def status(self, address: str) -> int:
        try:
            self.get(address)
        except urllib.error.HTTPError as refused:
            return refused.code
        return 200


def sums(rows: list[Row], columns: list[str]) -> doors.Sums:
    def total(column: str) -> Decimal:
        values = [row[column] for row in rows]
        return doors.rounded(sum(Decimal(v) for v in values if v is not None and v != "NaN"))

    return {"rows": len(rows)} | {column: total(column) for column in columns}


def set_of(table: str) -> str:
    return table.replace(".", "_")


def check_tables(feed: Feed, lake: str, tables: list[str], report: Report) -> None:
    for table in tables:
        want = doors.expected(lake, table)
        rows, pages = feed.rows(set_of(table), max(1, want["rows"] // PAGES))
        have = sums(rows, [column for column in want if column != "rows"])
        report.check(f"{table}: {want['rows']} rows", doors.is_near(have, want), f"{have}\n{want}")
        report.check(f"{table}: {pages} pages", pages >= min(want["rows"], PAGES))
        count = int(feed.get(f"{set_of(table)}/$count")[0])
        report.equal(f"{table}: $count", count, want["rows"])


def check_questions(feed: Feed, lake: str, report: Report) -> None:
    """Filters and aggregates of one table against pyarrow."""
    data = lakes.read(lake, "gold.production_daily")
    stations = pc.unique(data["station"]).to_pylist()
    station = next(value for value in stations if value is not None)
    quoted = urllib.parse.quote(f"station eq '{station}' and actual gt 0")
    of = pc.and_(pc.equal(data["station"], station), pc.greater(data["actual"], 0))
    want = data.filter(of).num_rows
    report.equal("a filter", int(feed.get(f"gold_production_daily/$count?$filter={quoted}")[0]), want)
    steps = urllib.parse.quote("groupby((item),aggregate(actual with sum as boards,$count as n))")
    rows, _ = feed.rows(f"gold_production_daily?$apply={steps}", 7)
    grouped = data.group_by("item").aggregate([("actual", "sum"), ([], "count_all")]).to_pylist()
    expected = {row["item"]: (row["actual_sum"], row["count_all"]) for row in grouped}
    report.equal("groups", {row["item"]: (row["boards"], row["n"]) for row in rows}, expected)
    query = "gold_production_daily?$select=item&$orderby=actual%20desc,item&$top=3&$count=true"
    page = feed.json(query)
    report.equal("a page with its count", (len(page["value"]), page["@odata.count"]), (3, data.num_rows))


def check_model(feed: Feed, lake: str, tables: list[str], report: Report) -> None:
    root = ET.fromstring(feed.get("$metadata", {"Accept": "application/json"})[0])
    types = {it.get("Name"): it for it in root.iter(f"{EDM}EntityType")}
    report.equal("the model has every table", [t for t in tables if set_of(t) not in types], [])
    keyless = [name for name, it in types.items() if it.find(f"{EDM}Key") is None]
    print(f"sets without a key: {', '.join(keyless) or 'none'}")
    for table in tables:
        names = [it.get("Name") for it in types[set_of(table)].iter(f"{EDM}Property")]
        fields = [field.name for field in lakes.open_table(lake, table).schema().fields]
        report.equal(f"{table}: properties", names, fields)


def check_python_odata(service: Service, secret: str, lake: str, tables: list[str], report: Report) -> None:
    session = requests.Session()
    session.auth = ("excel", secret)
    base = f"http://127.0.0.1:{service.port}/odata/v4/"
    model = ODataService(base, session=session, reflect_entities=True, quiet_progress=True)
    for table in tables:
        want = doors.expected(lake, table)
        columns = [column for column in want if column != "rows"]
        found = list(model.query(model.entities[set_of(table)]).all())
        rows = [{column: getattr(entity, column) for column in columns} for entity in found]
        have = sums([{c: v if v is None else str(v) for c, v in row.items()} for row in rows], columns)
        report.check(f"python-odata: {table}", doors.is_near(have, want), f"{have}\n{want}")


def check_scope(service: Service, lake: str, tables: list[str], report: Report) -> None:
    """A user whose role is limited to a line."""
    cookie = service.login(name=doors.VIEWER, password=doors.PASSWORD).cookie
    feed = Feed(service, doors.token(service, cookie, ["read_tables"], doors.SCOPE))
    listed = {entry["name"] for entry in feed.json("")["value"]}
    modelled = ET.fromstring(feed.get("$metadata")[0]).iter(f"{EDM}EntitySet")
    report.equal("the model of a line has the listed sets", {it.get("Name") for it in modelled}, listed)
    for table in tables:
        data = lakes.read(lake, table)
        rows = doors.of_line(data)
        if set_of(table) not in listed:
            report.check(f"{table}: is not of a line", rows is None or not data.num_rows)
            report.equal(f"{table}: is refused", feed.status(f"{set_of(table)}?$top=1"), 403)
            report.equal(f"{table}: $count is refused", feed.status(f"{set_of(table)}/$count"), 403)
            continue
        columns = doors.numeric_columns(lake, table)
        want = doors.sums_of(data.slice(0, 0) if rows is None else rows, columns)
        found, _ = feed.rows(set_of(table), max(1, want["rows"] // PAGES))
        have = sums(found, columns)
        report.check(f"{table}: {want['rows']} rows of the line", doors.is_near(have, want), f"{have}\n{want}")
        count = int(feed.get(f"{set_of(table)}/$count")[0])
        report.equal(f"{table}: $count of the line", count, want["rows"])
    check_evasions(feed, report)


def check_evasions(feed: Feed, report: Report) -> None:
    """Options that name rows of another line return none of them."""
    other = urllib.parse.quote("unit eq 'TS-0001' or true")
    rows, _ = feed.rows(f"gold_oee_shift?$filter={other}", 20)
    report.equal("$filter on another line", {row["unit"] for row in rows}, set(doors.UNITS))
    steps = urllib.parse.quote("groupby((unit),aggregate($count as n))")
    rows, _ = feed.rows(f"gold_oee_shift?$apply={steps}", 20)
    report.equal("$apply over other lines", {row["unit"] for row in rows}, set(doors.UNITS))
    report.equal("a hidden set", feed.status("silver_item?$apply=aggregate($count%20as%20n)"), 403)


def check_generators(feed: Feed, folder: Path, sets: list[str], report: Report) -> None:
    """Tools from npm that read the model of the sets."""
    if not shutil.which("npm"):
        print("skipped: npm is not installed")
        return
    folder.mkdir()
    (folder / "model").mkdir()
    (folder / "model" / "cockpit.edmx").write_bytes(feed.get("$metadata")[0])
    run = {"cwd": folder, "capture_output": True, "text": True, "timeout": NPM_S, "check": False}
    npm = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"]
    done = subprocess.run([*npm, *PACKAGES], **run)
    if not report.equal("npm", done.returncode, 0):
        print(done.stderr[-2000:])
        return
    words = ["npx", "--no-install", "odata-openapi3", "model/cockpit.edmx"]
    done = subprocess.run(words, **run)
    report.check("odata-openapi", done.returncode == 0, done.stderr[-2000:] + done.stdout[-2000:])
    # In TypeScript `_modified_at` and `modified_at` have the same name: the option lets the generator number them.
    options = ["--input", "model", "--outputDir", "client", "--skipValidation"]
    words = ["npx", "--no-install", "generate-odata-client", *options]
    done = subprocess.run(words, **run)
    report.check("SAP Cloud SDK", done.returncode == 0, done.stderr[-2000:] + done.stdout[-2000:])
    made = {path.stem.replace("_", "").lower() for path in (folder / "client").rglob("*.ts")}
    absent = [name for name in sets if name.replace("_", "").lower() not in made]
    report.check("SAP Cloud SDK makes a class for each set", not absent, f"{absent} of {sorted(made)}")


def check_versions(feed: Feed, lake: Path, report: Report) -> None:
    """A table that changes between two pages."""
    path = str(lake / "gold" / "production_daily")
    before = DeltaTable(path).to_pyarrow_table()
    prefer = {"Prefer": f"odata.maxpagesize={before.num_rows // 2 + 1}"}
    first = feed.json("gold_production_daily", prefer)
    write_deltalake(path, before.slice(0, 5), mode="overwrite")
    second = feed.json(first["@odata.nextLink"], prefer)
    have = len(first["value"]) + len(second["value"])
    report.equal("pages are of one version", have, before.num_rows)
    report.equal("a new feed has the new version", len(feed.json("gold_production_daily")["value"]), 5)
    DeltaTable(path).vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    report.equal("a deleted version", feed.status(first["@odata.nextLink"]), 410)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cockpit", type=Path, required=True)
    program = parser.parse_args().cockpit.resolve()
    report = Report()
    with tempfile.TemporaryDirectory(prefix="odata-case-") as name:
        folder = Path(name)
        plant, filled = doors.fill(program, folder, DAYS)
        (folder / "world").mkdir()
        service = doors.open_world(program, folder / "world", filled, plant).start()
        try:
            secret = doors.token(service, service.login().cookie, ["read_tables"])
            feed, lake = Feed(service, secret), str(filled)
            tables = lakes.tables(lake, ("gold",))
            check_model(feed, lake, tables, report)
            check_tables(feed, lake, tables, report)
            check_questions(feed, lake, report)
            check_scope(service, lake, tables, report)
            check_python_odata(service, secret, lake, tables, report)
            check_generators(feed, folder / "npm", [set_of(table) for table in tables], report)
            check_versions(feed, filled, report)
        finally:
            service.stop()
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
