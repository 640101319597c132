"""References, mirrors and stand-ins as data."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devctl.domain.bases.references import (
    Base,
    Ref,
    StandIn,
    defaults,
    full_name,
    mirror_refs,
    parse,
    project_bases,
    published_base_bytes,
    role_of,
    source_of,
    stand_in,
)
from devctl.domain.dockerfile.facts import DockerfileFacts, Instruction, Stage
from devctl.domain.dockerfile.runtime_bases import IMAGES

ALPINE, DISTROLESS = IMAGES["alpine"], IMAGES["distroless"]


@pytest.mark.parametrize(
    ("ref", "parts"),
    [
        ("alpine", Ref("docker.io", "alpine", "latest")),
        ("docker.io/library/alpine:3.22", Ref("docker.io", "alpine", "3.22")),
        ("grafana/grafana:11", Ref("docker.io", "grafana/grafana", "11")),
        ("localhost/x", Ref("localhost", "x", "latest")),
        ("registry.local:5000/a/b", Ref("registry.local:5000", "a/b", "latest")),
        ("registry.local:5000/a/b:1", Ref("registry.local:5000", "a/b", "1")),
        (DISTROLESS, Ref("gcr.io", "distroless/static-debian13", "nonroot")),
        ("golang:1.26@sha256:ab", Ref("docker.io", "golang", "1.26", "sha256:ab")),
    ],
)
def test_a_reference_in_its_parts(ref: str, parts: Ref) -> None:
    assert parse(ref) == parts


@pytest.mark.parametrize(
    ("ref", "made"),
    [
        ("golang:1.26-alpine", StandIn("golang", "1.26", alpine=True)),
        ("golang:1.26.3-alpine3.22", StandIn("golang", "1.26.3", alpine=True)),
        ("golang:1.19", StandIn("golang", "1.19")),
        ("golang", StandIn("golang")),
        ("golang:alpine", StandIn("golang", alpine=True)),
        ("docker.io/library/golang:1.25-bookworm", StandIn("golang", "1.25")),
        ("golang:1.27rc1-alpine", None),
        ("golang:1.26-windowsservercore", None),
        ("golang:1.26@sha256:ab", None),
        ("mcr.example.com/golang:1.26", None),
        ("alpine:3.22", StandIn("alpine", "3.22")),
        ("alpine", StandIn("alpine")),
        ("alpine:edge", StandIn("alpine")),
        (DISTROLESS, StandIn("distroless", "13", nonroot=True)),
        ("gcr.io/distroless/static-debian11", StandIn("distroless", "11")),
        ("gcr.io/distroless/static", StandIn("distroless", "13")),
        ("gcr.io/distroless/static:nonroot-arm64", StandIn("distroless", "13", nonroot=True)),
        (
            "gcr.io/distroless/static-debian12:debug-nonroot",
            StandIn("distroless", "12", nonroot=True, debug=True),
        ),
        ("gcr.io/distroless/static:sha-1234", None),
        ("gcr.io/distroless/base-debian12", None),
        ("scratch", None),
        ("postgres:16", None),
    ],
)
def test_what_stands_in_for_a_reference(ref: str, made: StandIn | None) -> None:
    assert stand_in(ref) == made


@pytest.mark.parametrize(
    ("ref", "mirror", "places"),
    [
        ("golang:1.26", "r.local:5000", ("r.local:5000/golang:1.26", "r.local:5000/library/golang:1.26")),
        (
            DISTROLESS,
            "https://r.local/proxy/",
            (
                "r.local/proxy/distroless/static-debian13:nonroot",
                "r.local/proxy/gcr.io/distroless/static-debian13:nonroot",
            ),
        ),
        ("r.local:5000/a:1", "r.local:5000", ()),
        ("alpine:3.22", "", ()),
    ],
)
def test_where_a_mirror_may_keep_it(ref: str, mirror: str, places: tuple[str, ...]) -> None:
    assert mirror_refs(ref, mirror) == places


@given(st.from_regex(r"[a-z]{1,8}(/[a-z]{1,8})?(:[a-z0-9.]{1,8})?", fullmatch=True))
def test_a_mirrored_reference_keeps_repository_and_tag(ref: str) -> None:
    wanted = parse(ref)
    for place in mirror_refs(ref, "m.local:5000"):
        found = parse(place)
        assert found.registry == "m.local:5000"
        assert found.tag == wanted.tag
        assert found.repository.endswith(wanted.repository)


@given(st.text(alphabet="abgolnipe:/@.-0126$", max_size=40))
def test_no_text_breaks_the_reading_of_references(text: str) -> None:
    parse(text)
    stand_in(text)
    role_of(text)


def test_the_defaults_all_have_stand_ins() -> None:
    assert [base.role for base in defaults()] == ["golang", *("runtime" for _ in IMAGES)]
    assert all(stand_in(base.ref) for base in defaults())


def _stage(name: str, base: str, index: int, *flags: str) -> Stage:
    copy = Instruction("COPY", ("a", "b"), flags, json=False, line=2, original="COPY a b")
    return Stage(name, base, index, 1, (copy,))


def test_a_project_needs_what_its_from_lines_name_from_outside() -> None:
    facts = DockerfileFacts(
        "Dockerfile",
        (
            _stage("base", "golang:1.25", 0),
            _stage("Builder", "base", 1, "--from=base"),
            _stage("", "scratch", 2, "--from=builder", "--chown=1:1"),
            _stage("", "alpine:3.20", 3, "--from=busybox:1.36", "--from=0"),
            _stage("", "${UNSET}", 4),
        ),
        {},
    )
    assert project_bases([ALPINE, "golang:1.25"], [facts]) == (
        Base(ALPINE, "runtime"),
        Base("golang:1.25", "golang"),
        Base("alpine:3.20", "runtime"),
        Base("busybox:1.36", "runtime"),
    )


def test_published_sizes_are_those_of_the_real_images() -> None:
    assert published_base_bytes(DISTROLESS) == 2_262_293
    assert published_base_bytes("gcr.io/distroless/static-debian12:nonroot") == 1_994_545
    assert published_base_bytes(ALPINE) == 8_300_000
    assert published_base_bytes("golang:1.26") is None
    assert published_base_bytes("postgres:16") is None


@pytest.mark.parametrize(
    ("labels", "digests", "mirror", "source"),
    [
        ({"dev.devctl.assembled": "true"}, ("x@sha256:1",), None, "assembled"),
        ({}, ("m.local:5000/alpine@sha256:1",), "m.local:5000", "mirror"),
        ({}, ("alpine@sha256:1",), "m.local:5000", "registry"),
        ({}, (), "m.local:5000", "local"),
    ],
)
def test_where_a_present_image_came_from(
    labels: dict[str, str], digests: tuple[str, ...], mirror: str | None, source: str
) -> None:
    assert source_of(labels, digests, mirror=mirror) == source


@pytest.mark.parametrize(
    ("ref", "full"),
    [
        ("alpine", "alpine:latest"),
        ("alpine:3.22", "alpine:3.22"),
        ("localhost:5000/alpine", "localhost:5000/alpine:latest"),
        ("alpine@sha256:ab", "alpine@sha256:ab"),
    ],
)
def test_the_tag_that_an_archive_needs(ref: str, full: str) -> None:
    assert full_name(ref) == full


@pytest.mark.parametrize("ref", ["alpine:", "golang:", "alpine@", "", ":"])
def test_what_is_no_reference_is_no_bug(ref: str) -> None:
    stand_in(ref)
    role_of(ref)
    mirror_refs(ref, "localhost:5000")
