"""Messages of a file into bronze and silver, as one would write it with DuckDB.

Promise: keeps each line as it is, reads time by its four formats, leaves out what lacks a field or
repeats a reading, writes both as Parquet.

    python bench_stream_duckdb.py MESSAGES OUT
"""

from __future__ import annotations

import sys

import duckdb

AT = """CASE WHEN length(m.timestamp) = 14 THEN try_strptime(m.timestamp, '%Y%m%d%H%M%S')
        WHEN contains(m.timestamp, '-') THEN try_strptime(m.timestamp, '%Y-%m-%d %H:%M:%S')
        WHEN contains(m.timestamp, '/') THEN try_strptime(m.timestamp, '%Y/%m/%d %H:%M:%S')
        ELSE make_timestamp(try_cast(m.timestamp AS BIGINT) * 1000000) END"""

SILVER = f"""
    SELECT DISTINCT concat_ws('.', m.plant_name, m.lane_number, m.component_info.component_type,
            m.component_info.component_manufacturer) AS sensor,
        m.plant_name AS plant, m.lane_number AS lane,
        m.component_info.component_type AS component,
        m.component_info.component_manufacturer AS manufacturer,
        {AT} AT TIME ZONE 'UTC' AS "at", try_cast(m.temperature AS DOUBLE) AS temp_c
    FROM (SELECT from_json(payload, '{{"plant_name": "VARCHAR", "lane_number": "VARCHAR",
        "timestamp": "VARCHAR", "temperature": "VARCHAR", "component_info":
        {{"component_type": "VARCHAR", "component_manufacturer": "VARCHAR"}}}}') AS m FROM bronze)
    WHERE m.plant_name IS NOT NULL AND m.lane_number IS NOT NULL
        AND m.component_info.component_type IS NOT NULL
        AND m.component_info.component_manufacturer IS NOT NULL
        AND "at" IS NOT NULL AND temp_c BETWEEN -50 AND 300"""


def main(messages: str, out: str) -> None:
    con = duckdb.connect(config={"threads": 2})
    con.execute("SET TimeZone = 'UTC'")
    con.execute(
        f"""COPY (SELECT column0 AS payload FROM read_csv('{messages}', header=false, quote='',
        escape='', delim='\x01', auto_detect=false, columns={{'column0': 'VARCHAR'}}))
        TO '{out}/bronze.parquet' (FORMAT parquet, COMPRESSION zstd)"""
    )
    con.execute(f"CREATE VIEW bronze AS FROM '{out}/bronze.parquet'")
    con.execute(f"COPY ({SILVER}) TO '{out}/silver.parquet' (FORMAT parquet, COMPRESSION zstd)")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
