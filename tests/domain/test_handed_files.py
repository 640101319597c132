"""Configs and secrets: which are copied in, which are mounted, and who may read a file with its mode and owner."""

from __future__ import annotations

from typing import Any

import pytest

from devctl.domain.compose.handed_files import copied_in, may_read, mounted, readable
from devctl.domain.plan.production import added

MODEL = {
    "configs": {"inline": {"content": "x"}, "filed": {"file": "/shop/a.yml"}},
    "secrets": {"token": {"environment": "TOKEN"}, "key": {"file": "/shop/key.pem"}},
}


def test_what_the_engine_is_given_after_the_container_was_made() -> None:
    spec = {
        "configs": [{"source": "inline"}, {"source": "filed"}],
        "secrets": [{"source": "token"}, {"source": "key"}],
    }
    assert copied_in(spec, MODEL) == (("configs", "inline"), ("secrets", "token"))
    assert list(mounted(spec, MODEL)) == [
        ("configs", "filed", "/shop/a.yml"),
        ("secrets", "key", "/shop/key.pem"),
    ]
    assert copied_in({}, MODEL) == () and list(mounted({}, MODEL)) == []


@pytest.mark.parametrize("user", ["4321:100", "65532", "nobody"])
def test_what_is_copied_in_for_nobody_in_particular_is_for_the_user_of_the_container(user: str) -> None:
    spec = {
        "user": user,
        "configs": [{"source": "inline", "mode": "0440"}, {"source": "filed", "mode": "0400"}],
        "secrets": [{"source": "token", "mode": "0400", "uid": "7"}, {"source": "token"}],
    }
    assert readable(spec, MODEL) == {
        "configs": [{"source": "inline", "mode": "0444"}, {"source": "filed", "mode": "0400"}],
        "secrets": spec["secrets"],
    }


def test_root_reads_what_is_its_own() -> None:
    spec = {"configs": [{"source": "inline", "mode": "0400"}]}
    assert readable(spec, MODEL) == readable({**spec, "user": "0:0"}, MODEL) == {}


def test_the_root_is_not_made_read_only_beside_that() -> None:
    assert "read_only" in added({}, user=None) and "read_only" not in added({}, user=None, copied_in=True)


@pytest.mark.parametrize(
    ("user", "mode", "reads"),
    [
        ("65532:65532", 0o600, False), ("65532:65532", 0o604, True), ("65532:1000", 0o640, True), ("65532:1000", 0o604, False),
        ("1000:1000", 0o600, True), ("1000", 0o044, False), ("0:0", 0o000, True), ("0", 0o600, True),
        ("nobody", 0o600, True), ("", 0o600, True),
    ],
)  # fmt: skip
def test_who_may_read_a_file(user: str, mode: int, reads: bool) -> None:
    assert may_read(user, mode=mode, owner=(1000, 1000)) is reads


def test_a_group_that_was_added_and_the_one_that_an_image_gives_a_user() -> None:
    of_a_team: Any = {"mode": 0o640, "owner": (1000, 4321)}
    assert not may_read("65532", **of_a_team)
    assert may_read("65532", groups=["4321"], **of_a_team) and may_read("65532:1", groups=[4321], **of_a_team)
    assert not may_read("65532", groups=["4321"], mode=0o600, owner=(1000, 4321))
    assert may_read("65532", mode=0o640, owner=(1000, 65532)) and not may_read(
        "65532:1", mode=0o640, owner=(1000, 65532)
    )
