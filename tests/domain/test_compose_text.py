"""Variables of a compose file that have no value, found in its texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devctl.domain.compose.variables import obsolete_version, plain_variables, unset_variables


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("plain", []),
        ("$A", ["A"]),
        ("${A}", ["A"]),
        ("x$A-${B}/c", ["A", "B"]),
        ("$$A ${B}", ["B"]),
        ("$$$A", ["A"]),
        ("${A:-x} ${B-y} ${C:?must} ${D?} ${E:+z}", []),
        ("${A:-${B}} ${C}", ["C"]),
        ("${A:-{}} ${B}", ["B"]),
        ("100$ $1 $", []),
        ("${A", []),
        ("${}", []),
    ],
)
def test_which_variables_stand_alone(text: str, names: list[str]) -> None:
    assert list(plain_variables(text)) == names


@given(st.text(alphabet="${}A:-? ", max_size=30))
def test_any_text_ends(text: str) -> None:
    assert all(name.replace("A", "") == "" for name in plain_variables(text))


def test_each_is_told_once_at_its_first_line() -> None:
    texts = [("$A ${SET}", 3), ("${A} $B ${COMPOSE_PROJECT_NAME}", 7)]
    found = list(unset_variables("compose.yaml", texts, known=frozenset({"SET"})))
    assert [(p.code, p.place) for p in found] == [
        ("compose-variable-unset", "compose.yaml:3"),
        ("compose-variable-unset", "compose.yaml:7"),
    ]
    assert found[0].message == "the variable A is not set: compose substitutes an empty string"
    assert found[0].hint == "echo 'A=…' >> .env, or ${A:-default} in compose.yaml"


def test_an_obsolete_version() -> None:
    (found,) = obsolete_version("docker-compose.yml", 1)
    assert (found.place, found.hint) == ("docker-compose.yml:1", "delete that line")
    assert list(obsolete_version("compose.yaml", None)) == []
