"""A compose file for users of the program names the image that is made of this repository."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from devctl.domain.compose.built_here import own_image
from devctl.domain.go.facts import SourceFacts
from tests.domain.test_detect import API, facts, pkg


def ours(path: str = "github.com/acme/shop") -> SourceFacts:
    plain = facts(pkg("."), API)
    return replace(plain, modules=(replace(plain.modules[0], path=path),))


@pytest.mark.parametrize(
    "image",
    [
        "acme/shop",
        "acme/shop:1.2",
        "ghcr.io/acme/Shop:latest",
        "localhost:5000/shop",
        "ghcr.io/acme/shop@sha256:ab",
        "acme/api",
    ],
)
def test_it_is_called_like_the_module_or_a_main(image: str) -> None:
    assert own_image({"image": image}, ours()) == image


@pytest.mark.parametrize(
    "spec",
    [
        {"image": "postgres:17"},
        {"image": "acme/shop-db"},
        {"image": "localhost:5000/db"},
        {"image": "acme/shop", "build": {"context": "."}},
        {"image": "shop/api-docs"},
        {"image": "redis"},
        {"image": "shop"},
        {"image": "shop:7"},
        {"image": "library/shop"},
        {"image": "other/shop"},
        {},
    ],
)
def test_what_is_not_made_of_this_repository(spec: dict[str, object]) -> None:
    assert own_image(spec, ours()) is None
