"""What a .dockerignore hides of what is compiled in."""

from __future__ import annotations

import pytest

from devctl.domain.dockerfile.dockerignore import hiding_line, taken_back_in


@pytest.mark.parametrize(
    "line",
    [
        "web/dist",
        "web/dist/",
        "/web",
        "./web",
        "**/dist",
        "**/web",
        "web/*",
        "*/dist",
        "dist\nweb/d*",
        "*",
        "**",
        "web/**/dist",
        "web/**",
        "web/[^a]ist",
        "w?b",
        "web/dist/..",
        "!web\nweb/dist",
    ],
)
def test_it_is_taken_back_in(line: str) -> None:
    assert list(taken_back_in(f"# ours\n\n{line}\n", ["web/dist"])) == ["!web/dist"]


@pytest.mark.parametrize(
    "line",
    [
        "dist",
        "!web/dist",
        "#web/dist",
        "web/dis",
        "*.md",
        "**/build",
        "",
        "*dist",
        "web/dist/**",
        "web/[^d]ist",
        "web/*\n!web/dist",
        "**\n!web",
    ],
)
def test_what_is_not_hidden_is_not_named(line: str) -> None:
    assert list(taken_back_in(f"{line}\n", ["web/dist", "."])) == []


def test_what_the_file_takes_back_in_itself_stays_as_it_is() -> None:
    """A devctl line at the end would show the build what a later line hides."""
    assert list(taken_back_in("web/*\n!web/dist\nweb/dist/secret.env\n", ["web/dist"])) == []


def test_stars_take_no_time() -> None:
    line = "/".join(["**", "*a*a*a*a*a*a*a*a*b"] * 40)
    assert list(taken_back_in(line, ["/".join(["a" * 200] * 200)])) == []


def test_the_line_that_hides() -> None:
    text = "# generated\n*.md\n\n**/*.pb.go\n!keep.pb.go\n"
    assert hiding_line(text, "internal/gen/a.pb.go") == 4
    assert hiding_line(text, "keep.pb.go") is None
    assert hiding_line(text, "main.go") is None


def test_a_pattern_of_any_length_is_read() -> None:
    assert hiding_line("/".join(["**"] * 5000), "a/b") == 1
    assert hiding_line("/".join(["*"] * 5000), "/".join(["a"] * 5000)) == 1
