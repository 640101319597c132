"""What a person reads after `prod-preview`."""

from __future__ import annotations

from typing import Any

MEGABYTE = 1_000_000


def preview_text(result: dict[str, Any]) -> str:
    image, hard = result["image"], result["hardening"]
    url = next((s["url"] for s in result["services"] if s["kind"] == "service" and s["url"]), None)
    binary = result["binary"]["size_bytes"]
    size = f"{image['size_bytes'] / MEGABYTE:.2f} MB" + (
        f", binary {binary / MEGABYTE:.2f} MB" if binary else ""
    )
    how = [
        f"uid {hard['user'].split(':')[0]}" if hard["user"] else "user of the image",
        "read-only" if hard["read_only"] else "writable",
        "no capabilities" if "ALL" in hard["cap_drop"] else "capabilities kept",
        "source mounted" if hard["source_mounted"] else "no source",
    ]
    lines = [
        f"production preview serves{f' on {url}' if url else ''}",
        f"  image   {image['ref']} ({image['base']}, {size})",
        f"  runs as {', '.join(how)}",
        f"  switch  {result['switch_ms'] / 1000:.2f} s, longest gap {result['gap_ms'] / 1000:.2f} s",
    ]
    lines += [f"  {c['status']:<5} {c['detail']}" for c in result["checks"] if c["status"] != "ok"]
    return "\n".join([*lines, "back to dev: devctl up"])
