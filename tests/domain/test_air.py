"""What a project adds to the settings of air."""

from __future__ import annotations

import tomllib
from pathlib import Path

from devctl.domain.air import air_toml

TEMPLATE = (Path(__file__).parents[2] / "templates" / "go-service" / ".air.toml").read_text()


def test_nothing_to_add_changes_nothing() -> None:
    assert air_toml(TEMPLATE) == TEMPLATE
    assert air_toml(TEMPLATE, watched=["*.html", "*.sql", "*.go"]) == TEMPLATE


def test_what_is_compiled_in_is_built_from_and_data_is_not_watched() -> None:
    build = tomllib.loads(
        air_toml(TEMPLATE, unwatched=["pgdata"], watched=["*.html", "*.txt", "web/VERSION"])
    )["build"]
    (rule,) = build["rules"]
    assert "txt" in rule["include_ext"] and rule["include_ext"].count("html") == 1
    assert rule["include_file"] == ["web/VERSION"]
    assert "pgdata" in build["exclude_dir"]
    assert build["include_ext"] == ["air-swap"]
