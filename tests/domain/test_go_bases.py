"""Which Go base takes the place of one that cannot be had."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from devctl.domain.bases import newer_refs, replacement, rewritten
from devctl.domain.goversion import minor

HERE = ("golang:1.19-alpine", "golang:1.22.4-bookworm", "golang:1.24-alpine", "golang:1.26-alpine")


def test_the_nearest_newer_of_the_same_distribution() -> None:
    assert replacement("golang:1.16-alpine", HERE) == "golang:1.19-alpine"
    assert replacement("golang:1.20-alpine", HERE) == "golang:1.24-alpine"
    assert replacement("golang:1.21", HERE) == "golang:1.22.4-bookworm"


def test_another_distribution_where_there_is_no_other_and_it_will_do() -> None:
    assert replacement("golang:1.23", HERE) == "golang:1.24-alpine"
    assert replacement("golang:1.23", HERE, same_kind=True) is None


def test_what_go_mod_asks_for_is_the_least() -> None:
    assert replacement("golang:1.16-alpine", HERE, least="1.25") == "golang:1.26-alpine"


def test_without_a_version_the_newest() -> None:
    assert replacement("golang:alpine", HERE) == "golang:1.26-alpine"
    assert replacement("golang", HERE) == "golang:1.22.4-bookworm"


def test_none_is_new_enough() -> None:
    assert replacement("golang:1.99-alpine", HERE) is None
    assert replacement("golang", ()) is None


def test_what_a_registry_is_asked_for() -> None:
    assert newer_refs("golang:1.24.3-alpine", below="1.26-alpine") == ("golang:1.25-alpine",)
    assert newer_refs("golang:1.26-alpine")[-1] == "golang:1.27-alpine"
    assert newer_refs("golang:latest") == ()


@given(st.integers(11, 40), st.lists(st.integers(11, 40)), st.sampled_from(["", "-alpine", ".3-bookworm"]))
def test_never_an_older_one(asked: int, there: list[int], kind: str) -> None:
    found = replacement(f"golang:1.{asked}{kind}", [f"golang:1.{n}-alpine" for n in there])
    assert (found is None) == all(n < asked or (n == asked and kind == "-alpine") for n in there)
    if found is not None:
        assert (minor(found.partition(":")[2]) or (0, 0)) >= (1, asked)


def test_only_the_image_of_a_from_line_is_written_anew() -> None:
    text = "ARG V=1.16\nFROM --platform=$BUILDPLATFORM golang:${V} AS build\nRUN go build\nFROM scratch\n"
    new = rewritten(text, {"golang:1.16": "golang:1.26"}, [(2, "golang:1.16"), (4, "scratch")])
    assert new == text.replace("golang:${V}", "golang:1.26")
