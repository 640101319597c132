"""A compose file that compose refuses without saying where."""

from __future__ import annotations

from pathlib import Path

from devctl.adapters.docker.compose import _config_error
from devctl.domain.ports.toolbox import Finished
from devctl.errors import FilesError
from tests.helpers import build_tree


def test_the_place_comes_from_the_file_where_compose_names_none(tmp_path: Path) -> None:
    root = build_tree(tmp_path, {"compose.yaml": "services:\n  api:\n    build: .\n   x: [\n"})
    error = _config_error(Finished(15, "", "yaml: line 1: did not find expected key"), root)
    assert isinstance(error, FilesError)
    assert (error.problem.code, error.problem.place) == ("broken-compose", "compose.yaml:4:4")


def test_a_key_that_compose_does_not_know_is_told_with_its_line(tmp_path: Path) -> None:
    root = build_tree(tmp_path, {"compose.yaml": "services:\n  web:\n    build: .\n    enviroment: {A: b}\n"})
    said = f"validating {root}/compose.yaml: services.web additional properties 'enviroment' not allowed"
    error = _config_error(Finished(15, "", said), root)
    assert isinstance(error, FilesError)
    assert error.problem.place == "compose.yaml:4"
