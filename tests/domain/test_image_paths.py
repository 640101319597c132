"""What an entry script may start: the words that it is given, and what its text names."""

from __future__ import annotations

import pytest

from devctl.domain.image.facts import Binary, ImageFacts
from devctl.domain.image.paths import started_by

SCRIPT = Binary("/entry.sh", 40, 0o755, elf=False, interpreter="/bin/sh")
PROGRAM = Binary("/app", 8_000_000, 0o755, elf=True)


@pytest.mark.parametrize(
    ("text", "words", "name"),
    [
        ('#!/bin/sh\nexec "$@"\n', ("/entry.sh", "/app", "serve"), "/app"),
        ("#!/bin/sh\nmigrate up\nexec /usr/local/bin/app --flag\n", ("/entry.sh",), "/usr/local/bin/app"),
        ("#!/bin/sh\nexec app\n", ("/entry.sh",), "app"),
        ("#!/bin/sh\n./bin/app serve\n", ("/entry.sh",), "./bin/app"),
        ("#!/bin/sh\nset -e\nexec su-exec nobody /srv/app\n", ("/entry.sh", "-v"), "/srv/app"),
    ],
)
def test_the_program_is_among_what_a_script_may_start(text: str, words: tuple[str, ...], name: str) -> None:
    assert name in started_by(text.encode(), words)


def test_a_comment_and_a_variable_name_nothing() -> None:
    found = started_by(b"#!/bin/sh\n# exec /old/app\n$HOME/app\n", ())
    assert found == ()


@pytest.mark.parametrize(("behind", "size"), [(PROGRAM, 8_000_000), (None, 40)])
def test_the_figure_is_that_of_the_program(behind: Binary | None, size: int) -> None:
    facts = ImageFacts(
        "x", "sha256:1", 0, (), ("/entry.sh",), (), "", "/", "amd64", binary=SCRIPT, behind=behind
    )
    assert facts.program is not None and facts.program.size_bytes == size
