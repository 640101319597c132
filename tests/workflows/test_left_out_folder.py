"""A folder of this machine that the compose file mounts is not in production; the error of what lacks it says so."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from devctl.adapters.system.files import SystemFiles
from devctl.domain.project.model import ImageBuild, Service
from devctl.workflows.advice import advice
from devctl.workflows.preview.rollback import leads_nowhere, left_out_folder
from devctl.workflows.session import overlay


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
    project = SimpleNamespace(root=Path("/shop"), spec=lambda _: {"volumes": volumes})
    assert (
        left_out_folder(
            cast("Any", SimpleNamespace(project=project, root=project.root)), Service("api"), path
        )
        == target
    )


@pytest.mark.parametrize(
    ("path", "ours", "link"),
    [("./app.yaml", True, True), ("app.yaml", False, False), ("other.yaml", True, False)],
)
def test_what_is_copied_and_still_not_there_is_a_link(path: str, *, ours: bool, link: bool) -> None:
    session = cast("Any", SimpleNamespace(run=lambda _: SimpleNamespace(ours=ours)))
    assert leads_nowhere(session, Service("api", build=ImageBuild(files=("app.yaml",))), path) is link


def test_endings_are_looked_for_in_each_folder_of_the_project_once(tmp_path: Path) -> None:
    root, outside = tmp_path / "shop", tmp_path / "outside"
    for folder in (root / "assets/css", outside):
        folder.mkdir(parents=True)
    (root / "assets/css/a.scss").touch()
    (outside / "a.secret").touch()
    (root / "assets/out").symlink_to(outside)
    for n in range(40):
        (root / f"assets/loop{n}").symlink_to(".")
    files, looked = SystemFiles(), list[Path]()
    names = files.names
    counting = SimpleNamespace(
        is_dir=files.is_dir, real=files.real, names=lambda path: looked.append(path) or names(path)
    )
    found = overlay._endings(cast("Any", counting), root / "assets", root=str(root), depth=4)
    assert "scss" in found and "secret" not in found
    assert len(looked) == 2


def test_a_link_is_watched_with_the_file_of_the_project_that_it_leads_to(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    (root / "configs").mkdir(parents=True)
    for name, target in {
        "app.yaml": "configs/dev.yaml",
        "conf": "configs",
        "key": "/etc/hosts",
        "gone": "no",
    }.items():
        (root / name).symlink_to(target)
    (root / "configs/dev.yaml").touch()
    project = cast("Any", SimpleNamespace(root=root))
    paths = ["app.yaml", "conf/dev.yaml", "configs/dev.yaml", "key", "*.css"]
    found = list(overlay.with_targets(SystemFiles(), project, paths))
    assert found == [
        "app.yaml",
        "configs/dev.yaml",
        "conf/dev.yaml",
        "configs/dev.yaml",
        "configs/dev.yaml",
        "key",
        "*.css",
    ]


@pytest.mark.parametrize(
    ("step", "shown"),
    [
        ("DSN='postgres://u:pw@db' migrate -database postgres://u:pw@db up", "migrate …"),
        ("./seed.sh", "./seed.sh"),
        ("sleep 3", "sleep …"),
    ],
)
def test_what_is_said_of_a_step_holds_no_value_of_a_variable(step: str, shown: str) -> None:
    assert advice._named_alone(step) == shown
