"""Dumps in Google Cloud Storage and in Azure Blob Storage.

Promise: the dumps of a simulated plant give the same bronze, silver and gold from an emulator of each service as from a
folder. A second run reads nothing; a changed dump is read again, and only that. A run that is killed with -9 is
completed by the next one, also if the service is killed (dumps_killed.py). A wrong key, a missing container and a
service that is away are reported in one line with what to do, and no output has a key. A lake is refused there.

    python clouds_case.py --cockpit BIN --azurite AZURITE_BLOB [--google FAKE_GCS_SERVER] [--records N] [--kills N]
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

import dumps_killed
import kill_case
from checks import Report
from clouds import Azure, Emulator, Google
from program import Cockpit, environment
from remote_bucket import (
    RemoteBucket,
    changed_dump,
    killed_runs,
    one_line,
    same_as_a_folder,
    second_run,
    without_a_record,
)

DAYS = "2"
BUCKET, PREFIX, KILLED = "plant-dumps", "line 1", "killed"
CHANGED = "data/OperationsManagement/PlansShiftWise/PlansShiftWise.csv"
KILLS = (0.1, 0.3, 0.5, 0.7)
"""When a run is killed, in parts of an undisturbed run."""
WRONG_KEY = "d3Jvbmcga2V5IHdyb25nIGtleSB3cm9uZyBrZXk="
OURS = ("GOOGLE_", "AZURE_", "STORAGE_EMULATOR_HOST", "AZURITE_", "AWS_")


class World(RemoteBucket):
    """A bucket at an emulator."""

    prefixes = OURS

    def __init__(self, cockpit: Cockpit, emulator: Emulator, folder: Path, report: Report) -> None:
        super().__init__(cockpit, emulator.scheme, f"{emulator.scheme}://{BUCKET}/{PREFIX}", folder, report)
        self.emulator = emulator

    def variables(self) -> dict[str, str]:
        return self.emulator.environment()

    def secrets(self) -> tuple[str, ...]:
        return (Azure.account.key, WRONG_KEY, "PRIVATE KEY", "sig=")

    def with_key(self, **variables: str) -> dict[str, str]:
        """The variables of the emulator with some of them replaced."""
        return self.variables() | variables


def sample(world: World) -> None:
    done = world.run("source", "test", "plans_shift_wise", "--bucket", world.url)
    # The first records may have rejected ones among them, which the exit code reports.
    is_read = f"10 records of {world.url}/{CHANGED}" in done.stdout
    world.check("`source test` shows records", is_read, done.stdout[-500:] + done.stderr)
    done = world.run("config", "--bucket", world.url)
    world.check("`config` prints the bucket", f'bucket = "{world.url}"' in done.stdout, done.stdout[:2000] + done.stderr)


def refused_lake(world: World) -> None:
    done = world.run("ingest", "--once", "--bucket", str(world.dumps), "--lake", f"{world.name}://{BUCKET}/lake")
    one_line(world, "a lake at the service", done, ["bucket of dumps only", "s3://"])


def away(world: World) -> None:
    world.emulator.stop()
    done = world.ingest(world.folder / "none")
    endpoint = {"gs": "GOOGLE_BASE_URL", "az": "AZURE_STORAGE_ENDPOINT"}[world.name]
    one_line(world, "a service that is away", done, [world.url, endpoint])
    world.emulator.start()
    done = world.ingest(world.lake)
    world.check("it is read again when it is back", done.returncode == 0, done.stderr[-2000:])


def azure_only(world: World) -> None:
    """Azurite checks signatures and knows its containers."""
    none = world.folder / "none"
    done = world.ingest(none, variables=world.with_key(AZURE_STORAGE_ACCOUNT_KEY=WRONG_KEY))
    one_line(world, "a wrong key", done, [world.url, "403 Forbidden", "AZURE_STORAGE_ACCOUNT_KEY"])
    done = world.ingest(none, variables=world.with_key(AZURE_STORAGE_ACCOUNT_KEY="no-base64!"))
    one_line(world, "a key that is no key", done, ["AZURE_STORAGE_ACCOUNT_KEY", "Base64"])
    done = world.ingest(none, variables=world.with_key(AZURE_STORAGE_ACCOUNT_NAME=""))
    one_line(world, "no account", done, ["AZURE_STORAGE_ACCOUNT_NAME", "abfss://"])
    done = world.run("ingest", "--once", "--bucket", "az://absent/x", "--lake", str(none))
    one_line(world, "a missing container", done, ["az://absent/x", "404", "check the name of the container"])
    by_file = world.folder / "azure-key"
    by_file.write_text(Azure.account.key + "\n")
    ways = {
        "a key in a file": {"AZURE_STORAGE_ACCOUNT_KEY": f"file:{by_file}"},
        "a shared access signature": {"AZURE_STORAGE_SAS_TOKEN": world.emulator.sas()},
        "a wrong shared access signature": {"AZURE_STORAGE_SAS_TOKEN": world.emulator.sas() + "x"},
    }
    for name, variables in ways.items():
        base = world.emulator.environment()
        del base["AZURE_STORAGE_ACCOUNT_KEY"]
        with environment(base | variables, OURS):
            words = ["source", "test", "items", "--bucket", world.url, "--plant", str(world.cockpit.plant)]
            done = world.cockpit.run([str(world.cockpit.program), *words])
        if "wrong" in name:
            one_line(world, name, done, ["403", "AZURE_STORAGE_SAS_TOKEN"])
        else:
            world.check(name, f"records of {world.url}/" in done.stdout, done.stderr[-2000:])
        said = done.stdout + done.stderr
        world.check(f"{name}: no key in the output", "sig=" not in said and Azure.account.key not in said, said)


def google_only(world: World) -> None:
    """fake-gcs-server accepts every token, so that keys are checked before they are used."""
    none = world.folder / "none"
    for name, text, words in (
        ("a key other than JSON", "secret-text", ["not a JSON object"]),
        ("a key without a private key", '{"client_email": "secret-text", "private_key_id": "1"}', ["private_key"]),
        (
            "a key with an invalid private key",
            '{"client_email": "a", "private_key_id": "1", "private_key": "secret-text"}',
            [BUCKET],
        ),
    ):
        done = world.ingest(none, variables=world.with_key(GOOGLE_SERVICE_ACCOUNT_KEY=text), secrets=("secret-text",))
        one_line(world, name, done, words)
    done = world.ingest(none, variables=world.with_key(GOOGLE_SERVICE_ACCOUNT_KEY="file:/no/such/key"))
    one_line(world, "a missing file of a key", done, ["GOOGLE_SERVICE_ACCOUNT_KEY", "/no/such/key"])
    with environment({"STORAGE_EMULATOR_HOST": world.emulator.host}, OURS):
        words = ["source", "test", "items", "--bucket", world.url, "--plant", str(world.cockpit.plant)]
        done = world.cockpit.run([str(world.cockpit.program), *words])
    is_read = f"records of {world.url}/" in done.stdout
    world.check("STORAGE_EMULATOR_HOST is used without a key", is_read, done.stderr[-2000:])


def case(cockpit: Cockpit, emulators: list[Emulator], folder: Path, report: Report) -> None:
    dumps, sound = folder / "dumps", folder / "sound"
    words = ["simulate", "--days", DAYS, "--dirt", "usual", "--out", str(dumps)]
    made = cockpit.run([str(cockpit.program), *words, "--plant", str(cockpit.plant)])
    if not report.check("a plant is simulated", made.returncode == 0, made.stderr[-2000:]):
        return
    run_s, said = kill_case.undisturbed(cockpit, str(dumps), sound)
    if not report.check(f"an ingest from the folder ({run_s:.1f} s)", said == "", said):
        return
    first = folder / "sound-before"
    shutil.copytree(sound, first)
    worlds = [World(cockpit, emulator, folder, report) for emulator in emulators]
    for world in worlds:
        world.emulator.start()
        world.emulator.create(BUCKET)
        count = world.emulator.upload(dumps, BUCKET, PREFIX)
        print(f"{count} dumps at {world.url}, {world.emulator.host}")
        same_as_a_folder(world)
        second_run(world)
        sample(world)
        killed_runs(world, KILLS, run_s, first)
    changed = without_a_record(dumps / CHANGED)
    (dumps / CHANGED).write_bytes(changed)
    _, said = kill_case.undisturbed(cockpit, str(dumps), sound)
    report.check("an ingest of the change from the folder", said == "", said)
    for world in worlds:
        world.emulator.put(BUCKET, f"{PREFIX}/{CHANGED}", changed)
        changed_dump(world)
        refused_lake(world)
        (azure_only if isinstance(world.emulator, Azure) else google_only)(world)
        away(world)


def killed_with_server(args: argparse.Namespace, emulator: Emulator, folder: Path, report: Report) -> None:
    def put(name: str, content: bytes) -> None:
        emulator.put(BUCKET, f"{KILLED}/{name}", content)

    source = dumps_killed.Source(emulator.scheme, f"{emulator.scheme}://{BUCKET}/{KILLED}", put, emulator.restart)
    if isinstance(emulator, Azure):
        # Azurite saves its index some seconds after it has acknowledged a file.
        source.get = lambda name: emulator.get(BUCKET, f"{KILLED}/{name}")
    with environment(emulator.environment(), OURS):
        dumps_killed.run(report, args.cockpit.resolve(), folder, source, args.records, args.kills)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cockpit", type=Path, required=True)
    parser.add_argument("--azurite", type=Path, required=True)
    parser.add_argument("--google", type=Path)
    parser.add_argument("--records", type=int, default=20_000, help="of the dumps that are read under kills")
    parser.add_argument("--kills", type=int, default=3)
    args = parser.parse_args()
    report = Report()
    with tempfile.TemporaryDirectory(prefix="clouds-case-") as name:
        folder = Path(name)
        emulators: list[Emulator] = [Azure(args.azurite.resolve(), folder / "azurite")]
        if args.google:
            emulators.append(Google(args.google.resolve(), folder / "google"))
        else:
            print("skipped Google Cloud Storage: no emulator is given")
        try:
            case(Cockpit(args.cockpit.resolve()), emulators, folder, report)
            for emulator in emulators:
                killed_with_server(args, emulator, folder, report)
        finally:
            for emulator in emulators:
                emulator.stop()
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
