"""Each recorded output is explained by the right entry with the whole text; what only looks alike stays unexplained."""

from __future__ import annotations

import re

import pytest

from devctl.domain.failures import FAILURES, explain
from tests.failures.samples import Sample, recorded

SAMPLES = recorded("samples")
NEGATIVE = recorded("negative")


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: s.name)
def test_a_recorded_output_is_told_in_full(sample: Sample) -> None:
    known = explain(
        sample.asked, sample.output, exit_code=sample.facts.exit_code, oom_killed=sample.facts.oom_killed
    )
    assert known is not None and known.code == sample.code
    assert sample.told() == sample.path.with_suffix(".want").read_text(encoding="utf-8")


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: s.name)
def test_no_text_has_a_hole(sample: Sample) -> None:
    """A group that did not match, or a brace that was not meant."""
    known = sample.explained()
    assert known is not None and known.hint and known.message
    for text in (known.message, known.hint, known.why, known.place or ""):
        assert "  " not in text and text == text.strip(), text
        assert not re.search(r"`{2}|\(\)| [,:;]|: *$|(?<!\$)\{\w+\}(?!`|'|\))", text), text
    assert known.place is None or re.fullmatch(r"[^\s:]+(:\d+){0,2}", known.place)


@pytest.mark.parametrize("sample", NEGATIVE, ids=lambda s: s.name)
def test_an_unrelated_output_is_not_explained(sample: Sample) -> None:
    for asked in ("build", "start", "reload", "probe", "compose", "pull", "config"):
        known = explain(
            asked, sample.output, exit_code=sample.facts.exit_code, oom_killed=sample.facts.oom_killed
        )
        assert known is None, f"asked {asked}: {known}"


def test_every_entry_has_a_sample_of_its_own() -> None:
    shown = [sample.entry() for sample in SAMPLES]
    assert [(entry.code, entry.pattern) for entry in FAILURES if entry not in shown] == []


def test_the_dictionary_is_as_large_as_promised() -> None:
    assert len(FAILURES) >= 60 and len({entry.code for entry in FAILURES}) >= 60
    assert len(NEGATIVE) >= 30


def test_samples_say_where_they_come_from_and_hold_no_path_of_a_machine() -> None:
    for sample in (*SAMPLES, *NEGATIVE):
        assert sample.source, sample.name
        assert not re.search(r"/tmp/rec|10\.255\.255|/root/", sample.output), sample.name


def test_an_empty_output_is_explained_by_facts_alone() -> None:
    assert explain("start", "") is None
    assert explain("start", "", exit_code=137) is None
    assert explain("start", "anything", exit_code=1, oom_killed=True) is None
    killed = explain("start", "", exit_code=137, oom_killed=True)
    assert killed is not None and killed.code == "out-of-memory"
