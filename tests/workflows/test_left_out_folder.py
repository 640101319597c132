"""A folder of this machine that the compose file mounts is not in production; what lacks it is told so."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from devctl.domain.project.model import Service
from devctl.workflows.preview.rollback import left_out_folder


@pytest.mark.parametrize(
    ("message", "target"),
    [
        ("api exited with 1: var/shop.db is not in the image", "/app/var"),
        ("api exited with 1: ./var/shop.db is not in the image", "/app/var"),
        ("api exited with 1: /app/var/deep/shop.db is not in the image", "/app/var"),
        ("api exited with 1: it may not write below /app/var: production runs read-only and without root", "/app/var"),
        ("api exited with 1: /app/various is not in the image", None),
        ("api exited with 1: config.yaml is not in the image", None),
        ("api exited with 1: it may not write below /data: production runs read-only", None),
        ("api exited with 1: main.go is not in the image", None),
    ],
)  # fmt: skip
def test_the_folder_that_is_left_out(message: str, target: str | None) -> None:
    volumes = [
        {"type": "bind", "source": "/shop", "target": "/app"},
        {"type": "bind", "source": "/shop/var", "target": "/app/var"},
        {"type": "volume", "source": "data", "target": "/data"},
    ]
    project = SimpleNamespace(root="/shop", specs={"api": {"volumes": volumes}})
    assert left_out_folder(cast("Any", SimpleNamespace(project=project)), Service("api"), message) == target
