"""onboard on the real engine: from a clone to the first response, and again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.cli import get
from tests.engine.conftest import Started

pytestmark = pytest.mark.engine
STEPS = ["doctor", "bases", "env", "up", "first-response"]
EXAMPLE = "# what the service needs\nHOST_PORT=1\nGREETING=hello there\nAPI_TOKEN=\n# optional\nTRACE=\n"


def statuses(result: dict[str, object]) -> list[str]:
    steps = result["steps"]
    assert isinstance(steps, list)
    assert [s["id"] for s in steps] == STEPS
    return [s["status"] for s in steps]


@pytest.mark.fixes(".env lacks variables of .env.example", by="`onboard`")
def test_from_clone_to_first_response_and_again(
    project: Callable[..., Started], monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = project()
    own = (clone.root / ".env").read_text()
    clone.write({".env.example": EXAMPLE})

    # What only a person can know is requested, and nothing is done without it: not even with --yes.
    for words in (["onboard"], ["onboard", "--yes"]):
        asked = clone.devctl(*words, code=2)
        assert asked.error["code"] == "env-missing"
        assert "API_TOKEN" in asked.error["message"]
        assert "TRACE" not in asked.error["message"]
        assert statuses(asked.result) == ["ok", "ok", "failed", "skipped", "skipped"]
        assert (clone.root / ".env").read_text() == own

    # Values from the environment are not written down; a second run continues where the first one ended.
    monkeypatch.setenv("API_TOKEN", "t0p")
    done = clone.devctl("onboard", "--note")
    assert statuses(done.result) == ["ok"] * 5
    assert done.result["url"] == f"http://127.0.0.1:{clone.port}"
    assert done.result["time_to_first_response_ms"] > 0
    assert "Hello from Go" in get(clone.port)
    assert (clone.root / ".env").read_text() == f"{own}GREETING=hello there\nTRACE=\n"
    note = (clone.root / "ONBOARDING.md").read_text()
    assert f"http://127.0.0.1:{clone.port}" in note
    assert "| first-response | ok |" in note

    before = clone.devctl("status").result["services"][0]["container"]
    again = clone.devctl("onboard")
    assert statuses(again.result) == ["ok"] * 5
    assert clone.devctl("status").result["services"][0]["container"] == before
    assert not [e for e in again.events if e.get("step") in ("build", "start")]


def test_a_note_of_the_users_own_stays(project: Callable[..., Started]) -> None:
    clone = project()
    clone.write({"ONBOARDING.md": "# Ours\n"})
    done = clone.devctl("onboard", "--note")
    assert [w["code"] for w in done.warnings if w["code"] == "note-kept"] == ["note-kept"]
    assert (clone.root / "ONBOARDING.md").read_text() == "# Ours\n"


def test_code_that_does_not_compile_ends_it_at_up_and_is_fixed_by_the_next_save(
    project: Callable[..., Started],
) -> None:
    clone = project()
    source = clone.root / "internal/web/web.go"
    good = source.read_text()
    source.write_text(good.replace("mux.HandleFunc", "mux.Nonsense", 1))
    broken = clone.devctl("onboard", code=1)
    assert statuses(broken.result) == ["ok", "ok", "ok", "failed", "skipped"]
    assert broken.error["code"] == "does-not-compile"
    assert broken.error["place"].startswith("internal/web/web.go:")
    source.write_text(good)
    assert statuses(clone.devctl("onboard").result) == ["ok"] * 5


def test_a_folder_that_is_not_a_project_is_told_before_anything_is_done(
    project: Callable[..., Started], tmp_path: Path
) -> None:
    broken = project(files={"go.mod": "module example.com/x\n", "devctl.yaml": "nonsense: 1\n"})
    failed = broken.devctl("onboard", code=3)
    assert failed.error["place"] == "devctl.yaml:1:1"
    assert failed.events == []
    (broken.root / "devctl.yaml").unlink()
