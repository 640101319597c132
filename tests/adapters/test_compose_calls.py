"""What compose is given: the text that was looked at, away from the project's folder."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from devctl.adapters.docker.compose import ComposeCli, _config_error
from devctl.adapters.system.identity import machine_place
from devctl.domain.compose.model_json import from_compose
from devctl.domain.dockerfile.recipe import Recipe
from devctl.domain.ports.toolbox import Finished
from devctl.domain.project.compose_inputs import Beside, ComposeInputs
from devctl.errors import FilesError
from tests.helpers import build_tree


class Recorded:
    def __init__(self) -> None:
        self.calls: list[tuple[list[str], dict[str, Any]]] = []

    def run(self, argv: Sequence[str], **how: Any) -> Finished:
        self.calls.append((list(argv), how))
        return Finished(0, "", "")


@pytest.mark.parametrize("verb", ["build", "up"])
def test_a_model_that_came_to_name_a_program_of_this_machine_is_not_given_to_compose(verb: str) -> None:
    processes = Recorded()
    model = {"services": {"db": {"provider": {"type": "./evil"}}}}
    compose: Any = ComposeCli(processes, print)  # type: ignore[arg-type]
    with pytest.raises(FilesError, match="db has `provider") as refused:
        getattr(compose, verb)(
            Path("/p"), model, ["db"], **({"no_deps": True} if verb == "up" else {"recipes": {}})
        )
    assert refused.value.problem.code == "program-on-host"
    assert processes.calls == []


def test_compose_is_given_the_model_itself_and_reads_no_file_of_the_project() -> None:
    processes = Recorded()
    model = {"services": {"db": {"image": "postgres", "command": ["$HOME"]}}}
    ComposeCli(processes, print).up(Path("/p"), model, ["db"], no_deps=True)  # type: ignore[arg-type]
    ((argv, how),) = processes.calls
    assert argv[argv.index("-f") + 1] == "-"
    assert argv[argv.index("--env-file") + 1] == "/dev/null"
    assert argv[argv.index("--project-directory") + 1] == "/p"
    assert (from_compose(how["stdin"].decode()), how["cwd"]) == (model, Path("/"))


def test_a_build_reads_a_dockerfile_that_no_container_can_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, root = tmp_path / "home", tmp_path / "shop"
    monkeypatch.setenv("XDG_STATE_HOME", str(home))
    theirs = root / ".devctl/api/Dockerfile"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("FROM evil\nRUN --mount=type=secret,id=netrc cat /run/secrets/netrc")
    read: list[tuple[Path, str, str]] = []

    class Builder(Recorded):
        def run(self, argv: Sequence[str], **how: Any) -> Finished:
            if "stdin" not in how:  # asks what engine it is
                return super().run(argv, **how)
            build = from_compose(how["stdin"].decode())["services"]["api"]["build"]  # type: ignore[index]
            path = Path(build["dockerfile"])
            assert oct(path.stat().st_mode)[-3:] == "600"
            assert oct(path.parent.parent.stat().st_mode)[-3:] == "700"
            read.append((path, path.read_text(), path.with_name("Dockerfile.dockerignore").read_text()))
            return super().run(argv, **how)

    model = {
        "services": {
            "api": {"build": {"context": str(root), "dockerfile": str(theirs)}},
            "db": {"build": {"context": str(root / "db"), "dockerfile": "Dockerfile"}},
        }
    }
    left = home / "devctl/builds" / machine_place() / "4000000000-1.dead"
    left.mkdir(parents=True)
    recipes = {"api": Recipe("FROM scratch\n", "node_modules\n")}
    for _ in range(2):
        ComposeCli(Builder(), print).build(root, model, ["api"], recipes=recipes)  # type: ignore[arg-type]
    ((path, dockerfile, ignored), (other, *_)) = read
    assert (dockerfile, ignored) == ("FROM scratch\n", "node_modules\n")
    assert not path.is_relative_to(root)
    assert path.is_relative_to(home)
    assert path != other
    assert list(left.parent.iterdir()) == [], "nothing is left, and what a killed process left goes"
    assert model["services"]["api"]["build"]["dockerfile"] == str(theirs)


@pytest.mark.parametrize(("services", "whose"), [(["api"], "api"), (["api", "db"], "build")])
def test_a_line_of_a_build_is_that_of_its_service(services: list[str], whose: str) -> None:
    said: list[tuple[str, str]] = []

    class Builder(Recorded):
        def run(self, argv: Sequence[str], **how: Any) -> Finished:
            if "on_line" in how:
                how["on_line"]("#5 CACHED")
            return super().run(argv, **how)

    compose = ComposeCli(Builder(), lambda *line: said.append(line))  # type: ignore[arg-type]
    compose.build(Path("/p"), {"services": {"api": {}, "db": {}}}, services, recipes={})
    assert said == [(whose, "#5 CACHED")]


def test_without_a_home_it_reads_it_from_a_folder_of_this_users_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").write_text("a file")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    processes = Recorded()
    model = {"services": {"api": {"build": {"context": "/p", "dockerfile": "x"}}}}
    compose: Any = ComposeCli(processes, print)  # type: ignore[arg-type]
    compose.build(Path("/p"), model, ["api"], recipes={"api": Recipe("FROM scratch", "")})
    given = from_compose(processes.calls[-1][1]["stdin"].decode())
    assert f"{tmp_path}/devctl-" in str(given)
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_what_goes_by_labels_reads_no_file_at_all() -> None:
    processes = Recorded()
    compose = ComposeCli(processes, print)  # type: ignore[arg-type]
    compose.restart("shop", Path("/p"), ["db"])
    compose.stop("shop", Path("/p"))
    compose.down("shop", Path("/p"), volumes=True)
    for argv, how in processes.calls:
        assert argv[2:4] == ["--project-name", "shop"]
        assert "-f" not in argv
        assert (how.get("stdin"), how["cwd"]) == (None, Path("/"))


def test_texts_that_were_read_are_given_from_a_folder_of_their_own() -> None:
    """Compose opens no file of the project, and sees no variable but those that it is given."""
    given: dict[str, str] = {}

    class Reads(Recorded):
        def run(self, argv: Sequence[str], **how: Any) -> Finished:
            super().run(argv, **how)
            given.update({flag: Path(word).read_text() for flag, word in pairwise(argv) if flag == "-f"})
            return Finished(0, '{"services": {}}', "")

    processes = Reads()
    inputs = ComposeInputs(
        Path("/p"),
        "digest",
        files=((Path("/p/compose.yaml"), {"services": {"a": {"env_file": Beside("/p/a.env")}}}),),
        beside={"/p/.env": None, "/p/a.env": "A=b"},
        env_files=("/p/.env",),
    )
    ComposeCli(processes, print).render(inputs, profiles=True, variables={"X": "y"})  # type: ignore[arg-type]
    ((argv, how),) = processes.calls
    assert argv[argv.index("--env-file") + 1] == "/dev/null"
    assert argv[argv.index("--project-directory") + 1] == "/p"
    assert (how["cwd"], how["env"]) == (Path("/"), {"X": "y"})
    assert "AWS_SECRET_ACCESS_KEY" not in how["only"]
    assert argv.count("-f") == 1
    assert "/p/" not in given["-f"]
    assert not Path(argv[argv.index("-f") + 1]).exists()


def test_the_files_of_a_person_are_named_one_by_one() -> None:
    class Answers(Recorded):
        def run(self, argv: Sequence[str], **how: Any) -> Finished:
            super().run(argv, **how)
            return Finished(0, "{}", "")

    processes = Answers()
    ComposeCli(processes, print).config(Path("/p"), [Path("/p/a.yaml"), Path("/p/b.yaml")])  # type: ignore[arg-type]
    ((argv, how),) = processes.calls
    assert [word for word in argv if word.endswith(".yaml")] == ["/p/a.yaml", "/p/b.yaml"]
    assert how["only"] is None


# What compose refuses, with its place


def test_the_place_comes_from_the_file_where_compose_names_none(tmp_path: Path) -> None:
    root = build_tree(tmp_path, {"compose.yaml": "services:\n  api:\n    build: .\n   x: [\n"})
    error = _config_error(Finished(15, "", "yaml: line 1: did not find expected key"), root)
    assert isinstance(error, FilesError)
    assert (error.problem.code, error.problem.place) == ("broken-compose", "compose.yaml:4:4")


def test_a_key_that_compose_does_not_know_is_reported_with_its_line(tmp_path: Path) -> None:
    root = build_tree(tmp_path, {"compose.yaml": "services:\n  web:\n    build: .\n    enviroment: {A: b}\n"})
    said = f"validating {root}/compose.yaml: services.web additional properties 'enviroment' not allowed"
    error = _config_error(Finished(15, "", said), root)
    assert isinstance(error, FilesError)
    assert error.problem.place == "compose.yaml:4"
