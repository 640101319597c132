"""Which failures of a user's stage make devctl's replace it, and how long that is remembered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec.structs import replace

from devctl.adapters.project_files.dockerfile import parse
from devctl.domain.derive.dev_stage import derived_stage
from devctl.domain.project.model import ImageBuild, Project, Service
from devctl.errors import DevctlError, ProjectError
from devctl.workflows.project.dev_stage_fallback import give_way, note_debugged, try_again, without_noted
from tests.fakes import World

DOCKERFILE = "FROM golang:1.15 AS build\nFROM build AS dev\nRUN make tools\nCMD fresh\n"
SERVICE = Service("api", build=ImageBuild(dockerfile="Dockerfile", dev_stage="dev", shares_cache=True))


class Sources:
    def dockerfile(self, path: Path, *, root: Path) -> object:
        return parse(DOCKERFILE, path=path.relative_to(root).as_posix())


def made() -> tuple[World, Any, Project]:
    world = World()
    world.save("Dockerfile", DOCKERFILE)
    box = replace(world.box(), sources=cast("Any", Sources()))
    project = cast("Any", Project)(
        root=world.root, name="shop", services=(SERVICE,), model={"services": {}}, generated=False,
        go_version="1.15", bases={}, mirror=None, owner=(1, 1),
    )  # fmt: skip
    return world, box, project


def failed(code: str, message: str = "the program make is not in the image") -> DevctlError:
    return ProjectError(message, code=code, hint="x")


@pytest.mark.parametrize("error", [failed("tool-missing"), failed("command-not-found")])
def test_a_stage_that_fails_is_replaced_and_is_not_tried_again_until_its_file_changes(
    error: DevctlError,
) -> None:
    world, box, project = made()
    (ours,) = give_way(box, project, "api", error).services
    assert (ours.build.dev_stage, ours.build.shares_cache) == (None, False)
    (told,) = world.warnings
    assert (told.code, told.place) == ("dev-stage-fails", "Dockerfile:2")
    assert str(error) in told.message
    assert without_noted(box.files, box.private, world.root, SERVICE).build.dev_stage is None
    world.save("Dockerfile", DOCKERFILE + "EXPOSE 80\n")
    assert without_noted(box.files, box.private, world.root, SERVICE) == SERVICE


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("api", failed("does-not-compile")),
        ("api", failed("go-sum-missing")),
        (
            "api",
            failed("exits-at-start", "api exited with code 1: it exited with code 127 before it answered"),
        ),
        ("db", failed("tool-missing")),
        (None, failed("tool-missing")),
    ],
)
def test_what_would_fail_in_our_stage_too_is_the_error(name: str | None, error: DevctlError) -> None:
    world, box, project = made()
    with pytest.raises(DevctlError) as raised:
        give_way(box, project, name, error)
    assert raised.value is error
    assert world.warnings == []
    assert without_noted(box.files, box.private, world.root, SERVICE) == SERVICE


@pytest.mark.follows(
    "devctl.yaml: `services: {…: {args: […]}}` gives it arguments; editing … tries it again, and so does: devctl rebuild …"
)
def test_arguments_that_only_a_script_of_theirs_knows_are_told_as_left_out_and_can_be_given(
    hinted: Callable[[str], str],
) -> None:
    text = (
        "FROM golang:1.26 AS build\nWORKDIR /src\nCOPY . .\nRUN go build -o /bin/api .\n"
        "FROM alpine:3.22\nCOPY --from=build /bin/api /bin/api\nCOPY entry.sh /entry.sh\n"
        'ENTRYPOINT ["/entry.sh"]\nCMD ["api", "-verbose"]\n'
    )
    facts = parse(text, path="Dockerfile", args={})
    derived = derived_stage(facts, {}, package=".", module="example.com/api", started_in=".")
    assert derived is not None
    script = Service("api", build=ImageBuild(dockerfile="Dockerfile", derived=derived))
    given = replace(script, start=replace(script.start, args=("-verbose",)))
    world, box, project = made()
    world.save("Dockerfile", text)
    box = replace(box, sources=SimpleNamespace(dockerfile=lambda path, *, root: facts))
    for service in (script, given):
        give_way(box, replace(project, services=(service,)), "api", failed("tool-missing"))
    alone, told = world.warnings
    assert alone.message.endswith("using devctl's own dev stage instead, without `/entry.sh api -verbose`")
    hinted(alone.hint)
    assert told.message.endswith("using devctl's own dev stage instead") and "no action needed" in told.hint


def test_what_gave_way_is_noted_where_no_container_writes_and_a_rebuild_tries_it_again() -> None:
    world, box, project = made()
    give_way(box, project, "api", failed("tool-missing"))
    assert not [path for path in world.files if ".devctl" in path.parts]
    (told,) = world.warnings
    assert told.hint.endswith("tries it again, and so does: devctl rebuild api")
    assert try_again(box.private, world.root, ["db"]) is False
    assert without_noted(box.files, box.private, world.root, SERVICE).build.dev_stage is None
    assert try_again(box.private, world.root, ["api"]) is True
    assert without_noted(box.files, box.private, world.root, SERVICE) == SERVICE


def test_a_stage_whose_reloader_knows_no_debugger_is_replaced_while_its_service_is_debugged() -> None:
    world, box, _ = made()

    def stage() -> str | None:
        return without_noted(box.files, box.private, world.root, SERVICE).build.dev_stage

    assert note_debugged(box.private, world.root, ["api"]) and stage() is None
    world.save("Dockerfile", DOCKERFILE.replace("CMD fresh", "RUN echo '${DEVCTL_DEBUG:-}' >run"))
    assert stage() == "dev", "one that `init` wrote knows"
    world.save("Dockerfile", DOCKERFILE)
    assert note_debugged(box.private, world.root, []) and stage() == "dev"
    assert not note_debugged(box.private, world.root, [])
