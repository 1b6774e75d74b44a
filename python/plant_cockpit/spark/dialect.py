"""The statements of a plant in Spark's SQL.

Both engines read most of SQL alike. Where they do not, the statement is rewritten, so that the file of the plant
means the same in both:

- rows are sorted with nulls last (ascending) or first (descending), as the program sorts them;
- integers after THEN and ELSE, and selected ones with a name, are BIGINT;
- ``concat`` skips nulls;
- ``extract(epoch FROM at)`` is the time in seconds.

:func:`find_differences` lists what is not rewritten and has another meaning, or none, in Spark.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

WORD = re.compile(r"[A-Za-z_]\w*")
INTEGER_BRANCH = re.compile(r"\b(THEN|ELSE)(\s+)(-?\d+)\b(?!\.)(?!\s*[*/+-])", re.IGNORECASE)
INTEGER_COLUMN = re.compile(r"(?<=[\s,(])(-?\d+)(\s+AS\s+(?!(?:INT|BIGINT|DOUBLE|DATE|STRING|DECIMAL)\b)\w+)", re.IGNORECASE)
EPOCH = re.compile(r"\bextract\(\s*epoch\s+FROM\s+", re.IGNORECASE)
CONCAT = re.compile(r"\bconcat\(", re.IGNORECASE)
TABLE = re.compile(
    r"\b(?P<word>FROM|JOIN)(?P<space>\s+)(?P<schema>typed|silver|gold|plant)\.(?P<name>\w+)(?P<alias>\s+(?:AS\s+)?\w+)?",
    re.IGNORECASE,
)
CLAUSES = {
    "where", "group", "order", "having", "limit", "join", "left", "right", "full", "inner", "cross", "on", "union",
    "using", "window", "except", "intersect",
}

#: What only the program knows, with the remedy.
PROGRAM_ONLY = {
    "date_bin": "use date_trunc",
    "approx_percentile_cont": "use percentile_cont or a count of ranks",
    "qualify": "filter in an outer SELECT",
    "exclude": "list the columns",
    "first_value": "use min, max or row_number in a subquery",
    "last_value": "use min, max or row_number in a subquery",
    "arrow_cast": "use CAST",
    "to_char": "use CAST to STRING",
}


@dataclass(frozen=True)
class Difference:
    """A part of a statement that the engines read differently. ``line`` counts from 1."""

    line: int
    message: str
    remedy: str


def translate(sql: str, view: str = "{schema}_{name}") -> str:
    """A statement for Spark. ``view`` names the temporary view of a table of the lake."""
    parts = re.split(r"('(?:[^']|'')*')", _without_comments(sql))
    sql = "".join(part if at % 2 else _translate_code(part) for at, part in enumerate(parts))
    sql = _with_order_of_nulls(_with_epochs(sql))
    return TABLE.sub(lambda found: _as_view(found, view), sql)


def find_differences(sql: str) -> list[Difference]:
    """What Spark reads differently from the program, and is not rewritten."""
    found = []
    for number, line in enumerate(_without_comments(sql).splitlines(), 1):
        code = re.sub(r"'[^']*'", "''", line)
        for word in WORD.findall(code):
            remedy = PROGRAM_ONLY.get(word.lower())
            if remedy is not None:
                found.append(Difference(number, f"Spark has no `{word}` of this meaning", remedy))
        if '"' in code:
            remedy = "write names without quotes, and texts in single quotes"
            found.append(Difference(number, "double quotes are a text in Spark and a name in the program", remedy))
    return found


def _translate_code(code: str) -> str:
    code = INTEGER_BRANCH.sub(r"\1\2CAST(\3 AS BIGINT)", code)
    code = INTEGER_COLUMN.sub(r"CAST(\1 AS BIGINT)\2", code)
    code = CONCAT.sub("concat_ws('', ", code)
    return code


def _without_comments(sql: str) -> str:
    """The statement without comments, line for line."""
    lines = []
    for line in sql.splitlines():
        in_text = False
        for at, sign in enumerate(line):
            if sign == "'":
                in_text = not in_text
            elif not in_text and line.startswith("--", at):
                line = line[:at]
                break
        lines.append(line)
    return "\n".join(lines)


def _as_view(found: re.Match[str], view: str) -> str:
    name = view.format(schema=found["schema"].lower(), name=found["name"])
    alias = found["alias"] or ""
    if not alias or alias.split()[-1].lower() in CLAUSES:
        alias = f" AS {found['name']}{alias}"
    return f"{found['word']}{found['space']}{name}{alias}"


def _with_order_of_nulls(sql: str) -> str:
    """Adds NULLS LAST to ascending and NULLS FIRST to descending items of ORDER BY that state neither."""
    result, position = [], 0
    for found in re.finditer(r"\bORDER\s+BY\b", sql, re.IGNORECASE):
        result.append(sql[position : found.end()])
        end = _end_of_order(sql, found.end())
        items = _split(sql[found.end() : end])
        result.append(",".join(_with_nulls(item) for item in items))
        position = end
    return "".join([*result, sql[position:]])


def _with_epochs(sql: str) -> str:
    """The time in seconds by the microseconds, because Spark extracts no epoch."""
    while (found := EPOCH.search(sql)) is not None:
        depth, end = 1, found.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(sql[end], 0)
            end += 1
        sql = f"{sql[: found.start()]}(unix_micros({sql[found.end() : end - 1]}) / 1000000.0D){sql[end:]}"
    return sql


def _end_of_order(sql: str, start: int) -> int:
    """Where the list of an ORDER BY ends: at its bracket, the frame of its window, LIMIT, or the end."""
    depth, in_text, at = 0, False, start
    while at < len(sql):
        sign = sql[at]
        if sign == "'":
            in_text = not in_text
        elif in_text:
            pass
        elif sign == "(":
            depth += 1
        elif sign == ")":
            if depth == 0:
                return at
            depth -= 1
        elif depth == 0 and re.match(r"\b(ROWS|RANGE|LIMIT|UNION)\b", sql[at:], re.IGNORECASE) and not sql[at - 1].isalnum():
            return at
        at += 1
    return at


def _split(items: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for at, sign in enumerate(items):
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if sign == "," and depth == 0:
            parts.append(items[start:at])
            start = at + 1
    return [*parts, items[start:]]


def _with_nulls(item: str) -> str:
    if re.search(r"\bNULLS\s+(FIRST|LAST)\b", item, re.IGNORECASE) or not item.strip():
        return item
    is_descending = re.search(r"\bDESC\s*$", item, re.IGNORECASE) is not None
    body = item.rstrip()
    return f"{body} NULLS {'FIRST' if is_descending else 'LAST'}{item[len(body):]}"
