"""The messages for ordinary mistakes: the code, the line, and nothing that is not true."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from devctl.cli import wiring
from devctl.domain.command.events import Outcome
from tests.cli.conftest import Ran
from tests.cli.scripted_docker import ScriptedDocker

Devctl = Callable[..., Ran]
GO_MOD = "module example.com/shop\n\ngo 1.26\n"
MAIN = 'package main\n\nimport "net/http"\n\nfunc main() { http.ListenAndServe(":8080", nil) }\n'
DOCKERFILE = (
    "FROM golang:1.26 AS dev\nWORKDIR /src\nRUN go install github.com/air-verse/air@v1.61.0\nCOPY . .\nCMD air\n"
    "FROM golang:1.26 AS build\nCOPY . .\nRUN go build -o /server .\nFROM scratch\nCOPY --from=build /server /server\n"
)


@pytest.fixture
def shop(devctl: Devctl, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Ran]:
    """A call in a project that has these files besides go.mod and main.go."""

    def call(files: Mapping[str, str], *words: str, mood: str = "answers", present: bool = True) -> Ran:
        for name, text in {"go.mod": GO_MOD, "main.go": MAIN, **files}.items():
            path = tmp_path / "shop" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        docker = ScriptedDocker(mood, present=present, env=os.environ)
        monkeypatch.setattr(wiring, "SystemProcesses", lambda: docker)
        return devctl("--json", "-C", str(tmp_path / "shop"), *words)

    return call


@pytest.mark.parametrize("words", [("status",), ("logs",), ("logs", "api"), ("down", "--dry-run")])
@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("devctl.yaml", "version: 1\nnonsense: 1\n", "devctl.yaml:2:1"),
        ("devctl.yaml", "a: [\n", "devctl.yaml:2:1"),
        ("go.mod", "module x\n\nrequire (\n", "go.mod:3"),
    ],
)
def test_a_look_at_broken_files_says_what_is_broken(
    shop: Callable[..., Ran], words: tuple[str, ...], name: str, text: str, place: str
) -> None:
    ran = shop({name: text}, *words, mood="runs")
    assert ran.code == 0
    assert place in [warning["place"] for warning in ran.envelope["warnings"]]
    if words == ("status",):
        assert [(s["name"], s["kind"], s["mode"]) for s in ran.envelope["result"]["services"]] == [
            ("api", "service", "dev")
        ]


def test_a_compose_file_may_lie_anywhere(
    shop: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    compose = "services:\n  api:\n    build: .\n"
    (tmp_path / "elsewhere.yaml").write_text(compose.replace(".", str(tmp_path / "shop")))
    monkeypatch.setenv("COMPOSE_FILE", str(tmp_path / "elsewhere.yaml"))
    for words in (("config", "show"), ("config", "check"), ("up", "--dry-run")):
        assert shop({}, *words).envelope["error"] is None
    monkeypatch.setenv("COMPOSE_FILE", "a.yaml,b.yaml")
    monkeypatch.setenv("COMPOSE_PATH_SEPARATOR", ",")
    ran = shop({"a.yaml": compose, "b.yaml": "services:\n  api:\n    user: '7'\n"}, "config", "render")
    assert ran.code == 0
    assert list(ran.envelope["result"]["model"]["services"]) == ["api"]


@pytest.mark.parametrize("path", ["config", "/etc/hosts", "../x", "''"])
def test_what_would_never_be_noticed_is_not_a_path_to_watch(shop: Callable[..., Ran], path: str) -> None:
    ran = shop({"config/app.toml": "", "devctl.yaml": f"watch:\n  also:\n    - {path}\n"}, "config", "show")
    assert (ran.code, ran.envelope["error"]["code"]) == (3, "broken-config")
    assert ran.envelope["error"]["place"].startswith("devctl.yaml:")


def test_a_workspace_that_names_a_member_that_is_not_there(shop: Callable[..., Ran]) -> None:
    ran = shop({"go.work": "go 1.26\n\nuse (\n\t.\n\t./missing\n)\n"}, "up", "--dry-run")
    assert (ran.code, ran.envelope["error"]["code"], ran.envelope["error"]["place"]) == (
        3,
        "broken-go-work",
        "go.work:5",
    )


def test_a_compose_file_that_names_a_dockerfile_that_is_not_there(shop: Callable[..., Ran]) -> None:
    compose = "services:\n  api:\n    build:\n      context: .\n      dockerfile: Dockerfile.dev\n"
    ran = shop({"compose.yaml": compose}, "up", "--dry-run")
    error = ran.envelope["error"]
    assert (ran.code, error["code"], error["place"]) == (3, "dockerfile-missing", "compose.yaml:5")


@pytest.mark.parametrize(
    ("build", "code", "line"),
    [
        ("    build: .\n", "no-dockerfile", 3),
        ("    build:\n      target: dev\n      context: .\n", "no-dockerfile", 3),
    ],
)
def test_a_dockerfile_of_devctls_own_is_said_once_where_compose_is_told_to_build(
    shop: Callable[..., Ran], build: str, code: str, line: int
) -> None:
    ran = shop({"compose.yaml": f"services:\n  api:\n{build}"}, "config", "check")
    found = [(p["code"], p["place"]) for p in ran.envelope["result"]["problems"] if "dockerfile" in p["code"]]
    assert (ran.code, found) == (0, [(code, f"compose.yaml:{line}")])


def test_a_dockerfile_that_nobody_asked_for_is_not_missed(shop: Callable[..., Ran]) -> None:
    with_one = {"compose.yaml": "services:\n  api:\n    build: .\n", "Dockerfile": DOCKERFILE}
    ran = shop(with_one, "config", "check")
    assert "no-dockerfile" not in [p["code"] for p in ran.envelope["result"]["problems"]]
    without_compose = shop({}, "-C", "..", "config", "check")
    assert "no-dockerfile" not in str(without_compose.envelope)


def test_a_workspace_member_with_a_name_too_long_is_named_from_the_project(shop: Callable[..., Ran]) -> None:
    ran = shop({"go.work": f"go 1.26\n\nuse (\n\t./{'x' * 300}\n)\n"}, "up", "--dry-run")
    assert ran.code == 3 and ran.envelope["error"]["place"] == f"{'x' * 300}/go.mod"


def test_a_relative_working_dir(shop: Callable[..., Ran]) -> None:
    compose = "services:\n  api:\n    build: {context: ., target: dev}\n    working_dir: app\n    volumes: ['.:/src']\n"
    assert shop({"compose.yaml": compose, "Dockerfile": DOCKERFILE}, "up", "--dry-run").code == 0


def test_a_base_whose_tag_is_an_empty_argument(shop: Callable[..., Ran]) -> None:
    dockerfile = f'ARG V=\n{DOCKERFILE}FROM alpine:${{V}} AS run\nCOPY --from=build /server /server\nENTRYPOINT ["/server"]\n'
    files = {"Dockerfile": dockerfile, "compose.yaml": "services:\n  api:\n    build: .\n"}
    ran = shop(files, "bases")
    line = 1 + dockerfile[: dockerfile.index("FROM alpine")].count("\n")
    error = ran.envelope["error"]
    assert (ran.code, error["code"], error["place"]) == (3, "broken-dockerfile", f"Dockerfile:{line}")


def test_an_image_that_is_only_called_like_the_module(shop: Callable[..., Ran]) -> None:
    files = {
        "go.mod": GO_MOD.replace("shop", "redis"),
        "compose.yaml": "services:\n  cache:\n    image: redis:7\n",
    }
    ran = shop(files, "config", "show")
    assert ran.code == 0
    assert not [v for v in ran.envelope["result"]["values"] if v.startswith("services.cache.")]


def test_no_other_go_builds_in_the_place_of_the_one_that_is_asked_for(shop: Callable[..., Ran]) -> None:
    ran = shop({"go.mod": GO_MOD.replace("1.26", "1.19")}, "up", "-d", "--no-watch", present=False)
    error = ran.envelope["error"]
    assert (ran.code, error["code"], error["hint"]) == (4, "base-missing", "devctl bases build")
    assert "golang:1.19-alpine" in error["message"]
    assert "newer-go-in-base" not in [warning["code"] for warning in ran.envelope["warnings"]]


@pytest.mark.parametrize(
    "words", [["bases"], ["bases", "build", "--dry-run"], ["bases", "pull", "--dry-run"]]
)
def test_the_bases_of_a_broken_project_are_not_known(shop: Callable[..., Ran], words: list[str]) -> None:
    ran = shop({"devctl.yaml": "version: 1\nnonsense: 1\n"}, *words)
    assert (ran.code, ran.envelope["error"]["place"]) == (3, "devctl.yaml:2:1")


def test_outside_a_project_bases_are_the_defaults(
    devctl: Devctl, shop: Callable[..., Ran], tmp_path: Path
) -> None:
    shop({}, "bases")
    (tmp_path / "empty").mkdir()
    ran = devctl("--json", "-C", str(tmp_path / "empty"), "bases")
    assert ran.code == 0 and ran.envelope["result"]["bases"]


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
@pytest.mark.parametrize("mood", ["answers", "gone"])
@pytest.mark.parametrize(("file", "what"), [("nope.tar", "does not exist"), ("/", "is a folder")])
def test_an_archive_that_is_not_there(
    shop: Callable[..., Ran], more: list[str], mood: str, file: str, what: str
) -> None:
    ran = shop({}, "bases", "load", file, *more, mood=mood)
    assert (ran.code, ran.envelope["error"]["message"]) == (2, f"{file} {what}")


@pytest.mark.parametrize("present", [True, False])
def test_the_plan_of_bases_is_what_would_be_done(
    shop: Callable[..., Ran], tmp_path: Path, present: bool
) -> None:
    built = shop({}, "bases", "build", "--dry-run", present=present).envelope["result"]["plan"]
    saved = shop({}, "bases", "save", "x.tar", "--dry-run", present=present).envelope["result"]["plan"]
    assert (bool(built), bool(saved)) == (not present, present)
    (tmp_path / "x.tar").write_text("")
    loaded = shop({}, "bases", "load", str(tmp_path / "x.tar"), "--dry-run").envelope["result"]["plan"]
    assert [step["cause"] for step in loaded] == [f"load {tmp_path / 'x.tar'}"]


def test_what_the_preview_refuses_has_no_plan(shop: Callable[..., Ran]) -> None:
    dockerfile = DOCKERFILE + "CMD /server\n"
    files = {"Dockerfile": dockerfile, "compose.yaml": "services:\n  api:\n    build: .\n"}
    ran = shop(files, "prod-preview", "--base", "scratch", "--dry-run")
    assert (ran.code, ran.envelope["error"]["code"], "plan" in ran.envelope["result"]) == (
        1,
        "not-ready",
        False,
    )
    right = {**files, "Dockerfile": DOCKERFILE + 'CMD ["/server"]\n'}
    assert shop(right, "prod-preview", "--base", "scratch", "--dry-run").envelope["result"]["plan"]


@pytest.mark.parametrize("words", [["watch-daemon"], ["ui"], ["ui", "--web"], ["shell"]], ids=" ".join)
def test_a_dry_run_is_a_plan_whatever_the_command(
    shop: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    # Without a plan it would watch for ever.
    monkeypatch.setattr("devctl.workflows.dev.watch.watch_daemon", lambda request, box: Outcome())
    ran = shop({"compose.yaml": "services:\n  api:\n    build: .\n"}, *words, "--dry-run", mood="runs")
    assert (ran.code, list(ran.envelope["result"])) == (0, ["plan"])


def test_completion_is_installed_by_nothing_but_the_option_alone(
    devctl: Devctl, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for option in ("--install-completion", "--show-completion"):
        assert devctl("--dry-run", option, "bash").code == 0
        assert devctl("--dry-run", "--json", option, "bash").envelope["result"]["plan"]
        assert devctl("--json", option, "bash").envelope["error"]["code"] == "usage"
    assert list(tmp_path.iterdir()) == []
