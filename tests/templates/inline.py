"""The scripts of the dev stage stand in templates/dev-stage/ to be read and edited, and line by line in the template's
Dockerfile, which so needs no file of the project, and no syntax that old engines lack.

`python -m tests.templates.inline` copies them.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

TEMPLATES = Path(__file__).parents[2] / "templates"
DOCKERFILE = TEMPLATES / "go-service/Dockerfile"
SCRIPTS = ("devctl-run", "devctl-build")


def written(name: str) -> str:
    """The RUN words that write a script: one quoted line after the other."""
    lines = (TEMPLATES / "dev-stage" / name).read_text().splitlines()
    return "".join(f"      {_quoted(line)} \\\n" for line in lines)


def _quoted(line: str) -> str:
    assert "'" not in line, f"a line in single quotes cannot hold one: {line}"
    return f"'{line}'"


def block(name: str) -> re.Pattern[str]:
    """What stands between `printf '%s\\n'` and the script's name."""
    return re.compile(
        rf"(?<=printf '%s\\n' \\\n)(?:      '.*' \\\n)*(?=      >/dev-root/usr/local/bin/{name})"
    )


def script(name: str) -> str:
    """As a shell writes it that runs the Dockerfile's line."""
    found = block(name).search(DOCKERFILE.read_text())
    assert found is not None, f"the Dockerfile writes {name}"
    return "".join(f"{line}\n" for line in shlex.split(found[0].replace("\\\n", "\n")))


def main() -> None:
    text = DOCKERFILE.read_text()
    for name in SCRIPTS:
        text = block(name).sub(lambda _: written(name), text)  # noqa: B023  # used at once
    DOCKERFILE.write_text(text)


if __name__ == "__main__":
    main()
