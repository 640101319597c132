"""Lines of a dev container → what they mean; samples recorded from air 1.67.2 and from our build script."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devctl.domain.failures import dev_log
from devctl.domain.failures.dev_log import DevLog, Mark, without_airs_own


def marks(*lines: str) -> list[Mark]:
    log = DevLog()
    return [mark for line in lines if (mark := log.read(line)) is not None]


def test_a_failed_build_carries_what_the_compiler_said() -> None:
    assert marks(
        "devctl: build start",
        "# example.com/app",
        "./main.go:7:2: undefined: x",
        "devctl: build failed 210ms",
    ) == [
        Mark("build.started"),
        Mark("build.failed", "# example.com/app\n./main.go:7:2: undefined: x", ms=210),
    ]


def test_also_if_the_log_is_read_from_the_middle_of_it_on() -> None:
    log = DevLog("MARK")
    told = [
        each
        for line in ("MARK ./main.go:7:2: undefined: x\n", "MARK devctl: build failed 210ms\n")
        for each in log.hear("stderr", line)
    ]
    assert told[-1] == Mark("build.failed", "./main.go:7:2: undefined: x", ms=210)


def test_a_good_build_then_the_app_starts() -> None:
    assert [
        m.kind for m in marks("devctl: build start", "devctl: build ok 310ms", "\x1b[32mrunning...\x1b[0m")
    ] == [
        "build.started",
        "build.ok",
        "app.started",
    ]


def test_what_our_scripts_say_of_the_program() -> None:
    assert marks(
        "devctl: build start",
        "devctl: build ok 310ms",
        "devctl: killed the program: it did not stop within 10 s",
        "devctl: restarted",
        "devctl: the program exited with code 3",
        "devctl: build start",
        "devctl: build unchanged 20ms",
        "devctl: started",
    ) == [
        Mark("build.started"),
        Mark("build.ok", ms=310),
        Mark("app.killed", "killed the program: it did not stop within 10 s"),
        Mark("app.replaced"),
        Mark("app.exited", "3"),
        Mark("build.started"),
        Mark("build.unchanged", ms=20),
        Mark("app.started"),
    ]


def test_another_program_of_the_image_is_built_before_it_is_started() -> None:
    lines = (
        "devctl: builds cmd/migrate first",
        "devctl: built cmd/migrate",
        "devctl: builds this in two words first",
    )
    assert [m.kind for m in marks(*lines)] == ["helper.building", "helper.built"]
    assert without_airs_own("\n".join([*lines[:2], "migrated"])) == "migrated"


def test_stock_air_is_understood_too() -> None:
    assert marks("building...", "main.go:3:1: syntax error", "failed to build, error: exit status 1") == [
        Mark("build.started"),
        Mark("build.failed", "main.go:3:1: syntax error"),
    ]


def test_panics_and_exits() -> None:
    assert marks("panic: no DATABASE_URL", "Process Exit with Code: 2") == [
        Mark("panic", "panic: no DATABASE_URL"),
        Mark("app.exited", "2"),
    ]


@given(st.lists(st.text(max_size=60), max_size=30))
def test_no_line_is_ever_too_strange(lines: list[str]) -> None:
    assert all(m.kind for m in marks(*lines))


def test_where_a_program_ended_only_its_own_words_are_shown() -> None:
    log = (
        "watching .\n!exclude testdata\nbuilding...\ndevctl: build start\ndevctl: build ok 15ms\nrunning...\ndevctl: started\n"
        "missing setting: key\nProcess Exit with Code: 1\ndevctl: the program exited with code 1"
    )
    ends = "missing setting: key\nProcess Exit with Code: 1\ndevctl: the program exited with code 1"
    assert without_airs_own(log) == ends


def test_the_words_of_a_build_that_come_behind_its_end() -> None:
    log = DevLog()
    lines = [
        "devctl: build start",
        "devctl: build failed 110ms",
        "main.go:12:12: undefined: x",
        "main.go:13:1: later",
    ]
    marks = [mark for line in lines if (mark := log.read(line)) is not None]
    assert marks == [
        Mark("build.started"),
        Mark("build.failed", ms=110),
        Mark("build.failed", "main.go:12:12: undefined: x"),
    ]


@pytest.mark.parametrize("digits", range(1, 14))
def test_what_a_program_forges_as_a_time_is_one_that_a_calendar_has(digits: int) -> None:
    said = marks("devctl: build start", f"devctl: build failed 1ms {'9' * digits}")
    assert all(datetime.fromtimestamp(mark.at) for mark in said)


def test_of_what_a_build_prints_the_first_part_is_kept_empty_lines_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dev_log, "MOST", 100)
    said = marks("devctl: build start", *[""] * 1000, "devctl: build failed 1ms")
    assert len(said[-1].message) <= 100


def test_another_run_of_the_container_has_room_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev_log, "MOST", 100)
    log = DevLog()
    for line in ("x" * 200, "devctl: the container started", "no such tool"):
        log.read(line, program=False)
    failed = log.read("devctl: post_cmd failed: lint", program=False)
    assert failed == Mark("command.failed", "no such tool\npost_cmd failed: lint")


@pytest.mark.parametrize(
    ("before", "shown"),
    [
        (["M devctl: the container started", "M devctl: build ok 3ms"], ["early"]),
        (["old", "M devctl: the program exited with code 1", "M devctl: build start"], ["early"]),
        ([], ["early"]),
    ],
)
def test_what_a_program_wrote_is_its_own_if_its_start_is_reported_after_it(
    before: list[str], shown: list[str]
) -> None:
    after = ["M devctl: started", "late", "M devctl: the program exited with code 3"]
    log = "\n".join([*before, "early", *after])
    assert dev_log.of_last_run(log, "M").split("\n") == [*shown, *after]


def test_what_a_replaced_program_wrote_is_left_out() -> None:
    log = ["M devctl: started", "old", "M devctl: build ok 3ms", "old too", "M devctl: restarted", "new"]
    assert dev_log.of_last_run("\n".join(log), "M") == "M devctl: restarted\nnew"
