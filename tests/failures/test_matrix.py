"""The page of faults is made from the samples, and current."""

from __future__ import annotations

from pathlib import Path

from devctl.domain.failures import FAILURES
from tests.failures.matrix import PAGE, stale
from tests.failures.mended import mended
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


def test_what_is_said_to_be_mended_was_injected_and_asserted() -> None:
    real = [row for row in mended() if row.tried in ("a real engine", "real files")]
    assert len({row.fault for row in real}) >= 25
    assert len([row for row in real if "doctor" in row.by or "onboard" in row.by]) >= 25
    assert len({row.fault for row in mended()}) == len(mended()), "each fault once"
    codes = {e.code for e in FAILURES} | {o.code for o in OBSERVED} | {""}
    assert [row for row in mended() if row.code not in codes] == []
    for row in real:
        file, _, name = row.test.partition("::")
        body = (TESTS / file).read_text(encoding="utf-8").partition(f"def {name}(")[2].partition("\ndef ")[0]
        assert body.count("assert ") + body.count("mended(") + body.count("serves(") >= 2, row


def test_no_expected_text_is_left_over() -> None:
    wanted = {sample.path.with_suffix(".want").name for sample in recorded("samples")}
    assert {path.name for path in (TESTS / "failures" / "samples").glob("*.want")} == wanted
