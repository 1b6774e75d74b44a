"""The Grafana dashboards of docs/connect/grafana: the statement of each panel over the PostgreSQL protocol.

Promise: statements with Grafana's macros and variables expanded as its PostgreSQL data source expands them give rows
of the columns and types that a panel of their kind needs; the OEE of the dashboard is that of the KPI. Panels do not
overlap and refer to the provisioned data source. Grafana itself does not run here.

    python grafana_case.py --cockpit BIN
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import urllib.request
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

import doors
from bench_latency import free_port
from checks import Report
from damage_state import LIMIT_S, NAME, Service
from program import REPOSITORY

GRAFANA = REPOSITORY / "docs" / "connect" / "grafana"
DAYS = 4
COLUMNS = 24
"""The width of a dashboard."""
TIMES = (1114, 1184)
"""The types timestamp and timestamptz."""
SENSORS = 3
MINUTES = 90

Panel = dict[str, Any]


class Grafana:
    """The PostgreSQL data source of Grafana."""

    def __init__(self, port: int, secret: str, now: datetime) -> None:
        self.address = f"host=127.0.0.1 port={port} dbname=lake user={NAME} password={secret}"
        self.span = (now - timedelta(days=DAYS + 2), now + timedelta(days=1))
        self.values: dict[str, list[str]] = {}

    def expanded(self, sql: str) -> str:
        """The statement that Grafana sends."""
        since, until = (at.strftime("%Y-%m-%dT%H:%M:%SZ") for at in self.span)
        sql = re.sub(r"\$__timeFilter\(([^)]+)\)", rf"\1 BETWEEN '{since}' AND '{until}'", sql)
        for name, values in self.values.items():
            quoted = ",".join("'" + value.replace("'", "''") + "'" for value in values)
            sql = sql.replace(f"${{{name}:sqlstring}}", quoted)
        if "$" in sql:
            raise ValueError(f"a macro or variable is not expanded: {sql}")
        return sql

    def rows(self, sql: str) -> tuple[list[tuple[str, int]], list[tuple[Any, ...]]]:
        """Names and types of the columns, and the rows."""
        with psycopg.connect(self.address, autocommit=True) as connection:
            found = connection.execute(self.expanded(sql))
            columns = [(it.name, it.type_code) for it in found.description or ()]
            return columns, found.fetchall()


def add_temperatures(lake: Path, now: datetime) -> None:
    """Readings of some sensors, which the simulated dumps do not contain."""
    begin = now.replace(second=0, microsecond=0) - timedelta(minutes=MINUTES)
    for name in ("temperature_minute", "temperature_hour", "temperature_over_limit"):
        table = DeltaTable(str(lake / "gold" / name))
        schema = pa.schema(table.schema().to_arrow())
        rows = [reading(schema, begin, minute, sensor) for minute in range(MINUTES) for sensor in range(SENSORS)]
        write_deltalake(table, pa.Table.from_pylist(rows, schema=schema), mode="append")


def reading(schema: pa.Schema, begin: datetime, minute: int, sensor: int) -> dict[str, Any]:
    at = begin + timedelta(minutes=minute)
    temp_c = 40.0 + sensor * 10 + minute % 7
    values: dict[str, Any] = {
        "sensor": f"Plant1.{sensor}.oven.maker",
        "plant": "Plant1",
        "lane": str(sensor),
        "component": "oven",
        "manufacturer": "maker",
        "minute_at": at,
        "hour_at": at.replace(minute=0),
        "readings": 60,
        "readings_over_limit": 4,
        "seconds_over_limit": 4,
        "temp_c_sum": Decimal(str(temp_c * 60)),
        "temp_c_sum_squares": Decimal(str(temp_c * temp_c * 60)),
    }
    return {name: values.get(name, temp_c) for name in schema.names}


def check_layout(board: Panel, report: Report) -> None:
    title = board["title"]
    ids = [panel["id"] for panel in board["panels"]]
    report.equal(f"{title}: ids", len(set(ids)), len(ids))
    cells: list[tuple[int, int]] = []
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells += [(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])]
    report.check(f"{title}: no panel overlaps", len(set(cells)) == len(cells) and max(cells)[0] < COLUMNS)
    text = json.dumps(board)
    sources = set(re.findall(r'"uid": "([^"]+)"', text)) - {board["uid"]}
    provisioned = (GRAFANA / "provisioning" / "datasources" / "plant-cockpit.yaml").read_text()
    report.check(f"{title}: the provisioned source", sources == {"plant-cockpit"} and "uid: plant-cockpit" in provisioned)


def check_panel(grafana: Grafana, title: str, panel: Panel, report: Report) -> Any:
    """The first value of a panel."""
    name = f"{title}: {panel['title']}"
    first = None
    for target in panel["targets"]:
        columns, rows = grafana.rows(target["rawSql"])
        report.check(f"{name}: {len(rows)} rows", bool(rows), grafana.expanded(target["rawSql"]))
        names = [column for column, _ in columns]
        if target["format"] == "time_series":
            report.check(f"{name}: has times", columns[0][0] == "time" and columns[0][1] in TIMES, str(columns))
            times = [row[0] for row in rows]
            report.check(f"{name}: in order", times == sorted(times))
        numbers = [v for row in rows for v in row if isinstance(v, int | float | Decimal) and not isinstance(v, bool)]
        report.check(f"{name}: has numbers", bool(numbers), str(rows[:3]))
        if panel["type"] == "stat":
            report.equal(f"{name}: one value", (len(rows), len(names)), (1, 1))
            first = rows[0][0]
        if panel["type"] == "barchart":
            report.check(f"{name}: its axis", panel["options"]["xField"] in names)
    return first


def check_oee(service: Service, secret: str, grafana: Grafana, value: Any, report: Report) -> None:
    """The OEE of the panel, and that of the KPI over the same days."""
    since, until = (at.date().isoformat() for at in grafana.span)
    path = f"/api/v1/kpis?level=plant&granularity=range&kpi=oee&from={since}&to={until}"
    request = urllib.request.Request(f"http://127.0.0.1:{service.port}{path}", headers={"Authorization": f"Bearer {secret}"})
    with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:
        rows = json.loads(answer.read())["rows"]
    want = rows[0]["kpis"]["oee"]["value"]
    report.check("OEE of the panel and of the KPI", abs(float(value) - want) < 1e-9, f"{value} {want}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cockpit", type=Path, required=True)
    program = parser.parse_args().cockpit.resolve()
    report = Report()
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="grafana-case-") as name:
        folder = Path(name)
        plant, lake = doors.fill(program, folder, DAYS)
        add_temperatures(lake, now)
        (folder / "world").mkdir()
        world, port = doors.open_world(program, folder / "world", lake, plant), free_port()
        world.settings["COCKPIT_POSTGRES_LISTEN"] = f"127.0.0.1:{port}"
        service = world.start()
        try:
            secret = doors.token(service, service.login().cookie, ["run_sql", "download", "read_tables"])
            grafana = Grafana(port, secret, now)
            for file in sorted((GRAFANA / "dashboards").glob("*.json")):
                board = json.loads(file.read_text())
                check_layout(board, report)
                for variable in board["templating"]["list"]:
                    _, rows = grafana.rows(variable["query"])
                    grafana.values[variable["name"]] = [row[0] for row in rows]
                    report.check(f"{file.name}: values of {variable['name']}", bool(rows))
                values = [check_panel(grafana, board["title"], panel, report) for panel in board["panels"]]
                if file.stem == "production":
                    check_oee(service, secret, grafana, values[0], report)
        finally:
            service.stop()
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
