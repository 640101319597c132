"""Notes as JSON and back, whatever has been done to them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devctl.domain.command.state import ServiceState, Serving, State, WatcherState
from devctl.domain.image.facts import Binary, ImageFacts, Layer
from devctl.domain.preview.last_preview import LastPreview, PreviewedImage
from devctl.domain.project.notes import decode, encode
from devctl.domain.project.private_notes import (
    BuildersNote,
    DebuggedNote,
    JobsNote,
    PrivateNote,
    StagesNote,
    UpNote,
)
from devctl.domain.project.state_folder import (
    FileEventsNote,
    FolderNote,
    Note,
    OldCode,
    ServingNote,
    ToldNote,
    told_key,
)
from devctl.domain.size.growth import BudgetNote, ModuleShare, Weighed
from devctl.errors import Finding, Problem
from devctl.workflows.preview.known_images import ImagesNote, Known, Looked
from devctl.workflows.project.approved_inputs import Approved, Source
from devctl.workflows.switch.applied_model import Applied
from devctl.workflows.switch.intent import Intent, Ran, Target

IMAGE = ImageFacts(
    ref="shop-app:prod", id="sha256:1", size_bytes=3, layers=(Layer("", 3),), entrypoint=("/app",),
    cmd=(), user="65532", workdir="/", architecture="amd64", exposed=(8080,), labels={"a": "b"},
    binary=Binary("/app", 3, 0o755, elf=True),
)  # fmt: skip
NOTES = [
    UpNote(
        "1",
        "shop",
        {"go.mod": [1, 2], "*.go": "ab", ".env": None},
        {"A": "digest", "B": None},
        State(
            "dev",
            (ServiceState("app", "service", url="http://127.0.0.1:8080"),),
            WatcherState("running", 7),
            Serving("current"),
        ),
        {"app": "/healthz"},
        compiled={"app": ("main.go", "vendor")},
    ),
    ServingNote({"app": OldCode("c1", "does not compile")}),
    BuildersNote(("docker/dockerfile:1",)),
    StagesNote({"app": "0123"}),
    DebuggedNote(("app",)),
    JobsNote({"migrate": "0123"}),
    FileEventsNote(False),
    ToldNote({"dev": ("0a1b",), "prod": ()}),
    BudgetNote({"app": Weighed(3, 0, {"std": ModuleShare("", 2)})}),
    LastPreview(
        at=1_796_126_400.5,
        images=(PreviewedImage("app", "distroless", 8_100_000, 6_100_000),),
        checks=(Finding("nonroot", "ok", "runs as uid 65532"),),
        switch_ms=660,
        failed="not ready",
    ),
    ImagesNote(
        {
            "shop-app:prod": Known(("sha256:1", "in"), Looked("k", True, IMAGE, (Finding("a", "ok", "d"),))),
            "x": Known(),
        }
    ),
    Intent(
        "up",
        1.5,
        "shop",
        targets=(Target("app", 8080, "/healthz"),),
        before=(Ran("c1", "app", running=True, mode="dev"),),
        tags={"shop-app:dev": None},
        files={"app/Dockerfile": "FROM scratch\n"},
        old={"services": {}},
    ),
    Applied({"services": {"app": {"image": "a"}}}, None, {"/shop/a": "/b"}),
    Approved("d", {"usual": "{}"}, ("app",), {"HOME": Source("/h", frozenset({("services", "app")}))}),
]
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@pytest.mark.parametrize("note", NOTES, ids=lambda note: note.file)
def test_a_note_comes_back_as_it_was(note: Note) -> None:
    assert decode(type(note), encode(note)) == note


def test_every_note_is_tried_here() -> None:
    assert {note.file for note in NOTES} == {
        kind.file for base in (FolderNote, PrivateNote) for kind in base.__subclasses__()
    }


@given(st.sampled_from(NOTES), st.data())
def test_any_change_of_a_note_is_survived(note: Note, data: st.DataObject) -> None:
    def changed(value: Any) -> Any:
        if data.draw(st.integers(0, 3)) == 0:
            return data.draw(ANY)
        if isinstance(value, dict):
            return {k: changed(v) for k, v in value.items()}
        return [changed(v) for v in value] if isinstance(value, list) else value

    text = json.dumps(changed(json.loads(encode(note))))
    kind = type(note)
    found = decode(kind, text)
    assert isinstance(found, kind)
    assert decode(kind, encode(found)) == found


def test_a_number_beyond_all_measure_is_not_a_number() -> None:
    text = encode(NOTES[5]).replace('"size_bytes": 3', f'"size_bytes": {10**400}')
    assert decode(BudgetNote, text) == BudgetNote()


def test_a_file_name_that_is_not_utf_8_comes_back_as_it_was() -> None:
    note = ServingNote({"a\udcff": OldCode("c1", "x\udcff/go.mod is broken \ud800")})
    assert decode(ServingNote, encode(note)) == note
    assert told_key(Problem("broken-go-mod", "x\udcff/go.mod is broken \ud800", ""))


def test_what_another_version_added_is_passed_over() -> None:
    assert decode(FileEventsNote, '{"arrive": true, "since": 3}') == FileEventsNote(True)
