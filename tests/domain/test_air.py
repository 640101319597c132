"""What a project adds to the settings of air."""

from __future__ import annotations

import shlex
import tomllib
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from devctl.domain.project.air_toml import air_toml, build_command

ONE = build_command(".", ".", (), "")
TEMPLATE = (Path(__file__).parents[2] / "templates" / "go-service" / ".air.toml").read_text()


def test_nothing_to_add_changes_nothing() -> None:
    assert air_toml(TEMPLATE, ONE) == TEMPLATE
    assert air_toml(TEMPLATE, ONE, watched=["*.html", "*.sql", "*.go"]) == TEMPLATE


def test_what_is_compiled_in_is_built_from_and_data_is_not_watched() -> None:
    build = tomllib.loads(
        air_toml(TEMPLATE, ONE, unwatched=["pgdata"], watched=["*.html", "*.txt", "web/VERSION"])
    )["build"]
    assert "txt" in build["include_ext"] and build["include_ext"].count("html") == 1
    assert build["include_file"] == ["web/VERSION"]
    assert {"pgdata", "vendor"} <= set(build["exclude_dir"])


def test_the_code_below_vendor_is_watched_where_the_build_takes_it_from_there() -> None:
    build = tomllib.loads(air_toml(TEMPLATE, ONE, vendored=True))["build"]
    assert "vendor" not in build["exclude_dir"] and "node_modules" in build["exclude_dir"]


@given(
    ldflags=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20),
    folder=st.sampled_from([".", "svc", "my svc", "it's", "päckchen 😀"]),
)
def test_a_build_command_has_any_flags_exactly(ldflags: str, folder: str) -> None:
    command = build_command(folder, "./cmd/api", ("a", "b"), ldflags)
    words = shlex.split(tomllib.loads(air_toml(TEMPLATE, command))["build"]["cmd"])
    assert words == command
    assert f"-ldflags=-w {ldflags}".rstrip() in words and words[-1] == "./cmd/api"
    assert words[:3] == (["devctl-build", "-C", folder] if folder != "." else ["devctl-build", "go", "build"])
