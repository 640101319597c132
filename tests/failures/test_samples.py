"""Each recorded output reaches its own entry, wherever that stands; what only looks alike stays unexplained."""

from __future__ import annotations

import re

import pytest

from devctl.domain.failures import explain
from devctl.domain.failures.catalog import entries
from devctl.domain.failures.entry import groups_of
from tests.failures.samples import Recorded, Unexplained, negative, recorded


@pytest.mark.parametrize("it", recorded(), ids=lambda r: r.name)
def test_a_recorded_output_reaches_its_own_entry(it: Recorded) -> None:
    sample = it.sample
    known = explain(
        sample.asked,
        sample.output,
        exit_code=sample.facts.exit_code,
        oom_killed=sample.facts.oom_killed,
        air=sample.facts.air,
    )
    assert known == it.explained()


@pytest.mark.parametrize("it", recorded(), ids=lambda r: r.name)
def test_the_order_of_the_entries_decides_nothing(it: Recorded) -> None:
    """One alone fits, or one alone that is not general."""
    sample = it.sample
    fitting = [e for e in entries() if e.match(sample.asked, sample.output, sample.facts) is not None]
    assert [e for e in fitting if not e.general] == [it.entry] or fitting == [it.entry]


@pytest.mark.parametrize("it", recorded(), ids=lambda r: r.name)
def test_the_pattern_finds_what_the_sample_says(it: Recorded) -> None:
    found = it.entry.match(it.sample.asked, it.sample.output, it.sample.facts)
    assert found is not None and groups_of(found) == it.sample.found


@pytest.mark.parametrize("it", recorded(), ids=lambda r: r.name)
def test_no_text_has_a_hole(it: Recorded) -> None:
    """A group that did not match, or a brace that was not meant."""
    known = it.explained()
    assert known.hint and known.message
    for text in (known.message, known.hint, known.why, known.place or ""):
        assert "  " not in text and text == text.strip(), text
        assert not re.search(r"`{2}|\(\)| [,:;]|: *$|(?<!\$)\{\w+\}(?!`|'|\))", text), text
    assert known.place is None or re.fullmatch(r"[^\s:]+(:\d+){0,2}", known.place)


@pytest.mark.parametrize("sample", negative(), ids=lambda s: s.name)
def test_an_unrelated_output_is_not_explained(sample: Unexplained) -> None:
    for asked in ("build", "start", "reload", "probe", "compose", "pull", "config"):
        known = explain(
            asked,
            sample.output,
            exit_code=sample.facts.exit_code,
            oom_killed=sample.facts.oom_killed,
            air=sample.facts.air,
        )
        assert known is None, f"asked {asked}: {known}"


def test_every_entry_has_a_sample() -> None:
    assert [entry.code for entry in entries() if not entry.samples] == []


def test_the_first_word_of_an_output_is_the_cause_of_what_follows() -> None:
    sum_missing = "main.go:4:2: missing go.sum entry for module providing package github.com/a/b\n"
    disk_full = "write /var/lib/docker/tmp/x: no space left on device\n"
    first = [explain("build", text) for text in (sum_missing + disk_full, disk_full + sum_missing)]
    assert [known and known.code for known in first] == ["go-sum-missing", "disk-full"]


def test_samples_say_where_they_come_from_and_hold_no_path_of_a_machine() -> None:
    every = [(r.name, r.sample.source, r.sample.output) for r in recorded()]
    for name, source, output in [*every, *((n.name, n.source, n.output) for n in negative())]:
        assert source, name
        assert not re.search(r"/tmp/rec|10\.255\.255|/root/", output), name


def test_an_empty_output_is_explained_by_facts_alone() -> None:
    assert explain("start", "") is None
    assert explain("start", "", exit_code=137) is None
    assert explain("start", "anything", exit_code=1, oom_killed=True) is None
    killed = explain("start", "", exit_code=137, oom_killed=True)
    assert killed is not None and killed.code == "out-of-memory"


def test_what_a_program_says_of_its_own_configuration_is_not_airs() -> None:
    for said in ("2026/11/24 15:33:21 (1, 2): unexpected token", "open conf.toml: no such file or directory"):
        for air in (True, False):
            known = explain("start", said, exit_code=1, air=air)
            assert (known is not None and known.code == "air-config") == air
