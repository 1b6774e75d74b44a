"""A user database, a disk, a clock and a certificate that are not as they should be.

Promise: with a database that cannot be used, the service starts, reports the cause in one sentence, answers health,
and refuses everything that needs a right; once the file is repaired, it works. The same holds for damage and for a
full disk while it runs. A clock that was set back ends the sessions and permits new logins. A certificate with the
key of another is refused at the start. Thousands of failed logins reveal nothing by their time, and lock nobody out
for good. The program never crashes.

    python damage_case.py --cockpit BIN [--logins 10000]
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random

import damage_state as states
from checks import Report, wait_for
from damage_state import DAMAGES, DAY_US, NAME, OF_ROOT, Damage, Service, World

PRIVATE = ["/api/v1/tables", "/api/v1/users", "/api/v1/audit", "/metrics", "/api/v1/live", "/now"]
RANDOM_ROUNDS = 20
FULL_DISK = "size=3m"
BUFFER_BYTES = 1 << 16
TIMED_LOGINS = 40
TIMES_MAX = 3
TIME_RATIO_MAX = 1.25
"""Medians of the answer times of refused logins differ by at most this factor: much less than a password hash."""
DELAY_S = 2
"""The longest delay of an account, shortened so that the test can wait for its end."""


def check_refusal(service: Service, what: str, report: Report) -> None:
    """Only what is public is answered."""
    if not report.check(f"{what}: the service runs", service.is_running(), service.said()[-900:]):
        return
    report.equal(f"{what}: health", service.ask("GET", "/api/v1/health").status, 200)
    found = {path: service.ask("GET", path).status for path in PRIVATE}
    report.equal(f"{what}: nothing else", found, dict.fromkeys(PRIVATE, 503))
    login = service.login()
    report.equal(f"{what}: no login", (login.status, login.code), (503, "access_unavailable"))


def check_works(world: World, what: str, report: Report) -> None:
    service = world.start()
    try:
        login = service.login()
        report.equal(f"{what}, repaired: login", login.status, 200)
        users = service.ask("GET", "/api/v1/users", cookie=login.cookie)
        report.equal(f"{what}, repaired: users", users.status, 200)
    finally:
        service.stop()


def check_damage(world: World, damage: Damage, report: Report) -> None:
    world.repair()
    damage.do(world)
    service = world.start(damage.user)
    try:
        check_refusal(service, damage.name, report)
        lines = states.sentences(service.said())
        report.equal(f"{damage.name}: one sentence", len(lines), 1)
        found = states.re.search(damage.words, lines[0] if lines else "")
        report.check(f"{damage.name}: says why", found is not None, "".join(lines))
        report.check(f"{damage.name}: no panic", "panicked" not in service.said())
    finally:
        service.stop()
    report.equal(f"{damage.name}: ends well", service.process.returncode, 0)
    world.repair()


def check_random(world: World, report: Report) -> None:
    """Some pages random: the terminal lists the users, or reports the damage."""
    odd = []
    for seed in range(RANDOM_ROUNDS):
        world.repair()
        states.overwrite(world.database, Random(seed), 1 + seed % 3)
        done = world.run("user", "list")
        is_clear = done.returncode == 1 and "access.db" in done.stderr and "panick" not in done.stderr
        if not (is_clear or (done.returncode == 0 and NAME in done.stdout)):
            odd.append((seed, done.returncode, done.stdout[-300:], done.stderr[-300:]))
    report.equal(f"{RANDOM_ROUNDS} random damages: unclear results", odd, [])


def check_while_running(world: World, report: Report) -> None:
    world.repair()
    service = world.start()
    try:
        cookie = service.login().cookie
        states.overwrite(world.database, Random(7), 400)
        for path in world.state.glob("*-wal"):
            os.truncate(path, 0)
        found = {service.ask("GET", path).status for path in PRIVATE[:3]}
        report.check(f"damage while running: strangers get {found}", not found & {200, 500})
        codes = [service.login().status, service.ask("GET", "/api/v1/users", cookie=cookie).status]
        report.check(f"damage while running: others get {codes}", 500 not in codes, service.said()[-900:])
        report.equal("damage while running: health", service.ask("GET", "/api/v1/health").status, 200)
        report.check("damage while running: no crash", service.is_running(), service.said()[-900:])
    finally:
        service.kill()
    world.repair()
    check_works(world, "damage while running", report)


def check_lost_log(world: World, report: Report) -> None:
    """A killed service leaves a write-ahead log; without it the database is an older one."""
    world.repair()
    service = world.start()
    old = service.login().cookie
    service.kill()
    for ending in ("-wal", "-shm"):
        world.database.with_name(f"access.db{ending}").unlink(missing_ok=True)
    check_works(world, "lost write-ahead log", report)
    service = world.start()
    try:
        status = service.ask("GET", "/api/v1/users", cookie=old).status
        report.check(f"lost write-ahead log: the lost session gets {status}", status == 401)
    finally:
        service.stop()


def check_full_disk(world: World, report: Report) -> None:
    """A disk that fills up while the service runs."""
    disk = world.folder / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", FULL_DISK, "tmpfs", disk], check=False)
    if mounted.returncode != 0:
        print("skipped: only root can mount a small disk")
        return
    small = World(world.program, disk, world.settings)
    try:
        small.prepare()
        service = small.start()
        try:
            cookie = service.login().cookie
            fill(disk / "filler")
            full = service.login()
            report.equal("full disk: login", (full.status, full.code), (503, "access_unavailable"))
            report.equal("full disk: health", service.ask("GET", "/api/v1/health").status, 200)
            said = service.said()
            report.check("full disk: the log says so", "no space left" in said, said[-900:])
            (disk / "filler").unlink()
            report.equal("space again: login", service.login().status, 200)
            users = service.ask("GET", "/api/v1/users", cookie=cookie)
            report.equal("space again: the earlier session", users.status, 200)
        finally:
            service.kill()
    finally:
        subprocess.run(["umount", "--lazy", disk], check=False)


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(BUFFER_BYTES)):
                pass
        except OSError:
            return


def check_clock(world: World, report: Report) -> None:
    """The clock is a day behind the time that the database has seen."""
    world.repair()
    service = world.start()
    cookie = service.login().cookie
    service.stop()
    states.set_ahead(world, DAY_US)
    service = world.start()
    try:
        old = service.ask("GET", "/api/v1/users", cookie=cookie).status
        report.equal("clock behind by a day: earlier sessions end", old, 401)
        login = service.login()
        report.equal("clock behind by a day: login", login.status, 200)
        entries = service.ask("GET", "/api/v1/audit", cookie=login.cookie)
        report.equal("clock behind by a day: the audit log is readable", entries.status, 200)
    finally:
        service.stop()
    exported = world.run("audit", "export").stdout
    report.check("clock behind by a day: it is in the audit log", "clock_set_back" in exported)
    verified = world.run("audit", "verify")
    report.equal("clock behind by a day: the audit log is intact", verified.returncode, 0)


def check_certificate(world: World, report: Report) -> None:
    for name in ("one", "two"):
        world.run("certificate", "--host", "localhost", "--dir", str(world.folder / name))
    pair = ["--certificate", "one/cockpit.crt", "--key", "two/cockpit.key"]
    done = world.run("serve", "--no-ingest", "--lake", "lake", "--listen", "0", *pair)
    report.equal("key of another certificate: exit code", done.returncode, 1)
    report.check("key of another certificate: why", "belongs to another key" in done.stderr, done.stderr)
    report.equal("key of another certificate: lines", len(done.stderr.strip().splitlines()), 1)


def address(number: int) -> str:
    return f"127.2.{number // 250}.{number % 250 + 1}"


def time_ratio(service: Service, first: int) -> float:
    """How much longer a known name takes than an unknown one, from addresses that have not failed yet."""
    known, unknown = [], []
    for number in range(first, first + TIMED_LOGINS):
        source = address(1000 + number)
        unknown.append(service.login(source, f"nobody{number}", "wrong horse battery").took_s)
        known.append(service.login(source, NAME, "wrong horse battery").took_s)
    return statistics.median(known) / statistics.median(unknown)


def check_times(service: Service, report: Report) -> None:
    """A difference that is due to the name recurs; one that is due to other load does not."""
    ratios: list[float] = []
    is_equal = False
    while not is_equal and len(ratios) < TIMES_MAX:
        ratios.append(time_ratio(service, len(ratios) * TIMED_LOGINS))
        is_equal = 1 / TIME_RATIO_MAX < ratios[-1] < TIME_RATIO_MAX
    text = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    report.check(f"a known name takes {text} times as long as an unknown one", is_equal)


def check_failed_logins(world: World, count: int, report: Report) -> None:
    """An attacker guesses from many addresses; the victim keeps the session and gets in again."""
    own = {"ACCOUNT_DELAY_S_MAX": DELAY_S, "PASSWORD_MEMORY_KIB": 1024, "PASSWORD_PASSES": 1}
    guessed = World(world.program, world.folder, {f"COCKPIT_ACCESS_{k}": str(v) for k, v in own.items()})
    guessed.repair()
    service = guessed.start()
    try:
        check_times(service, report)
        time.sleep(DELAY_S + 1)
        victim = service.login("127.3.0.1")
        report.equal("before the guesses: login", victim.status, 200)
        codes: dict[str, int] = {}
        for number in range(count):
            name = NAME if number % 2 else f"nobody{number % 50}"
            code = service.login(address(number // 100), name, f"guess {number} of many").code
            codes[code] = codes.get(code, 0) + 1
        print(f"{count} guesses: {codes}")
        report.equal("guesses: answers", set(codes), {"login_refused", "throttled"})
        still = service.ask("GET", "/api/v1/users", cookie=victim.cookie).status
        report.equal("after the guesses: the session of the victim", still, 200)
        report.equal("after the guesses: a blocked address", service.login(address((count - 1) // 100)).status, 429)
        is_in = lambda: service.login("127.3.0.1").status == 200  # noqa: E731
        wait_for("a login of the victim", is_in, 4 * DELAY_S + 10)
        report.check("after the guesses: the victim gets in", True)
        report.check("after the guesses: no crash", service.is_running())
    finally:
        service.stop()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cockpit", type=Path, required=True)
    parser.add_argument("--logins", type=int, default=10_000)
    args = parser.parse_args()
    report = Report()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="damage-case-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        program = folder / "cockpit"
        shutil.copy(args.cockpit, program)
        world = World(program, folder)
        world.prepare()
        for damage in DAMAGES + (OF_ROOT if os.geteuid() == 0 else []):
            check_damage(world, damage, report)
        check_works(world, "all damages", report)
        for check in (check_random, check_while_running, check_lost_log, check_full_disk, check_clock):
            check(world, report)
        check_certificate(world, report)
        check_failed_logins(world, args.logins, report)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
