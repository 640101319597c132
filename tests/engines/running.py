"""An engine of the lane while it runs: in a root file system, network and processes of its own, and gone afterwards.

`pivot_root` and not `chroot`: `docker exec` joins the mount namespace at its root, which would still be the machine's. A network
of its own, since a second engine in the machine's would remove the first one's firewall rules.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from msgspec import Struct

from tests.engines.kinds import KINDS, Kind
from tests.engines.trees import plugins, tree

READY_WITHIN = 60.0
# What a lane starts ends with it, however it ends: everything in a process namespace ends with the first process there.
NAMESPACES = ("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child")
ENDS_WITH_LANE = ("setpriv", "--pdeathsig", "KILL")
DATA = (
    "var/lib/docker",
    "var/lib/containerd",
    "var/lib/containers",
    "home/tester/.local",
    "run/eng",
    "run/user",
)


class Running(Struct, frozen=True):
    """`within`: what a command begins with to share the engine's network, and to end with the lane; `env`: with which the docker
    command finds the engine."""

    within: tuple[str, ...]
    env: dict[str, str]


@contextmanager
def running(kind: Kind, work: Path) -> Iterator[Running]:
    """`work`: a folder that exists there too, unless the engine is a far one."""
    config = work / "docker"
    plugins(kind, config)
    env = {"DOCKER_CONFIG": str(config)}
    with ExitStack() as stack:
        root = tree(kind.suite)
        number = KINDS.index(kind) + 1
        stack.enter_context(_network(number))
        # A far engine keeps its own files; the machine's would be at the same paths otherwise.
        stack.enter_context(_engine(kind, root, number, shared=work if kind.sees_files else None))
        if kind.endpoint == "unix":
            env["DOCKER_HOST"] = f"unix://{root}{kind.socket}"
        elif kind.endpoint == "tcp":
            env["DOCKER_HOST"] = f"tcp://{_address(number)}:2375"
        else:
            env |= _ssh(root, number, work)
        if kind.user:
            env["HOME"] = str(work)
            for path in (work, *work.rglob("*")):
                os.chown(path, kind.user, kind.user)
        network = _enter(number) if kind.endpoint == "unix" else ()
        # The first process is a shell, since that reaps what the others leave.
        shell = ("--mount-proc", "sh", "-c", '"$@"; exit $?', "sh")
        yield Running((*ENDS_WITH_LANE, *network, *NAMESPACES, *shell, *_as(kind.user)), env)


def _enter(number: int) -> tuple[str, ...]:
    return ("nsenter", f"--net=/run/netns/{_name(number)}")


def _as(user: int) -> tuple[str, ...]:
    """A user who may read what the machine's root may, such as an interpreter in its home."""
    if not user:
        return ()
    ids = ("--reuid", str(user), "--regid", str(user), "--clear-groups")
    return ("setpriv", *ids, "--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search")


@contextmanager
def _network(number: int) -> Iterator[None]:
    """A network namespace with a way out through the machine."""
    name, link, here = _name(number), f"dve{number}", f"10.214.{number}.1"
    rules = [
        ("-t", "nat", "POSTROUTING", "-s", f"10.214.{number}.0/30", "!", "-o", link, "-j", "MASQUERADE"),
        ("-t", "filter", "FORWARD", "-i", link, "-j", "ACCEPT"),
        ("-t", "filter", "FORWARD", "-o", link, "-j", "ACCEPT"),
    ]
    with ExitStack() as stack:
        _quiet("ip", "netns", "del", name)  # of a lane that was killed
        _quiet("ip", "link", "del", link)
        _run("ip", "netns", "add", name)
        stack.callback(_quiet, "ip", "netns", "del", name)
        _run("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name)
        stack.callback(_quiet, "ip", "link", "del", link)
        _run("ip", "addr", "add", f"{here}/30", "dev", link)
        _run("ip", "link", "set", link, "up")
        for words in (
            f"addr add {_address(number)}/30 dev eth0",
            "link set lo up",
            "link set eth0 up",
            f"route add default via {here}",
        ):
            _run("ip", "-n", name, *words.split())
        _run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        for _, table, chain, *rule in rules:
            _quiet("iptables", "-t", table, "-D", chain, *rule)
            _run("iptables", "-t", table, "-I", chain, *rule)
            stack.callback(_quiet, "iptables", "-t", table, "-D", chain, *rule)
        yield


@contextmanager
def _engine(kind: Kind, root: Path, number: int, *, shared: Path | None) -> Iterator[None]:
    _empty(root)
    shutil.copy(Path("/etc/resolv.conf").resolve(), root / "etc/resolv.conf")
    features = '{"features": {"containerd-snapshotter": true}}' if kind.containerd_store else "{}"
    (root / "etc/docker").mkdir(exist_ok=True)
    (root / "etc/docker/daemon.json").write_text(features)
    for folder in ("run/eng", ".old", *([str(shared).lstrip("/")] if shared is not None else [])):
        (root / folder).mkdir(parents=True, exist_ok=True)
    there = shlex.quote(str(root))
    script = [
        f"set -e; mount --bind {there} {there}; mount -t proc proc {there}/proc",
        f"mount --rbind /sys {there}/sys; mount --rbind /dev {there}/dev",
        *([f"mount --rbind {shlex.quote(str(shared))} {there}{shlex.quote(str(shared))}"] if shared else []),
        f"cd {there}; pivot_root . .old; umount -l /.old; cd /",
        kind.start.replace("ADDRESS", _address(number)),
    ]
    argv = [*ENDS_WITH_LANE, *_enter(number), *NAMESPACES, "sh", "-c", "\n".join(script)]
    log = root.with_name(f"{kind.name}.log")
    with log.open("wb") as out:
        engine = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )
    try:
        _wait(engine, kind, root, log)
        yield
        left = _docker(root, kind, "ps", "--all", "--quiet").stdout.split()
        _docker(root, kind, *(["rm", "--force", *left] if left else ["version"]))  # with their control groups
    finally:
        engine.kill()  # its mounts end with it
        engine.wait()
        _empty(root)


def _wait(engine: subprocess.Popen[bytes], kind: Kind, root: Path, log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while _docker(root, kind, "version").returncode != 0:
        assert engine.poll() is None and time.monotonic() < deadline, log.read_text()[-2000:]
        time.sleep(0.2)


def _ssh(root: Path, number: int, work: Path) -> dict[str, str]:
    """An `ssh` first in PATH that knows key and host of the engine's sshd."""
    key, shim = work / "key", work / "bin/ssh"
    _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key))
    (root / "root/.ssh").mkdir(mode=0o700, exist_ok=True)
    shutil.copy(key.with_suffix(".pub"), root / "root/.ssh/authorized_keys")
    shim.parent.mkdir()
    options = f"-i {key} -o UserKnownHostsFile={work}/known_hosts -o StrictHostKeyChecking=accept-new"
    shim.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} {options} "$@"\n')
    shim.chmod(0o755)
    return {"DOCKER_HOST": f"ssh://root@{_address(number)}", "PATH": f"{shim.parent}:{os.environ['PATH']}"}


def _empty(root: Path) -> None:
    for folder in DATA:
        shutil.rmtree(root / folder, ignore_errors=True)


def _docker(root: Path, kind: Kind, *words: str) -> subprocess.CompletedProcess[str]:
    argv = ["docker", "--host", f"unix://{root}{kind.socket}", *words]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60)


def _name(number: int) -> str:
    return f"devctl-engine-{number}"


def _address(number: int) -> str:
    return f"10.214.{number}.2"


def _run(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{' '.join(argv)}\n{done.stdout}{done.stderr}"
    return done.stdout


def _quiet(*argv: str) -> None:
    subprocess.run(argv, capture_output=True, timeout=60)
