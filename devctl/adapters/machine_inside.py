"""What a container sees of clock, network and the project's folder: one container answers all of it."""

from __future__ import annotations

import os
import shutil
import time
import uuid
from pathlib import Path

from devctl.adapters.files import STATE_DIR, SystemFiles
from devctl.domain.check_facts import InsideFacts
from devctl.domain.ports import Processes

GO_PROXY_HOST = "proxy.golang.org"
MODULE = "golang.org/x/text@latest"
RUN_WITHIN = 20.0
CACHE = "/devctl-cache"
_SCRIPT = f"""
cd /tmp
one_line() {{ tr '\\n' ' ' | cut -c1-300; }}
( if command -v getent >/dev/null; then say=$(timeout 3 getent hosts {GO_PROXY_HOST} 2>&1)
  else say=$(timeout 3 nslookup {GO_PROXY_HOST} 2>&1); fi
  if [ $? = 0 ]; then echo dns=; else echo "dns=no answer for {GO_PROXY_HOST}: $(echo "$say" | one_line)"; fi ) >/tmp/dns &
( command -v go >/dev/null || exit 0
  if say=$(timeout 5 go list -m {MODULE} 2>&1); then echo go=
  else echo "go=no answer: $(echo "$say" | one_line)"; fi ) >/tmp/go-proxy &
echo "clock=$(date +%s)"
echo "mtu=$(cat /sys/class/net/eth0/mtu 2>/dev/null)"
echo "ca=$(sha256sum /etc/ssl/certs/ca-certificates.crt 2>/dev/null | cut -c1-64)"
[ -d /devctl ] && : >/devctl/made 2>/dev/null
if [ -d {CACHE} ]; then
  if [ -d {CACHE}/go-build ]; then set -- {CACHE}/go-build {CACHE}/go-build/*; else set -- {CACHE}; fi
  for d in "$@"; do if [ -d "$d" ] && [ ! -w "$d" ]; then echo "denied=/cache${{d#{CACHE}}}"; break; fi; done
fi
wait
cat /tmp/dns /tmp/go-proxy
"""


def look_from(
    image: str, processes: Processes, *, root: Path | None, owner: tuple[int, int], cache: str = ""
) -> InsideFacts:
    """As the owner of the folder, with that folder's scratch corner mounted: what the dev container does."""
    corner, before = _corner(root, owner) if root is not None else (None, None)
    try:
        return _look(image, processes, corner=corner, owner=owner, cache=cache)
    finally:
        if corner is not None:
            shutil.rmtree(corner, ignore_errors=True)
        if before is not None:
            shutil.rmtree(before, ignore_errors=True)


def _corner(root: Path, owner: tuple[int, int]) -> tuple[Path | None, Path | None]:
    """A folder for this look alone, and `.devctl` where it was not there before."""
    state = root / STATE_DIR
    fresh = None if state.is_dir() else state
    try:
        corner = SystemFiles().state_dir(root) / f"doctor-{uuid.uuid4().hex[:8]}"
        corner.mkdir()
        if os.geteuid() == 0:
            os.chown(corner, *owner)
    except OSError:
        return None, fresh
    return corner, fresh


def _look(
    image: str, processes: Processes, *, corner: Path | None, owner: tuple[int, int], cache: str
) -> InsideFacts:
    argv = ["docker", "run", "--rm", "--init", "--pull=never", f"--user={owner[0]}:{owner[1]}"]
    argv += ["--env=HOME=/tmp", "--env=GOPATH=/tmp/go", "--env=GOCACHE=/tmp/cache", "--entrypoint=sh"]
    argv += ["--mount", f"type=bind,source={corner},target=/devctl"] if corner is not None else []
    argv += ["--mount", f"type=volume,source={cache},target={CACHE}"] if cache else []
    began = time.time()
    done = processes.run([*argv, image, "-c", _SCRIPT], timeout=RUN_WITHIN)
    said = dict(line.partition("=")[::2] for line in done.stdout.splitlines())
    if "clock" not in said:
        lines = done.output.strip().splitlines()
        return InsideFacts(image=image, error=lines[0] if lines else f"exit code {done.code}")
    return InsideFacts(
        image=image,
        clock_skew=_skew(said["clock"], began=began, ended=time.time()),
        mtu=int(said["mtu"]) if said.get("mtu", "").isdigit() else None,
        ca_bundle=said.get("ca") or None,
        dns=said.get("dns"),
        go_proxy=said.get("go"),
        made_by=_made_by(corner),
        cache=cache,
        cache_denied=said.get("denied", "") if cache else None,
    )


def _skew(text: str, *, began: float, ended: float) -> float | None:
    """0 where the container's second lies between our two looks at the clock."""
    if not text.isdigit():
        return None
    there = int(text)
    if there + 1 < began:
        return there + 1 - began
    return max(there - ended, 0.0)


def _made_by(corner: Path | None) -> tuple[int, int] | None:
    made = corner / "made" if corner is not None else None
    return SystemFiles().owner(made) if made is not None and made.exists() else None
