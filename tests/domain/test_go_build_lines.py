"""What a `go build` line of a Dockerfile says holds in development too."""

from __future__ import annotations

import pytest

from devctl.adapters.project_files.dockerfile import parse
from devctl.domain.dockerfile.go_build_lines import go_builds, linked_in

TITLE = "-ldflags \"-X 'main.title=two words' -X=main.plain=1\""


@pytest.mark.parametrize(
    ("line", "linked"),
    [
        ("go build -ldflags '-s -w -X main.version=1.2.3 -X main.commit=abc' .", "-X main.version=1.2.3 -X main.commit=abc"),
        ('go build -trimpath -ldflags="-X main.version=${VERSION} -w" -o /out/ ./cmd/...', "-X main.version=4.5.6"),
        (f"go build {TITLE} .", "-X 'main.title=two words' -X main.plain=1"),
        ("go build -ldflags \"-X main.commit=$(git rev-parse HEAD) -X main.kind=api\" .", "-X main.kind=api"),
        ('go build -ldflags "-X main.commit=$UNKNOWN" .', ""),
        ("go build -ldflags=\"-linkmode external -extldflags '-static'\" .", ""),
        ("go build -tags a,b .", ""),
    ],
)  # fmt: skip
def test_values_that_are_linked_in_are_kept(line: str, linked: str) -> None:
    facts = parse(f"FROM golang:1.26\nARG VERSION=1\nRUN {line}\n")
    [build] = go_builds(facts.stages[0], {}, {"VERSION": "4.5.6"})
    assert linked_in(build.flags) == linked
