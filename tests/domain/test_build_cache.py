"""A user's build stage gets a build cache; the image is the same with and without it."""

from __future__ import annotations

import pytest

from devctl.adapters.project_files.dockerfile import parse
from devctl.domain.derive.build_cache import MOUNT, with_build_cache, without_build_cache
from devctl.domain.derive.dev_stage import DerivedStage, derived_stage
from devctl.domain.dockerfile.facts import lines_of, with_ends
from devctl.domain.dockerfile.recipe import Recipe, run_again

BUILD = """\
# a comment
FROM golang:1.26 AS build
WORKDIR /src
RUN apk add git
COPY . .
RUN --mount=type=secret,id=netrc CGO_ENABLED=0 \\
    go build -o /shop .
RUN ["go", "vet", "./..."]
"""
FINAL = 'FROM alpine:3.22\nRUN make cache\nCOPY --from=build /shop /shop\nCMD ["/shop"]\n'


def test_each_line_that_compiles_is_given_the_cache_and_is_else_as_it_was() -> None:
    text = with_build_cache(parse(BUILD + FINAL), "")
    assert f"\nRUN {MOUNT} --mount=type=secret,id=netrc CGO_ENABLED=0 \\\n    go build" in text
    assert f'RUN {MOUNT} ["go", "vet", "./..."]' in text
    assert text.count(MOUNT) == 2 and without_build_cache(text) == BUILD + FINAL


@pytest.mark.parametrize(
    "text",
    [
        BUILD,  # the image has in it what the compiler leaves
        BUILD + "FROM build\nCMD [\"/shop\"]\n",
        BUILD.replace("WORKDIR /src", "USER nobody") + FINAL,
        BUILD.replace("WORKDIR /src", "ENV GOCACHE=/c") + FINAL,
        BUILD.replace("CGO_ENABLED=0", "GOCACHE=/c") + FINAL,
        BUILD.replace("golang:1.26", "alpine:3.22") + FINAL,
    ],
    ids=["single stage", "on top of it", "another user", "ENV", "in the line", "no Go"],
)  # fmt: skip
def test_what_is_left_as_it_is(text: str) -> None:
    assert with_build_cache(parse(text), "") == text


def test_a_cache_of_the_users_own_is_kept() -> None:
    own = "RUN --mount=type=cache,target=/root/.cache/go-build go build -o /shop .\n"
    text = "FROM golang:1.26 AS build\n" + own + FINAL
    assert with_build_cache(parse(text), "") == text


def test_the_stage_that_is_asked_for_is_the_image() -> None:
    assert with_build_cache(parse(BUILD + FINAL), "build") == BUILD + FINAL


@pytest.mark.parametrize("end", ["\f", "\v", "\x1c", "\x85", "\u2028", "\r"])
def test_only_a_line_feed_ends_a_line(end: str) -> None:
    """A builder counts in this way: what is put into another line makes another program of it."""
    text = BUILD.replace("a comment", f"a{end}RUN comment") + FINAL
    assert with_build_cache(parse(text), "").count(MOUNT) == 2
    assert f"\nRUN {MOUNT} --mount=type=secret" in with_build_cache(parse(text), "")
    again = run_again(Recipe(text, ""), [3], "1").dockerfile
    assert again == text.replace("WORKDIR", "ARG DEVCTL_AGAIN=1\nWORKDIR")
    assert lines_of(text)[2] == "WORKDIR /src" and "".join(with_ends(text)) == text
    derived = derived_stage(parse(text), {}, package=".", module="example.com/shop", started_in=".")
    assert isinstance(derived, DerivedStage)
    assert "FROM golang:1.26 AS build\nWORKDIR /src\nRUN apk add git" in derived.build.head(())
