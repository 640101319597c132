"""onboard, step by step, without a real machine: what it needs is provided, and it continues."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

import pytest

from devctl.domain.command.requests import OnboardRequest
from devctl.domain.project.state_folder import STATE_FOLDER
from devctl.errors import UsageError
from devctl.workflows.start.onboard import CAUSES, NOTE, OUR_NOTE, _Onboarding, _poll, _write_note
from devctl.workflows.start.step_list import Walk
from tests.fakes import World


@pytest.mark.follows("add to …: …; then run devctl onboard again")
def test_what_only_a_person_knows_is_added_as_the_hint_writes_it(hinted: Callable[[str], str]) -> None:
    world = World()
    world.save(".env.example", "API_KEY=\nAPI_SECRET=\nLEVEL=debug\n")

    def env() -> str:
        box = world.box()
        walk = Walk(box, CAUSES, after_interruption="")
        return _Onboarding(box, OnboardRequest(project=world.root, yes=True), world.root, walk).env()

    with pytest.raises(UsageError) as raised:
        env()
    file, _, names = (
        hinted(raised.value.problem.hint).removeprefix("add to ").partition(";")[0].partition(": ")
    )
    world.save(file, "".join(f"{line.replace('…', 'x')}\n" for line in names.split()))
    assert "LEVEL" in env()
    assert "API_KEY=x" in world.files[world.root / ".env"]


@pytest.mark.follows("move it, then devctl onboard --note")
def test_a_note_of_somebody_elses_is_moved_and_ours_is_written(hinted: Callable[[str], str]) -> None:
    world = World()
    box = world.box()
    walk = Walk(box, CAUSES, after_interruption="")
    world.save(NOTE, "mine\n")
    _write_note(box.reporter, box.files, world.root, walk)
    assert (
        hinted(world.warnings.pop().hint).startswith("move it") and world.files[world.root / NOTE] == "mine\n"
    )
    world.save("docs/onboarding.md", world.files.pop(world.root / NOTE))
    _write_note(box.reporter, box.files, world.root, walk)
    assert world.files[world.root / NOTE].startswith(OUR_NOTE) and world.warnings == []


@pytest.mark.follows("devctl doctor --fix --yes raises the limits; then rm …/…, and devctl up")
def test_polling_is_over_once_its_note_is_removed(hinted: Callable[[str], str]) -> None:
    world = World()
    box = world.box()
    _poll(box, world.root, nullcontext)
    note = hinted(world.warnings.pop().hint).partition("rm ")[2].partition(",")[0]
    assert note.startswith(f"{STATE_FOLDER}/")
    del world.files[world.root / note]
    assert not [path for path in world.files if STATE_FOLDER in path.parts]
