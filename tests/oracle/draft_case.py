"""Contracts that `cockpit source draft` proposes, used without an edit.

Promise: for the dumps of the plant, simulated ones and ten odd layouts the proposed contract and model pass `cockpit
check`, and every record lands in silver without a rejection. Lines of text without a delimiter are proposed as one
column, whose pattern has to be written by hand.

    python draft_case.py --cockpit BIN [--bucket DIR]
"""

from __future__ import annotations

import argparse
import http.server
import shutil
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from checks import Report
from program import Cockpit

PLANT = 'name = "Draft"\nzone = "UTC"\n'


@dataclass
class Layout:
    """A file with the number of its records and lines that its contract has to have."""

    file: str
    content: bytes
    records: int
    lines: tuple[str, ...] = ()


def parquet() -> bytes:
    table = pa.table({
        "Serial No": ["A1", "A2", "A3"],
        "made": pa.array([1_790_000_000, 1_790_000_060, None], pa.timestamp("s", "UTC")),
        "weight": pa.array([1.5, None, 2.25]),
        "ok": [True, False, True],
        "parts": [[1, 2], [3], []],
    })
    sink = pa.BufferOutputStream()
    pyarrow.parquet.write_table(table, sink)
    return sink.getvalue().to_pybytes()


LAYOUTS = [
    Layout("scales_2026-11-02.csv",
           "Nr;Datum;Gewicht\r\n1;02.11.2026 06:00;1.234,50\r\n2;02.11.2026 06:05;7,25\r\n".encode(), 2,
           ('delimiter = ";"', 'decimal = ","', 'thousands = "."', "{date}")),
    Layout("tabs.txt", b"id\tline\tqty\n7\tL1\t10\n8\tL2\t-3\n", 2, ('delimiter = "\\t"',)),
    Layout("unicode.csv", "Größe,Teil\n1,Mutter\n2,Schraube\n".encode("utf-16"), 2, ('encoding = "utf-16le"',)),
    Layout("latin.csv", "Teil;Prüfer\nA;Jörg\nB;Änne\n".encode("latin-1"), 2, ('encoding = "windows-1252"',)),
    Layout("bare.csv", b"1,2026-11-02,5\n2,2026-11-02,6\n3,2026-11-03,7\n", 3, ("header = false",)),
    Layout("notes.csv", b'id,text\n1,"first\nline"\n2,"say ""x"", y"\n', 2),
    Layout("events.jsonl", b'{"id": 1, "at": "2026-11-02T06:00:00Z", "d": {"v": 1.5}}\n'
           b'{"id": 2, "at": "2026-11-02T06:00:01+05:30", "d": {"v": null}, "tags": ["a"]}\n', 2,
           ('format = "json_lines"', 'header = "d.v"', "# tags is an array")),
    Layout("orders.json", b'{"meta": {"page": 1},\n "data": {"orders": [{"no": "A", "t": 1},\n {"no": "B", "t": 2}]}}', 2,
           ('format = "json_array"', 'records = "data.orders"')),
    Layout("logger.csv", b"# Logger 7\n# unit: degC\ntime,temp\n1790000000,20.5\n1790000060,20.7\n", 2,
           ('skip_pattern = "^#"', '"epoch_s"')),
    Layout("boards.parquet", parquet(), 3, ('format = "parquet"',)),
    Layout("mixed.csv", b"id,day\n1,30-05-2026 13:49\n2,08-11-2021\n3,44197\n", 3, ('"excel"',)),
]


class World:
    def __init__(self, program: Path, folder: Path) -> None:
        self.plant, self.bucket, self.lake = (folder / name for name in ("plant", "bucket", "lake"))
        for path in (self.plant, self.bucket):
            path.mkdir()
        (self.plant / "plant.toml").write_text(PLANT)
        self.cockpit = Cockpit(program, self.plant)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.cockpit.run([str(self.cockpit.program), *words, "--plant", str(self.plant)])

    def draft(self, source: str, name: str) -> str:
        """The text of the proposed contract."""
        done = self.run("source", "draft", source, "--name", name, "--write")
        if done.returncode:
            return done.stderr
        return (self.plant / "bronze" / f"{name}.toml").read_text()

    def counts(self) -> dict[str, tuple[int, int]]:
        """Records and silver rows of each table."""
        rows = self.cockpit.query("SELECT table_name, sum(read) AS read, sum(silver) AS silver FROM meta.runs GROUP BY 1",
                                  str(self.lake)).to_pylist()
        return {it["table_name"]: (int(it["read"]), int(it["silver"])) for it in rows}


def dumps(program: Path, bucket: Path | None, folder: Path) -> dict[str, Path]:
    """The plant's dumps and simulated ones by the names of their tables."""
    simulated = folder / "simulated"
    subprocess.run([program, "simulate", "--days", "2", "--dirt", "none", "--out", simulated], check=True,
                   capture_output=True)
    found = {f"sim_{path.stem.lower().replace('-', '_')}": path for path in sorted(simulated.rglob("*")) if path.is_file()}
    if bucket is not None and bucket.is_dir():
        found |= {path.stem.lower(): path for path in sorted(bucket.rglob("*")) if path.is_file()}
    return found


def check_url(world: World, report: Report) -> None:
    """A contract for the answer of a URL."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802
            body = b'[{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/api/parts?all=1"
    done = world.run("source", "draft", url)
    text = done.stdout
    report.check("a URL gives a contract", f'url = "{url}"' in text and 'format = "json_array"' in text, text + done.stderr)
    server.shutdown()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cockpit", type=Path, required=True)
    parser.add_argument("--bucket", type=Path)
    args = parser.parse_args()
    report, folder = Report(), Path(tempfile.mkdtemp(prefix="draft-case-"))
    try:
        world = World(args.cockpit, folder)
        for layout in LAYOUTS:
            (world.bucket / layout.file).write_bytes(layout.content)
            name = layout.file.split(".")[0].split("_")[0]
            text = world.draft(str(world.bucket / layout.file), name)
            missing = [line for line in layout.lines if line not in text]
            report.check(f"{layout.file}: the contract has what the file has", not missing, f"{missing} in {text}")
        for name, path in dumps(args.cockpit, args.bucket, folder).items():
            shutil.copy(path, world.bucket / f"{name}{path.suffix}")
            world.draft(str(world.bucket / f"{name}{path.suffix}"), name)
        checked = world.run("check")
        report.equal("cockpit check finds no mistake", (checked.returncode, checked.stdout[-800:] * checked.returncode), (0, ""))
        done = world.run("ingest", "--once", "--bucket", str(world.bucket), "--lake", str(world.lake))
        report.equal("the dumps are read", (done.returncode, (done.stdout + done.stderr)[-800:] * done.returncode), (0, ""))
        counts = world.counts()
        expected = {layout.file.split(".")[0].split("_")[0]: layout.records for layout in LAYOUTS}
        for table in sorted(path.stem for path in (world.plant / "bronze").iterdir()):
            read, silver = counts.get(table, (0, 0))
            is_complete = read == silver and read == expected.get(table, read) and read > 0
            report.check(f"{table}: all {read} records are in silver", is_complete, f"{silver} in silver, expected {expected.get(table)}")
        check_url(world, report)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
