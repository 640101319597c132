"""No file events, for want of inotify: in the container, and for the watcher beside it. The kernel's limits stay as they are:
one user's instances are used up by a process of that user, and a user namespace has a limit of its own. And none through the
mount: the engine is given an overlay of the folder, whose lower layer is what is saved to."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engine.cli import DEVCTL, serves, until
from tests.engine.conftest import Started

pytestmark = pytest.mark.engine
MakeProject = Callable[..., Started]
OWNER = 31998
"""Of this project alone: no container of another test runs without what is used up here."""
HOLD_ALL = """
import ctypes, os, resource, sys
enough = {most} + 100
resource.setrlimit(resource.RLIMIT_NOFILE, (enough, max(enough, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
os.setgid({owner}); os.setuid({owner})
libc = ctypes.CDLL(None, use_errno=True)
held = 0
while libc.inotify_init1(0) >= 0: held += 1
print("used up" if held == {most} else f"{{held}} of {most}: {{os.strerror(ctypes.get_errno())}}", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def used_up() -> Iterator[None]:
    """Every inotify instance that the kernel gives to OWNER is in use."""
    most = int(Path("/proc/sys/fs/inotify/max_user_instances").read_text())
    argv = [sys.executable, "-c", HOLD_ALL.format(owner=OWNER, most=most)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None and holder.stdin is not None
        try:
            assert holder.stdout.readline() == "used up\n"
            yield
        finally:
            holder.stdin.close()
            subprocess.run(["docker", "volume", "rm", f"devctl-go1.26-{OWNER}"], capture_output=True)


@pytest.mark.fixes("the container gets no file watches", by="`onboard`", code="inotify-limit")
def test_saves_are_looked_for_where_the_container_gets_no_watches(
    used_up: None, project: MakeProject
) -> None:
    shop = project()
    for path in (shop.root, *shop.root.rglob("*")):
        os.chown(path, OWNER, OWNER)
    done = shop.devctl("onboard")
    up = next(s["detail"] for s in done.result["steps"] if s["id"] == "up")
    assert up == "app in dev mode; fixed: polling for changes"
    (said,) = [w for w in done.warnings if w["code"] == "watch-polls"]
    assert (
        said["hint"]
        == "devctl doctor --fix --yes raises the limits; then rm .devctl/events.json, and devctl up"
    )
    source = shop.root / "internal/web/web.go"
    source.write_text(source.read_text().replace("Hello from Go", "Hello, polled"))
    serves(shop.port, "Hello, polled", within=180)


@pytest.mark.fixes("the watcher gets no file watches", by="`up`")
def test_the_watcher_looks_for_changes_where_it_gets_no_watches(project: MakeProject) -> None:
    shop = project()
    none_left = "echo 0 >/proc/sys/user/max_inotify_instances && exec "
    up = none_left + shlex.join([*DEVCTL, "up", "-d", "--timeout", "300"])
    started = ["unshare", "--user", "--map-root-user", "sh", "-c", up]
    done = subprocess.run(started, cwd=shop.root, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    told = shop.root / ".devctl/events.jsonl"
    until(lambda: "file events are not available" in told.read_text())
    until(lambda: told.read_text().endswith("\n"))
    assert "Too many open files" in told.read_text()
    assert "raise fs.inotify.max_user_instances" in told.read_text()

    deps = shop.devctl("status").result["services"][0]["deps"]
    with (shop.root / "go.mod").open("a") as mod:
        mod.write("\nexclude golang.org/x/mod v0.1.0\n")
    until(lambda: shop.devctl("status").result["services"][0]["deps"] != deps, within=180)
    serves(shop.port, "Hello from Go", within=120)


@contextlib.contextmanager
def deaf(shop: Started) -> Iterator[Callable[..., str]]:
    """The engine mounts an overlay in place of the folder, which reports nothing that happens below it. The devctl that is
    yielded lives in a mount namespace where the folder is the real one."""
    below, layers = shop.root.with_name(f"{shop.name}-below"), shop.root.with_name(f"{shop.name}-layers")
    shop.root.rename(below)
    for folder in (shop.root, layers):
        folder.mkdir()
    options = f"lowerdir={below},upperdir={layers}/upper,workdir={layers}/work"

    def devctl(*words: str) -> str:
        inside = f"mount --bind {below} {shop.root} && cd {shop.root} && exec {shlex.join([*DEVCTL, *words])}"
        return run("unshare", "--mount", "sh", "-c", inside)

    run("mount", "-t", "tmpfs", "none", str(layers))
    (layers / "upper").mkdir()
    (layers / "work").mkdir()
    run("mount", "-t", "overlay", "overlay", "-o", options, str(shop.root))
    try:
        yield devctl
    finally:
        devctl("down")
        run("umount", str(shop.root))
        run("umount", str(layers))
        shop.root.rmdir()
        below.rename(shop.root)


@pytest.mark.fixes("the container receives no events for saves", by="`up`")
def test_where_no_event_passes_the_mount_saves_are_looked_for(project: MakeProject) -> None:
    shop = project()
    with deaf(shop) as devctl:
        devctl("up", "-d", "--timeout", "300")
        below = shop.root.with_name(f"{shop.name}-below")
        tried = below / ".devctl/events.json"
        until(lambda: tried.exists() and json.loads(tried.read_text())["arrive"] is False)
        env = ["docker", "inspect", "--format", "{{.Config.Env}}", f"{shop.name}-app-1"]
        until(lambda: "AIR_POLL=1" in subprocess.run(env, capture_output=True, text=True).stdout)
        serves(shop.port, "Hello from Go", within=120)
        source = below / "internal/web/web.go"
        with source.open("r+") as file:  # in place: an overlay keeps the file that it has opened once
            text = file.read().replace("Hello from Go", "Hello, looked for")
            file.seek(0)
            file.write(text)
        serves(shop.port, "Hello, looked for", within=180)


def run(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, f"{' '.join(argv)}\n{done.stdout}{done.stderr}"
    return done.stdout
