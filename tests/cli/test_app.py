"""Words in, exit code out: global options anywhere, usage errors, the mapping of errors, signals, a reader that leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from devctl.cli.options import GlobalOptions, hoist
from devctl.domain.command.events import Outcome, Planned, StepStarted
from devctl.domain.command.requests import ExecRequest, StatusRequest, UpRequest
from devctl.domain.ports.toolbox import Toolbox
from devctl.errors import DevctlError, FilesError, InterruptedByUser, MachineError, ProjectError, UsageError
from devctl.workflows.logs import status_and_logs as observe
from tests.cli.conftest import Ran

Devctl = Callable[..., Ran]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[StatusRequest]:
    """The requests that reach `status`, which answers at once."""
    requests: list[StatusRequest] = []

    def status(request: StatusRequest, box: Toolbox) -> Outcome:
        requests.append(request)
        return Outcome(result={"mode": "dev"}, text="all is well")

    monkeypatch.setattr(observe, "status", status)
    return requests


@pytest.mark.parametrize("place", ["before", "after", "both"])
def test_global_options_stand_before_and_after(
    devctl: Devctl, asked: list[StatusRequest], tmp_path: Path, place: str
) -> None:
    options = ["-C", str(tmp_path), "--json", "--dry-run", "-y"]
    words = {
        "before": [*options, "status"],
        "after": ["status", *options],
        "both": [*options[:2], "status", *options[2:]],
    }
    assert devctl(*words[place]).code == 0
    assert asked == [StatusRequest(project=tmp_path, dry_run=True, yes=True, json=True)]


def test_the_alias_is_the_same_command(devctl: Devctl, asked: list[StatusRequest]) -> None:
    assert devctl("ps", "--json").envelope["command"] == "status"


@pytest.mark.parametrize(
    ("words", "options", "rest"),
    [
        (["up", "-dq"], GlobalOptions(quiet=True), ["up", "-d"]),
        (["-vy", "up"], GlobalOptions(verbose=True, yes=True), ["up"]),
        (["-C/", "up"], GlobalOptions(project=Path("/")), ["up"]),
        (["--project=/", "up"], GlobalOptions(project=Path("/")), ["up"]),
        (["up", "--color", "never"], GlobalOptions(color="never"), ["up"]),
        (
            ["exec", "api", "--", "ls", "-v", "--json"],
            GlobalOptions(),
            ["exec", "api", "--", "ls", "-v", "--json"],
        ),
        (
            ["exec", "api", "--json", "--", "x", "-q"],
            GlobalOptions(json=True),
            ["exec", "api", "--", "x", "-q"],
        ),
        (["exec", "-q", "api", "--json", "ls"], GlobalOptions(json=True, quiet=True), ["exec", "api", "ls"]),
        (["exec", "api", "echo", "a", ""], GlobalOptions(), ["exec", "api", "echo", "a", ""]),
        (["logs", "--tail", "-1"], GlobalOptions(), ["logs", "--tail", "-1"]),
    ],
)
def test_hoist(words: list[str], options: GlobalOptions, rest: list[str]) -> None:
    assert hoist(words) == (options, rest)


def test_a_folder_below_one_that_may_not_be_entered(devctl: Devctl, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(self: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_dir", denied)
    ran = devctl("-C", "closed/x", "status")
    assert (ran.code, ran.err.splitlines()[0]) == (2, "error: -C: permission denied: closed/x")


def test_a_number_of_lines_may_have_any_number_of_digits(
    devctl: Devctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observe, "logs", lambda request, box: Outcome(result={"tail": request.tail}))
    ran = devctl("logs", "--tail", "9" * 23, "--json")
    assert (ran.code, ran.envelope["result"]["tail"]) == (0, 1_000_000_000)


def test_words_for_another_program_may_be_empty(devctl: Devctl, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, ...]] = []

    def exec_(request: ExecRequest, box: Toolbox) -> Outcome:
        seen.append(request.command)
        return Outcome()

    monkeypatch.setattr("devctl.workflows.inside.exec.exec_", exec_)
    assert devctl("exec", "api", "--", "grep", "", "x").code == 0
    assert devctl("exec", "", "--", "grep").code == 2
    assert seen == [("grep", "", "x")]


def test_a_timeout_of_nought_is_not_the_default(devctl: Devctl, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[UpRequest] = []

    def up(request: UpRequest, box: Toolbox) -> Outcome:
        seen.append(request)
        return Outcome()

    monkeypatch.setattr("devctl.workflows.dev.up.up", up)
    assert devctl("up", "-d", "--timeout", "0").code == 0
    assert devctl("up", "-d", "--no-watch", "api", "web").code == 0
    assert (seen[0].timeout, seen[0].lock_timeout) == (0, 0)
    assert (seen[1].timeout, seen[1].lock_timeout, seen[1].watch, seen[1].services) == (
        60,
        600,
        False,
        ("api", "web"),
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["upp"], "error: no such command 'upp'. Did you mean 'up'?\n  → devctl up\n"),
        (["zzz"], "error: no such command 'zzz'\n  → devctl --help\n"),
        (
            ["bases", "bulid"],
            "error: no such command 'bulid'. Did you mean 'build'?\n  → devctl bases build\n",
        ),
        (["config"], "error: missing command\n  → devctl config --help\n"),
        (["up", "--bogus"], "error: no such option: --bogus\n  → devctl up --help\n"),
        (["up", "--color", "blue"], "error: --color blue is not a choice\n  → --color auto|always|never\n"),
        (["up", "-C"], "error: -C needs a value\n  → devctl -C VALUE …\n"),
        (["exec", "--", "ls"], "error: missing argument 'SERVICE'\n  → devctl exec --help\n"),
        (["exec"], "error: missing argument 'SERVICE'\n  → devctl exec --help\n"),
        (
            ["-C", "/nowhere/at/all", "down"],
            "error: -C: no such folder: /nowhere/at/all\n  → `devctl -C DIR` with a folder that exists\n",
        ),
        (
            ["-C", "", "down"],
            "error: -C: no such folder: an empty name\n  → `devctl -C DIR` with a folder that exists\n",
        ),
        (["shell", "--json", "--color", "x"], ""),
        (
            ["-C", "x" * 300, "down"],
            f"error: -C: file name too long: {'x' * 300}\n  → `devctl -C DIR` with a folder that exists\n",
        ),
        (
            ["-C", "~nobody-of-this-name/x", "down"],
            "error: -C: no such folder: ~nobody-of-this-name/x\n  → `devctl -C DIR` with a folder that exists\n",
        ),
        (
            ["exec", "db", "ls", "-q", "a b"],
            "error: -q may be meant for devctl or for ls: the command comes after --\n  → devctl exec db -- ls -q 'a b'\n",
        ),
        (
            ["exec", "-q", "db", "git", "log", "--", "x"],
            "error: -- may be meant for devctl or for git: the command comes after --\n"
            "  → devctl exec db -- git log -- x\n",
        ),
        (["exec", "db", "-u", "root", "ls", "-l"], "error: no such option: -u\n  → devctl exec --help\n"),
        *(
            ([*words, ""], f"error: invalid value for '{name}': it is empty\n  → devctl {command} --help\n")
            for command, words, name in (
                ("size", ["size", "--budget"], "--budget"),
                ("size", ["size", "--bases"], "--bases"),
                ("size", ["size", "--html"], "--html"),
                ("new", ["new"], "DIR"),
                ("up", ["up", "api"], "SERVICE"),
                ("logs", ["logs", "--since"], "--since"),
                ("test", ["test", "--junit"], "--junit"),
                ("debug", ["debug"], "SERVICE"),
                ("env", ["env"], "SERVICE"),
                ("bases load", ["bases", "load"], "FILE"),
            )
        ),
        *(
            (
                ["up", "--timeout", given],
                f"error: invalid value for '--timeout': {said} is not between 0 and 1000000 seconds\n  → devctl up --help\n",
            )
            for given, said in (("nan", "nan"), ("-1", "-1"), ("inf", "inf"), ("1e300", "1e+300"))
        ),
    ],
    ids=lambda given: str(given)[:40],
)
def test_usage_errors_are_two_lines_and_exit_2(devctl: Devctl, words: list[str], said: str) -> None:
    ran = devctl(*words)
    assert ran.code == 2
    assert ran.err == said
    assert ran.out == "" or ran.envelope["error"]["hint"]


def test_alone_it_shows_its_help_and_exits_2(devctl: Devctl) -> None:
    ran = devctl()
    assert (ran.code, ran.err) == (2, "")
    assert ran.out.startswith("Usage: devctl")


@pytest.mark.parametrize(
    ("error", "code"),
    [(ProjectError, 1), (UsageError, 2), (FilesError, 3), (MachineError, 4), (InterruptedByUser, 130)],
)
def test_each_error_class_has_its_code(
    devctl: Devctl, monkeypatch: pytest.MonkeyPatch, error: type[DevctlError], code: int
) -> None:
    def status(request: StatusRequest, box: Toolbox) -> Outcome:
        raise error("it broke", code="broke", hint="fix it", place="main.go:3:1", detail="one\ntwo")

    monkeypatch.setattr(observe, "status", status)
    ran = devctl("status")
    assert ran.code == code
    assert ran.err == "error: main.go:3:1: it broke\n  one\n  two\n  → fix it\n"
    assert ran.out == ""


def test_a_bug_leaves_a_report_without_secrets(
    devctl: Devctl, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def status(request: StatusRequest, box: Toolbox) -> Outcome:
        box.reporter.emit(Planned(" 1  build app  no image yet, DB_PASSWORD=hunter2"))
        box.reporter.emit(StepStarted("build", "TOKEN=sesame changed", "app"))
        raise RuntimeError("lost at postgres://me:hunter2@db/x")

    monkeypatch.setattr(observe, "status", status)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    ran = devctl("status", "--json")
    assert ran.code == 70
    error = ran.envelope["error"]
    assert error["code"] == "internal-error"
    (report,) = (tmp_path / "devctl").iterdir()
    assert str(report) in error["hint"]
    assert report.stat().st_mode & 0o777 == 0o600
    text = report.read_text()
    assert "RuntimeError: lost at" in text
    assert "call: devctl status --json" in text
    for line in ("devctl ", "docker: ", "engine: ", "compose: ", "buildx: "):
        assert f"\n- {line}" in text
    assert "## The plan\n\n```\n 1  build app  no image yet, DB_PASSWORD=[removed]\n```" in text
    assert "StepStarted(step='build', cause='TOKEN=[removed]" in text
    assert ran.out.count("\n") == 2, "the step and the result: a plan is shown nowhere"
    assert "hunter2" not in text + ran.out + ran.err
    assert "sesame" not in text


def test_a_report_that_cannot_be_kept_at_home_goes_to_a_temporary_folder(
    devctl: Devctl, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def status(request: StatusRequest, box: Toolbox) -> Outcome:
        raise RuntimeError("lost")

    (tmp_path / "file").write_text("")
    monkeypatch.setattr(observe, "status", status)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert devctl("status").code == 70
    assert len(list(tmp_path.glob("devctl-*/*report.md"))) == 1


def test_works_in_a_thread_that_may_set_no_handlers(
    asked: list[StatusRequest], capsys: pytest.CaptureFixture[str]
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from devctl.cli.app import main

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(main, ["status"]).result() == 0
    assert capsys.readouterr().out == "all is well\n"


WAITING = """
import sys, time
from devctl.cli.app import main
from devctl.domain.command.events import Remark
from devctl.workflows.logs import status_and_logs as observe
def status(request, box):
    sys.stderr.write("here\\n"); sys.stderr.flush()
    time.sleep(600)
observe.status = status
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_is_130_with_an_envelope(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WAITING, "status", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stderr is not None and child.stdout is not None
        assert child.stderr.readline() == "here\n"
        child.send_signal(number)
        out = child.stdout.read()
        assert child.wait(60) == 130
    assert '"code": "interrupted"' in out
    assert '"hint": "devctl status shows what still runs"' in out


def test_interrupted_while_the_command_line_is_read_it_says_so_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from devctl.cli.app import main
    from devctl.cli.call import Call

    def pressed(*_words: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Call, "leave", pressed)
    assert main(["status", "--json"]) == 130
    assert '"code": "interrupted"' in capsys.readouterr().out


EARLY = """
import os, sys
from devctl.__main__ import main
number, module, *words = sys.argv[1:]
sys.argv[1:] = words
class AsItIsImported:
    def find_spec(self, name, path=None, target=None):
        if name == module:
            os.kill(os.getpid(), int(number))
sys.meta_path.insert(0, AsItIsImported())
sys.exit(main())
"""
LATE = """
import atexit, os, sys
from devctl.__main__ import main
from devctl.ui.json import JsonRenderer
number, *words = sys.argv[1:]
sys.argv[1:] = words
press = lambda: os.kill(os.getpid(), int(number))
envelope = JsonRenderer._envelope
def _envelope(*given):
    press()
    code = envelope(*given)
    press()
    return code
JsonRenderer._envelope = _envelope
atexit.register(press)
sys.exit(main())
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("module", ["devctl.cli.app", "msgspec", "devctl.adapters.docker.compose"])
def test_interrupted_while_devctl_is_loaded_it_says_so_too(number: signal.Signals, module: str) -> None:
    words = [sys.executable, "-c", EARLY, str(int(number)), module, "--version", "--json"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (130, "")
    assert json.loads(done.stdout)["exit_code"] == 130


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(("words", "code"), [(["--version"], 0), (["upp"], 2)])
def test_what_is_reported_is_not_contradicted_by_a_late_signal(
    number: signal.Signals, words: list[str], code: int
) -> None:
    program = [sys.executable, "-c", LATE, str(int(number)), *words, "--json"]
    done = subprocess.run(program, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (code, "")
    assert json.loads(done.stdout)["exit_code"] == code


PROGRAM = "import sys; from devctl.__main__ import main; sys.exit(main())"


@pytest.mark.parametrize(
    ("words", "stdout", "stderr", "code"),
    [
        (["-C", "/nowhere/at/all", "status", "--json"], "full", "piped", 2),
        (["status", "--bogus"], "piped", "full", 2),
        (["status", "--bogus"], "full", "full", 2),
        (["--version"], "full", "piped", 4),
        (["--version", "--json"], "full", "piped", 4),
        (["--help"], "full", "piped", 4),
        (["--help"], "left", "piped", 0),
        (["up", "--help"], "left", "piped", 0),
        (["--version", "--json"], "left", "piped", 0),
    ],
    ids=str,
)
def test_what_cannot_be_written_has_its_exit_code(
    words: list[str], stdout: str, stderr: str, code: int
) -> None:
    reading, left = os.pipe()
    os.close(reading)
    with Path("/dev/full").open("w") as full, os.fdopen(left, "w") as nobody:
        streams = {"full": full, "left": nobody, "piped": subprocess.PIPE}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, *words], stdout=streams[stdout], stderr=streams[stderr], text=True
        )
    assert done.returncode == code
    assert "Traceback" not in (done.stderr or "")


LOGGING = """
import sys, threading, time
from devctl.cli.app import main
from devctl.domain.command.events import LogLine
from devctl.workflows.logs import status_and_logs as observe
def logs(request, box):
    def speak():
        while True:
            box.reporter.emit(LogLine("api", "stdout", "hello"))
            time.sleep(0.01)
    threading.Thread(target=speak, daemon=True).start()
    time.sleep(60)
observe.logs = logs
sys.exit(main(sys.argv[1:]))
"""


SAYS_ONE_LINE = """
import sys
from devctl.cli.app import main
from devctl.domain.command.events import LogLine
from devctl.workflows.logs import follow, status_and_logs as observe
class Nothing:
    containers = ()
def own_containers(files, engine, project):
    told[0].reporter.emit(LogLine("api", "stdout", "hello")) if not said else None
    said.append(1)
    return Nothing
said, told = [], []
follow.own_containers = own_containers
def logs(request, box):
    told.append(box)
    follow.stream(box, None, (), tail=None, stop=box.host.reader_left)
    return observe.Outcome()
observe.logs = logs
follow._begin = lambda *given, **how: None
class Nobody:
    def __init__(self, box, project): self.past = []
    def new(self): return []
follow._Recorded = Nobody
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("program", [LOGGING, SAYS_ONE_LINE], ids=["that speaks on", "that is silent then"])
@pytest.mark.parametrize("words", [["logs", "-f"], ["logs", "-f", "--json"]], ids=" ".join)
def test_a_log_ends_quietly_when_its_reader_leaves(words: list[str], program: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", program, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None and child.stderr is not None
        assert "hello" in child.stdout.readline()
        child.stdout.close()
        assert child.wait(50) == 0  # the program by itself would live for 60 s
        assert child.stderr.read() == ""
