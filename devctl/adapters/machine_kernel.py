"""Numbers that the kernel and the system's certificates tell, each None where they do not."""

from __future__ import annotations

import hashlib
from pathlib import Path

CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
OWN_CAS = Path("/usr/local/share/ca-certificates")
ROUTES = Path("/proc/net/route")


def number(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None


def memory_available() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    words = next((line.split() for line in lines if line.startswith("MemAvailable:")), [])
    return int(words[1]) * 1024 if len(words) > 1 else None


def way_out_mtu() -> int | None:
    """Of the interface that the default route leaves by."""
    try:
        rows = [line.split() for line in ROUTES.read_text().splitlines()[1:]]
    except OSError:
        return None
    out = next((row[0] for row in rows if len(row) > 2 and row[1] == "00000000"), None)
    return number(Path("/sys/class/net") / out / "mtu") if out is not None else None


def ca_bundle() -> str | None:
    """The digest of the system's bundle."""
    try:
        return hashlib.sha256(CA_BUNDLE.read_bytes()).hexdigest()
    except OSError:
        return None


def own_cas() -> int:
    """How many certificate authorities an administrator added."""
    return sum(1 for _ in OWN_CAS.rglob("*.crt")) if OWN_CAS.is_dir() else 0
