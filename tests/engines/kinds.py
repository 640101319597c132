"""The engines that the lane knows: where each comes from, and how it is started (docs/decisions/0029-engines.md)."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

ROOTLESS_USER = 2000
PLUGINS = "/usr/libexec/docker/cli-plugins"
SOCKET = "/run/eng/docker.sock"
DOCKERD = f"exec dockerd --host unix://{SOCKET} --pidfile /run/eng/pid --exec-root /run/eng/exec"
TCP = f"{DOCKERD} --host tcp://ADDRESS:2375 --tls=false"
SSH = f"mkdir -p /run/sshd; ln -sf {SOCKET} /run/docker.sock; /usr/sbin/sshd\n{DOCKERD}"
# The tun device of the machine belongs to root alone, and slirp4netns opens it as the user. The shell stays the first process: one
# that becomes another user is no longer told that its parent has died (prctl(2), PR_SET_PDEATHSIG).
ROOTLESS = f"""
mount -t tmpfs tmpfs /mnt; mknod /mnt/tun c 10 200; chmod 666 /mnt/tun; mount --bind /mnt/tun /dev/net/tun
install -d -m 700 -o {ROOTLESS_USER} -g {ROOTLESS_USER} /run/user/{ROOTLESS_USER}
setpriv --reuid {ROOTLESS_USER} --regid {ROOTLESS_USER} --init-groups env -i HOME=/home/tester USER=tester \
  XDG_RUNTIME_DIR=/run/user/{ROOTLESS_USER} PATH=/usr/sbin:/usr/bin:/sbin:/bin sh /usr/share/docker.io/contrib/dockerd-rootless.sh
exit $?
"""
# Without CAP_SYS_RESOURCE the limits that podman wants are above what it may set.
PODMAN = f"""
limit() {{ prlimit --raw --noheadings --output HARD $1; }}
printf '[containers]\\ndefault_ulimits = ["nofile=%s:%s","nproc=%s:%s"]\\n' $(limit -n) $(limit -n) $(limit -u) $(limit -u) \
  >/etc/containers/containers.conf
exec podman system service --time=0 unix://{SOCKET}
"""


class Kind(Struct, frozen=True):
    """One engine. `suite`: of Debian. `start`: what its tree runs, as shell, with
    its ADDRESS.

    `sees_files`: whether the projects of this machine exist there. `owner`: whose projects they are. `user`: as whom devctl runs.
    `orders_labels`: whether the labels of a build are written in the same order each time.
    """

    name: str
    suite: Literal["bookworm", "trixie", "sid"]
    start: str = DOCKERD
    socket: str = SOCKET
    compose: Literal["2", "5"] = "2"
    containerd_store: bool = False
    endpoint: Literal["unix", "tcp", "ssh"] = "unix"
    sees_files: bool = True
    owner: int = 1000
    orders_labels: bool = True
    user: int = 0


KINDS = (
    Kind("20.10", "bookworm"),
    Kind("26", "trixie"),
    Kind(
        "26-rootless",
        "trixie",
        start=ROOTLESS,
        socket=f"/run/user/{ROOTLESS_USER}/docker.sock",
        owner=ROOTLESS_USER,
        user=ROOTLESS_USER,
    ),
    Kind("28-containerd", "sid", compose="5", containerd_store=True),
    Kind("podman", "trixie", start=PODMAN, orders_labels=False),
    Kind("far-tcp", "trixie", start=TCP, endpoint="tcp", sees_files=False),
    Kind("far-ssh", "trixie", start=SSH, endpoint="ssh", sees_files=False),
)
