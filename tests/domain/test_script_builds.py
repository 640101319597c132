"""`docker build` in a script or a Makefile says how an image is built that the compose file only names."""

from __future__ import annotations

from typing import Any

import pytest

from devctl.domain.compose.script_builds import builds_in, is_image


@pytest.mark.parametrize(
    ("script", "image", "said"),
    [
        ("#!/bin/sh\ngo build -o shop .\ndocker build -t shop .\n", "shop", {"context": "."}),
        (
            "docker build --no-cache -f deploy/Dockerfile -t acme/shop:1 --target prod . && docker push acme/shop:1",
            "acme/shop:1",
            {"context": ".", "dockerfile": "deploy/Dockerfile", "target": "prod"},
        ),
        (
            "docker buildx build --platform linux/amd64 --load \\\n  --tag=shop \\\n  --build-arg MODE=a ./svc\n",
            "shop",
            {"context": "./svc", "args": {"MODE": "a"}},
        ),
        ('IMAGE="shop"\ndocker build -t "$IMAGE:${TAG:-dev}" . # the image\n', "shop", {"context": "."}),
        ("docker build -t shop:${TAG:-} .", "shop", {"context": "."}),
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


@pytest.mark.parametrize(
    "script",
    [
        "# docker build -t shop .\n",
        "ls # docker build -t shop .\n",
        'echo "docker build -t shop ."\n',
        "echo docker build -t shop .\n",
        "echo 'to build:\ndocker build -t shop .\n'\n",
        "cat <<EOF\ndocker build -t shop .\nEOF\n",
    ],
)
def test_what_is_only_said_is_not_done(script: str) -> None:
    assert list(builds_in(script)) == []
    assert list(builds_in(f"{script}docker build -t shop ./svc\n")) == [("shop", {"context": "./svc"})]


@pytest.mark.parametrize(
    "line",
    [
        'if [ -n "$CI" ]; then DOCKER_BUILDKIT=1 sudo docker build -t shop . ; fi',
        "echo '# it is' && docker image build -t shop . > log 2>&1 # isn't it",
        "(docker build -t shop . 2>/dev/null)",
    ],
)
def test_where_a_command_may_stand(line: str) -> None:
    assert list(builds_in(f"{line}\n")) == [("shop", {"context": "."})]


@pytest.mark.parametrize(
    ("wanted", "built", "same"),
    [
        ("shop", "shop:1", True),
        ("shop:1", "acme.test/shop", True),
        ("shop:1", "shop:1", True),
        ("postgres:16", "postgres:17", False),
        ("shop:1", "web:1", False),
        ("localhost:5000/shop", "shop:1", True),
    ],
)
def test_a_tag_that_both_state_is_the_same(wanted: str, built: str, *, same: bool) -> None:
    assert is_image(wanted, built) is same


MANY = 120_000
"""Characters that would be looked at for hours if each was one where the search begins again."""


@pytest.mark.parametrize(
    "middle",
    ["\n" * MANY, f"X=a{' ' * MANY}b\n", "${a:-" * (MANY // 5), '\\"' * (MANY // 2), "$(" * (MANY // 2)],
)
def test_a_long_script_is_read_once(middle: str) -> None:
    assert list(builds_in(f"docker build -t shop .\n{middle}"))[:1] in ([("shop", {"context": "."})], [])


def test_values_of_a_script_do_not_grow_without_end() -> None:
    script = f"A={'x' * 20_000}\ndocker build -t shop --build-arg A={'$A' * 20_000} .\n"
    assert sum(len(str(said)) for _, said in builds_in(script)) < 100_000
    script = f"A={'x' * 250}\ndocker build -t shop --build-arg A={'$A' * 20_000} .\n"
    assert sum(len(str(said)) for _, said in builds_in(script)) < 200_000
