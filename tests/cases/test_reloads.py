"""Saves that come from somewhere else than an editor: a generator, or the program itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cases.steps import builds, edit, holds
from tests.engine.cli import get, serves, until
from tests.engine.conftest import Started

pytestmark = pytest.mark.engine


def test_go_code_that_air_toml_generates_before_each_build(case: Callable[[str], Started]) -> None:
    orchard = case("generated_before_each_build")
    orchard.devctl("up", "-d")
    assert get(orchard.port) == "orchard bears one\n"
    edit(orchard, "views/home.page", "one", "two")
    serves(orchard.port, "orchard bears two")

    assert holds(lambda: builds(orchard) == 2)  # what the generator writes is not a reason to build
    generated, folder = (orchard.root / path for path in ("views/home_gen.go", "views"))
    assert generated.stat().st_uid == folder.stat().st_uid


def test_a_program_that_writes_a_watched_file_each_time_it_starts(case: Callable[[str], Started]) -> None:
    diary = case("writes_a_watched_file")

    def starts() -> int:
        return int(get(diary.port).rpartition(" ")[2])

    diary.devctl("up", "-d")
    first = starts()
    assert first <= 3
    assert holds(lambda: starts() == first)
    edit(diary, "main.go", "one", "two")
    serves(diary.port, "diary notes two")
    told = "the program writes a watched file each time it starts, and is not restarted for it: ./public/stamp.js"
    until(lambda: told in diary.devctl("logs").show)
    second = starts()
    assert second <= first + 2
    assert holds(lambda: starts() == second)
    edit(diary, "main.go", "two", "three")  # it is not deaf now
    serves(diary.port, "diary notes three")


def test_an_edit_that_air_toml_keeps_from_being_seen(case: Callable[[str], Started]) -> None:
    warren = case("left_out_by_air_toml")
    warren.devctl("up", "-d")
    assert get(warren.port) == "warren digs one\n"
    vendored = "vendor/example.org/greet/greet.go"
    edit(warren, vendored, "one", "two")
    old = warren.devctl("status").result["serving"]
    assert (old["state"], old["reason"].partition(" ")[0]) == ("old", vendored), old
    up = warren.devctl("up", "-d")
    assert up.result["serving"]["state"] == "old", up.show  # nor does the short way call it current

    warren.devctl(*old["reason"].partition("devctl ")[2].split()[:1])  # what it says to do
    assert get(warren.port) == "warren digs two\n"
    assert warren.devctl("status").result["serving"]["state"] == "current"
