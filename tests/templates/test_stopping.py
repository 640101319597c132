"""How a dev container ends: whatever signal it gets, and whenever, the program has its time."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from pathlib import Path

import pytest

from devctl.domain.project.log_lines import log_mark
from tests.helpers import open_to_others
from tests.templates.dev_container import SERVES, WITHIN, DevContainer, dev_container, is_alive, until

SHELLS = [
    shell for shell in ("/bin/dash", "/bin/bash", "/bin/busybox ash") if Path(shell.split()[0]).exists()
]
SLOW = SERVES.replace('trap "echo', "trap \"echo stopping >>'$LOG/ran'; sleep 0.5; echo")
NOTES = "".join(f"trap \"echo {name} >>'$LOG/ran'\" {name}\n" for name in ("HUP", "QUIT", "USR2"))
# As `<-ctx.Done(); stop()` of Go: the second signal finds no handler.
IMPATIENT = SERVES.replace(
    'trap "echo stopped',
    "trap \"trap - TERM; echo asked >>'$LOG/ran'; while [ -e '$LOG/hold-stop' ]; do sleep 0.02; done; echo stopped",
)
NOBODY = 64123


@pytest.fixture(params=SHELLS)
def container(request: pytest.FixtureRequest, tmp_path: Path) -> DevContainer:
    return dev_container(tmp_path, shell=request.param)


@pytest.mark.parametrize("moment", ["ln", "setsid"])
def test_a_container_that_is_told_to_stop_while_it_starts_a_program_leaves_none(
    container: DevContainer, moment: str
) -> None:
    """After the old program has ended: just before the new one is there (`ln`), or just then (`setsid`)."""
    container.write(main_go=SLOW)
    tool, told, started = (
        container.log.parent / "bin" / moment,
        container.log / "told",
        container.log / "started",
    )
    placed = container.log.parent / "placed"
    tells = f'[ -e "{told}" ] || {{ : >"{told}"; echo $$ >"{started}"; kill -TERM "$PPID"; }}'
    of_the_program = f'{placed}" | "{container.air / "main"}'
    tool.write_text(
        f'#!/bin/sh\nfor last do :; done\ncase $last in "{of_the_program}") {tells} ;; esac\nexec /usr/bin/{moment} "$@"\n'
    )
    tool.chmod(0o755)
    told.touch()
    container.env["DEVCTL_PLACE"] = str(placed)
    with container.running():
        container.build()
        container.starts(1)
        container.write(main_go=f"{SLOW}# two\n")
        told.unlink()
        build = container.begin_build()
        assert container.process is not None and container.process.wait(WITHIN) == 0
        build.wait(WITHIN)
    assert told.exists() and not is_alive(int(started.read_text())), container.said
    assert container.ran("start") == container.ran("stopped"), container.said


def test_a_stop_in_the_middle_of_a_reload_asks_the_program_once(container: DevContainer) -> None:
    container.write(main_go=IMPATIENT)
    with container.running():
        container.build()
        container.starts(1)
        (container.log / "hold-stop").touch()
        container.write(main_go=f"{IMPATIENT}# two\n")
        build = container.begin_build()
        until(lambda: container.ran("asked") == 1)
        assert container.process is not None
        container.process.send_signal(signal.SIGTERM)
        until(lambda: (container.log / "air").read_text().endswith("post_cmd\n"))
        (container.log / "hold-stop").unlink()
        assert container.process.wait(WITHIN) == 0
        build.wait(WITHIN)
    assert (container.ran("start"), container.ran("asked"), container.ran("stopped")) == (1, 1, 1)


@pytest.mark.parametrize("name", ["HUP", "QUIT", "USR2"])
def test_other_signals_are_for_the_program(container: DevContainer, name: str) -> None:
    """`docker kill -s HUP` asks many programs to read their settings again."""
    container.write(main_go=NOTES.replace("QUIT", name) + SERVES.replace("wait", "while :; do wait; done"))
    with container.running():
        container.build()
        container.starts(1)
        assert container.process is not None
        container.process.send_signal(getattr(signal, f"SIG{name}"))
        if name != "QUIT":  # a shell that starts in the background cannot trap it; Go can
            until(lambda: container.ran(name) == 1)
        container.write(main_go=SERVES)
        assert container.build() == 0
        container.starts(2)


def test_a_shell_that_cannot_go_on_gives_the_program_its_time(
    tmp_path: Path, container: DevContainer
) -> None:
    """Without a single free process it cannot start anything, and ends."""
    container.write(main_go=SLOW)
    container.air.mkdir()
    # Nothing limits root; of another user, all processes count.
    as_user = ["setpriv", f"--reuid={NOBODY}", "--clear-groups"] if os.geteuid() == 0 else []
    if as_user:
        subprocess.run(["chmod", "-R", "a+rwX", str(tmp_path)], check=True)
        open_to_others(tmp_path)
        container.user = NOBODY
    with container.running():
        container.build()
        container.starts(1)
        assert container.process is not None
        limit = ["prlimit", f"--pid={container.process.pid}", "--nproc=1:1"]
        subprocess.run([*as_user, *limit], check=True)
        container.process.send_signal(signal.SIGTERM)
        container.process.wait(WITHIN)
        assert container.ran("stopping") == container.ran("stopped") == 1, container.said
    with contextlib.suppress(ProcessLookupError):
        os.kill(int((container.air / "air.pid").read_text()), signal.SIGKILL)


def test_a_signal_to_the_whole_group_ends_it(container: DevContainer) -> None:
    """As `tini -g` and dumb-init send it."""
    container.write(main_go=SLOW)
    with container.running():
        container.build()
        container.starts(1)
        assert container.process is not None
        os.killpg(container.process.pid, signal.SIGTERM)
        assert container.process.wait(WITHIN) == 0
    assert container.ran("stopped") == 1


def test_a_container_that_is_told_to_stop_before_air_is_there_ends(container: DevContainer) -> None:
    slow = container.log.parent / "bin" / "mkdir"
    slow.write_text('#!/bin/sh\nkill -TERM "$PPID"\nexec /bin/mkdir "$@"\n')
    slow.chmod(0o755)
    with container.running():
        assert container.process is not None and container.process.wait(WITHIN) == 0


def test_a_line_of_the_old_program_comes_before_the_word_that_the_new_one_starts(
    container: DevContainer,
) -> None:
    """What writes the lines is slow, and the signals of a build come meanwhile."""
    container.env["DEVCTL_MARK"] = log_mark("/home/me/shop", "app")
    with container.running():
        container.build()
        container.starts(1)
        assert container.process is not None
        children = f"/proc/{container.process.pid}/task/{container.process.pid}/children"
        writer = min(map(int, Path(children).read_text().split()))
        os.kill(writer, signal.SIGSTOP)
        container.write(main_go=f"{SERVES}# two\n")
        build = container.begin_build()
        until((container.air / "take").exists)
        until(lambda: container.ran("stopped") == 1)
        for _ in range(5):
            os.kill(container.process.pid, signal.SIGUSR1)
        assert container.ran("start") == 1, "the new program waits"
        os.kill(writer, signal.SIGCONT)
        assert build.wait(WITHIN) == 0
        container.starts(2)
