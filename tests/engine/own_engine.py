"""An engine of a test's own: real, and nobody else sees it.

In mount, network and process namespaces of their own, with nothing in /run, /var/lib/docker and /etc/docker: what starts
dockerd there starts a second one by its usual names, beside the machine's, and all of it ends with the command. There is no
network but that of its containers, and what it keeps lies in memory, in as much room as it is given.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

NAMESPACES = ("unshare", "--mount", "--net", "--pid", "--fork", "--mount-proc", "--kill-child")
EMPTY = ("/run", "/var/log", "/etc/docker")
WITHIN = 900.0


def alone(
    *commands: str, cwd: Path, room: str = "1g", within: float = WITHIN
) -> subprocess.CompletedProcess[str]:
    """Run shell commands where no engine answers yet; the last one's exit code is the result's. `room` is the engine's disk,
    `within` the seconds for all of them."""
    mounts = [f"mkdir -p {folder} && mount -t tmpfs none {folder}" for folder in EMPTY]
    mounts += [f"mount -t tmpfs -o size={room} none /var/lib/docker", "ip link set lo up"]
    script = "\n".join(["set -e", *mounts, f"cd {shlex.quote(str(cwd))}", "set +e", *commands])
    argv = [*NAMESPACES, "sh", "-c", script]
    return subprocess.run(argv, capture_output=True, text=True, timeout=within)


def devctl_line(*words: str) -> str:
    return shlex.join([sys.executable, "-m", "devctl", "--json", *words])
