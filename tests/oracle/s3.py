"""An S3 of our own on a free loopback port, holding the dumps, for as long as it is needed.

Promise: nothing leaves the machine; the environment that makes clients talk to it is set while it
lives and restored afterwards. As a program it prints that environment and stays until it is ended.

    python s3.py --bucket DIR [--into s3://plant/dumps]
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
from moto.server import ThreadedMotoServer

KEY = "oracle"


@contextmanager
def server() -> Iterator[dict[str, str]]:
    """Starts the server, sets the environment, gives it back."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    environment = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": KEY,
        "AWS_REGION": "us-east-1",
        "AWS_ALLOW_HTTP": "true",
    }
    before = {key: os.environ.get(key) for key in environment}
    os.environ.update(environment)
    try:
        yield environment
    finally:
        for key, value in before.items():
            os.environ.pop(key, None)
            if value is not None:
                os.environ[key] = value
        moto.stop()


def upload(folder: Path, into: str) -> int:
    """Puts every file below `folder` under an `s3://` address; gives their number."""
    bucket, _, prefix = into.removeprefix("s3://").rstrip("/").partition("/")
    client = boto3.client("s3", region_name=os.environ["AWS_REGION"])
    client.create_bucket(Bucket=bucket)
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    for path in paths:
        client.upload_file(str(path), bucket, f"{prefix}/{path.relative_to(folder)}")
    return len(paths)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bucket", type=Path, required=True)
    parser.add_argument("--into", default="s3://plant/dumps")
    args = parser.parse_args()
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with server() as environment:
        count = upload(args.bucket, args.into)
        for key, value in environment.items():
            print(f"export {key}={value}")
        print(f"# {count} files in {args.into}", flush=True)
        ended.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
