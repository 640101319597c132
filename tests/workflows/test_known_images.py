"""Of which Dockerfiles it can be said that what they read has not changed; all others are built."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from devctl.domain.go.facts import GoPackage, Module, SourceFacts
from devctl.domain.project.air_toml import users_air
from devctl.domain.project.model import Service
from devctl.workflows.preview.known_images import _of_air, follows

OURS = Path(__file__).parents[2] / "templates" / "go-service" / "Dockerfile"


def test_ours_can_be_followed() -> None:
    assert follows(OURS.read_text())


@pytest.mark.parametrize(
    ("line", "followed"),
    [
        ("COPY --from=builder /server /server", True),
        ("ADD assets.tar.gz /assets", True),
        ("RUN --mount=type=cache,target=/modcache go build .", True),
        ("RUN --mount=type=secret,id=netrc go mod download", True),
        ("RUN --mount=type=secret,id=netrc,target=/etc/netrc go mod download", True),
        ("RUN --mount=type=secret,id=netrc-team cat /run/secrets/netrc-team", False),
        ("RUN --mount=type=secret,id=license cp /run/secrets/license /license", False),
        ("RUN --mount=type=ssh git clone git@example.com:a/b", False),
        ("RUN --mount=from=alpine:3.22,target=/x cp /x/etc/os-release /", False),
        ("FROM alpine AS std\nRUN --mount=type=cache,target=/c,from=std,source=/std true", True),
        ("RUN --mount=type=bind,from=assets,target=/x cp -r /x /assets", False),
        ("ADD https://example.com/data.json /data.json", False),
        ("ADD git@example.com:a/b.git /src", False),
        ("add https://example.com/data.json /data.json", False),
        ("ADD --chown=1:1 \\\n  https://example.com/data.json /data.json", False),
    ],
)
def test_what_a_line_reads(line: str, followed: bool) -> None:
    assert follows(f"FROM golang:1.26-alpine\n{line}\n") is followed


REMOVES = "[misc]\nclean_on_exit = true"


@pytest.mark.parametrize(
    ("air", "context", "line", "left_out"),
    [
        (REMOVES, ".", "COPY . .", ["tmp"]),
        ("", ".", "COPY . .", []),
        (f'tmp_dir = "build/air"\n{REMOVES}', ".", "COPY . .", ["build/air"]),
        (f'tmp_dir = "internal"\n{REMOVES}', ".", "COPY . .", []),
        (f'tmp_dir = "internal/store"\n{REMOVES}', ".", "COPY . .", []),
        (f'tmp_dir = "intern"\n{REMOVES}', ".", "COPY . .", ["intern"]),
        (f'root = "svc"\n{REMOVES}', "svc", "COPY . .", ["tmp"]),
        (REMOVES, "svc", "COPY . .", []),
        (f'tmp_dir = "/tmp/air"\n{REMOVES}', ".", "COPY . .", []),
        (f'tmp_dir = "."\n{REMOVES}', ".", "COPY . .", []),
        (REMOVES, ".", "RUN echo > /tmp/x && ls a.tmp", ["tmp"]),
        (REMOVES, ".", "COPY ./tmp/seed /seed", []),
        (REMOVES, ".", 'COPY ["tmp", "/seed"]', []),
    ],
)
def test_what_air_removes_at_its_end_is_not_what_an_image_is_built_from(
    air: str, context: str, line: str, left_out: list[str]
) -> None:
    service = Service("shop", air=users_air(air, ".air.toml"))
    store = GoPackage("internal/store", "store", False, ())
    source = SourceFacts((Module(".", "shop", "1.26", "", (), (store,)),))
    session: Any = SimpleNamespace(project=SimpleNamespace(service={"shop": service}.get, source=source))
    run: Any = SimpleNamespace(service="shop", context=context)
    assert _of_air(session, run, f"FROM golang:1.26-alpine\n{line}\n") == left_out
