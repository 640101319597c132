"""The page of faults is made from the samples, and current."""

from __future__ import annotations

from pathlib import Path

from devctl.domain.failures.catalog import entries
from tests.failures.fixed import fixed
from tests.failures.matrix import PAGE, is_current
from tests.failures.observed import OBSERVED
from tests.failures.samples import recorded

TESTS = Path(__file__).parents[1]


def test_the_page_is_current() -> None:
    assert is_current(), "python -m tests.failures.matrix --write, and read the difference"


def test_the_page_shows_every_code_of_the_dictionary() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [e.code for e in entries() if f"| `{e.code}` |" not in text] == []
    assert text.count("\n| ") >= len(recorded()) + len(OBSERVED)


def test_every_observed_fault_names_a_test_that_is_there() -> None:
    for fault in OBSERVED:
        file, _, name = fault.test.partition("::")
        assert f"def {name}(" in (TESTS / file).read_text(encoding="utf-8"), fault.test


def test_what_is_fixed_without_a_person_has_a_code_and_is_listed_once() -> None:
    assert len({row.fault for row in fixed()}) == len(fixed()), "each fault once"
    codes = {e.code for e in entries()} | {o.code for o in OBSERVED} | {""}
    assert [row for row in fixed() if row.code not in codes] == []
