"""The line that names a Dockerfile's builder."""

from __future__ import annotations

import pytest

from devctl.domain.dockerfile.syntax_directive import syntax_line, without_syntax_line


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
