"""Files of Debian's packages, for images that no registry has to give."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.engine.alone import PACKAGES, alone
from tests.engine.apt import APT


def unpacked(folder: Path, packages: Sequence[str], wanted: re.Pattern[str], *more: str) -> Path:
    """A folder with the files of `packages` and of what they need, as far as its name is `wanted`, and of `more`.

    What is installed here already does not count.
    """
    folder.chmod(0o755)  # apt's download user has to reach it
    plan = ("apt-get", "-q", "-s", "-o", "Dir::State::status=/dev/null", "install", "--no-install-recommends")
    if subprocess.run([*plan, *packages], capture_output=True).returncode != 0:
        with alone(PACKAGES):
            run(*APT, "update")  # a fresh machine has no package lists yet
    told = re.findall(r"^Inst (\S+)", run(*plan, *packages), re.M)
    names = [name for name in told if wanted.match(name)]
    assert all(any(name.startswith(package) for name in names) for package in packages), told
    run("apt-get", "-q", "download", *names, *more, cwd=folder)
    for package in sorted(folder.glob("*.deb")):
        run("dpkg-deb", "-x", str(package), str(folder / "root"))
    return folder / "root"


def run(*argv: str, cwd: Path | None = None) -> str:
    env = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(argv[:6])}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout
