from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devctl.adapters.project_files.dockerfile import parse, read
from devctl.errors import FilesError


def test_stages_with_arguments_flags_heredocs_and_escapes() -> None:
    facts = parse(
        "# escape=`\n"
        "ARG GO=1.26\n"
        'ARG IMAGE="golang:${GO}-alpine"\n'
        "FROM --platform=$BUILDPLATFORM ${IMAGE} as Build\n"
        "RUN go build `\n"
        "    -o /server .\n"
        "COPY <<EOF /motd\nFROM nothing\nEOF\n"
        "FROM ${RUNTIME:-scratch}\n"
        'ENTRYPOINT ["/server", "-v"]\n'
    )
    build, last = facts.stages
    assert (build.name, build.base, build.line, build.index) == ("Build", "golang:1.26-alpine", 4, 0)
    assert (last.name, last.base, last.line, last.index) == ("", "scratch", 10, 1)
    assert [(i.cmd, i.line, i.json) for i in build.instructions] == [("RUN", 5, False), ("COPY", 7, False)]
    assert last.instructions[0].value == ("/server", "-v")
    assert last.instructions[0].json
    assert facts.global_args["IMAGE"] == "golang:1.26-alpine"
    assert facts.stage("build") is build


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "no instructions"),
        ("# only a comment\n", 1, "no instructions"),
        ("ARG A=1\n", 1, "no FROM"),
        ("RUN a\n", 1, "before the first FROM"),
        ("FROM a\nINSTALL x\n", 2, "unknown instruction `INSTALL`"),
        ("FORM a\n", 1, "unknown instruction `FORM`"),
        ("FROM\n", 1, "FROM must read"),
        ("FROM a b\n", 1, "FROM must read"),
        ("FROM a\nRUN x\n\nCOPY a\n", 4, "COPY needs arguments"),
        ("FROM a\nHEALTHCHECK --interval=3s\n", 2, "HEALTHCHECK needs arguments"),
        ("FROM a\nRUN x\nENV a\nRUN y\n", 3, "ENV must have two arguments"),
        ("FROM a\nRUN <<EOF\nx\n", 2, "unterminated heredoc"),
    ],
)
def test_a_broken_dockerfile_is_named_with_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(FilesError) as caught:
        parse(text, path="docker/Dockerfile")
    assert words in str(caught.value)
    assert caught.value.problem.place == f"docker/Dockerfile:{line}"
    assert (caught.value.code, int(caught.value.exit_code)) == ("broken-dockerfile", 3)


def test_the_same_text_is_another_file_at_another_path_and_with_other_arguments() -> None:
    text = "ARG GO=1.26\nFROM golang:${GO}\n"
    assert (parse(text, path="a").path, parse(text, path="b").path) == ("a", "b")
    assert [parse(text, args=a).stages[0].base for a in ({}, {"GO": "1.25"})] == [
        "golang:1.26",
        "golang:1.25",
    ]
    for path in ("a", "b"):
        with pytest.raises(FilesError) as caught:
            parse("FROM a\nFRO\n", path=path)
        assert caught.value.problem.place == f"{path}:2"


def test_paths_are_relative_to_the_project(tmp_path: Path) -> None:
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "Dockerfile").write_text('\ufeffFROM scratch\r\nCMD ["/x"]\r\n')
    facts = read(tmp_path / "build" / "Dockerfile", root=tmp_path)
    assert (facts.path, facts.stages[0].instructions[0].value) == ("build/Dockerfile", ("/x",))
    with pytest.raises(FilesError, match="cannot be read") as caught:
        read(tmp_path / "Dockerfile", root=tmp_path)
    assert caught.value.code == "unreadable-file"


@given(
    st.lists(
        st.sampled_from(
            ["FROM a", "FROM b AS c", "RUN x", "ENV a", "FOO", "RUN <<E", "E", "# c", "COPY a b", "\\", ""]
        )
    )
)
def test_any_file_is_read_or_refused_with_a_line(lines: list[str]) -> None:
    try:
        facts = parse("\n".join(lines))
    except FilesError as error:
        place = str(error.problem.place)
        assert 1 <= int(place.rpartition(":")[2]) <= max(1, len(lines))
    else:
        assert facts.stages


def test_of_a_file_outside_of_the_project_no_word_is_repeated(tmp_path: Path) -> None:
    """Code in a container writes the compose file that names it, and reads what the watcher says about it."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "token").write_text("hvs.SECRET\n")
    with pytest.raises(FilesError) as raised:
        read(tmp_path / "shop/../token", root=tmp_path / "shop")
    problem = raised.value.problem
    assert (problem.code, problem.place) == ("broken-dockerfile", "../token:1")
    assert "secret" not in repr((problem, raised.value.detail)).lower()


def test_quotes_are_not_part_of_a_word() -> None:
    facts = parse(
        'FROM "alpine:3.22"\nWORKDIR "/srv"\nCOPY --from=\'b\' "shop" /bin/\'shop\'\nENV A="b c"\nUSER "app"\n'
    )
    assert facts.stages[0].base == "alpine:3.22"
    values = {i.cmd: i.value for i in facts.stages[0].instructions}
    assert values == {
        "WORKDIR": ("/srv",),
        "COPY": ("shop", "/bin/shop"),
        "ENV": ("A", '"b c"'),
        "USER": ("app",),
    }
