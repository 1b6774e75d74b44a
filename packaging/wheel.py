"""Adds the program to a wheel of the Python package, so that `pip install` gives the command `cockpit`, too.

    python3 packaging/wheel.py WHEEL PROGRAM OUT [--fast]

Writes a wheel into the folder OUT and prints its path. Its tag is that of the machines on which both the compiled
module and the program run: `manylinux_2_N` if both need only what every Linux with glibc 2.N has, otherwise `linux`,
which pip installs from a file and package indexes refuse. The same inputs give the same bytes.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

EPOCH = (2026, 1, 1, 0, 0, 0)
COMMAND = "cockpit"

# Libraries that every wheel for `manylinux` may need (PEP 600).
EVERYWHERE = re.compile(r"(libc|libm|libdl|libpthread|librt|libgcc_s|libstdc\+\+|libutil|libresolv|ld-linux.*)\.so\.\d+")


def answer(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def needs(program: Path) -> tuple[list[str], int]:
    """The libraries that only some machines have, and the minor version of glibc 2 that a file needs."""
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", answer("readelf", "-d", str(program)))
    glibc = [int(it) for it in re.findall(r"GLIBC_2\.(\d+)", answer("readelf", "-V", str(program)))]
    return [it for it in needed if not EVERYWHERE.fullmatch(it)], max(glibc, default=17)


def platform(wheel: Path, program: Path, module: Path) -> str:
    """The platform of the new tag."""
    machine = wheel.stem.rpartition("linux_")[2]
    machine = re.sub(r"^\d+_\d+_", "", machine)
    others, glibc = zip(*(needs(it) for it in (program, module)), strict=True)
    lacking = sorted({name for names in others for name in names})
    if lacking:
        print(f"not for every Linux: it needs {', '.join(lacking)}", file=sys.stderr)
        return f"linux_{machine}"
    return f"manylinux_2_{max(glibc)}_{machine}"


def hashed(content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"sha256={digest},{len(content)}"


def add(wheel: Path, program: Path, out: Path, is_fast: bool) -> Path:
    """The wheel with the program. Files of the wheel keep their content."""
    name, version, python, abi, _ = wheel.stem.split("-")
    with zipfile.ZipFile(wheel) as archive, tempfile.TemporaryDirectory() as folder:
        files = {it.filename: archive.read(it) for it in archive.infolist() if not it.is_dir()}
        modes = {it.filename: it.external_attr >> 16 & 0o777 for it in archive.infolist()}
        (module,) = (it for it in files if it.endswith(".so"))
        tag = f"{python}-{abi}-{platform(wheel, program, Path(archive.extract(module, folder)))}"
    script, info = f"{name}-{version}.data/scripts/{COMMAND}", f"{name}-{version}.dist-info"
    files[script], modes[script] = program.read_bytes(), 0o755
    metadata = re.sub(rb"(?m)^Tag: .*$", f"Tag: {tag}".encode(), files[f"{info}/WHEEL"])
    files[f"{info}/WHEEL"] = metadata.replace(b"Root-Is-Purelib: true", b"Root-Is-Purelib: false")
    del files[f"{info}/RECORD"]
    record = "".join(f"{path},{hashed(content)}\n" for path, content in sorted(files.items()))
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    made = out / f"{name}-{version}-{tag}.whl"
    out.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=1 if is_fast else 9) as archive:
        # The metadata last, as the format asks for.
        for path in sorted(files, key=lambda it: (it.startswith(f"{info}/"), it == f"{info}/RECORD", it)):
            entry = zipfile.ZipInfo(path, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o100000 | modes.get(path, 0o644) or 0o644) << 16
            archive.writestr(entry, files[path])
    return made


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path)
    parser.add_argument("program", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--fast", action="store_true", help="compress as fast as possible")
    arguments = parser.parse_args()
    print(add(arguments.wheel, arguments.program, arguments.out, arguments.fast))
    return 0


if __name__ == "__main__":
    sys.exit(main())
