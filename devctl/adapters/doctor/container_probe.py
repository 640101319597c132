"""What a container sees of clock, network and the project's folder: one container answers everything."""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

from devctl.adapters.system import beneath
from devctl.adapters.system.state_folder import SystemStateFolder
from devctl.domain.command.argv import docker, mount
from devctl.domain.doctor.facts import InsideFacts
from devctl.domain.numbers import whole
from devctl.domain.ports.toolbox import Processes
from devctl.domain.project.state_folder import STATE_FOLDER
from devctl.errors import DevctlError

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


@contextlib.contextmanager
def scratch_corner(root: Path | None, owner: tuple[int, int]) -> Iterator[Path | None]:
    """A folder just for this probe, removed afterwards, and so is `.devctl` if it did not exist before."""
    if root is None:
        yield None
        return
    fresh = not os.path.lexists(root / STATE_FOLDER)
    corner = root / STATE_FOLDER / f"doctor-{uuid.uuid4().hex[:8]}"
    try:
        SystemStateFolder().make(root)
        beneath.make_folder(root, corner, owner=owner, mode=0o700)
        made = True
    except (OSError, DevctlError):
        made = False
    try:
        yield corner if made else None
    finally:
        beneath.remove_folder(root, corner)
        if fresh:
            beneath.remove_folder(root, root / STATE_FOLDER)


def look(
    image: str,
    processes: Processes,
    *,
    corner: Path | None,
    user: str,
    cache: str,
    labels: Sequence[str],
) -> InsideFacts:
    """As `user`, the owner of the folder, with its scratch subfolder mounted, like the dev container."""
    flags = [*labels, "--rm", "--init", "--pull=never", f"--user={user}"]
    flags += ["--env=HOME=/tmp", "--env=GOPATH=/tmp/go", "--env=GOCACHE=/tmp/cache", "--entrypoint=sh"]
    flags += [mount("bind", str(corner), "/devctl")] if corner is not None else []
    flags += [mount("volume", cache, CACHE)] if cache else []
    began = time.time()
    done = processes.run(docker("run", *flags, to=[image, "-c", _SCRIPT]), timeout=RUN_WITHIN)
    said = dict(line.partition("=")[::2] for line in done.stdout.splitlines())
    if "clock" not in said:
        lines = done.output.strip().splitlines()
        return InsideFacts(image=image, error=lines[0] if lines else f"exit code {done.code}")
    return InsideFacts(
        image=image,
        clock_skew=_skew(said["clock"], began=began, ended=time.time()),
        mtu=whole(said.get("mtu", "")),
        ca_bundle=said.get("ca") or None,
        dns=said.get("dns"),
        go_proxy=said.get("go"),
        made_by=_made_by(corner),
        cache=cache,
        cache_denied=said.get("denied", "") if cache else None,
    )


def _skew(text: str, *, began: float, ended: float) -> float | None:
    """0 if the container's time is between the two readings of this machine's clock."""
    there = whole(text)
    if there is None:
        return None
    if there + 1 < began:
        return there + 1 - began
    return max(there - ended, 0.0)


def _made_by(corner: Path | None) -> tuple[int, int] | None:
    try:
        facts = (corner / "made").lstat() if corner is not None else None
    except OSError:
        return None
    return (facts.st_uid, facts.st_gid) if facts is not None else None
