"""The line that names a Dockerfile's builder."""

from __future__ import annotations

import pytest

from devctl.adapters.project_files.dockerfile import parse
from devctl.domain.dockerfile.syntax_directive import below_directives, syntax_line, without_syntax_line


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("# syntax=docker/dockerfile:1\nFROM x\n", (1, "docker/dockerfile:1")),
        ("#syntax = docker/dockerfile:1.4\nFROM x\n", (1, "docker/dockerfile:1.4")),
        ("# escape=`\n# syntax=docker/dockerfile:1\nFROM x\n", (2, "docker/dockerfile:1")),
        ("# a comment\n# syntax=docker/dockerfile:1\nFROM x\n", None),
        ("FROM x\n# syntax=docker/dockerfile:1\n", None),
        ("", None),
    ],
)
def test_where_it_counts(text: str, found: tuple[int, str] | None) -> None:
    assert syntax_line(text) == found


def test_without_it_the_lines_keep_their_numbers_and_other_directives_count() -> None:
    text = "# syntax=docker/dockerfile:1\n# escape=`\nFROM x\nRUN y\n"
    left = without_syntax_line(text)
    assert left == "# escape=`\n#\nFROM x\nRUN y\n"
    assert without_syntax_line(left) == left
    assert without_syntax_line("# syntax=a/b\nFROM x\n") == "#\nFROM x\n"


def test_what_comes_before_the_lines_leaves_the_directives_in_force() -> None:
    """A Dockerfile in a compose file has the numbers of that file's lines."""
    text = "# syntax=docker/dockerfile:1\n# escape=`\nFROM golang:1.26\nRUN go vet `\n  && go build .\n"
    moved = below_directives(text, "\n" * 7)
    assert syntax_line(moved) == (1, "docker/dockerfile:1")
    (run,) = parse(moved).stages[0].instructions
    assert run.value == ("go vet   && go build .",) and run.line == 4 + 7
