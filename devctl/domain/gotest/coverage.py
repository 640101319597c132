"""A summary of a cover profile: https://pkg.go.dev/golang.org/x/tools/cover#ParseProfiles."""

from __future__ import annotations

from devctl.domain.regex import regex

_BLOCK = regex(r"(?P<block>.+:\d+\.\d+,\d+\.\d+) (?P<statements>\d{1,9}) (?P<count>\d{1,20})$")


def total_coverage(profile: str) -> float | None:
    """In percent, as in the last line of `go tool cover -func`; None without statements.

    With -coverpkg each test program reports each block: it is covered if one of them reached it.
    """
    statements: dict[str, int] = {}
    covered: set[str] = set()
    for line in profile.splitlines():
        found = _BLOCK.match(line)
        if found is not None:
            statements[found["block"]] = int(found["statements"])
            if int(found["count"]):
                covered.add(found["block"])
    total = sum(statements.values())
    return 100 * sum(statements[block] for block in covered) / total if total else None
