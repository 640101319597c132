"""What a .dockerignore hides of what is compiled in."""

from __future__ import annotations

import pytest

from devctl.domain.ignored import taken_back_in


@pytest.mark.parametrize(
    "line", ["web/dist", "web/dist/", "/web", "**/dist", "**/web", "web/*", "*/dist", "dist\nweb/d*", "*"]
)
def test_it_is_taken_back_in(line: str) -> None:
    assert list(taken_back_in(f"# ours\n\n{line}\n", ["web/dist"])) == ["!web/dist"]


@pytest.mark.parametrize("line", ["dist", "!web/dist", "#web/dist", "web/dis", "*.md", "**/build", ""])
def test_what_is_not_hidden_is_not_named(line: str) -> None:
    assert list(taken_back_in(f"{line}\n", ["web/dist", "."])) == []
