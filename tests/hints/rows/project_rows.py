"""Hints about files that cannot be read, or not be understood, and about a folder that holds no service yet."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.hints.dockerfile_rows import BUILD, BUILT, GO, GO_MOD, MAIN, RUNNER, dockerfile
from tests.hints.follow import Told, both, row, write

DRY = ("up", "--dry-run")
ALIASES = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9))
BOMB = f"a0: &a0 [x]\n{ALIASES}"
DOTENV = MAIN.replace(
    'import "net/http"', 'import (\n\t"log"\n\t"net/http"\n\n\t"github.com/joho/godotenv"\n)'
).replace("{ http", "{\n\tif err := godotenv.Load(); err != nil {\n\t\tlog.Fatal(err)\n\t}\n\thttp")


def fifo(name: str) -> Callable[[Path], None]:
    return lambda root: os.mkfifo(root / name)


def regular(text: str) -> Callable[[Path, Told], None]:
    """What the hint names becomes a regular file."""

    def follow(root: Path, told: Told) -> None:
        found = re.match(r"make (\S+) a regular file|fix (\S+)$", told["hint"])
        assert found is not None, told["hint"]
        path = root / (found[1] or found[2])
        path.unlink()
        path.write_text(text)

    return follow


def without(files: Mapping[str, str], *names: str) -> dict[str, str]:
    return {name: text for name, text in files.items() if name not in names}


def at_line(new: str) -> Callable[[Path, Told], None]:
    """`fix line N of PATH`."""

    def follow(root: Path, told: Told) -> None:
        _fix, _line, number, _of, name = told["hint"].split()
        lines = (root / name).read_text().splitlines()
        lines[int(number) - 1] = new
        (root / name).write_text("\n".join(lines) + "\n")

    return follow


ROWS = [
    row(
        "make … a regular file",
        "unreadable-file",
        dockerfile(BUILD + RUNNER),
        regular(BUILT),
        plant=fifo("compose.yaml"),
    ),
    row(
        "adapters/go/reader.py | make … a regular file inside the project that you may read",
        "unreadable-file",
        without(GO, "go.mod"),
        regular(GO_MOD),
        plant=fifo("go.mod"),
        words=DRY,
    ),
    row(
        "adapters/project_files/dockerfile.py | make … a regular file inside the project that you may read",
        "unreadable-file",
        {**GO, "compose.yaml": BUILT},
        regular(BUILD + RUNNER),
        plant=fifo("Dockerfile"),
        words=DRY,
    ),
    row(
        "adapters/project_files/config_file.py | fix …",
        "broken-config",
        {**GO, "devctl.yaml": b"version: 1\nname: \xff\n"},
        regular("version: 1\nname: shop\n"),
    ),
    row(
        "adapters/project_files/config_file.py | fix …",
        "broken-config",
        GO,
        regular("version: 1\nname: shop\n"),
        plant=fifo("devctl.yaml"),
    ),
    row(
        "fix line … of …",
        "broken-dockerfile",
        dockerfile(BUILD + RUNNER.replace("FROM alpine:3.22", "FROM")),
        at_line("FROM alpine:3.22"),
        words=DRY,
    ),
    row("simplify …", "broken-config", {**GO, "devctl.yaml": BOMB}, write("devctl.yaml", "version: 1\n")),
    row(
        "check the files that they name (env_file, include, extends): one of them may be a FIFO or endless",
        "broken-compose",
        dockerfile(BUILD + RUNNER, **{"compose.yaml": f"{BUILT}    env_file: [app.env]\n"}),
        both(lambda root, _told: (root / "app.env").unlink(), write("app.env", "A=1\n")),
        plant=fifo("app.env"),
    ),
    row(
        "fix what it names; `docker compose config` shows the same error",
        "broken-compose",
        dockerfile(BUILD + RUNNER, **{"compose.yaml": f"services: {{api: {{image: {'[' * 600}}}}}\n"}),
        write("compose.yaml", BUILT),
    ),
    row(
        "devctl new DIR creates a service to start from; for your own code: go mod init example.com/NAME",
        "no-go-module",
        {"README.md": ""},
        lambda _root, told: (*told["hint"].replace("DIR", "shop").split()[1:3],),
        words=DRY,
    ),
    row(
        "devctl new DIR creates a service to start from; for your own code: go mod init example.com/NAME",
        "no-go-module",
        {"README.md": ""},
        both(
            lambda root, told: write(
                "go.mod", f"module {told['hint'].replace('NAME', 'shop').split()[-1]}\n\ngo 1.26\n"
            )(root, told),
            write("main.go", MAIN),
        ),
        words=DRY,
    ),
    row(
        "create … with a line NAME=value for each of the variables that it reads",
        "env-file-missing",
        {
            "go.mod": GO_MOD + "\nrequire github.com/joho/godotenv v1.5.1\n",
            "go.sum": "",
            "main.go": DOTENV,
        },
        lambda root, told: (root / told["hint"].split()[1].rstrip(",")).write_text("DATABASE_URL=x\n"),
    ),
]
