"""Tables of PostgreSQL, MariaDB and SQLite, while program and servers are killed.

Promise: each database has a table that is read as a whole and one that is read by a watermark, with changed, new and
dirty rows and, in the first, deleted ones. Program and servers are killed with -9 again and again. At the end silver
equals the source, the rows balance, and another run reads nothing. Bad input is that of databases_bad.py.

    python databases_case.py --cockpit BIN [--records 100000] [--kills 6]
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from checks import Report, wait_for
from databases_bad import check_bad
from program import Cockpit
from receivers import free_port

LIMIT_S = 120.0
STATEMENT_S = 1_800.0
"""One statement writes all records."""
GENERATIONS = 3
PASSWORD = "s3cret"

CONTRACT = """description = "Rows."
source = "mes"
columns = [
    {{ name = "id", type = "int", required = true }},
    {{ name = "name", type = "text" }},
    {{ name = "qty", type = "int" }},
    {{ name = "updated_at", type = "time", formats = ["yyyy-MM-dd HH:mm:ss"] }},
]

[sql]
url = "{url}"
table = "{table}"
key = ["id"]
rows_per_second = 1000000
{more}
"""
SILVER = """-- Rows.
--
-- key: id
-- column id [1]: Number.
-- column name: Name.
-- column qty [1]: Quantity.
-- column updated_at: Last change.
SELECT id, name, qty, updated_at FROM typed.{table}
"""
TABLE = "CREATE TABLE {name} (id BIGINT PRIMARY KEY, name VARCHAR(80), qty VARCHAR(20), updated_at {time})"
Row = tuple[int, "str | None", str, str]


class Server:
    """A server that can be killed and started again; it runs as another user, as these servers require.

    It is a child of this process, which reaps it: a killed server that nobody reaps keeps its process number, so that
    its lock file seems to be that of a running server.
    """

    def __init__(self, folder: Path, user: str) -> None:
        self.folder, self.user, self.port = folder, user, free_port()
        self.process: subprocess.Popen[bytes] | None = None
        folder.mkdir()
        shutil.chown(folder, user)

    def run(self, args: list[str]) -> None:
        subprocess.run(args, check=True, capture_output=True, cwd="/tmp", timeout=LIMIT_S, user=self.user,
                       group=self.user, extra_groups=[])

    def start_process(self, args: list[str]) -> None:
        log = (self.folder.parent / f"{self.folder.name}.log").open("ab")
        self.process = subprocess.Popen(args, stdout=log, stderr=log, cwd="/tmp", start_new_session=True,
                                        user=self.user, group=self.user, extra_groups=[])
        wait_for(f"{self.folder.name} answers or has ended", self.is_decided, LIMIT_S)

    def is_decided(self) -> bool:
        return self.answers() or (self.process is not None and self.process.poll() is not None)

    def restart(self) -> None:
        """Starts again. A server refuses to start while processes of the killed one still end."""

        def runs() -> bool:
            self.start()
            return self.answers()

        wait_for(f"{self.folder.name} starts again", runs, LIMIT_S)

    def answers(self) -> bool:
        try:
            self.sql("SELECT 1")
        except (RuntimeError, subprocess.SubprocessError):
            return False
        return True

    def client(self) -> list[str]:
        raise NotImplementedError

    def start(self) -> None:
        raise NotImplementedError

    def sql(self, text: str) -> str:
        env = os.environ | {"PGPASSWORD": PASSWORD, "MYSQL_PWD": PASSWORD}
        done = subprocess.run(self.client(), input=text, capture_output=True, text=True, timeout=STATEMENT_S,
                              env=env, check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        return done.stdout

    def kill(self) -> None:
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Postgres(Server):
    time = "timestamp"
    bin = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"))), Path("/usr/bin"))

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "postgres")
        password = folder / "password"
        password.write_text(PASSWORD + "\n")
        shutil.chown(password, "postgres")
        self.run([str(self.bin / "initdb"), "-D", str(folder / "data"), "-U", "cockpit", "-A", "scram-sha-256",
                  "--pwfile", str(password), "-E", "UTF8"])
        self.url = f"postgresql://cockpit@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        self.start_process([str(self.bin / "postgres"), "-D", str(self.folder / "data"), "-p", str(self.port),
                            "-k", str(self.folder), "-h", "127.0.0.1", "-c", "fsync=off",
                            "-c", "log_connections=on"])

    def client(self) -> list[str]:
        return [str(self.bin / "psql"), "-qAtX", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.port),
                "-U", "cockpit", "postgres"]


class MariaDb(Server):
    time = "datetime"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "mysql")
        self.run(["mariadb-install-db", "--no-defaults", f"--datadir={folder}/data", "--skip-test-db",
                  "--auth-root-authentication-method=normal"])
        (folder / "init.sql").write_text(
            f"CREATE DATABASE IF NOT EXISTS mes;\nCREATE USER IF NOT EXISTS 'cockpit'@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';\n"
            "GRANT ALL ON mes.* TO 'cockpit'@'127.0.0.1';\n")
        self.url = f"mysql://cockpit@127.0.0.1:{self.port}/mes"

    def start(self) -> None:
        folder = self.folder
        self.start_process(["/usr/sbin/mariadbd", "--no-defaults", f"--datadir={folder}/data", f"--port={self.port}",
                            "--bind-address=127.0.0.1", f"--socket={folder}/socket", f"--init-file={folder}/init.sql",
                            "--character-set-server=utf8mb4", "--innodb-flush-log-at-trx-commit=2"])

    def client(self) -> list[str]:
        return ["mariadb", "--no-defaults", "-h", "127.0.0.1", "-P", str(self.port), "-u", "cockpit", "-N", "mes",
                "--default-character-set=utf8mb4"]


class Sqlite:
    time = "DATETIME"

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.path = folder / "mes.db"
        self.url = f"sqlite:{self.path}"

    def sql(self, text: str) -> str:
        with sqlite3.connect(self.path, timeout=60) as connection:
            connection.executescript(text)
        return ""

    def kill(self) -> None:
        """A file has no server."""

    start = restart = kill


def quoted(text: str | None) -> str:
    return "NULL" if text is None else "'" + text.replace("'", "''") + "'"


def row(number: int, generation: int, rng: random.Random) -> Row:
    """A row; every 50th has a quantity that is no number."""
    name = None if number % 11 == 0 else f"näme {number}\tit's {rng.randrange(1000)}"
    qty = "many" if number % 50 == 7 else str(rng.randrange(10_000))
    second = generation * 86_400 + number % 80_000
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(1_790_000_000 + second))
    return number, name, qty, at


def values(rows: list[Row]) -> str:
    return ",".join(f"({it[0]},{quoted(it[1])},{quoted(it[2])},{quoted(it[3])})" for it in rows)


class Source:
    """A database with two tables, and the rows that they should have."""

    def __init__(self, name: str, database: Postgres | MariaDb | Sqlite) -> None:
        self.name, self.database = name, database
        self.rows: dict[str, dict[int, Row]] = {"whole": {}, "grown": {}}
        for table in self.rows:
            database.sql(TABLE.format(name=table, time=database.time) + ";")

    def change(self, records: int, generation: int, rng: random.Random) -> None:
        for table, rows in self.rows.items():
            first = max(rows, default=0) + 1
            count = records if generation == 0 else records // 10
            new = [row(number, generation, rng) for number in range(first, first + count)]
            changed = [row(number, generation, rng) for number in rng.sample(sorted(rows), len(rows) // 20)]
            deleted = rng.sample(sorted(rows), len(rows) // 50) if table == "whole" else []
            statements = []
            touched = [it[0] for it in changed] + deleted
            if touched:
                statements.append(f"DELETE FROM {table} WHERE id IN ({','.join(map(str, touched))})")
            gone = set(deleted)
            for number in deleted:
                del rows[number]
            kept = new + [it for it in changed if it[0] not in gone]
            for at in range(0, len(kept), 2_000):
                statements.append(f"INSERT INTO {table} VALUES {values(kept[at:at + 2_000])}")
            rows.update({it[0]: it for it in kept})
            self.database.sql("BEGIN;\n" + ";\n".join(statements) + ";\nCOMMIT;\n")


class World:
    def __init__(self, program: Path, folder: Path, sources: list[Source]) -> None:
        self.folder, self.sources = folder, sources
        self.plant, self.lake, self.bucket = folder / "plant", folder / "lake", folder / "bucket"
        self.bucket.mkdir()
        for name in ("bronze", "silver"):
            (self.plant / name).mkdir(parents=True)
        (self.plant / "plant.toml").write_text('name = "Databases"\nzone = "UTC"\n')
        for source in sources:
            for table in source.rows:
                more = 'watermark = "updated_at"\n' if table == "grown" else ""
                if source.name != "sqlite":
                    more += 'password = "env:DATABASES_CASE"\n'
                self.contract(f"{source.name}_{table}", source.database.url, table, more)
        self.cockpit = Cockpit(program, self.plant)

    def contract(self, name: str, url: str, table: str, more: str) -> None:
        (self.plant / "bronze" / f"{name}.toml").write_text(CONTRACT.format(url=url, table=table, more=more))
        (self.plant / "silver" / f"{name}.sql").write_text(SILVER.format(table=name))

    def args(self) -> list[str]:
        return [str(self.cockpit.program), "ingest", "--once", "--plant", str(self.plant), "--lake", str(self.lake)]

    def ingest(self) -> str:
        return self.cockpit.run(self.args()).stdout

    def killed(self, after_s: float) -> None:
        process = subprocess.Popen(self.args(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(timeout=after_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def count(self, sql: str) -> int:
        return int(self.cockpit.query(sql, str(self.lake)).column(0)[0].as_py())


def check_end(world: World, report: Report) -> None:
    for source in world.sources:
        for table, rows in source.rows.items():
            name = f"{source.name}_{table}"
            answer = world.cockpit.query(
                f"SELECT id, coalesce(name, '-') AS name, qty, CAST(updated_at AS VARCHAR) AS at FROM silver.{name}",
                str(world.lake))
            found = {int(it["id"]): (it["name"], it["qty"], it["at"][:19].replace("T", " "))
                     for it in answer.to_pylist()}
            expected = {it[0]: ((it[1] or "-").strip(), it[2], it[3]) for it in rows.values() if it[2] != "many"}
            wrong = [key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key)]
            samples = [(key, expected.get(key), found.get(key)) for key in wrong[:3]]
            report.check(f"{name}: silver equals the source ({len(expected)} rows)", not wrong, f"{samples}")
    unbalanced = world.count("SELECT count(*) FROM meta.runs WHERE NOT closed")
    report.equal("row balance holds", unbalanced, 0)
    before = world.count("SELECT count(*) FROM meta.files")
    text = world.ingest()
    report.check("a second run reads nothing", text.startswith("0 dumps read"), text[:300])
    report.equal("no further dump", world.count("SELECT count(*) FROM meta.files"), before)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cockpit", type=Path, required=True)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    os.environ["DATABASES_CASE"] = PASSWORD
    rng, report = random.Random(args.seed), Report()
    folder = Path(tempfile.mkdtemp(prefix="databases-case-"))
    folder.chmod(0o755)
    databases: list[Postgres | MariaDb | Sqlite] = []
    try:
        for name, make in (("postgres", Postgres), ("mariadb", MariaDb), ("sqlite", Sqlite)):
            database = make(folder / name)
            databases.append(database)
            database.start()
        sources = [Source(it.folder.name if isinstance(it, Server) else "sqlite", it) for it in databases]
        world = World(args.cockpit, folder, sources)
        for generation in range(GENERATIONS):
            for source in sources:
                source.change(args.records, generation, rng)
            for kill in range(args.kills // GENERATIONS):
                world.killed(rng.uniform(0.3, 6.0))
                if kill % 2 == 1:
                    server = rng.choice(databases[:2])
                    server.kill()
                    world.killed(rng.uniform(0.3, 3.0))
                    server.restart()
            report.check(f"generation {generation} is read", "cannot" not in world.ingest())
        check_end(world, report)
        check_bad(world, report)
    finally:
        for database in databases:
            database.kill()
        shutil.rmtree(folder, ignore_errors=True)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
