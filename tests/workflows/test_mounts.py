"""Volumes of a service in our dev stage: whoever runs it may write to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from devctl.domain.project import Project, Service
from devctl.workflows.mounts import with_volumes

TEMPLATE = (Path(__file__).parents[2] / "templates" / "go-service" / "Dockerfile").read_text()
SERVICE = Service("api")


def project(*volumes: tuple[str, str]) -> Project:
    spec = {"volumes": [{"type": kind, "source": "x", "target": target} for kind, target in volumes]}
    return Project(
        root="/shop", name="shop", services=(SERVICE,), model={"services": {"api": spec}}, generated=False,
        go_version="1.26", bases={}, mirror=None, owner=(1000, 1000),
    )  # fmt: skip


def test_a_folder_for_each_volume_in_the_dev_stage() -> None:
    text = with_volumes(TEMPLATE, project(("volume", "/data/"), ("volume", "/app/up loads")), SERVICE)
    added = "RUN mkdir -p /data '/app/up loads' && chmod 1777 /data '/app/up loads'\n"
    assert added in text.partition(" AS dev\n")[2].partition("\nFROM ")[0]
    assert len(text.splitlines()) == len(TEMPLATE.splitlines()) + 2


@pytest.mark.parametrize(
    "target", [("bind", "/data"), ("volume", "/app"), ("volume", "/cache"), ("volume", "/app/vendor")]
)
def test_what_is_no_volume_of_data_changes_nothing(target: tuple[str, str]) -> None:
    assert with_volumes(TEMPLATE, project(target), SERVICE) == TEMPLATE
