"""Keys of a real pseudo-terminal: what counts as one, and that the terminal is restored whatever happens."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from devctl.adapters.screen import browser
from devctl.adapters.screen.terminal import key_of

PROGRAM = """
import fcntl, signal, sys, termios, threading
from devctl.adapters.screen.terminal import SystemTerminal

ended = threading.Event()

def hear(key):
    print(f"key {key!a}", flush=True)
    if key == "e":
        ended.set()

def wait():
    while not ended.wait(0.05):  # Python hears of a signal between two waits
        pass

def ours(yes):
    print("ours" if yes else "given back", flush=True)

def terminated(number, frame):
    raise KeyboardInterrupt

fcntl.ioctl(2, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGTERM, terminated)
terminal = SystemTerminal(ours=ours)
with terminal.keys(hear):
    print("begun", flush=True)
    wait()
    if "raise" in sys.argv:
        raise ValueError("on purpose")
    if "interrupt" in sys.argv:
        terminal.interrupt()
        ended.clear()
        wait()
print("over", flush=True)
signal.pause()  # at its end the terminal would be hung up, with what is not read yet
"""


class Child:
    """The program on a terminal of its own, which it is the session leader of."""

    def __init__(self, *words: str, stdin: int | None = None) -> None:
        self.master, self.slave = pty.openpty()
        self.text = ""
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *words],
            stdin=self.slave if stdin is None else stdin,
            stdout=self.slave,
            stderr=self.slave,
            start_new_session=True,
            cwd=Path(__file__).parents[2],
        )

    @property
    def cooked(self) -> bool:
        """Whether whole lines are read, and shown while they are typed."""
        wanted = termios.ICANON | termios.ECHO
        return termios.tcgetattr(self.master)[3] & wanted == wanted

    def until(self, word: str, *, after: str = "") -> None:
        deadline = time.monotonic() + 60
        while word not in (self.text.partition(after)[2] if after else self.text):
            assert time.monotonic() < deadline, f"{word!r} never came: {self.text}"
            self._read(0.1)

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def press(self, key: str) -> None:
        """Until it is heard: one that is read together with what came before it is not a key."""
        word, deadline = f"key {key!a}", time.monotonic() + 60
        while word not in self.text:
            assert time.monotonic() < deadline, f"{word!r} never came: {self.text}"
            self.type(key)
            self._read(0.2)

    def _read(self, within: float) -> None:
        if select.select([self.master], [], [], within)[0]:
            self.text += os.read(self.master, 4096).decode()

    def end(self) -> int:
        return self.process.wait(60)


@contextlib.contextmanager
def child(*words: str, stdin: int | None = None) -> Iterator[Child]:
    made = Child(*words, stdin=stdin)
    try:
        yield made
    finally:
        made.process.kill()
        made.process.wait()
        os.close(made.master)
        os.close(made.slave)


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("a", "a"),
        ("?", "?"),
        ("é", "é"),
        ("\x1b[A", ""),
        ("\x1bOB", ""),
        ("\x1b[1;5C", ""),
        ("\x1b[15~", ""),
        ("\x1b", ""),
        ("\x1bq", ""),
        ("\x1b[Ac", "c"),
        ("qd pasted", ""),
    ],
)
def test_what_counts_as_a_key(typed: str, key: str) -> None:
    assert key_of(typed.encode()) == key


def test_single_keys_are_heard() -> None:
    with child() as on:
        on.until("ours")
        assert not on.cooked
        on.press("a")
        on.press("?")
        on.press("e")
        on.until("over")
        heard = [row for row in on.text.split("\r\n") if row.startswith("key")]
        assert list(dict.fromkeys(heard)) == ["key 'a'", "key '?'", "key 'e'"]
        assert on.text.index("given back") < on.text.index("over")
        assert on.cooked


@pytest.mark.parametrize("how", ["raise", "interrupt"])
def test_an_exception_puts_the_terminal_back(how: str) -> None:
    with child(how) as on:
        on.until("ours")
        on.type("e")
        assert on.end() != 0
        assert on.cooked


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_puts_the_terminal_back(number: signal.Signals) -> None:
    with child() as on:
        on.until("ours")
        on.process.send_signal(number)
        assert on.end() != 0
        assert on.cooked


def test_ctrl_z_without_a_shell_that_could_continue_it_goes_on() -> None:
    with child() as on:
        on.until("ours")
        on.type("\x1a")
        on.until("given back")
        on.until("ours", after="given back")
        on.type("e")
        on.until("over")


def test_without_a_terminal_nothing_is_read() -> None:
    read, write = os.pipe()
    try:
        with child(stdin=read) as on:
            on.until("begun")
            os.write(write, b"e")
            on.process.send_signal(signal.SIGTERM)
            assert on.end() != 0
            assert "ours" not in on.text and "key '" not in on.text
            assert os.read(read, 10) == b"e", "it is still there for who wants it"
    finally:
        os.close(read)
        os.close(write)


def helper(folder: Path, name: str = "helper") -> Path:
    program = folder / name
    program.write_text(f'#!/bin/sh\necho "$1" >{folder}/opened\n')
    program.chmod(0o755)
    return program


def test_the_browser_that_the_user_names_is_given_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BROWSER", str(helper(tmp_path)))
    asked = "import sys; from devctl.adapters.screen.browser import opened; print(opened(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", asked, "http://127.0.0.1:8080"], capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "True\n", done.stderr
    assert (tmp_path / "opened").read_text() == "http://127.0.0.1:8080\n"


@pytest.mark.parametrize("named", [None, "w3m"])
def test_without_a_window_no_browser_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str | None
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    if named is not None:
        monkeypatch.setenv("BROWSER", str(helper(tmp_path, named)))
    monkeypatch.setattr("sys.platform", "linux")
    assert not browser.opened("http://127.0.0.1:8080")
    assert not (tmp_path / "opened").exists()
