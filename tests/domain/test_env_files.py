"""A program that exits for lack of a file of variables: the message for the folder, and for an image."""

from __future__ import annotations

import pytest

from devctl.domain.detect.required_env import env_file_ended_for
from devctl.domain.go.facts import EnvFile, Located
from devctl.domain.project.model import ProgramStart, Service, SourceCode

NONE, THERE = EnvFile(".env", "main.go:9"), EnvFile(".env", "main.go:9", there=True)
COPIED = EnvFile(".env", "main.go:9", example=".env.example")


@pytest.mark.parametrize(
    ("file", "dev", "log", "hint"),
    [
        (NONE, True, "exit status 1", "create api/.env with a line NAME=value for each of DB_URL, KEY"),
        (COPIED, True, "exit status 1", "cp api/.env.example api/.env, and fill in the missing values"),
        (THERE, True, "Error loading .env file", None),
        (
            THERE,
            False,
            "Error loading .env file",
            "let the program continue without it at main.go:9, as in `_ = godotenv.Load()`",
        ),
        (THERE, False, "dial tcp: connection refused", None),
        (None, False, "open .env: no such file", None),
    ],
)
def test_what_it_ended_for(file: EnvFile | None, *, dev: bool, log: str, hint: str | None) -> None:
    unset = (Located("DB_URL", "main.go:1"), Located("KEY", "main.go:2"))
    service = Service(
        "api",
        source=SourceCode(dir="api"),
        start=ProgramStart(unset_env=unset, env_files=(file,) if file else ()),
    )
    found = env_file_ended_for(service, log, dev=dev)
    assert (found is None) == (hint is None)
    if found is not None and hint is not None:
        assert found.hint.startswith(hint) and found.place == "main.go:9"
