"""The text that people see after `prod-preview`."""

from __future__ import annotations

from typing import Any

MEGABYTE = 1_000_000
WIDTH = 80
"""Columns of the table of differences: those of a usual terminal."""
LEAST = 12
"""Characters of a value in it, however long the names of the services are."""


def preview_text(result: dict[str, Any], *, back: str) -> str:
    """`back`: the command or key that goes back to dev."""
    urls = {s["name"]: s["url"] for s in result["services"] if s["kind"] == "service" and s["url"]}
    each = result["previews"]
    first = urls.get(each[0]["service"]) or next(iter(urls.values()), None)
    lines = [f"production preview serves{f' on {first}' if first else ''}"]
    for one in each:
        if len(each) > 1:
            lines.append(f"{one['service']}{f' on {url}' if (url := urls.get(one['service'])) else ''}")
        lines += _figures(one)
    lines += _drain_text(result["drain"])
    # An answer that differs was reported as a warning, with its fix.
    told = (c for c in result["checks"] if c["status"] != "ok" and c["id"] != "answers-differ")
    # Several services may have one image.
    lines += dict.fromkeys(f"  {c['status']:<5} {c['detail']}" for c in told)
    lines += differences_text(result["differences"])
    lines += _answers_text(result["answers"])
    return "\n".join([*lines, f"back to dev: {back}"])


def _figures(one: dict[str, Any]) -> list[str]:
    image, hard, binary = one["image"], one["hardening"], one["binary"]["size_bytes"]
    size = f"{image['size_bytes'] / MEGABYTE:.2f} MB" + (
        f", binary {binary / MEGABYTE:.2f} MB" if binary else ""
    )
    gap = f", longest gap {one['gap_ms'] / 1000:.2f} s" if one["gap_ms"] is not None else ""
    how = [
        f"uid {hard['user'].split(':')[0]}" if hard["user"] else "the image's user",
        "read-only" if hard["read_only"] else "writable",
        "no capabilities" if "ALL" in hard["cap_drop"] else "capabilities kept",
        "source mounted" if hard["source_mounted"] else "no source",
    ]
    return [
        f"  image   {image['ref']} ({image['base']}, {size})",
        f"  runs as {', '.join(how)}",
        f"  switch  {one['switch_ms'] / 1000:.2f} s{gap}",
    ]


def differences_text(rows: list[dict[str, Any]]) -> list[str]:
    """The table of dev and prod; what is longer than its column is cut off (JSON has all of it)."""
    several = len({r["service"] for r in rows}) > 1
    cells = [
        (f"{r['service']} {r['what']}" if several else r["what"], str(r["dev"]), str(r["prod"])) for r in rows
    ]
    if not cells:
        return []
    cells = [("", "dev", "prod"), *cells]
    name, dev, prod = (max(len(row[i]) for row in cells) for i in range(3))
    dev, prod = _fitting(dev, prod, room=max(2 * LEAST, WIDTH - name - len("  " * 3)))
    return [f"  {what:<{name}}  {_cut(a, dev):<{dev}}  {_cut(b, prod)}".rstrip() for what, a, b in cells]


def _fitting(left: int, right: int, *, room: int) -> tuple[int, int]:
    """The widths of two columns: half of the room for each, and more for one if the other needs less."""
    half = room // 2
    if left <= half:
        return left, min(right, room - left)
    return (room - right, right) if right <= half else (half, room - half)


def _drain_text(drain: dict[str, Any] | None) -> list[str]:
    if drain is None:
        return []
    stopped, lost = drain["stopped_ms"] / 1000, drain["lost_requests"]
    said = f"{lost} lost" if lost else "none lost"
    return [
        f"  drain   stopped in {stopped:.2f} s, exit code {drain['exit_code']}; of the requests in flight, {said}"
    ]


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _answers_text(answers: dict[str, Any]) -> list[str]:
    if not answers["requests"]:
        return []
    bad = len(answers["differ"])
    word = f"{bad} of them answered differently than in dev" if bad else "answered as in dev"
    return [f"  {answers['requests']} requests sent to both, {word}"]
