"""Reads images that a real engine built from small broken projects; nothing of them is ever started."""

from __future__ import annotations

import json
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devctl.adapters.docker.image_reader import SdkImages
from devctl.domain.go.facts import Located
from devctl.domain.image.facts import ImageFacts
from devctl.domain.image.go_binary import build_info, functions, packages
from devctl.domain.image.readiness.input import Inspected
from devctl.domain.image.readiness.rules import checks
from devctl.domain.plan.run import Run
from devctl.domain.project.model import ImageBuild, ServedPort, Service, SourceCode
from devctl.errors import Finding, MachineError, Problem, ProjectError
from devctl.workflows.preview.inspect_image import look, must_be_ready
from tests.engine.dockerfile_stages import line_in
from tests.engine.readiness_project import DOCKERFILE, TARGETS, project_files, reading_box
from tests.helpers import build_tree

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """The folder, and the name of the images: `NAME:TARGET`. All are built in one go and removed at the end."""
    root = build_tree(tmp_path_factory.mktemp("broken"), project_files())
    name = f"devctl-t{uuid.uuid4().hex[:8]}"
    services = {
        target: {"image": f"{name}:{target}", "build": {"context": str(root), "target": target}}
        for target in TARGETS
    }
    model = root / "model.json"
    model.write_text(json.dumps({"name": name, "services": services}))
    try:
        done = subprocess.run(
            ["docker", "compose", "-f", str(model), "build"], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        yield root, name
    finally:
        subprocess.run(["docker", "image", "rm", *(f"{name}:{t}" for t in TARGETS)], capture_output=True)


def containers(name: str) -> str:
    argv = ["docker", "ps", "-aq", "--filter", f"ancestor={name}"]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def judged(broken: tuple[Path, str], target: str, *, service: Service | None = None) -> dict[str, Finding]:
    root, name = broken
    run = Run(
        service="api",
        mode="prod",
        stage=target,
        dockerfile="Dockerfile",
        context=".",
        image=f"{name}:{target}",
        ours=False,
    )
    box, project = reading_box(root)
    return {c.id: c for c in checks(look(box, project, service or Service(name="api"), run=run))}


def line(text: str, *, after: str) -> int:
    return line_in(DOCKERFILE, text, stage=after)


def test_the_facts_of_a_good_image(broken: tuple[Path, str]) -> None:
    ref = f"{broken[1]}:good"
    facts = SdkImages().read(ref, files=True)
    assert facts.entrypoint == ("/server",)
    assert facts.user == "65532:65532"
    assert facts.architecture == "amd64"
    assert facts.exposed == (8080,)
    assert len(facts.layers) == 1
    assert facts.size_bytes == facts.layers[0].size_bytes
    assert facts.binary is not None
    assert facts.binary.static
    assert facts.binary.machine == "amd64"
    assert facts.binary.mode == 0o755
    assert facts.size_bytes == facts.binary.size_bytes
    assert "/server" in facts.files
    assert "/.dockerenv" not in facts.files
    assert any(x.startswith("USER 65532") for x in facts.history)


def test_files_or_not_the_program_is_the_same(broken: tuple[Path, str]) -> None:
    images = SdkImages()
    for target in ("good", "linked", "pie"):
        ref = f"{broken[1]}:{target}"
        quick, whole = images.read(ref), images.read(ref, files=True)
        assert quick.binary is not None
        assert quick.binary == whole.binary
        assert quick.files == frozenset()


def test_nothing_is_left_behind_and_nothing_looks_like_a_service(broken: tuple[Path, str]) -> None:
    ref = f"{broken[1]}:good"
    seen: list[str] = []
    images = SdkImages()
    events = subprocess.Popen(
        [
            "docker",
            "events",
            "--since",
            str(time.time()),
            "--filter",
            f"image={ref}",
            "--format",
            "{{json .}}",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        images.read(ref, files=True)
        images.binary(ref, "/server")
        assert events.stdout is not None
        while len([x for x in seen if '"destroy"' in x]) < 2:
            seen.append(events.stdout.readline())
    finally:
        events.terminate()
        events.communicate()
    actions = [json.loads(x) for x in seen]
    assert not [a for a in actions if a["Action"] in ("start", "exec_start")]
    made = [a["Actor"]["Attributes"] for a in actions if a["Action"] == "create"]
    assert [m["dev.devctl.project"] for m in made] == ["devctl", "devctl"]
    assert {m.get("com.docker.compose.project", "") for m in made} == {""}
    assert containers(ref) == ""


def test_the_program_is_read_whole(broken: tuple[Path, str]) -> None:
    ref = f"{broken[1]}:good"
    data = SdkImages().binary(ref, "/server")
    info = build_info(data)
    assert info is not None
    assert info.main == "example.com/broken"
    assert info.settings["CGO_ENABLED"] == "0"
    found = packages(functions(data), info)
    assert {"runtime", "net/http", "main"} <= {p.name for p in found}
    assert sum(p.size_bytes for p in found) < len(data)
    assert found[0].size_bytes > 200_000


@pytest.mark.follows("COPY it in the Dockerfile, under that path")
def test_a_file_that_is_missing_is_there_once_it_is_copied(
    broken: tuple[Path, str], tmp_path: Path, hinted: Callable[[str], str]
) -> None:
    good, mended = f"{broken[1]}:good", f"{broken[1]}:mended"
    with pytest.raises(ProjectError) as file:
        SdkImages().binary(good, "/nope")
    assert file.value.code == "file-missing"
    assert containers(good) == ""
    copy, *_ = hinted(file.value.problem.hint).split()
    build_tree(tmp_path, {"nope": "x", "Dockerfile": f"FROM {good}\n{copy} nope /nope\n"})
    subprocess.run(["docker", "build", "-q", "-t", mended, tmp_path], capture_output=True, check=True)
    try:
        assert SdkImages().binary(mended, "/nope") == b"x"
    finally:
        subprocess.run(["docker", "image", "rm", mended], capture_output=True)


def test_no_engine_is_the_machines_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    with pytest.raises(MachineError) as error:
        SdkImages().read("alpine:3.22")
    assert error.value.code == "engine-unreachable"


def test_the_good_one_is_ready(broken: tuple[Path, str]) -> None:
    found = judged(broken, "good", service=Service(name="api", serve=ServedPort(port=8080)))
    assert {c.id for c in found.values() if c.severity != "ok"} == set()
    must_be_ready(found.values())


@pytest.mark.parametrize(
    ("target", "check", "instruction", "words"),
    [
        ("shell", "entrypoint-form", "ENTRYPOINT", "shell-form entrypoint needs /bin/sh"),
        (
            "pie",
            "static-binary",
            "ENTRYPOINT",
            "linked dynamically, but its interpreter /lib64/ld-linux-x86-64.so.2",
        ),
        ("nowhere", "entrypoint-exists", "ENTRYPOINT", "/nope is not in the image"),
        ("unset", "entrypoint-exists", "ENTRYPOINT", "/server is not executable (mode 0644)"),
        ("arm", "architecture", "FROM", "the binary is for arm64, the image for amd64"),
        ("named", "user", "USER", "user nobody is a name"),
        ("health", "health-check", "HEALTHCHECK", "no /bin/sh: it would always be unhealthy"),
    ],
)
def test_what_cannot_work_is_refused_with_its_line(
    broken: tuple[Path, str], target: str, check: str, instruction: str, words: str
) -> None:
    found = judged(broken, target)
    assert [c.id for c in found.values() if c.severity == "fail"] == [check]
    with pytest.raises(ProjectError) as error:
        must_be_ready(found.values())
    problem = error.value.problem
    assert problem.code == "not-ready"
    assert words in problem.message
    assert problem.place == f"Dockerfile:{line(instruction, after=target)}"
    assert problem.hint == found[check].hint
    every = error.value.result["checks"]
    assert isinstance(every, list)
    assert len(every) == len(found)


NEEDS_C = Service(name="api", source=SourceCode(cgo=Located("github.com/mattn/go-sqlite3", "store")))
STATICALLY = "a base with that C library, or go build -ldflags '-linkmode external -extldflags -static' … in the builder"


@pytest.mark.parametrize(
    ("target", "cgo"),
    [
        ("with-c", ("ok", "github.com/mattn/go-sqlite3 needs cgo, and the program was built with it")),
        (
            "pie",
            (
                "warn",
                "github.com/mattn/go-sqlite3 needs cgo, but the program was built with CGO_ENABLED=0: it fails when it uses "
                "that package",
            ),
        ),
    ],
)
def test_code_that_needs_c_on_a_base_without_its_library(
    broken: tuple[Path, str], target: str, cgo: tuple[str, str]
) -> None:
    """CGO_ENABLED=0 would not help it: the hint names what keeps the C in."""
    found = judged(broken, target, service=NEEDS_C)
    with pytest.raises(ProjectError) as error:
        must_be_ready(found.values())
    assert error.value.problem == Problem(
        "not-ready",
        "not ready for production: /server is linked dynamically, but its interpreter /lib64/ld-linux-x86-64.so.2 is not in "
        "the image",
        STATICALLY,
        f"Dockerfile:{line('ENTRYPOINT', after=target)}",
    )
    assert (found["cgo"].severity, found["cgo"].message) == cgo


def test_code_that_needs_c_on_a_base_with_its_library(broken: tuple[Path, str]) -> None:
    found = judged(broken, "with-musl", service=NEEDS_C)
    must_be_ready(found.values())
    assert found["static-binary"] == Finding(
        "static-binary",
        "ok",
        "dynamic binary; its interpreter /lib/ld-musl-x86_64.so.1 is in the image",
    )
    assert found["cgo"] == Finding(
        "cgo", "ok", "github.com/mattn/go-sqlite3 needs cgo, and the program was built with it"
    )


def test_what_works_here_and_may_not_elsewhere_is_a_warning(broken: tuple[Path, str]) -> None:
    service = Service(
        name="api",
        origins={"files": "main.go:9"},
        serve=ServedPort(port=80),
        build=ImageBuild(files=("templates",)),
        source=SourceCode(loads_zone="main.go:10"),
    )
    found = judged(broken, "careless", service=service)
    expected = {
        "entrypoint-absolute": line("ENTRYPOINT", after="careless"),
        "ca-certificates": line("FROM", after="careless"),
        "time-zones": line("FROM", after="careless"),
        "secrets": line("ENV", after="careless"),
        "source": line("COPY . ", after="careless"),
        "user": line("FROM", after="careless"),
        "privileged-port": line("EXPOSE", after="careless"),
    }
    warned = {c.id: c.place for c in found.values() if c.severity == "warn"}
    assert warned.pop("opened-files") == "main.go:9"
    assert warned == {name: f"Dockerfile:{number}" for name, number in expected.items()}
    assert "ENV API_TOKEN, build argument NPM_TOKEN, /app/.env" in found["secrets"].message
    must_be_ready(found.values())


def test_a_shell_form_with_a_shell_only_warns(broken: tuple[Path, str]) -> None:
    found = judged(broken, "alpine-shell")
    assert found["entrypoint-form"].severity == "warn"
    assert found["entrypoint-exists"].message == "/server exists and is executable"


def test_facts_alone_are_enough(broken: tuple[Path, str]) -> None:
    facts: ImageFacts = SdkImages().read(f"{broken[1]}:shell", files=True)
    assert any(c.severity == "fail" for c in checks(Inspected(facts, Service(name="api"))))
