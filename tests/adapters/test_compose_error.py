"""A compose file that compose refuses without saying where."""

from __future__ import annotations

from pathlib import Path

from devctl.adapters.compose import _config_error
from devctl.domain.ports import Finished
from devctl.errors import FilesError
from tests.helpers import build_tree


def test_the_place_comes_from_the_file_where_compose_names_none(tmp_path: Path) -> None:
    root = build_tree(tmp_path, {"compose.yaml": "services:\n  api:\n    build: .\n   x: [\n"})
    error = _config_error(Finished(15, "", "yaml: line 1: did not find expected key"), root)
    assert isinstance(error, FilesError)
    assert (error.problem.code, error.problem.place) == ("broken-compose", "compose.yaml:4:4")
