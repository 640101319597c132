"""Numbers from the kernel and the system's certificates, each None if unknown."""

from __future__ import annotations

import hashlib
from pathlib import Path

from devctl.errors import MachineError

CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
OWN_CAS = Path("/usr/local/share/ca-certificates")
ROUTES = Path("/proc/net/route")
INOTIFY = Path("/proc/sys/fs/inotify")
SYSCTL = Path("/etc/sysctl.d")
LIMITS = {"max_user_watches": 524288, "max_user_instances": 1024}
KEPT_IN = "60-devctl-inotify.conf"


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
    """Of the interface of the default route."""
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
    """How many certificate authorities an administrator has added."""
    return sum(1 for _ in OWN_CAS.rglob("*.crt")) if OWN_CAS.is_dir() else 0


def raise_watch_limits(folder: Path, *, kept: Path) -> str:
    """Written to the kernel and to a sysctl file; a limit that is already higher stays."""
    wanted = {name: value for name, value in LIMITS.items() if (number(folder / name) or 0) < value}
    try:
        for name, value in wanted.items():
            (folder / name).write_text(f"{value}\n", encoding="utf-8")
        lines = [f"fs.inotify.{name} = {value}\n" for name, value in wanted.items()]
        kept.mkdir(parents=True, exist_ok=True)
        (kept / KEPT_IN).write_text("".join(lines), encoding="utf-8")
    except OSError as error:
        words = " ".join(f"fs.inotify.{name}={value}" for name, value in wanted.items())
        raise MachineError(
            f"the kernel's limits for file watchers could not be raised: {error.strerror}",
            code="not-fixed",
            hint=f"sudo sysctl {words}",
        ) from None
    said = ", ".join(f"fs.inotify.{name} {value}" for name, value in wanted.items())
    return f"raised {said} (kept in {kept / KEPT_IN})"
