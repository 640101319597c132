"""The page of faults is made from the samples, and current."""

from __future__ import annotations

from pathlib import Path

from devctl.domain.failures import FAILURES
from tests.failures.matrix import PAGE, stale
from tests.failures.observed import OBSERVED
from tests.failures.samples import recorded

TESTS = Path(__file__).parents[1]


def test_the_page_and_the_expected_texts_are_current() -> None:
    assert stale() == [], "python -m tests.failures.matrix --write, and read the difference"


def test_the_page_shows_every_code_of_the_dictionary() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [e.code for e in FAILURES if f"| `{e.code}` |" not in text] == []
    assert text.count("\n| ") >= len(recorded("samples")) + len(OBSERVED)


def test_every_observed_fault_names_a_test_that_is_there() -> None:
    for fault in OBSERVED:
        file, _, name = fault.test.partition("::")
        assert f"def {name}(" in (TESTS / file).read_text(encoding="utf-8"), fault.test


def test_no_expected_text_is_left_over() -> None:
    wanted = {sample.path.with_suffix(".want").name for sample in recorded("samples")}
    assert {path.name for path in (TESTS / "failures" / "samples").glob("*.want")} == wanted
