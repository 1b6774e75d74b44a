"""Requests that schemathesis generates from /api/v1/openapi.json, valid and invalid ones, against a running service.

Promise: every answer has a status, a media type and a body that the description names, none is an internal error, and
invalid values are refused. One run has an API token, another one the session of an administrator. Errors are problem
details (RFC 9457) whose `type` the page of the interface explains; tables, their list and KPIs answer 304.

Left out: the live stream, which has no end, and whether every value that the description allows is accepted, since a
JSON Schema cannot describe SQL, conditions and names that exist.

    python interface_case.py --cockpit BIN --schemathesis PYTHON [--short]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import doors
from checks import Report
from damage_state import LIMIT_S, Service

DAYS = 2
PHASES, EXAMPLES = "examples,coverage,fuzzing", 5
"""Random requests per operation, beside those of the limits of each value."""
SHORT_PHASES, SHORT_EXAMPLES = "examples,fuzzing", 2
"""The same without those of the limits of each value, which are most of them."""
SEED = 1
RUN_S = 900
ACTIONS = [
    *("view_pages", "read_tables", "follow_live", "download", "run_sql", "read_sources", "read_metrics"),
    *("read_audit", "manage_reports", "shelve_alarm", "acknowledge_alarm", "edit_rules"),
]
ENDLESS = ("watchLive",)
ENDS_SESSION = (
    *("logOut", "endOwnSession", "endSession", "revokeUser", "resetPassword", "disableUser", "setRoles"),
)
"""Operations by which an administrator ends the own session or role."""
UNCHECKED = "positive_data_acceptance"
MEMBERS = {"type", "title", "status", "detail", "instance", "code", "remedy"}

Headers = dict[str, str]


def attack(
    service: Service, python: Path, amount: list[str], headers: Headers, left_out: tuple[str, ...], unchecked: str = UNCHECKED
) -> str:
    """The report of schemathesis if it found something, else an empty text."""
    words = [str(python.with_name("schemathesis")), "run", address(service, "/api/v1/openapi.json")]
    words += [*amount, "--seed", str(SEED)]
    words += ["--exclude-checks", unchecked, "--no-color", "--request-timeout", "60"]
    for name in (*ENDLESS, *left_out):
        words += ["--exclude-operation-id", name]
    for name, value in headers.items():
        words += ["-H", f"{name}: {value}"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=RUN_S, check=False)
    print("\n".join(done.stdout.splitlines()[-3:]))
    return "" if done.returncode == 0 else done.stdout[-12_000:] + done.stderr[-2_000:]


def address(service: Service, path: str) -> str:
    return f"http://127.0.0.1:{service.port}{path}"


def ask(service: Service, path: str, headers: Headers) -> tuple[int, Any, bytes]:
    request = urllib.request.Request(address(service, path), headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.headers, refused.read()


def check_problems(service: Service, bearer: Headers, report: Report) -> None:
    page = json.loads(ask(service, "/api/v1/openapi.json", bearer)[2])
    codes = {kind["code"] for kind in page["x-errors"]}
    for path, headers, status, code in (
        ("/api/v1/tables/gold/nothing?limit=1", bearer, 404, "unknown_table"),
        ("/api/v1/nothing", bearer, 404, "not_found"),
        ("/api/v1/kpis?level=cell", bearer, 400, "bad_value"),
        ("/api/v1/query?sql=SELECT%20FORM", bearer, 400, "bad_query"),
        ("/api/v1/tables", {}, 401, "unauthenticated"),
        ("/api/v1/users", bearer, 403, "forbidden"),
    ):
        found, answer, text = ask(service, path, headers)
        body = json.loads(text)
        report.equal(f"{path}: media type", answer["Content-Type"], "application/problem+json")
        report.equal(f"{path}: status", (found, body["status"], body["code"]), (status, status, code))
        report.equal(f"{path}: members", MEMBERS - body.keys(), set())
        report.equal(f"{path}: type", body["type"], f"/api/v1/docs#{code}")
        report.equal(f"{path}: instance", body["instance"], path.partition("?")[0])
        report.equal(f"{path}: former form", body["error"]["code"], code)
        report.check(f"{path}: the page explains it", code in codes and bool(body["remedy"]))


def check_conditions(service: Service, bearer: Headers, report: Report) -> None:
    for path in ("/api/v1/tables", "/api/v1/tables/gold/oee_shift?limit=5", "/api/v1/kpis?kpi=oee"):
        status, headers, body = ask(service, path, bearer)
        report.check(f"{path}: has rows", status == 200 and len(body) > 100)
        tag = headers["ETag"]
        status, headers, body = ask(service, path, bearer | {"If-None-Match": tag})
        report.equal(f"{path}: unchanged", (status, headers["ETag"], body), (304, tag, b""))
        status, _, _ = ask(service, path, bearer | {"If-None-Match": '"other"'})
        report.equal(f"{path}: another validator", status, 200)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cockpit", type=Path, required=True)
    parser.add_argument("--schemathesis", type=Path, required=True, help="a Python with schemathesis")
    parser.add_argument("--short", action="store_true", help="few requests per operation")
    arguments = parser.parse_args()
    phases, examples = (SHORT_PHASES, SHORT_EXAMPLES) if arguments.short else (PHASES, EXAMPLES)
    amount = ["--phases", phases, "--max-examples", str(examples)]
    program = arguments.cockpit.resolve()
    report = Report()
    with tempfile.TemporaryDirectory(prefix="interface-case-") as name:
        folder = Path(name)
        plant, lake = doors.fill(program, folder, DAYS)
        (folder / "world").mkdir()
        service = doors.open_world(program, folder / "world", lake, plant).start()
        try:
            cookie = service.login().cookie
            bearer = {"Authorization": f"Bearer {doors.token(service, cookie, ACTIONS)}"}
            check_problems(service, bearer, report)
            check_conditions(service, bearer, report)
            found = attack(service, arguments.schemathesis, amount, bearer, ())
            report.check("schemathesis with a token", not found, found)
            session = {"Cookie": cookie, "Sec-Fetch-Site": "same-origin"}
            # Schemathesis removes tokens to check that they are needed, and leaves a cookie that is given.
            unchecked = f"{UNCHECKED},ignored_auth"
            found = attack(service, arguments.schemathesis, amount, session, ENDS_SESSION, unchecked)
            report.check("schemathesis with a session", not found, found)
            report.check("the service runs", service.is_running())
            report.equal("no internal error", "request_failed" in service.said(), False)
        finally:
            service.stop()
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
