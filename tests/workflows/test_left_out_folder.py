"""A folder of this machine that the compose file mounts is not in production; what lacks it is told so."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from devctl.domain.project.model import Service
from devctl.workflows.preview.rollback import left_out_folder


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("var/shop.db", "/app/var"),
        ("./var/shop.db", "/app/var"),
        ("/app/var/deep/shop.db", "/app/var"),
        ("/app/var", "/app/var"),
        ("/app/various", None),
        ("config.yaml", None),
        ("/data", None),
        ("main.go", None),
    ],
)  # fmt: skip
def test_the_folder_that_is_left_out(path: str, target: str | None) -> None:
    volumes = [
        {"type": "bind", "source": "/shop", "target": "/app"},
        {"type": "bind", "source": "/shop/var", "target": "/app/var"},
        {"type": "volume", "source": "data", "target": "/data"},
    ]
    project = SimpleNamespace(root="/shop", specs={"api": {"volumes": volumes}})
    assert left_out_folder(cast("Any", SimpleNamespace(project=project)), Service("api"), path) == target
