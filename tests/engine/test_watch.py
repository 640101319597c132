"""The background watcher on the real engine: what each kind of change does to containers, and what it tells."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.engine.cli import docker, get, serves, until
from tests.engine.conftest import Started
from tests.helpers import save

pytestmark = pytest.mark.engine

UUID_SUM = """\
github.com/google/uuid v1.6.0 h1:NIvaJDMOsjHA8n1jAhLSgzrAzy1Hgr+hNrb57e+94F0=
github.com/google/uuid v1.6.0/go.mod h1:TIyPZe4MgqvfeYDBFedMoGGpEw/LqOeaOT+nhxU+yHo=
"""
UUID_MOD = "module example.com/app\n\ngo 1.26\n\nrequire github.com/google/uuid v1.6.0\n"
USES_UUID = 'package web\n\nimport "github.com/google/uuid"\n\nfunc init() { greeting = uuid.Nil.String() + greeting }\n'


class Watched:
    """A running project and what its watcher told."""

    def __init__(self, project: Started) -> None:
        self.project, self.root, self.port = project, project.root, project.port
        self.up = project.devctl("up", "-d")
        self._read = 0

    @property
    def container(self) -> str:
        ids = docker(
            "ps", "-q", "--no-trunc", "--filter", f"label=com.docker.compose.project={self.project.name}"
        )
        return ids.splitlines()[0] if ids else ""

    def status(self) -> dict[str, Any]:
        return self.project.devctl("status").result

    def events(self, name: str = "") -> list[dict[str, Any]]:
        whole, _, _being_written = (self.root / ".devctl/events.jsonl").read_text().rpartition("\n")
        told = [json.loads(line) for line in whole.splitlines()]
        return [e for e in told if not name or e.get("name") == name]

    def told(self, name: str, count: int = 1, within: float = 400) -> dict[str, Any]:
        """The `count`th event of that name; waits for it."""
        deadline = time.monotonic() + within
        while len(self.events(name)) < count:
            assert time.monotonic() < deadline, (name, count, self.events()[-30:])
            time.sleep(0.05)
        return self.events(name)[count - 1]

    def failed(self, word: str, within: float = 400) -> None:
        """Waits for a `deps.failed` that says it. On a busy machine a failure is tried, and told, once more."""
        deadline = time.monotonic() + within
        while not any(word in e["message"] for e in self.events("deps.failed")):
            assert time.monotonic() < deadline, (word, self.events()[-30:])
            time.sleep(0.05)

    def greet(self, text: str) -> None:
        web = self.root / "internal/web/web.go"
        lines = [
            f'var greeting = "{text}"' if line.startswith(("const greeting", "var greeting")) else line
            for line in web.read_text().splitlines()
        ]
        save(web, "\n".join(lines) + "\n")

    def settled(self, seconds: float = 1.5) -> None:
        """Long enough for a watcher that would act to have begun."""
        time.sleep(seconds)


@pytest.fixture
def watched(project: Callable[..., Started]) -> Watched:
    return Watched(project())


@pytest.mark.fixes("the watcher was killed", by="`up`")
def test_the_watcher_lives_from_up_to_down_and_a_dead_one_is_replaced(watched: Watched) -> None:
    first = watched.up.result
    pid = first["watcher"]["pid"]
    assert first["watcher"]["state"] == "running"
    assert (watched.root / ".devctl/watcher.lock").read_text() == str(pid)
    again = watched.project.devctl("up", "-d").result
    assert (again["watcher"]["pid"], again["services"]) == (pid, first["services"])

    os.kill(pid, signal.SIGTERM)
    gone(pid)
    assert watched.status()["watcher"] == {"state": "absent", "pid": None}
    replaced = watched.project.devctl("up", "-d").result
    assert replaced["watcher"]["state"] == "running"
    assert replaced["watcher"]["pid"] != pid
    assert replaced["services"] == first["services"]

    watched.project.devctl("down")
    gone(replaced["watcher"]["pid"])


def test_a_watcher_whose_project_is_gone_ends_and_leaves_no_child(watched: Watched) -> None:
    pid = watched.up.result["watcher"]["pid"]
    children = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True
    ).stdout.split()
    elsewhere = watched.root.with_name("moved")
    watched.root.rename(elsewhere)
    gone(pid)
    for child in children:
        gone(int(child))
    elsewhere.rename(watched.root)


@pytest.mark.fixes("the state folder .devctl was deleted", by="the watcher")
def test_a_watcher_whose_state_folder_was_deleted_starts_its_successor(watched: Watched) -> None:
    """As by `git clean -dfx`. What it writes to was deleted as well."""
    pid = watched.up.result["watcher"]["pid"]
    watched.settled(2)
    shutil.rmtree(watched.root / ".devctl")
    gone(pid)
    until(lambda: watched.status()["watcher"]["pid"] not in (None, pid))
    watched.greet("after it was deleted")
    serves(watched.port, "after it was deleted")
    assert watched.told("reload")["ok"]
    watched.project.devctl("down")
    assert watched.status()["watcher"]["state"] == "absent"


def test_an_idle_watcher_costs_next_to_nothing(watched: Watched) -> None:
    pid = watched.up.result["watcher"]["pid"]
    for number in range(500):
        (watched.root / f"internal/web/many{number}.go").write_text("package web\n")
    watched.settled(4)

    def idles() -> bool:
        before = cpu_ticks(pid)
        time.sleep(6)
        # 2 to 4 of 600 hundredths when all is well; a loop that spins takes hundreds. What it costs is tests/bench's to tell.
        return cpu_ticks(pid) - before <= 12

    until(idles, why=lambda: f"it is never idle: {cpu_ticks(pid)} ticks by now")
    assert memory_mb(pid) < 60


def test_a_source_edit_is_a_reload_and_keeps_the_container(watched: Watched) -> None:
    container = watched.container
    watched.greet("edited once")
    serves(watched.port, "edited once")
    told = watched.told("reload")
    assert (told["service"], told["ok"], told["message"]) == ("app", True, "")
    assert told["ms"] > 0
    assert watched.container == container
    assert len(watched.events("reload")) == 1


def test_a_compile_error_leaves_the_process_alone_and_says_why(watched: Watched) -> None:
    web = watched.root / "internal/web/web.go"
    good, pid = web.read_text(), app_pid(watched.container)
    save(web, good.replace("return mux", "return muxx"))
    began, asked, refused = time.monotonic(), 0, 0
    while not watched.events("reload") and time.monotonic() - began < 180:
        asked += 1
        refused += not answers(watched.port)
        time.sleep(0.005)
    told = watched.told("reload")
    assert (told["ok"], refused) == (False, 0), (watched.events(), docker("logs", "-t", watched.container))
    assert asked, "it was asked while the build failed"
    assert "undefined: muxx" in told["message"]
    assert app_pid(watched.container) == pid
    serving = watched.status()["serving"]
    assert serving["state"] == "old"
    assert "undefined: muxx" in serving["reason"]
    save(web, good)
    assert watched.told("reload", 2)["ok"] is True
    assert watched.status()["serving"] == {"state": "current", "reason": None}
    assert len(watched.events("reload")) == 2


def test_what_means_nothing_does_nothing(watched: Watched) -> None:
    container, mod = watched.container, watched.root / "go.mod"
    save(mod, f"// a word\n{mod.read_text()}\n// another\n")
    mod.touch()
    (watched.root / "go.sum").write_text("\n")
    watched.settled(2)
    assert watched.container == container
    done = [e for e in watched.events() if e["name"] in ("step.started", "deps.changed", "deps.failed")]
    assert not [
        e for e in done if e.get("step") != "wait"
    ]  # its first round may wait for the `up` that started it
    assert watched.status()["serving"]["state"] == "current"


def test_a_new_dependency_becomes_a_new_container_that_serves_it(watched: Watched) -> None:
    container, image = watched.container, watched.up.result["services"][0]["image_id"]
    watched.greet("-with uuid")
    save(watched.root / "go.mod", UUID_MOD)
    save(watched.root / "go.sum", UUID_SUM)
    (watched.root / "internal/web/id.go").write_text(USES_UUID)
    changed = watched.told("deps.changed")
    assert [c["text"] for c in changed["changes"]] == ["+ github.com/google/uuid v1.6.0"]
    assert changed["changes"][0]["op"] == "added"
    watched.told("deps.rebuilt")
    serves(watched.port, "00000000-0000-0000-0000-000000000000-with uuid")
    state = watched.status()
    assert watched.container != container
    assert state["services"][0]["image_id"] != image
    assert state["serving"] == {"state": "current", "reason": None}
    # The modules are in the image: it builds with no network, and without our caches.
    docker(
        "run", "--rm", "--network", "none", "--volume", f"{watched.root}:/app", "--entrypoint", "go",
        state["services"][0]["image"], "list", "-deps", "./...",
    )  # fmt: skip
    # And what was superseded is gone.
    assert subprocess.run(["docker", "image", "inspect", image], capture_output=True).returncode != 0


def test_code_that_waits_for_its_dependency_is_served_before_the_image_is_built(watched: Watched) -> None:
    (watched.root / "internal/web/id.go").write_text(USES_UUID)
    watched.greet("-early")
    assert watched.told("reload")["ok"] is False  # go.mod does not name it yet
    save(watched.root / "go.sum", UUID_SUM)
    save(watched.root / "go.mod", UUID_MOD)
    serves(watched.port, "00000000-0000-0000-0000-000000000000-early")
    watched.told("deps.rebuilt")
    serves(watched.port, "00000000-0000-0000-0000-000000000000-early")
    assert watched.status()["serving"] == {"state": "current", "reason": None}


def test_so_is_a_new_version_that_no_save_of_code_comes_with(watched: Watched) -> None:
    """The binary contains the modules that it was built with, so it changes."""
    (watched.root / "internal/web/id.go").write_text(USES_UUID)
    watched.greet("-bumped")
    watched.project.devctl("exec", "app", "--", "go", "get", "github.com/google/uuid@v1.5.0")
    watched.told("deps.rebuilt")
    serves(watched.port, "00000000-0000-0000-0000-000000000000")
    before = len(watched.events())
    watched.project.devctl("exec", "app", "--", "go", "get", "github.com/google/uuid@v1.6.0")
    watched.told("deps.rebuilt", 2)
    since = [e for e in watched.events()[before:] if e.get("name") in ("reload", "deps.rebuilt")]
    assert [e["name"] for e in since][:2] == ["reload", "deps.rebuilt"] and since[0]["ok"] is True
    assert watched.status()["serving"] == {"state": "current", "reason": None}


def test_what_cannot_be_built_fails_beside_what_serves_and_the_next_good_save_fixes_it(
    watched: Watched,
) -> None:
    container, mod = watched.container, watched.root / "go.mod"
    good = mod.read_text()

    save(mod, good + "\nrequire (\n")
    watched.failed("go.mod is broken")
    serving_old(watched, container, "go.mod is broken")

    save(mod, good + "\nrequire example.invalid/nowhere v1.0.0\n")
    watched.failed("example.invalid/nowhere")
    serving_old(watched, container, "")

    save(mod, UUID_MOD)  # the sum is missing, and code that uses it: it cannot compile
    (watched.root / "internal/web/id.go").write_text(USES_UUID)
    watched.failed("does not compile")
    serving_old(watched, container, "does not compile")

    mod.unlink()
    watched.failed("no go.mod")
    assert watched.container == container

    save(mod, UUID_MOD)
    (watched.root / "go.sum").write_text(UUID_SUM)
    watched.greet("-fixed")
    watched.told("deps.rebuilt")
    serves(watched.port, "00000000-0000-0000-0000-000000000000-fixed")
    assert watched.container != container
    assert watched.status()["serving"] == {"state": "current", "reason": None}


def test_a_failed_change_that_is_taken_back_leaves_nothing_old(watched: Watched) -> None:
    container, mod = watched.container, watched.root / "go.mod"
    good = mod.read_text()
    save(mod, good + "\nrequire example.invalid/nowhere v1.0.0\n")
    watched.told("deps.failed")
    assert watched.status()["serving"]["state"] == "old"
    save(mod, good)
    until(lambda: watched.status()["serving"]["state"] == "current")
    assert watched.container == container


def test_code_that_comes_after_its_go_mod_is_tried_again_when_saved(watched: Watched) -> None:
    """A dependency goes away first and the code that uses it later: the save of the code brings the new container."""
    watched.root.joinpath("go.sum").write_text(UUID_SUM)
    old_mod = (watched.root / "go.mod").read_text()
    (watched.root / "internal/web/id.go").write_text(USES_UUID)
    watched.greet("-x")
    save(watched.root / "go.mod", UUID_MOD)
    watched.told("deps.rebuilt")
    container = watched.container
    save(watched.root / "go.mod", old_mod)
    watched.told("deps.failed")
    assert watched.container == container
    (watched.root / "internal/web/id.go").unlink()
    watched.greet("without uuid")
    watched.told("deps.rebuilt", 2)
    serves(watched.port, '"without uuid"')
    assert watched.container != container


def test_two_hundred_saves_and_a_branch_come_to_the_right_end(watched: Watched) -> None:
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.invalid"]

    def run(*args: str) -> None:
        subprocess.run([*git, *args], cwd=watched.root, check=True, capture_output=True)

    run("init", "-q", "-b", "main")
    run("add", "-A")
    run("commit", "-qm", "one")
    run("checkout", "-qb", "more")
    mod = watched.root / "go.mod"
    for number in range(200):
        mod.write_text(f"module example.com/app\n\ngo 1.26\n\nexclude example.com/x v1.0.{number % 7}\n")
    save(watched.root / "go.sum", UUID_SUM)
    save(mod, UUID_MOD)
    (watched.root / "internal/web/id.go").write_text(USES_UUID)
    watched.greet("-more")
    serves(watched.port, "00000000-0000-0000-0000-000000000000-more")
    until(lambda: deps_are_current(watched))
    assert 1 <= len(watched.events("deps.changed")) <= 4
    run("add", "-A")
    run("commit", "-qm", "two")
    count = len(watched.events("deps.rebuilt"))
    run("checkout", "-q", "main")
    watched.told("deps.rebuilt", count + 1)
    serves(watched.port, '"Hello from Go"')
    run("checkout", "-q", "more")
    watched.told("deps.rebuilt", count + 2)
    serves(watched.port, "00000000-0000-0000-0000-000000000000-more")
    # A checkout writes one file after the other: there may have been a round for half of it.
    until(lambda: watched.status()["serving"] == {"state": "current", "reason": None})


def test_recipe_and_model_take_effect_too(watched: Watched) -> None:
    def replaced(name: str, old: str, new: str) -> None:
        before, path = watched.container, watched.root / name
        text = path.read_text() if path.exists() else ""
        assert old in text
        save(path, text.replace(old, new) if old else text + new)
        until(lambda: watched.container not in ("", before))
        serves(watched.port, "Hello from Go")

    replaced("Dockerfile", "ENV GOCACHE=/cache/go-build", "ENV GOCACHE=/cache/go-build FROM_RECIPE=yes")
    assert environment(watched.container)["FROM_RECIPE"] == "yes"
    replaced("compose.yaml", "    environment:\n", "    environment:\n      FROM_MODEL: ${WORD:-none}\n")
    assert environment(watched.container)["FROM_MODEL"] == "none"
    replaced(".env", "", "WORD=from-env\n")
    assert environment(watched.container)["FROM_MODEL"] == "from-env"
    replaced(".air.toml", "delay = 20", "delay = 30")


def test_what_changed_while_nobody_watched_counts_at_the_next_up(watched: Watched) -> None:
    container, pid = watched.container, watched.up.result["watcher"]["pid"]
    os.kill(pid, signal.SIGTERM)
    gone(pid)
    save(watched.root / "go.mod", UUID_MOD)
    save(watched.root / "go.sum", UUID_SUM)
    up = watched.project.devctl("up", "-d")
    assert [c["text"] for c in up.named("deps.changed")[0]["changes"]] == ["+ github.com/google/uuid v1.6.0"]
    assert up.named("deps.rebuilt")
    assert watched.container != container

    container = watched.container
    os.kill(up.result["watcher"]["pid"], signal.SIGTERM)
    gone(up.result["watcher"]["pid"])
    (watched.root / "go.sum").unlink()
    (watched.root / "internal/web/id.go").write_text(USES_UUID)
    failed = watched.project.devctl("up", "-d", code=1)
    assert failed.error["code"] == "go-sum-missing", failed.show
    assert watched.container == container
    assert get(watched.port)


def test_the_watcher_outlives_a_preview_and_idles_there(watched: Watched) -> None:
    pid = watched.up.result["watcher"]["pid"]
    watched.project.devctl("prod-preview")
    container = watched.container
    save(watched.root / "go.mod", UUID_MOD)
    save(watched.root / "go.sum", UUID_SUM)
    watched.settled(2)
    state = watched.status()
    assert (state["mode"], state["watcher"]["pid"]) == ("prod", pid)
    assert watched.container == container
    back = watched.project.devctl("up", "-d").result
    assert (back["mode"], back["watcher"]["pid"]) == ("dev", pid)


def test_a_container_that_never_answers_is_rolled_back(watched: Watched) -> None:
    """The health check is the user's: it fails in the new container, and the old image serves again."""
    image = watched.status()["services"][0]["image_id"]
    compose = watched.root / "compose.yaml"
    good = compose.read_text()
    check = "    healthcheck: {test: [CMD, 'false'], interval: 200ms, retries: 2, start_period: 0s}\n"
    broken = "    entrypoint: [sh, -c, 'sleep 1; exit 3']\n"
    save(compose, good.replace("    init: true", f"{check}{broken}    init: true", 1))
    failed = watched.told("deps.failed")
    assert "exited with code 3" in failed["message"] or "unhealthy" in failed["message"], failed
    serves(watched.port, "Hello from Go")
    state = watched.status()
    assert state["services"][0]["image_id"] == image
    assert state["serving"]["state"] == "old"
    save(compose, good)
    until(lambda: watched.status()["serving"]["state"] == "current")
    serves(watched.port, "Hello from Go")


def serving_old(watched: Watched, container: str, reason: str) -> None:
    serving = watched.status()["serving"]
    assert serving["state"] == "old"
    assert reason in serving["reason"]
    assert watched.container == container
    assert get(watched.port)


def deps_are_current(watched: Watched) -> bool:
    rebuilt = watched.events("deps.rebuilt")
    return bool(rebuilt) and not watched.project.devctl("up", "-d", "--dry-run").result["plan"]


def answers(port: int) -> bool:
    try:
        return bool(get(port))
    except OSError:
        return False


def environment(container: str) -> dict[str, str]:
    listed = json.loads(docker("inspect", "--format", "{{json .Config.Env}}", container))
    return dict(line.split("=", 1) for line in listed)


def app_pid(container: str) -> str:
    pids = docker(
        "exec", container, "sh", "-c", "for d in /proc/[0-9]*; do readlink $d/exe; echo ${d#/proc/}; done"
    )
    lines = pids.splitlines()
    return next(after for exe, after in itertools.pairwise(lines) if exe.startswith("/tmp/air/main"))


def gone(pid: int, within: float = 400) -> None:
    deadline = time.monotonic() + within
    while alive(pid):
        assert time.monotonic() < deadline, f"{pid} still runs"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def cpu_ticks(pid: int) -> int:
    with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123
        fields = stat.read().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def memory_mb(pid: int) -> float:
    with open(f"/proc/{pid}/status") as status:  # noqa: PTH123
        line = next(x for x in status if x.startswith("VmRSS"))
    return int(line.split()[1]) / 1024
