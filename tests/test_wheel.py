"""What a user installs: the built wheel has the templates and the command, and works without the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = (
    pytest.mark.engine
)  # it needs the package registry, as building an image does, and takes some seconds


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's content in a folder of its own."""
    out = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", str(out), str(ROOT)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = out.glob("devctl-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(out / "site")
    return out / "site"


def test_it_holds_every_template_and_the_command(installed: Path) -> None:
    source = ROOT / "templates"
    wanted = {p.relative_to(source): p.read_bytes() for p in source.rglob("*") if p.is_file()}
    folder = installed / "devctl/_templates"
    assert {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()} == wanted
    entry = next(installed.glob("devctl-*.dist-info/entry_points.txt")).read_text()
    assert "devctl = devctl.__main__:main" in entry
    assert {p.name for p in installed.iterdir() if not p.name.endswith(".dist-info")} == {"devctl"}


def test_new_works_from_it(installed: Path, tmp_path: Path) -> None:
    where = [sys.executable, "-c", "import devctl; print(devctl.__file__)"]
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    ran = subprocess.run(where, env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert ran.stdout.startswith(str(installed))
    new = [sys.executable, "-m", "devctl", "new", "shop"]
    done = subprocess.run(new, env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "shop/go.mod").read_text().startswith("module example.com/")
    assert (tmp_path / "shop/.air.toml").exists()
