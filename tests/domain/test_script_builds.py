"""`docker build` in a script or a Makefile says how an image is built that the compose file only names."""

from __future__ import annotations

from typing import Any

import pytest

from devctl.domain.compose.script_builds import builds_in


@pytest.mark.parametrize(
    ("script", "image", "said"),
    [
        ("#!/bin/sh\ngo build -o shop .\ndocker build -t shop .\n", "shop", {"context": "."}),
        (
            "docker build --no-cache -f deploy/Dockerfile -t acme/shop:1 --target prod . && docker push acme/shop:1",
            "acme/shop",
            {"context": ".", "dockerfile": "deploy/Dockerfile", "target": "prod"},
        ),
        (
            "docker buildx build --platform linux/amd64 --load \\\n  --tag=shop \\\n  --build-arg MODE=a ./svc\n",
            "shop",
            {"context": "./svc", "args": {"MODE": "a"}},
        ),
        ('IMAGE="shop"\ndocker build -t "$IMAGE:${TAG:-dev}" . # the image\n', "shop", {"context": "."}),
        ("docker build -t shop:$(git describe) .", "shop", {"context": "."}),
        ("docker build . -t shop --build-arg VERSION=$(git describe)\n", "shop", {"context": "."}),
    ],
)
def test_what_a_script_builds(script: str, image: str, said: dict[str, Any]) -> None:
    assert list(builds_in(script)) == [(image, said)]


@pytest.mark.parametrize(
    "script",
    [
        "docker build -t $1 .\n",
        "docker build -t $REPO/shop .\n",
        "docker build -t shop $DIR\n",
        "docker build .\n",
        "docker build -t shop\n",
        "docker build -t 'shop .\n",
        "docker compose build -t shop .\n",
        "docker build -t shop -f `find . -name Dockerfile` .\n",
    ],
)
def test_what_is_not_known_whole_is_not_taken(script: str) -> None:
    assert list(builds_in(script)) == []
