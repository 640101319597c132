"""What the machine's own settings of Go come to in a build."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from devctl.domain.derive.git_access import with_git
from tests.engine.cli import here
from tests.helpers import build_tree

GO = {
    "go.mod": "module example.com/shop\n\ngo 1.26\n",
    "main.go": 'package main\n\nimport "net/http"\n\nfunc main() { http.ListenAndServe(":8080", nil) }\n',
}
PLAIN = ("GOPROXY", "GOSUMDB", "GOPRIVATE", "NETRC", "GOENV", "XDG_CONFIG_HOME", "SSH_AUTH_SOCK")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in PLAIN:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", os.environ.get("DOCKER_CONFIG") or str(Path.home() / ".docker"))
    monkeypatch.setenv(
        "DOCKER_HOST", "tcp://127.0.0.1:1"
    )  # no engine is queried: what is rendered is the same
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return build_tree(tmp_path / "home", {".netrc": "machine git.example login ci password x\n"})


def build(root: Path) -> tuple[dict[str, str], dict[str, object], dict[str, object]]:
    model = here("config", "render", cwd=root).result["model"]
    ((_, spec),) = model["services"].items()
    return spec["build"]["args"], spec["build"].get("secrets"), model.get("secrets")


def spec_of(root: Path, *flags: str) -> dict[str, Any]:
    ((_, spec),) = here("config", "render", *flags, cwd=root).result["model"]["services"].items()
    return dict(spec)


def test_nothing_is_set_and_nothing_is_given(tmp_path: Path, home: Path) -> None:
    args, secrets, top = build(build_tree(tmp_path / "shop", GO))
    assert not args.keys() & set(PLAIN) and secrets is None and top is None


@pytest.mark.parametrize("how", ["variable", "go env -w"])
def test_private_modules_are_given_the_password_as_a_secret(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    if how == "variable":
        monkeypatch.setenv("GOPRIVATE", "git.example")
    else:
        build_tree(home, {".config/go/env": "GOPRIVATE=git.example\n"})
    args, secrets, top = build(build_tree(tmp_path / "shop", GO))
    assert args["GOPRIVATE"] == "git.example"
    assert secrets == [{"source": "devctl-netrc", "target": "netrc"}]
    assert top == {"devctl-netrc": {"file": str(home / ".netrc")}}


@pytest.mark.parametrize(
    ("proxy", "given"),
    [
        ("https://proxy.example/go,direct", True),
        ("https://ci:hidden@proxy.example", False),  # it would be in the history of a stage
        ("http://localhost:3000", False),  # of the build itself
        ("off", False),
        ("direct", False),
    ],
)
def test_a_proxy_that_a_build_can_use(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, proxy: str, given: bool
) -> None:
    monkeypatch.setenv("GOPROXY", proxy)
    args, secrets, _ = build(build_tree(tmp_path / "shop", GO))
    assert (args.get("GOPROXY") == proxy, secrets is not None) == (given, given)


RULE = '[url "ssh://git@git.example/"]\n\tinsteadOf = https://git.example/\n'


@pytest.mark.parametrize(
    ("files", "lent"),
    [
        (
            {".gitconfig": RULE, ".ssh/known_hosts": "x", "agent": ""},
            ["netrc", "gitconfig", "known_hosts", "ssh"],
        ),
        ({".config/git/config": RULE, "agent": ""}, ["netrc", "gitconfig", "ssh"]),
        ({".gitconfig": "[user]\n\tname = ann\n"}, ["netrc"]),  # nobody needs to know who she is
    ],
)
def test_git_is_lent_what_it_uses_here(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], lent: list[str]
) -> None:
    monkeypatch.setenv("GOPRIVATE", "git.example")
    monkeypatch.setenv("SSH_AUTH_SOCK", str(home / "agent"))
    build_tree(home, files)
    spec = spec_of(build_tree(tmp_path / "shop", GO))["build"]
    names = [name for name in lent if name != "ssh"]
    assert spec["secrets"] == [{"source": f"devctl-{name}", "target": name} for name in names]
    assert spec.get("ssh") == (["default"] if "ssh" in lent else None)


PROD = ("--mode", "prod")
THEIRS = """FROM golang:1.26-alpine AS build
WORKDIR /app
ARG GOPRIVATE
ARG GOPROXY=https://proxy.golang.org
COPY go.mod ./
RUN --mount=type=cache,target=/m --mount=type=secret,required=true,id=netrc,target=/etc/netrc --mount=type=ssh go mod download
COPY . .
RUN go build -o /server .
FROM alpine:3.22
COPY --from=build /server /server
ENTRYPOINT ["/server"]
"""


@pytest.mark.parametrize(
    "asked",
    [
        ("no such text", {"GOPRIVATE": "git.example"}, ["netrc"], ["default"]),
        ("--mount=type=ssh ", {"GOPRIVATE": "git.example"}, ["netrc"], None),
        (",id=netrc", {"GOPRIVATE": "git.example"}, [], ["default"]),
        ("ARG GOPRIVATE\n", {}, ["netrc"], ["default"]),
    ],
)
def test_a_dockerfile_of_the_users_is_given_what_it_asks_for(
    tmp_path: Path,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    asked: tuple[str, dict[str, str], list[str], object],
) -> None:
    without, args, secrets, ssh = asked
    monkeypatch.setenv("GOPRIVATE", "git.example")
    monkeypatch.setenv("GOPROXY", "https://proxy.example")  # that line of the Dockerfile has an answer
    monkeypatch.setenv("SSH_AUTH_SOCK", str(home / "agent"))
    build_tree(home, {"agent": "", ".ssh/known_hosts": "x"})
    build = spec_of(build_tree(tmp_path / "shop", {**GO, "Dockerfile": THEIRS.replace(without, "")}), *PROD)[
        "build"
    ]
    assert {k: v for k, v in build["args"].items() if k in PLAIN} == args
    assert [s["target"] for s in build.get("secrets") or []] == secrets
    assert build.get("ssh") == ssh


def test_without_private_modules_git_is_lent_nothing(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_tree(home, {".gitconfig": RULE, "agent": ""})
    monkeypatch.setenv("SSH_AUTH_SOCK", str(home / "agent"))
    monkeypatch.setenv("GOPROXY", "https://proxy.example")
    root = build_tree(tmp_path / "shop", GO)
    _, secrets, _ = build(root)
    assert secrets == [{"source": "devctl-netrc", "target": "netrc"}]
    assert "ssh" not in spec_of(root)["build"]


def test_the_stage_has_each_place_for_git_once() -> None:
    text = (Path(__file__).parents[2] / "templates" / "go-service" / "Dockerfile").read_text()
    changed = with_git(text)
    for added in ("apk add --no-cache git", "--mount=type=ssh", "id=known_hosts", "export GIT_SSH_COMMAND"):
        assert (text.count(added), changed.count(added)) == (0, 1)


@pytest.mark.engine
def test_a_secret_of_that_name_in_the_compose_file_has_precedence(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOPRIVATE", "git.example")
    compose = (
        "services:\n  shop:\n    build: {context: ., secrets: [netrc]}\nsecrets: {netrc: {file: ./mine}}\n"
    )
    root = build_tree(tmp_path / "shop", {**GO, "compose.yaml": compose, "mine": "x"})
    _, secrets, top = build(root)
    assert secrets == [{"source": "netrc"}]
    assert set(top or {}) == {"netrc"}
