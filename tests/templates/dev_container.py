"""The two scripts of the dev stage, run by a shell as in a container, with folders, an air and a compiler of the test's own."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct, field

from tests.helpers import build_tree
from tests.templates.inline import SCRIPTS, script

WITHIN = 60.0
COMPILER = """#!/bin/sh
echo "$@" >>"$LOG/go"
while [ "$1" != -o ]; do shift; done
while [ -e "$LOG/hold" ]; do sleep 0.01; done
if grep -q broken main.go; then echo "./main.go:3:1: undefined: x" >&2; exit 1; fi
{ echo "#!/bin/sh"; cat main.go; cat embedded.html 2>/dev/null || :; } >"$2.new" && chmod 0755 "$2.new" && mv "$2.new" "$2"
"""
AIR = """#!/bin/sh
echo "$@" >"$LOG/air"
trap "echo 'post_cmd' >>'$LOG/air'; kill \\$!; exit 0" TERM
[ ! -e "$LOG/air-dies" ] || exit 3
sleep 300 & wait
"""
SERVES = """
trap "echo stopped >>'$LOG/ran'; kill \\$!; exit 0" TERM
echo "start $0 in $PWD" >>"$LOG/ran"; for word do printf '%s\\0' "$word"; done >"$LOG/args"
sleep 300 & wait
"""


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


class DevContainer(Struct):
    """`root`: the mounted source; `log`: what the program, air and the compiler leave; `main.go` is the program, as a shell
    script."""

    root: Path
    log: Path
    air: Path
    env: dict[str, str] = field(default_factory=dict)
    user: int | None = None
    process: subprocess.Popen[bytes] | None = None

    def write(self, **files: str) -> None:
        for name, text in files.items():
            (self.root / name.replace("_", ".")).write_text(text)

    @contextmanager
    def running(self, *words: str) -> Iterator[None]:
        self.process = self._start("devctl-run", str(self.air / "main"), *words)
        try:
            until((self.log / "air").exists)
            yield
        finally:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(WITHIN)

    def build(self, *words: str) -> int:
        """As air does at a save, to the end of it."""
        return self.begin_build(*words).wait(WITHIN)

    def begin_build(self, *words: str) -> subprocess.Popen[bytes]:
        return self._start("devctl-build", *(words or ("go", "build", "-o", str(self.air / "main"), ".")))

    def _start(self, *argv: str) -> subprocess.Popen[bytes]:
        env = {"PATH": f"{self.log.parent / 'bin'}:/usr/bin:/bin", "LOG": str(self.log), **self.env}
        with (self.log / "container").open("ab") as said:
            return subprocess.Popen(
                argv,
                cwd=self.root,
                env=env,
                stdout=said,
                stderr=said,
                executable=self._path(argv[0]),
                user=self.user,
                start_new_session=True,
            )

    def _path(self, name: str) -> str:
        return str(self.log.parent / "bin" / name)

    @property
    def said(self) -> str:
        return (self.log / "container").read_text()

    def ran(self, word: str) -> int:
        """How often the program wrote a line that begins so."""
        there = self.log / "ran"
        return sum(line.startswith(word) for line in there.read_text().splitlines()) if there.exists() else 0

    def starts(self, count: int) -> None:
        until(lambda: self.ran("start") == count)

    def builds_while_changed(self, name: str) -> None:
        """As air does: each change of the file is a build, until there is none; each start of the program makes one."""
        file, starts = self.root / name, 0
        seen: list[bytes] = [b""]
        while starts != self.started():
            starts = self.started()
            self.starts(starts)
            until(lambda: file.exists() and file.read_bytes() not in seen)
            seen.append(file.read_bytes())
            assert self.build() == 0
            assert starts < 12, self.said

    def started(self) -> int:
        """How often devctl-run has started the program."""
        return self.said.count("devctl: started") + self.said.count("devctl: restarted")

    def noticed(self) -> bool:
        """Tell devctl-run that something was put there; whether it took it."""
        os.kill(int((self.air / "run").read_text()), signal.SIGUSR1)
        return not (self.air / "again").exists()

    def pid(self) -> int:
        return int((self.air / "program").read_text())


def dev_container(root: Path, shell: str = "/bin/sh") -> DevContainer:
    files = {
        "app/go.mod": "module example.com/x\n",
        "app/main.go": SERVES,
        "bin/go": COMPILER,
        "bin/air": AIR,
    }
    build_tree(root, files)
    container = DevContainer(root / "app", root / "log", root / "air")
    container.log.mkdir()
    for name in SCRIPTS:
        text = script(name).replace("/tmp/air", str(container.air)).replace("/cache", str(root / "cache"))
        text = text.replace("/proc/self/mountinfo", str(root / "mountinfo"))
        (root / "bin" / name).write_text(text.replace("/bin/sh", shell, 1))
    for file in (root / "bin").iterdir():
        file.chmod(0o755)
    return container


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
