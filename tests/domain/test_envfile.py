"""`.env.example`: what it asks for, and the lines that a project's own file lacks."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devctl.domain.compose import env_file
from devctl.domain.compose.env_file import Variable, lines, missing, variables
from devctl.domain.numbers import LONGEST


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("A=1", Variable("A", "1")),
        ("A = 1 # why", Variable("A", "1")),
        ("A='x # y' # z", Variable("A", "'x # y'")),
        ('A="x', Variable("A", '"x')),
        ("export A=1", Variable("A", "1")),
        ("A=", Variable("A", "")),
        ("A", Variable("A", "")),
        ('A=""', Variable("A", "")),
        ("A= # say it", Variable("A", "")),
        ("A= # optional", Variable("A", "", optional=True)),
        ("# Optional: for tracing\n# see the docs\nA=", Variable("A", "", optional=True)),
        ("# optional\nB=1\nA=", Variable("A", "")),
        ("A=x#y", Variable("A", "x#y")),
        ("A=postgres://u:p@db/x?a=b", Variable("A", "postgres://u:p@db/x?a=b")),
        ("A: yes", Variable("A", "yes")),
        ("\ufeffA=1", Variable("A", "1")),
        ("# optional\r\nA=\r\n", Variable("A", "", optional=True)),
        ("A='' # optional", Variable("A", "", optional=True)),
        ("# optional\n\nA=", Variable("A", "")),
        ("B= # optional\nA=", Variable("A", "")),
        ("A='a\nB=1' # optional", Variable("A", "'a\nB=1'", optional=True)),
    ],
)
def test_one_line(line: str, found: Variable) -> None:
    assert variables(line)[-1] == found


def test_what_is_not_a_variable_is_passed_over() -> None:
    assert variables("\n# A=1\n=1\n1A=2\na b\nc # d\n") == ()


def test_only_what_must_be_said_is_asked_and_secrets_are_known_by_name() -> None:
    found = variables("A=1\nTOKEN=\n# optional\nX=\nDB_PASSWORD=\nREGION=\n")
    assert [v.name for v in found if v.asked] == ["TOKEN", "DB_PASSWORD", "REGION"]
    assert [v.name for v in found if v.secret] == ["TOKEN", "DB_PASSWORD"]


def test_what_is_there_is_not_missing_even_when_empty() -> None:
    example = "A=1\nB=2\nC=\nD=\n"
    assert [v.name for v in missing(example, "A=9\nC=\n")] == ["B", "D"]
    assert [v.name for v in missing(example, "", known=["D"])] == ["A", "B", "C"]
    assert [v.name for v in missing(example, "\ufeffA: 9\nB=#\nC='\nD=x'\n")] == ["D"]
    assert [v.name for v in missing("A=1\n", "A\n")] == ["A"], "it stands for what the environment has"


def test_a_value_of_several_lines_is_added_whole() -> None:
    key = 'KEY="-----BEGIN\nMIIEabc==\n-----END"\n'
    assert lines(missing(key, ""), {}) == key


names = st.from_regex(r"[A-Z][A-Z0-9_]{0,8}", fullmatch=True)
values = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=20)


@given(st.text(max_size=200), st.text(st.characters(exclude_characters="'\""), max_size=200))
def test_after_adding_the_lines_nothing_is_missing(example: str, own: str) -> None:
    wanted = missing(example, own)
    said = {v.name: "said" for v in wanted}
    glue = "" if not own or own.endswith("\n") else "\n"
    assert missing(example, own + glue + lines(wanted, said)) == ()


@given(st.dictionaries(names, values, max_size=5))
def test_an_answer_is_one_line(said: dict[str, str]) -> None:
    text = lines([Variable(name, "") for name in said], said)
    assert [v.name for v in variables(text)] == list(said)
    assert text.count("\n") == len(said)


SPECIAL = {
    "A": "a b",
    "B": "it's $HOME",
    "C": 'say "x" #1',
    "D": "back\\slash",
    "E": 'it\'s \\ "$X" #',
    "F": "end\\",
}


@pytest.mark.engine
def test_compose_reads_an_answer_as_it_was_typed(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(lines([Variable(n, "") for n in SPECIAL], SPECIAL))
    (tmp_path / "compose.yaml").write_text("services: {a: {image: x}}\n")
    done = subprocess.run(
        ["docker", "compose", "config", "--environment"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    got = dict(
        line.split("=", 1) for line in done.stdout.splitlines() if line[:2] in {f"{n}=" for n in SPECIAL}
    )
    assert got == SPECIAL


WRITTEN = {
    "A=x # why": "x",
    "A='x # y' # why": "x # y",
    r'A="a\"b" # why': 'a"b',
    r'A="tab\tand\\end"': "tab\tand\\end",
    r'A="\d+\$"': r"\d+$",
    r"A='a\tb'": r"a\tb",
    'A=""': "",
    "A=": "",
    "A=1\nA=2": "2",
    r'A="a\0033\0177\08b\07"': "a\x1b\x7f\\8b\\7",
    'A="\\0\u0663\\c"': "\\\u0663\\c",
    "A=#s3cret": "#s3cret",
    "A= #x": "#x",
    "A=x#y": "x#y",
    "A=x\t# y": "x\t# y",
    "A='x'# y": "x",
    'A="-----BEGIN\nMIIEabc==\n-----END"': "-----BEGIN\nMIIEabc==\n-----END",
    "A='a\n# b\n\nB=1' # c": "a\n# b\n\nB=1",
    r"A='it\'s'": "it's",
    r"A='x\\'": r"x\\",
    r"A='\"\\\''": r"\"\\'",
    r'A="\'\\\""': "\\'\\\"",
    "\ufeffA=1": "1",
    "A: yes": "yes",
    "A:x=y": "x=y",
    "A==x": "=x",
    " A = 1 ": "1",
    "A\t=\t1": "1",
    "export A=1": "1",
    "export\t A: 1": "1",
    "export\nA=1": "1",
    "A=1\nA": "1",
    "A=1\r": "1",
    "A=\r": "",
    "A='1'\r": "1",
    "A='1\r\n2'\r": "1\r\n2",
    "A=a\rb": "a\rb",
    "# B=1\n\t# C\n\n A=1": "1",
    "\u2003A=\u2003x\u2003": "\u2003x",
    "A=\xa0x\x85": "x",
    "A=\x1cx\x1c": "\x1cx\x1c",
    "A=x\u2028B=y": "x\u2028B=y",
}


@pytest.mark.parametrize(("line", "value"), WRITTEN.items())
def test_a_value_is_what_is_in_its_quotes(line: str, value: str) -> None:
    assert env_file.values(f"{line}\n") == {"A": value}


def test_names_are_those_of_compose() -> None:
    text = 'A="1"B=2\nmy.key-1[0]=3\n1É=4\nD="5" E\nNONE\n=6\nLAST'
    read = {"A": "1", "B": "2", "my.key-1[0]": "3", "1É": "4", "D": "5"}
    assert env_file.values(text) == read
    assert env_file.values(text, known={"E": "e", "LAST": "", "": "x"}.get) == {**read, "E": "e"}
    assert env_file.names(text) >= set(read) and not env_file.names(text) & {"E", "NONE", "LAST"}


@pytest.mark.parametrize("line", ["A B=1", "A!=1", "A B", "\x1cA=1", "\ufeff\ufeffA=1", "'", "A B='x\n'"])
def test_a_line_that_compose_refuses_is_passed_over(line: str) -> None:
    assert env_file.values(f"{line}\nC=2\n") == {"C": "2"}


def test_a_quote_that_is_never_closed_takes_nothing_away() -> None:
    assert env_file.values("A=\"x y\nB='\n") == {"A": '"x y', "B": "'"}
    assert env_file.values("A='it's'\nB=1\n") == {"A": "it", "B": "1"}


PARTS = [*"AB=:'\"\\#$ \t\r\n\x85\u2003\x1c\x00{}-[٣é", "export ", "\ufeff", "${A:-", "\\0", "\ud800"]


@given(st.lists(st.sampled_from(PARTS)).map("".join))
def test_any_text_can_be_read(text: str) -> None:
    assert env_file.names(text) - {""} == set(env_file.values(text, own=True))
    assert {v.name for v in variables(text)} >= {
        n for n in env_file.names(text) if n.isascii() and n.isalpha()
    }
    assert not env_file.endless(text)


@pytest.mark.engine
@pytest.mark.parametrize(("line", "value"), WRITTEN.items())
def test_compose_reads_that_value_too(tmp_path: Path, line: str, value: str) -> None:
    (tmp_path / ".env").write_bytes(f"{line}\n".encode())
    (tmp_path / "compose.yaml").write_text("services: {a: {image: x}}\n")
    done = subprocess.run(["docker", "compose", "config", "--environment"], cwd=tmp_path, capture_output=True)
    assert f"\nA={value}\n" in f"\n{done.stdout.decode()}", done.stderr


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=tok$$en", "tok$en"), ('A="x\\$y $HOME"', "x$y /root"), ("A='$HOME'", "$HOME"), ("A=${NONE:-d$HOME}", "d/root"),
        ("A=${HOME:+yes}", "yes"), ("A=${NONE:+yes}x", "x"), ("A=${EMPTY-d}x", "x"), ("A=${EMPTY:-d}", "d"),
        ("A=${HOME:?no}", "/root"), ("A=$HOMEé", "/rooté"), ("A=$HOME²", "/root²"), ("HOME\nA=$HOME\n", "/root"),
        ("A=a$ b$1", "a$ b$1"), ("B=1\nA=$B$NONE.", "1."),
    ],
)  # fmt: skip
def test_variables_are_filled_in_as_compose_does(line: str, value: str) -> None:
    """Compared with `docker compose config --environment` of version 2.40.3."""
    assert env_file.values(line, known={"HOME": "/root", "EMPTY": ""}.get).get("A", "") == value


def test_values_that_double_one_another_do_not_grow_without_end() -> None:
    doubled = "".join(f"A{n + 1}=${{A{n}}}${{A{n}}}\n" for n in range(40))
    found = env_file.values(f"A0=x\n{doubled}{'B=$A16' * 9}\n" + "".join(f"C{n}=$A16\n" for n in range(99)))
    assert found["A1"] == "xx" and found["A40"] == "${A39}${A39}"
    assert sum(map(len, found.values())) < 3 * LONGEST
    assert env_file.endless(f"A0=x\n{doubled}") and not env_file.endless("A=1\nB=$A$A\n")


def test_words_in_one_another_are_filled_in_however_deep_they_are() -> None:
    deep = 60_000
    assert env_file.values(f"A={'${X:-' * deep}x{'}' * deep}\nB=1\n") == {"A": "x", "B": "1"}
    assert env_file.values(f"A=a{'${X:-' * deep}\nB=1\n") == {"A": "a", "B": "1"}
    assert env_file.values("A=${X:-a${Y:+b}c${Z-$$d}}e$\n") == {"A": "ac$de$"}


def test_blanks_within_a_line_are_read_once() -> None:
    blanks = " " * 300_000
    assert env_file.values(f"A=a{blanks}b{blanks}\n") == {"A": f"a{blanks}b"}
