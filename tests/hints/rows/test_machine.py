"""Hints about the machine: what they say is typed there, or done by `doctor --fix`, and the same call says nothing of it any more."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import DockerException
from msgspec import Struct, field

from devctl.adapters.docker.image_reader import SdkImages
from devctl.adapters.doctor import installer, machine
from devctl.adapters.doctor.installer import SystemInstaller
from devctl.adapters.system.host import SystemHost
from devctl.cli import wiring
from devctl.errors import MachineError
from tests.adapters.test_image_reader import packed
from tests.cli.conftest import Ran
from tests.helpers import build_tree
from tests.hints.dockerfile_rows import BUILD, BUILT, GO, GO_MOD, MAIN, RUNNER
from tests.hints.rows.machine import Machine

DOCKERFILE = {**GO, "Dockerfile": BUILD + RUNNER}
CACHE = f"devctl-go1.26-{os.getuid()}"
BROKEN = {"../docker/config.json": "{,"}
LOST = {"../docker/config.json": '{"currentContext": "desktop-linux"}'}


class Case(Struct, frozen=True):
    """What `words` reports as `name`, an error or a check; `way`: which of what the hint offers is taken. The rest is what the
    machine lacks, and what it has."""

    name: str
    words: tuple[str, ...] = ("doctor",)
    way: int = 0
    lacks: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=lambda: DOCKERFILE)
    has: Mapping[str, Any] = {}
    gaps: Mapping[str, str] = {}


def row(hint: str | tuple[str, ...], name: str, **more: Any) -> Any:
    named = (hint,) if isinstance(hint, str) else hint
    return pytest.param(
        Case(name, **more), marks=pytest.mark.follows(*named), id=f"{name} {more.get('way', 0)}"
    )


ROWS = [
    row(
        "adapters/system/border.py | devctl doctor --fix",
        "docker-missing",
        words=("status",),
        lacks=("docker", "engine"),
    ),
    row(
        "adapters/docker/compose.py | devctl doctor --fix",
        "compose-missing",
        words=("config", "check"),
        lacks=("compose",),
        files={**DOCKERFILE, "compose.yaml": BUILT},
    ),
    row(
        "adapters/docker/engine_errors.py | devctl doctor --fix",
        "engine-unreachable",
        words=("bases",),
        lacks=("engine",),
    ),
    row("devctl doctor --fix --yes, or: …", "engine", files={**DOCKERFILE, **LOST}),
    row("devctl doctor --fix --yes, or: …", "engine", files={**DOCKERFILE, **LOST}, way=1),
    row("fix that file", "docker-config", files={**DOCKERFILE, **BROKEN}, way=1),
    row(
        "adapters/docker/cli_config.py | fix …",
        "not-fixed",
        words=("doctor", "--fix", "--yes"),
        files={**DOCKERFILE, **LOST, "../docker/.config.json.devctl/a": ""},
    ),
    *(
        row(
            "load them: devctl bases load FILE, or docker load -i FILE",
            "bases",
            way=way,
            files={
                **GO,
                "Dockerfile": BUILD.replace("golang:1.26-alpine", "corp.example/base:1") + RUNNER,
                "bases.tar": "",
            },
            has={"archive": ("corp.example/base:1",)},
            gaps={"FILE": "bases.tar"},
        )
        for way in (0, 1)
    ),
    row(
        "domain/doctor/project.py | devctl down && docker volume rm …",
        "cache",
        way=1,
        has={"denied": {CACHE}},
    ),
    row(
        "adapters/doctor/fix_tree.py | devctl down && docker volume rm …",
        "not-fixed",
        words=("doctor", "--fix"),
        has={"denied": {CACHE}},
    ),
]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Case], Machine]:
    """The machine: root's, a Debian with systemd; the SDK finds no engine, whatever runs where the test does."""

    def make(case: Case) -> Machine:
        monkeypatch.chdir(build_tree(tmp_path / "shop", case.files))
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
        for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_BUILDKIT"):
            monkeypatch.delenv(name, raising=False)
        made = Machine(*case.lacks)
        for name, value in case.has.items():
            setattr(made, name, value)
        (tmp_path / "compose").write_text("the plugin")
        monkeypatch.setattr(installer, "compose_binary", lambda: tmp_path / "compose")
        monkeypatch.setattr(installer, "SYSTEMD", tmp_path)
        monkeypatch.setattr(SystemInstaller, "_require_root", lambda *_: None)
        monkeypatch.setattr(SystemHost, "port_free", lambda *_: True)
        monkeypatch.setattr(machine, "_of_sdk", lambda _ask: None)
        monkeypatch.setattr(wiring, "SystemProcesses", lambda: made)
        monkeypatch.setattr("python_on_whales.docker.image.load", lambda file, quiet: made.loaded())
        return made

    return make


@pytest.mark.parametrize("case", ROWS)
def test_what_is_done_as_told_ends_well(
    case: Case,
    world: Callable[[Case], Machine],
    devctl: Callable[..., Ran],
    hinted: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = world(case)
    before = told(devctl("--json", *case.words))
    assert case.name in before, before
    ways = re.split(r", or:? ", hinted(before[case.name]).removeprefix("load them: "))
    for command in ways[case.way].split(" && "):
        words = [case.gaps.get(word, word) for word in shlex.split(command)]
        match words:
            case ["devctl", *rest]:
                assert devctl(*rest).code == 0
            case ["docker", *_]:
                assert made.run(words).code == 0
            case ["export", setting]:
                monkeypatch.setenv(*setting.split("=", 1))
            case ["fix", *_]:
                Path("../docker/config.json").write_text("{}")
            case _:
                raise AssertionError(command)
    after = told(devctl("--json", *case.words))
    assert case.name not in after, after


def told(ran: Ran) -> dict[str, str]:
    """The hint of each error, warning and check that is not content, by its name."""
    envelope = ran.envelope
    problems = [*envelope["warnings"], *([envelope["error"]] if envelope["error"] else [])]
    checks = (envelope["result"] or {}).get("checks", [])
    return {p["code"]: p["hint"] for p in problems} | {
        c["id"]: c["hint"] for c in checks if c["status"] != "ok"
    }


@pytest.mark.follows("adapters/docker/image_reader.py | devctl doctor --fix")
def test_an_image_is_read_by_the_engine_that_was_started(
    world: Callable[[Case], Machine],
    devctl: Callable[..., Ran],
    hinted: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = world(Case("", lacks=("engine",)))
    api = SimpleNamespace(
        inspect_image=lambda ref: {},
        get_archive=lambda *args, **how: (iter([packed("server", b"x")]), {}),
        create_container=lambda *args, **how: {"Id": "c"},
        remove_container=lambda *args, **how: None,
    )

    def client() -> Any:
        if "engine" in made.lacks:
            raise DockerException("Error while fetching server API version")
        return SimpleNamespace(api=api, close=lambda: None)

    monkeypatch.setattr("docker.from_env", client)
    with pytest.raises(MachineError) as caught:
        SdkImages().binary("shop:prod", "/server")
    assert devctl(*hinted(caught.value.problem.hint).split()[1:]).code == 0
    assert SdkImages().binary("shop:prod", "/server") == b"x"


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(
            ("scripts", 0o755, "eol: lf"),
            marks=pytest.mark.follows(
                "sed -i 's/\\r$//' …", "…; `*.sh text eol=lf` in .gitattributes keeps it that way"
            ),
        ),
        pytest.param(
            ("x-bits", 0o644, "100755"),
            marks=pytest.mark.follows("chmod +x …"),
        ),
    ],
)
def test_a_script_is_fixed_by_hand_and_stays_so(
    fault: tuple[str, int, str],
    world: Callable[[Case], Machine],
    devctl: Callable[..., Ran],
    hinted: Callable[[str], str],
) -> None:
    check, mode, kept = fault
    entry = RUNNER.replace('["/server"]', '["/entry.sh"]')
    world(Case(check, files={**GO, "Dockerfile": BUILD + entry, "entry.sh": "#!/bin/sh\nexec /server\n"}))
    script = Path("entry.sh")
    script.chmod(mode)
    script.write_bytes(script.read_bytes().replace(b"\n", b"\r\n" if check == "scripts" else b"\n"))
    subprocess.run(["sh", "-ec", "git init -q . && git add entry.sh"], check=True, capture_output=True)
    by_hand, _, keeps = hinted(told(devctl("--json", "doctor"))[check]).partition(", or: ")[2].partition("; ")
    line = keeps.split("`")[1]
    command = f"{line} entry.sh" if line.startswith("git ") else f"echo '{line}' > .gitattributes"
    subprocess.run(["sh", "-ec", f"{by_hand} && {command}"], check=True)
    assert check not in told(devctl("--json", "doctor"))
    asked = "git ls-files --stage entry.sh; git check-attr eol entry.sh"
    assert kept in subprocess.run(["sh", "-c", asked], capture_output=True, text=True).stdout


@pytest.mark.engine
@pytest.mark.follows("cd … && …")
def test_a_module_is_completed_by_hand(
    world: Callable[[Case], Machine], devctl: Callable[..., Ran], hinted: Callable[[str], str]
) -> None:
    """By the go of a container, since this machine need not have one."""
    world(
        Case(
            "modules",
            files={
                "api/go.mod": f"{GO_MOD}\nrequire example.com/greet v0.0.0\n\nreplace example.com/greet => ./greet\n",
                "devctl.yaml": "version: 1\n",
                "api/vendor/modules.txt": "# nothing\n",
                "api/main.go": MAIN.replace(
                    'import "net/http"', 'import (\n\t_ "example.com/greet"\n\t"net/http"\n)'
                ),
                "api/greet/go.mod": GO_MOD.replace("shop", "greet"),
                "api/greet/greet.go": "package greet\n",
            },
        )
    )
    found = told(devctl("--json", "doctor"))
    assert "modules" in found, found
    by_hand = hinted(found["modules"]).partition(", or: ")[2]
    root = str(Path.cwd())
    run = [
        "docker",
        "run",
        "--rm",
        f"-v{root}:{root}",
        f"-w{root}",
        "golang:1.26-alpine",
        "sh",
        "-ec",
        by_hand,
    ]
    subprocess.run(run, check=True, capture_output=True)
    assert "modules" not in told(devctl("--json", "doctor"))
