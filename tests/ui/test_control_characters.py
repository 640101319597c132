"""Names of files and words of tools do not steer the terminal; a program's own log lines are passed on as they are."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devctl.adapters.system.host import SystemHost
from devctl.cli.report import report_text
from devctl.domain.command.events import (
    Change,
    DepsChanged,
    DepsFailed,
    DepsRebuilt,
    Event,
    LogLine,
    Outcome,
    Ready,
    Recorded,
    Reload,
    Remark,
    StepDone,
    StepFailed,
    StepStarted,
    Switched,
)
from devctl.domain.project.control_characters import in_one_line, visible
from devctl.errors import MachineError, Problem
from devctl.ui.json import JsonRenderer
from devctl.ui.live import LiveLine
from devctl.ui.style import Style
from devctl.ui.text import HumanRenderer

CLEAR, TITLE, C1, BACKWARDS = "\x1b[2J", "\x1b]0;owned\x07", "\x9b31m", "go.\u202etxt"
OWN = re.compile(r"\x1b\[(?:2|3[1-6]|9[356]|0)m")
"""The colours of devctl."""
OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
texts = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("\x1b\x9b\r\n\t\x07\x08\x7f\u202e\u2066\u2028"),
        st.sampled_from("[]0;mJ"),
    ),
    max_size=30,
)


def events(text: str) -> list[Event]:
    """Every event, with a foreign text in every place that takes one."""
    return [
        StepStarted("build", text, text),
        StepDone("build", text, 1, text),
        StepFailed("build", text, 1, text),
        LogLine("build", "build", text),
        Ready(text),
        Remark(text),
        Reload(text, True, 1),
        Reload(text, False, 1, text),
        DepsChanged(text, (Change("added", text, text),)),
        DepsRebuilt(text, 1),
        DepsFailed(text, text),
        Switched(text, "dev", "prod", 1, 1),
    ]


@contextmanager
def streams() -> Iterator[tuple[io.StringIO, io.StringIO]]:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        yield out, err


def said(text: str, *, color: bool) -> str:
    """All that a person reads of a command in which everything is called `text`."""
    problem = Problem("code", text, text, text, text)
    with streams() as (out, err):
        human = HumanRenderer(quiet=False, verbose=True, colors=(color, color), discard=lambda: None)
        for event in events(text):
            human.emit(event)
        human.warn(problem)
        human.finished("up", Outcome(text=text, problem=problem))
        human.failed("up", MachineError(text, code="code", hint=text, why=text, detail=text))
    return out.getvalue() + err.getvalue()


@given(texts)
def test_no_character_of_theirs_is_obeyed(text: str) -> None:
    assert OBEYED.findall(said(text, color=False)) == []
    assert OBEYED.findall(OWN.sub("", said(text, color=True))) == []


def test_a_name_cannot_paint() -> None:
    """Not even with a colour of devctl's."""
    green, plain = (OWN.findall(said(text, color=True)) for text in ("x\x1b[32mred", "xred"))
    assert green == plain


@given(texts)
def test_json_is_printable_ascii(text: str) -> None:
    with streams() as (out, _):
        renderer = JsonRenderer(discard=lambda: None)
        for event in [*events(text), LogLine(text, "stdout", text)]:
            renderer.emit(event)
        renderer.emit(Recorded(json.dumps({"type": "event", "text": text}, ensure_ascii=False)))
        renderer.finished("up", Outcome(result={"text": text}, problem=Problem("code", text, text)))
    assert re.fullmatch(r"(?:[ -~]+\n)+", out.getvalue())


@given(texts)
def test_the_report_of_a_bug(text: str) -> None:
    shown = report_text(
        ValueError(text), [text], platform=text, tools=[text], plan=text, events=[Remark(text)]
    )
    assert OBEYED.findall(shown) == []


@given(texts)
def test_the_live_line(text: str) -> None:
    live = LiveLine(io.StringIO(), enabled=True, color=False)
    live.start(text)
    assert live._progress is not None
    (task,) = live._progress.tasks
    live.clear()
    assert OBEYED.findall(task.description) == []


def test_a_question_shows_names_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SystemHost, "interactive", lambda self: True)
    monkeypatch.setattr("sys.stdin", io.StringIO("n\nn\n"))
    with streams() as (_, err):
        SystemHost().confirm(f"delete {CLEAR}\ndb?")
        SystemHost().ask(BACKWARDS)
    assert err.getvalue() == "delete \\x1b[2J\\ndb? [y/N] go.\\u202etxt: "


def test_what_the_program_prints_is_passed_on() -> None:
    line = f"{CLEAR}{TITLE}{C1}\x1b[31mred"
    with streams() as (out, _):
        human = HumanRenderer(quiet=False, verbose=False, colors=(False, False), discard=lambda: None)
        human.emit(LogLine("api\x1b[2J", "stdout", line))
    assert out.getvalue() == f"api\\x1b[2J | {line}\n"


def test_a_name_cannot_begin_a_line_of_devctls() -> None:
    shown = said("a.go\nerror: rm -rf ~", color=False)
    assert "error: a.go\\nerror: rm -rf ~" in shown
    assert "warning: a.go\\nerror" in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (CLEAR, r"\x1b[2J"),
        (TITLE, r"\x1b]0;owned\x07"),
        (C1, r"\x9b31m"),
        (BACKWARDS, r"go.\u202etxt"),
        ("a\r\nb\tc", "a\nb\tc"),
        ("10%\r20%", r"10%\r20%"),
        ("größe ✓ 例", "größe ✓ 例"),
    ],
)
def test_how_they_are_shown(text: str, shown: str) -> None:
    assert visible(text) == shown
    assert in_one_line(text) == shown.replace("\n", "\\n").replace("\t", "\\t")


def test_a_painted_text_cannot_be_put_into_a_string() -> None:
    with pytest.raises(TypeError):
        f"{Style(True).good('done')}"
