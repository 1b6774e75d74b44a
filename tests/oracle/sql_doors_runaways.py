"""Statements that do not end by themselves, or only after a long time."""

from __future__ import annotations

SERIES = "generate_series(1, 9000) a, generate_series(1, 9000) b"
CROSS_JOIN = (
    f"SELECT count(*) FROM {SERIES} WHERE sin(a.value * b.value) + cos(a.value * b.value) "
    "+ tan(a.value + b.value) * ln(a.value + b.value) > 1e9"
)
RUNAWAYS = {
    "a cross join": CROSS_JOIN,
    "a recursion": "WITH RECURSIVE x AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM x) SELECT count(*) FROM x",
    "a sort": f"SELECT a.value, b.value FROM {SERIES} ORDER BY a.value * b.value, random()",
    "a pattern": f"SELECT count(*) FROM {SERIES} WHERE regexp_like("
    "repeat('a', 9000) || b.value::text || a.value::text, '^(a+)+(a|aa)+$')",
}
HUGE_PATTERN = (
    f"SELECT count(*) FROM {SERIES} WHERE regexp_like("
    "a.value::text, '((((a{1,99}){1,99}){1,99}){1,99}){1,99}')"
)
"""Is refused, since its automaton would be too large."""
