"""The everyday commands on a running project: exec, test, shell, restart, rebuild, logs, and the plan of each."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import select
import shlex
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.cli import DEVCTL, devctl, docker, leave_nothing, serves, until
from tests.engine.conftest import TEMPLATE, Started
from tests.helpers import build_tree, open_to_others, save
from tests.ports import free_port

pytestmark = pytest.mark.engine
OWNER = 12345


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """One project for all of these tests; its folder belongs to a user who is not root."""
    root = tmp_path_factory.mktemp("commands") / f"dtc{os.getpid()}"
    subprocess.run(["cp", "-r", str(TEMPLATE), str(root)], check=True)
    port = free_port()
    (root / ".env").write_text(f"HOST_PORT={port}\n")
    open_to_others(root)
    subprocess.run(["chown", "-R", f"{OWNER}:{OWNER}", str(root)], check=True)
    devctl("up", "-d", cwd=root)
    yield Started(root, root.name, port)
    leave_nothing(root, root.name)


def state(running: Started) -> dict[str, str]:
    return next(s for s in running.devctl("status").result["services"] if s["name"] == "app")


def test_exec_passes_the_commands_own_code_on(running: Started) -> None:
    assert running.devctl("exec", "app", "--", "sh", "-c", "exit 7", code=7).result == {
        "command_exit_code": 7
    }
    said = running.devctl("exec", "app", "--", "sh", "-c", "echo one; echo two >&2")
    assert sorted((e["line"], e["stream"]) for e in said.named("log")) == [
        ("one", "stdout"),
        ("two", "stderr"),
    ]


@pytest.mark.parametrize("as_json", [False, True])
def test_exec_passes_its_input_in(running: Started, *, as_json: bool) -> None:
    words = [*DEVCTL, *(["--json"] if as_json else []), "exec", "app", "--", "cat"]
    done = subprocess.run(words, cwd=running.root, input="hello\n", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert ([json.loads(lines[0])["line"], len(lines)] if as_json else lines) == (
        ["hello", 2] if as_json else ["hello"]
    )


def inside(running: Started, mark: str) -> list[str]:
    """The processes of the container with this word in their command line."""
    told = docker("top", f"{running.name}-app-1", "-eo", "pid,args")
    return [line for line in told.splitlines() if mark in line and "DEVCTL_EXEC" not in line]


@pytest.mark.parametrize("on_terminal", [False, True])
@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_exec_and_what_it_runs(
    running: Started, number: int, *, as_json: bool, on_terminal: bool
) -> None:
    parent, child = pty.openpty()
    name = f"sleep {86000 + number * 4 + as_json * 2 + on_terminal}"
    words = [*DEVCTL, *(["--json"] if as_json else []), "exec", "app", "--", *name.split()]
    us = subprocess.Popen(
        words,
        cwd=running.root,
        stdin=child if on_terminal else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=child if on_terminal else subprocess.DEVNULL,
    )
    try:
        until(lambda: len(inside(running, name)) == 1, 60)
        us.send_signal(number)
        out, _ = us.communicate(timeout=30)
        assert us.returncode == 130
        assert not as_json or json.loads(out)["error"]["code"] == "interrupted"
        until(lambda: not inside(running, name), 10)
    finally:
        us.kill()
        os.close(parent)
        os.close(child)


def test_exec_takes_words_that_look_like_devctls(running: Started) -> None:
    said = running.devctl("exec", "app", "--", "echo", "--json", "-q", "--dry-run")
    assert [e["line"] for e in said.named("log")] == ["--json -q --dry-run"]


def test_files_made_inside_belong_to_the_owner_of_the_folder(running: Started) -> None:
    running.devctl("exec", "app", "--", "touch", "made.txt")
    made = (running.root / "made.txt").stat()
    assert (made.st_uid, made.st_gid) == (OWNER, OWNER)
    found = subprocess.run(
        ["find", ".", "!", "-user", str(OWNER)], cwd=running.root, capture_output=True, text=True
    )
    assert found.stdout == ""  # on stderr is what the watcher has renamed meanwhile


def test_exec_in_a_service_that_is_not_there(running: Started) -> None:
    refused = running.devctl("exec", "api", "--", "true", code=2)
    assert refused.error["code"] == "unknown-service" and "app" in refused.error["hint"]


def test_go_test_runs_inside(running: Started) -> None:
    assert running.devctl("test").result["command_exit_code"] == 0
    failing = running.root / "failing_test.go"
    failing.write_text('package main\n\nimport "testing"\n\nfunc TestNo(t *testing.T) { t.Fatal("no") }\n')
    try:
        failed = running.devctl("test", ".", code=1)
    finally:
        failing.unlink()
    assert any("no" in e["line"] for e in failed.named("log"))


def test_a_shell_in_dev_and_beside_a_distroless_image(running: Started) -> None:
    assert running.devctl("shell", code=2).error["code"] == "usage"
    assert "/app" in typed(running, "pwd; exit")
    running.devctl("prod-preview")
    try:
        image = state(running)["image_id"]
        said = typed(running, "ls /proc/1/root/server; cat /proc/1/comm; exit")
        assert "/proc/1/root/server" in said and "server" in said
        assert "No such file" not in said and "denied" not in said
        assert state(running)["image_id"] == image
    finally:
        running.devctl("up", "-d")


def typed(running: Started, words: str) -> str:
    """What a shell on a terminal answers to a line."""
    parent, child = pty.openpty()
    process = subprocess.Popen(
        [*DEVCTL, "shell", "app"], cwd=running.root, stdin=child, stdout=child, stderr=child, close_fds=True
    )
    os.close(child)
    said = b""
    cursor = b"\x1b[6n"  # asks the terminal where it is, after the prompt
    while not said.replace(cursor, b"").rstrip().endswith((b"$", b"#")):  # it reads now
        ready, _, _ = select.select([parent], [], [], 180)
        assert ready, said
        said += os.read(parent, 4096)
    os.write(parent, f"{words}\n".encode())
    try:
        while chunk := os.read(parent, 4096):
            said += chunk
    except OSError:
        pass  # the terminal closes with the shell
    assert process.wait(180) == 0, said
    os.close(parent)
    return said.decode(errors="replace")


def test_restart_keeps_the_container(running: Started) -> None:
    before = state(running)["container"]
    done = running.devctl("restart", "app")
    assert [s["step"] for s in done.result["steps"]] == ["restart", "probe"]
    assert state(running)["container"] == before
    serves(running.port, "Hello")


def test_rebuild_makes_a_new_container_though_nothing_changed(running: Started) -> None:
    before = state(running)["container"]
    done = running.devctl("rebuild")
    assert "build" in [s["step"] for s in done.result["steps"]]
    assert state(running)["container"] != before
    serves(running.port, "Hello")


def test_logs_end_by_themselves_and_are_one_object_a_line(running: Started) -> None:
    lines = running.devctl("logs", "--tail", "5", "app").named("log")
    assert lines and {e["service"] for e in lines} == {"app"}


def test_logs_since_a_time_have_what_is_newer(running: Started) -> None:
    def lines(*words: str) -> list[str]:
        return sorted(event["line"] for event in running.devctl("logs", *words).named("log"))

    assert lines("--since", "24h") == lines("--tail", "1000") != []
    assert running.devctl("logs", "--since", "2100-01-01").named("log") == []


def test_a_shell_of_the_host_has_the_addresses(running: Started) -> None:
    script = f'eval "$({shlex.join(DEVCTL)} env)" && printf %s "$APP_URL"'
    said = subprocess.run(["sh", "-c", script], cwd=running.root, capture_output=True, text=True, check=True)
    assert said.stdout == f"http://127.0.0.1:{running.port}"
    assert running.devctl("env").result["variables"]["APP_URL"] == said.stdout


def test_on_a_terminal_addresses_are_links(running: Started) -> None:
    parent, child = pty.openpty()
    env = {**os.environ, "TERM": "xterm-256color"}
    process = subprocess.Popen([*DEVCTL, "status"], cwd=running.root, stdout=child, stderr=child, env=env)
    os.close(child)
    said = b""
    with contextlib.suppress(OSError):
        while chunk := os.read(parent, 4096):
            said += chunk
    assert process.wait(60) == 0
    os.close(parent)
    url = f"http://127.0.0.1:{running.port}"
    assert f"\x1b]8;;{url}\x1b\\{url}\x1b]8;;\x1b\\" in said.decode()
    piped = subprocess.run(
        [*DEVCTL, "status"], cwd=running.root, capture_output=True, text=True, env=env, check=True
    )
    assert "\x1b" not in piped.stdout and url in piped.stdout


def test_following_logs_ends_with_its_reader_though_the_service_is_silent(running: Started) -> None:
    argv = [*DEVCTL, "logs", "-f"]
    with subprocess.Popen(
        argv, cwd=running.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as following:
        assert following.stdout is not None and following.stderr is not None
        assert following.stdout.readline()
        following.stdout.close()
        assert following.wait(180) == 0
        assert following.stderr.read() == b""


def test_following_logs_tells_reloads_of_a_detached_project(running: Started) -> None:
    running.devctl("up", "-d")
    following = subprocess.Popen(
        [*DEVCTL, "--json", "logs", "-f"], cwd=running.root, stdout=subprocess.PIPE, text=True
    )
    seen: list[dict[str, object]] = []

    def read() -> None:
        assert following.stdout is not None
        with following.stdout:
            seen.extend(json.loads(line) for line in following.stdout)

    reader = threading.Thread(target=read)
    reader.start()
    until(lambda: bool(seen))  # it shows what the service has printed: it follows now
    source = next(p for p in sorted(running.root.rglob("*.go")) if "Hello from Go" in p.read_text())
    text = source.read_text()
    save(source, text.replace("Hello from Go", "Hello again"))
    try:
        serves(running.port, "Hello again")
        until(lambda: any(e.get("name") == "reload" for e in seen))
    finally:
        following.send_signal(signal.SIGINT)
        code = following.wait(60)
        reader.join(20)
        save(source, text)
    assert code == 0, "Ctrl-C is the normal end of logs -f"
    assert [e["ok"] for e in seen if e.get("name") == "reload"] == [True], seen
    assert seen[-1]["type"] == "result"


@pytest.mark.parametrize(
    "words",
    [
        ["up", "-d"], ["prod-preview"], ["down"], ["restart"], ["rebuild"], ["size"], ["clean"], ["status"], ["logs"],
        ["env"], ["exec", "app", "--", "true"], ["test"], ["shell"], ["doctor"], ["bases"], ["bases", "build"], ["config", "show"],
        ["new", "x"], ["init"], ["onboard"], ["demo"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_dry_run_plans_and_changes_nothing(running: Started, words: list[str]) -> None:
    before, files = state(running)["container"], listing(running.root)
    plan = running.devctl("--dry-run", *words).result["plan"]
    assert all(set(step) == {"step", "service", "cause"} and step["step"] and step["cause"] for step in plan)
    assert state(running)["container"] == before
    assert listing(running.root) == files


@pytest.fixture(scope="module")
def twin(running: Started, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another folder whose project has the same name."""
    main = "package main\n\nfunc main() {}\n"
    config = f"name: {running.name}\nservices:\n  app:\n    main: .\n"
    files = {"go.mod": "module example.com/x\n", "main.go": main, "devctl.yaml": config}
    return build_tree(tmp_path_factory.mktemp("twin"), files)


@pytest.mark.parametrize("words", [["up", "-d"], ["prod-preview"], ["rebuild"], ["down"]], ids=" ".join)
def test_another_folder_of_the_same_name_is_refused(running: Started, twin: Path, words: list[str]) -> None:
    before = state(running)["container"]
    refused = devctl(*words, cwd=twin, code=4)
    assert refused.error["code"] == "project-name-taken"
    assert (
        f"name: {running.name}-2" in refused.error["hint"] and str(running.root) in refused.error["message"]
    )
    assert state(running)["container"] == before
    assert devctl("status", cwd=twin).result["watcher"]["state"] == "absent", "nothing is left to watch it"


@pytest.mark.parametrize("words", [["exec", "app", "--", "true"], ["test"], ["restart"]], ids=" ".join)
def test_another_folder_of_the_same_name_enters_nothing(
    running: Started, twin: Path, words: list[str]
) -> None:
    assert devctl(*words, cwd=twin, code=2).error["code"] == "not-running"
    shown = devctl("status", cwd=twin).result
    assert (shown["mode"], shown["serving"]["state"]) == ("stopped", "none")
    assert devctl("logs", cwd=twin).named("log") == []
    assert state(running)["state"] == "running"


def listing(root: Path) -> list[str]:
    return sorted(str(p) for p in root.rglob("*") if ".devctl" not in p.parts)


def test_plain_down_keeps_volumes_and_asks_before_it_deletes_them(running: Started) -> None:
    assert running.devctl("down", "--volumes", code=2).error["code"] == "consent-missing"
    kept = docker(
        "volume", "create", "--label", f"com.docker.compose.project={running.name}", f"{running.name}_data"
    )
    try:
        refused = running.devctl("down", "--volumes", code=2)
        assert refused.error["code"] == "consent-missing"
        assert state(running)["state"] == "running", "nothing was done without consent"
        removed = running.devctl("down").result["removed"]
        assert "volume" not in {r["kind"] for r in removed}
        assert running.devctl("status").result["mode"] == "stopped"
        removed = running.devctl("down", "--volumes", "-y").result["removed"]
        assert {"kind": "volume", "name": kept} in removed
    finally:
        subprocess.run(["docker", "volume", "rm", kept], capture_output=True)
    running.devctl("up", "-d")
