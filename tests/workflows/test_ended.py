"""A service that was killed: for its memory or not, whenever the engine reports it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml
from msgspec.structs import replace

from devctl.adapters.project_files.config_file import check
from devctl.adapters.system.files import SystemFiles
from devctl.domain.command.requests import UpRequest
from devctl.domain.compose.handed_files import may_read
from devctl.domain.plan.engine_state import MODE_LABEL, ROOT_LABEL, Container, LastRun, Observed
from devctl.domain.project.model import ProgramStart, Service, SourceCode
from devctl.workflows.dev.lifecycle import up
from devctl.workflows.ready.exited import TOLD_LATE, exited, panicked, with_ended_dependency
from tests.fakes import World
from tests.helpers import build_tree

KILLED = Container("c1", "shop-api-1", "api", "exited", "none", 137, "shop-api:dev", "sha256:1")


class Engine:
    """Tells of the OOM kill `late` seconds after the end; None: never."""

    def __init__(self, late: float | None) -> None:
        self.now, self.late = 0.0, late

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def logs(self, container: str, *, tail: int) -> str:
        return ""

    def last_run(self, container: str, *, tail: int) -> LastRun:
        return LastRun(137, "", self.late is not None and self.now >= self.late)


@pytest.mark.parametrize(
    ("late", "code"), [(0.0, "out-of-memory"), (TOLD_LATE - 0.1, "out-of-memory"), (None, "exits-at-start")]
)
def test_an_oom_kill_may_be_told_after_the_end(late: float | None, code: str) -> None:
    engine = Engine(late)
    box = cast("Any", SimpleNamespace(engine=engine, clock=engine))
    assert exited(box, "shop", Service("api"), KILLED).code == code
    assert engine.now <= TOLD_LATE + 0.1


LOOKUP = "panic: no database: dial tcp: lookup db on 127.0.0.11:53: no such host\n\ngoroutine 1 [running]:\n"


def test_a_panic_over_what_is_not_reached_says_what_that_is() -> None:
    told = panicked(Service("api"), LOOKUP.splitlines()[0], LOOKUP)
    assert told.code == "dependency-name-unknown"
    assert str(told) == "api panics at startup: it calls db, but that name is unknown in the container"
    assert panicked(Service("api"), "panic: no way", "panic: no way").code == "panics-at-start"


def test_a_program_that_is_given_no_argument_is_told_how_to_get_one() -> None:
    said = "panic: runtime error: index out of range [1] with length 1"
    assert "args: [VALUE]" in panicked(Service("chat"), said, said).problem.hint
    assert (
        "args" not in panicked(Service("chat", start=ProgramStart(args=("9000",))), said, said).problem.hint
    )
    other = said.replace("length 1", "length 0")
    assert "args" not in panicked(Service("chat"), other, other).problem.hint


def test_a_command_that_is_not_in_the_image_is_told_by_the_exit_code_of_the_shell() -> None:
    engine = Engine(None)
    box = cast("Any", SimpleNamespace(engine=engine, clock=engine))
    told = {
        code: exited(box, "shop", Service("api"), replace(KILLED, exit_code=code)).code for code in (126, 127)
    }
    assert told == {126: "exits-at-start", 127: "command-not-found"}


@pytest.mark.parametrize(
    ("state", "code", "name", "more"),
    [
        ("exited", 1, "db", "; db exited with code 1: no space left"),
        ("restarting", 1, "db", "; db exited with code 1: no space left"),
        ("exited", 0, "migrate", ""),
        ("running", 0, "db", ""),
        ("exited", 2, "api", ""),
    ],
)
def test_a_database_that_ended_is_told_with_the_service_that_needs_it(
    state: str, code: int, name: str, more: str
) -> None:
    beside = Container("c2", f"shop-{name}-1", name, state, "none", code, "x", "sha256:2")
    engine = SimpleNamespace(
        containers=lambda _project: Observed((beside,)), logs=lambda _id, *, tail: "starting\nno space left\n"
    )
    shop = SimpleNamespace(name="shop", service=lambda wanted: Service("api") if wanted == "api" else None)
    error = panicked(Service("api"), LOOKUP.splitlines()[0], LOOKUP)
    before, hint = error.problem.message, error.problem.hint
    told = with_ended_dependency(cast("Any", SimpleNamespace(engine=engine)).engine, cast("Any", shop), error)
    assert str(told) == told.problem.message == before + more
    assert told.problem.hint == ("devctl logs db; `devctl up` starts it again" if more else hint)


LOG = "2026/11/28 07:00:00 open conf/app.yaml: no such file or directory"


@pytest.mark.parametrize(
    ("log", "there", "message", "hint"),
    [
        (
            LOG,
            "conf/app.yaml.example",
            "without api/conf/app.yaml, which does not exist here",
            "cp api/conf/app.yaml.example api/",
        ),
        (
            LOG,
            "",
            "without api/conf/app.yaml, which does not exist here",
            "create api/conf/app.yaml, or fix the path",
        ),
        (
            LOG.replace("conf", "/etc"),
            "",
            "/etc/app.yaml is not in the dev container",
            "mount it:",
        ),
    ],
)
def test_a_file_that_is_missing_in_dev_is_missing_in_the_folder(
    tmp_path: Path, log: str, there: str, message: str, hint: str
) -> None:
    if there:
        build_tree(tmp_path, {f"api/{there}": ""})
    engine, files = SimpleNamespace(logs=lambda *_, **__: log), SimpleNamespace(exists=Path.exists)
    labels = {MODE_LABEL: "dev", ROOT_LABEL: str(tmp_path)}
    ended = replace(KILLED, exit_code=1, labels=labels)
    error = exited(
        cast("Any", SimpleNamespace(engine=engine, files=files)),
        "shop",
        Service("api", source=SourceCode(dir="api")),
        ended,
    )
    assert message in str(error) and error.problem.hint.startswith(hint)


@pytest.mark.parametrize(
    ("log", "there", "hint"),
    [
        (
            "reading config: config.toml\nconfig file not found",
            "config.toml.sample",
            "cp api/config.toml.sample api/config.toml",
        ),
        ("reading config: config.toml\nconfig file not found", "other.toml.sample", "devctl logs api"),
        ("see https://x.org/config.toml\n", "config.toml.sample", "devctl logs api"),
    ],
)
def test_a_file_that_the_last_lines_speak_of_is_to_be_copied_from_its_example(
    tmp_path: Path, log: str, there: str, hint: str
) -> None:
    build_tree(tmp_path, {f"api/{there}": ""})
    engine, files = SimpleNamespace(logs=lambda *_, **__: log), SimpleNamespace(exists=Path.exists)
    ended = replace(KILLED, exit_code=1, labels={MODE_LABEL: "dev", ROOT_LABEL: str(tmp_path)})
    box = cast("Any", SimpleNamespace(engine=engine, files=files))
    assert exited(box, "shop", Service("api", source=SourceCode(dir="api")), ended).problem.hint.startswith(
        hint
    )


def test_places_of_a_trace_are_those_of_the_project() -> None:
    service = Service("api")
    log = f"panic: no way\n\ngoroutine 1 [running]:\nmain.main()\n\t{service.mounted_at}/cmd/api/main.go:12 +0x28\n"
    told = panicked(service, "panic: no way", log)
    assert "\n\tcmd/api/main.go:12 +0x28" in told.detail


SERVED = "Usage:\n  api [command]\n\nAvailable Commands:\n  serve       Start the server\n"


def told_in_dev(root: Path, service: Service, log: str, *, code: int = 1, user: str = "") -> str:
    """The hint for a program that printed `log` and ended."""
    engine, files = SimpleNamespace(logs=lambda *_, **__: log), SimpleNamespace(exists=Path.exists)
    ended = replace(
        KILLED, exit_code=code, labels={MODE_LABEL: "dev", ROOT_LABEL: str(root)}, user=user or KILLED.user
    )
    error = exited(cast("Any", SimpleNamespace(engine=engine, files=files)), "shop", service, ended)
    return error.problem.hint


@pytest.mark.parametrize(
    ("log", "code", "args"),
    [
        pytest.param(
            SERVED,
            1,
            ("serve",),
            marks=pytest.mark.follows(
                "…; it expects a subcommand, devctl.yaml: `services: {…: {args: […]}}`"
            ),
        ),
        pytest.param(
            "tells nothing",
            0,
            ("serve",),
            marks=pytest.mark.follows(
                "…; if it needs a subcommand, devctl.yaml: `services: {…: {args: [serve]}}`"
            ),
        ),
        pytest.param(
            "tells nothing",
            1,
            ("--flag", "value"),
            marks=pytest.mark.follows(
                "…; set what it needs in devctl.yaml: `services: {…: {args: [--flag, value], env: {NAME: value}}}`"
            ),
        ),
    ],
)
def test_what_a_program_asks_for_goes_into_devctl_yaml_as_the_hint_writes_it(
    log: str, code: int, args: tuple[str, ...], hinted: Callable[[str], str], tmp_path: Path
) -> None:
    config, problems = check(
        "version: 1\n" + hinted(told_in_dev(tmp_path, Service("api"), log, code=code)).split("`")[1]
    )
    assert problems == () and tuple(config.services["api"].args or ()) == args
    given = Service("api", start=ProgramStart(args=args))
    assert told_in_dev(tmp_path, given, log, code=code) == "devctl logs api", "it is asked for no more"


@pytest.mark.follows("if that line reads os.Args: devctl.yaml: `services: {…: {args: [VALUE]}}`; else …")
def test_an_argument_that_is_given_is_asked_for_no_more(hinted: Callable[[str], str]) -> None:
    said = "panic: runtime error: index out of range [1] with length 1"
    hint = hinted(panicked(Service("api"), said, said).problem.hint)
    config, problems = check("version: 1\n" + hint.split("`")[1].replace("VALUE", "'9000'"))
    args = tuple(config.services["api"].args or ())
    assert problems == () and args == ("9000",)
    given = Service("api", start=ProgramStart(args=args))
    assert panicked(given, said, said).problem.hint == hint.rpartition("; else ")[2]


@pytest.mark.follows("create …, or fix the path")
def test_a_file_that_is_written_is_missed_no_more(hinted: Callable[[str], str], tmp_path: Path) -> None:
    service = Service("api", source=SourceCode(dir="api"))
    hint = hinted(told_in_dev(tmp_path, service, LOG))
    wanted = tmp_path / hint.removeprefix("create ").partition(",")[0]
    assert wanted == tmp_path / "api" / LOG.split()[3].rstrip(":"), "where the program looks for it"


@pytest.mark.follows("mount it: `volumes: [./FILE:…]` in the compose file")
def test_a_file_that_is_mounted_is_where_the_program_looks(
    hinted: Callable[[str], str], tmp_path: Path
) -> None:
    hint = hinted(told_in_dev(tmp_path, Service("api"), LOG.replace("conf", "/etc")))
    world = World()
    world.save("app.yaml", "x")
    line = hint.split("`")[1].replace("FILE", "app.yaml")
    world.compose({"api": {"build": ".", **yaml.safe_load(line)}})
    up(UpRequest(project=world.root, detach=True), world.box())
    mounts = [(m["source"], m["target"]) for m in world.of("api").spec["volumes"]]
    assert (f"{world.root}/app.yaml", "/etc/app.yaml") in mounts


@pytest.mark.follows(
    "let … read it: change its owner or mode here, or use COPY --chmod=0444 … in the Dockerfile"
)
def test_a_file_that_who_develops_may_not_read_is_told_with_the_user(
    hinted: Callable[[str], str], tmp_path: Path
) -> None:
    """0444, as the hint has it, lets every user read it."""
    hint = hinted(
        told_in_dev(tmp_path, Service("api"), "open /etc/key.pem: permission denied", user="1000:1000")
    )
    file = build_tree(tmp_path, {"key.pem": "x"}) / "key.pem"
    file.chmod(int(hint.partition("--chmod=")[2].split()[0], 8))
    facts = SystemFiles().permissions(file)
    assert facts is not None and may_read(hint.split()[1], groups=(), mode=facts[0], owner=(0, 0))
