"""A dev container's log taken apart: whatever a program prints, and wherever a marked line comes in between, none of it is lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devctl.domain.plan.engine_state import MODE_LABEL, Container
from devctl.domain.project import log_lines
from devctl.domain.project.log_lines import LOG_MARK, LogLines, Said, log_mark

MARK = log_mark("/home/me/shop", "api")
LOOKS_LIKE = [
    "building...",
    "running...",
    "devctl: build start",
    "devctl-0123456789 x",
    "[save] > sh",
    "\x1b[0m",
    "\r",
]
PRINTED = st.lists(
    st.one_of(st.text(max_size=20), st.sampled_from(LOOKS_LIKE), st.just("\n")).map(
        lambda text: text.encode(errors="replace").decode()
    ),
    max_size=20,
)
TOLD = st.lists(st.sampled_from(["devctl: build start", "", "x" * 2000, "building..."]), max_size=20)


def marked(text: str) -> Iterator[str]:
    """As devctl-run writes it: each of these is one write."""
    while len(text) > 800:
        yield f"{MARK}>{text[:800]}\n"
        text = text[800:]
    yield f"{MARK} {text}\n"


@given(PRINTED, TOLD, st.randoms(use_true_random=False), st.integers(1, 50))
def test_each_voice_keeps_all_that_it_said(
    printed: list[str], told: list[str], order: object, size: int
) -> None:
    frames = [frame for text in told for frame in marked(text)]
    writes: list[str] = []
    own, theirs = iter(printed), iter(frames)
    turns = [True] * len(printed) + [False] * len(frames)
    order.shuffle(turns)  # type: ignore[attr-defined]
    for turn in turns:
        writes.append(next(own if turn else theirs))
    log = "".join(writes)
    lines = LogLines(MARK)
    pieces = [part for line in log.split("\n") for part in _cut(f"{line}\n", size)]
    pieces[-1] = pieces[-1].removesuffix("\n")  # the last line has no end yet
    said = [each for piece in pieces for each in lines.read("stdout", piece)]
    said += lines.end()
    assert [each.text for each in said if not each.program] == told
    assert "\n".join(each.text for each in said if each.program).rstrip("\n") == "".join(printed).rstrip("\n")


def _cut(line: str, size: int) -> list[str]:
    """As a reader hands on a line that is too long for it."""
    return [line[at : at + size] for at in range(0, len(line), size)]


@given(st.lists(st.text(alphabet=st.characters(exclude_characters="\n"), max_size=40), max_size=10))
def test_where_there_is_no_mark_all_is_the_programs(lines: list[str]) -> None:
    log = LogLines("")
    assert [each for line in lines for each in log.read("stderr", f"{line}\n")] == [
        Said("stderr", line) for line in lines
    ]


def test_half_a_line_continues_behind_what_came_in_between_or_ends_with_its_program() -> None:
    lines = LogLines(MARK)
    assert [*lines.read("stderr", f"Waiting… {MARK} building...\n")] == [
        Said("stderr", "building...", program=False)
    ]
    assert [*lines.read("stdout", "beside\n")] == [Said("stdout", "beside")]
    assert [*lines.read("stderr", "done\n")] == [Said("stderr", "Waiting… done")]
    assert [*lines.read("stderr", f"half{MARK} devctl: restarted\n")] == [
        Said("stderr", "devctl: restarted", program=False)
    ]
    assert [*lines.halves()] == [Said("stderr", "half")] and [*lines.halves()] == []


def test_a_line_that_never_ends_is_cut_where_it_is_too_long_and_nothing_of_it_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(log_lines, "LONGEST", 100)
    lines = LogLines(MARK)
    said = [each for _ in range(50) for each in lines.read("stdout", f"{'x' * 7}{MARK}>{'y' * 9}\n")]
    said += [each for _ in range(50) for each in lines.read("stderr", "z" * 7)]
    said += [*lines.read("stdout", f"{MARK} y\n"), *lines.end()]
    assert all(len(each.text) < 110 for each in said)
    assert "".join(each.text for each in said if each.stream == "stdout" and each.program) == "x" * 350
    assert "".join(each.text for each in said if not each.program) == "y" * (9 * 50 + 1)
    assert "".join(each.text for each in said if each.stream == "stderr") == "z" * 350


def test_half_lines_cost_what_they_are_long() -> None:
    """Added to one string, these would be copied 200,000 times."""
    lines = LogLines(MARK)
    for _ in range(200_000):
        assert len([*lines.read("stdout", f"{'x' * 100}{MARK} devctl: hi\n")]) == 1
    (half,) = lines.halves()
    assert len(half.text) == 20_000_000


@pytest.mark.parametrize(
    ("labels", "mark"), [({MODE_LABEL: "dev"}, MARK), ({MODE_LABEL: "prod"}, ""), ({}, "")]
)
def test_a_mark_counts_only_where_our_reloader_runs(labels: dict[str, str], mark: str) -> None:
    """A dependency that gives itself one would hide its lines."""
    container = Container(
        "c1", "shop-db-1", "db", "running", "none", 0, "x", "sha256:1", labels=labels, env={LOG_MARK: MARK}
    )
    assert container.log_mark == mark
