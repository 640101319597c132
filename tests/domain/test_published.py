"""A compose file for users of the program names the image that is made of this repository."""

from __future__ import annotations

import pytest

from devctl.domain.published import own_image
from tests.domain.test_detect import API, facts, pkg


@pytest.mark.parametrize(
    "image",
    [
        "acme/shop",
        "acme/shop:1.2",
        "ghcr.io/acme/Shop:latest",
        "localhost:5000/shop",
        "shop@sha256:ab",
        "acme/api",
    ],
)
def test_it_is_called_like_the_module_or_a_main(image: str) -> None:
    assert own_image({"image": image}, facts(pkg("."), API)) == image


@pytest.mark.parametrize(
    "spec",
    [
        {"image": "postgres:17"},
        {"image": "acme/shop-db"},
        {"image": "localhost:5000/db"},
        {"image": "acme/shop", "build": {"context": "."}},
        {"image": "shop/api-docs"},
        {"image": "redis"},
        {},
    ],
)
def test_what_is_not_made_of_this_repository(spec: dict[str, object]) -> None:
    assert own_image(spec, facts(pkg("."), API)) is None
