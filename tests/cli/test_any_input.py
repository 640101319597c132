"""Whatever lies in a folder, stands in the environment or is typed: devctl ends with one of its codes, and never as its own bug.

Nothing outside of `.devctl/` changes, every error has a hint, and the answer comes within seconds. Where the tests run as root,
devctl runs without root's right to pass over modes, so that 000 keeps it out as it does everybody.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import json
import os
import resource
import shutil
import signal
import stat
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from devctl.cli import wiring
from devctl.cli.app import main
from tests.cli.any_project import Entry, trees, write
from tests.cli.scripted_docker import MOODS, ScriptedDocker

EXAMPLES = settings().max_examples
"""25 in the fast lane, 100 in the slow one (tests/conftest.py)."""
MANY = settings(
    max_examples=EXAMPLES if EXAMPLES < 100 else 12 * EXAMPLES,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=[
        Phase.explicit,
        Phase.reuse,
        Phase.generate,
        Phase.shrink,
    ],  # `explain` traces every line: too slow
)
# The docker SDK leaves its socket open if nobody listens at the other end.
pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
CODES = {0, 1, 2, 3, 4}
WITHIN = 20
"""Seconds of computing; most answers take some hundredths of one."""
HANGS = 120
"""Seconds on the clock, for what waits and does not compute: a FIFO, a lock. The machine may be busy."""
MEMORY = 2 << 30
BYPASSES = 1 << 1 | 1 << 2
"""CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH."""

LOOKS = (
    ["status"], ["ps"], ["logs"], ["logs", "api", "--tail", "3"], ["config", "show"], ["config", "check"], ["config", "render"],
    ["config", "render", "--mode", "prod"], ["config", "schema"], ["bases"], ["bases", "list"], ["doctor"],
)  # fmt: skip
PLANS = (
    ["debug"], ["debug", "api", "--wait", "--editor", "vscode"], ["debug", "--editor", "nvim", "--write"],
    ["up"], ["up", "-d", "api"], ["up", "--no-watch"], ["prod-preview"], ["prod-preview", "--base", "scratch"], ["down"],
    ["down", "--volumes"], ["rebuild"], ["restart"], ["size"], ["size", "--budget", "12MB"], ["clean"], ["bases", "build"],
    ["bases", "save", "x.tar"], ["test"], ["exec", "api", "--", "ls"], ["shell"], ["onboard"], ["init"], ["new", "sub/dir"],
)  # fmt: skip
ODD_OPTIONS = (
    ["-q"], ["-v"], ["--color", "always"], ["--color=never"], ["-y"], ["--timeout", "0.1"], ["--timeout", "nan"], ["--timeout=-1"],
    ["--tail", "-1"], ["-C", "."], ["-C", ""], ["-C", "/nowhere"], ["-C"], ["--nonsense"], ["-x"], [""], ["--"], ["\udcff"], ["a\nb"],
    ["--budget", "x"], ["--mode", "x"],
)  # fmt: skip
VARIABLES: dict[str, tuple[str | None, ...]] = {
    "COMPOSE_FILE": (
        "{root}/compose.yaml",
        "/nowhere/x.yml",
        "compose.yaml:compose.override.yaml",
        "../x.yml",
        "-",
        "/",
        "a,b",
        "{root}",
    ),
    "COMPOSE_PATH_SEPARATOR": (",", ";", "", "ab"),
    "COMPOSE_PROJECT_NAME": ("", "Bad Name", "-x", "x" * 300),
    "COMPOSE_PROFILES": ("a", "*", ","),
    "COMPOSE_ENV_FILES": ("/nowhere", ".env"),
    "DOCKER_HOST": ("tcp://", "nonsense", "ssh://-oX=1/x", "unix://"),
    "DOCKER_CONTEXT": ("nowhere", "../x"),
    "DOCKER_CONFIG": ("/dev/null", "{root}", ""),
    "DOCKER_BUILDKIT": ("0",),
    "PATH": ("", None, "/nowhere", "{root}"),
    "HOME": (None, "", "relative", "/dev/null", "/nowhere"),
    "XDG_STATE_HOME": (None, "/dev/null", "/proc/none", "relative"),
    "XDG_CACHE_HOME": (None, "/dev/null", "/proc/none"),
    "LANG": ("C", "xx_YY.ISO-8859-1", ""),
    "LC_ALL": ("C", "tr_TR.UTF-8"),
    "NO_COLOR": ("1", ""),
    "TERM": ("dumb", None),
    "COLUMNS": ("0", "-1", "x"),
    "PWD": ("/nowhere", None),
    "GOFLAGS": ("-mod=mod", "'"),
    "GOPROXY": ("off", "http://[::1"),
    "GOPRIVATE": ("*",),
    "SSH_AUTH_SOCK": ("/nowhere", "{root}/a,b"),
    "PORT": ("x", "70000"),
    "A": ("\udcff", "a\nb"),
    "V": ("3.22", "a b"),
}


class Call(Struct, frozen=True):
    """`folder`: where it is called, below the project; None is a folder that was removed meanwhile."""

    words: tuple[str, ...]
    json: bool
    env: tuple[tuple[str, str | None], ...]
    folder: str | None
    mood: str
    present: bool


@st.composite
def calls(draw: st.DrawFn, *, commands: tuple[list[str], ...], dry: bool) -> Call:
    words = [[w] for w in draw(st.sampled_from(commands))]
    json_ = draw(st.integers(0, 3)) > 0
    extra = [["--json"]] if json_ else []
    extra += [["--dry-run"]] if dry else []
    if draw(st.integers(0, 3)) == 0:
        extra += [draw(st.sampled_from(ODD_OPTIONS))]
    for option in extra:
        words.insert(draw(st.integers(0, len(words))), option)
    if dry and "--" in [word for group in words for word in group]:  # what follows is not devctl's
        words.insert(0, ["--dry-run"])
    names = draw(st.lists(st.sampled_from(sorted(VARIABLES)), unique=True, max_size=2))
    env = tuple((name, draw(st.sampled_from(VARIABLES[name]))) for name in names)
    flat = tuple([word for group in words for word in group])
    behind = flat.index("--") if "--" in flat else len(flat)
    return Call(
        flat, "--json" in flat[:behind], env,
        folder=draw(st.sampled_from((".",) * 8 + ("svc", None))),
        mood=draw(st.sampled_from(MOODS)), present=draw(st.booleans()),
    )  # fmt: skip


def test_commands_that_look() -> None:
    ended = tried(calls(commands=LOOKS, dry=False))
    assert often(ended, 0), ended


def test_plans() -> None:
    ended = tried(calls(commands=PLANS, dry=True))
    assert often(ended, 0), ended


def test_the_plan_of_up() -> None:
    ended = tried(calls(commands=(["up"], ["up", "-d"]), dry=True))
    assert often(ended, 0), ended


def tried(some: st.SearchStrategy[Call]) -> Counter[int]:
    """How often each exit code was met."""
    ended: Counter[int] = Counter()

    @MANY
    @given(tree=trees(), call=some)
    def each(tree: tuple[Entry, ...], call: Call) -> None:
        code = judge(tree, call)
        event(f"{call.words[0]} → {code}")
        ended[code] += 1

    each()
    return ended


def often(ended: Counter[int], code: int) -> bool:
    """A property that is only tried on what is refused at the door says nothing of the house."""
    return ended[code] >= ended.total() / 20


def judge(tree: tuple[Entry, ...], call: Call) -> int:
    with _world() as world:
        root, outside = world / "shop", world / "outside"
        with _as_anybody():
            root.mkdir()
            outside.mkdir()
            (outside / "kept").write_text("kept\n")
            write(root, tree, outside=outside)
        before = _content(world)
        code, out, err = _ran(root, call)
        said = f"{' '.join(map(ascii, call.words))} → {code}\n{out[-2000:]}\n{err[-2000:]}"
        assert code in CODES, said
        assert "Traceback" not in out + err, said
        assert _content(world) == before, said
        if call.json:
            lines = [json.loads(line) for line in out.splitlines()]
            assert [line["type"] for line in lines] == ["event"] * (len(lines) - 1) + ["result"], said
            assert lines[-1]["exit_code"] == code, said
            for problem in [*lines[-1]["warnings"], *([lines[-1]["error"]] if lines[-1]["error"] else [])]:
                assert problem["hint"], said
                assert not str(problem["place"]).startswith(str(root)), said
        return code


class TookTooLong(BaseException):
    pass


def _ran(root: Path, call: Call) -> tuple[int, str, str]:
    env = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(root.parent / "home"),
        "XDG_STATE_HOME": str(root.parent / "state"),
        "LANG": "C.UTF-8",
    }
    env |= {"XDG_CACHE_HOME": str(root.parent / "cache"), "DOCKER_HOST": f"unix://{root.parent}/none.sock"}
    for name, value in call.env:
        env.pop(name, None)
        if value is not None:
            env[name] = value.replace("{root}", str(root))
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="\n") for _ in range(2))
    docker = ScriptedDocker(call.mood, present=call.present, env=env)
    with (
        pytest.MonkeyPatch.context() as patch, _environment(env), _as_anybody(), _inside(root, call.folder), _bounded(),
        contextlib.redirect_stdout(out), contextlib.redirect_stderr(err),
    ):  # fmt: skip
        patch.setattr(wiring, "SystemProcesses", lambda: docker)
        code = main(list(call.words))
    texts = []
    for stream in (out, err):
        stream.flush()
        texts.append(stream.buffer.getvalue().decode(errors="replace"))  # type: ignore[attr-defined]
    return code, texts[0], texts[1]


@contextlib.contextmanager
def _world() -> Iterator[Path]:
    world = Path(tempfile.mkdtemp(prefix="devctl-any-"))
    try:
        yield world
    finally:
        for folder, names, _ in os.walk(os.fsencode(world)):
            for name in names:
                path = os.path.join(folder, name)
                if not os.path.islink(path):
                    os.chmod(path, 0o700)
        shutil.rmtree(world)


@contextlib.contextmanager
def _as_anybody() -> Iterator[None]:
    """Without root's right to ignore file modes; other users do not have it anyway."""
    before = _capabilities()
    _take_away(before, BYPASSES)
    try:
        yield
    finally:
        _take_away(before, 0)


def _capabilities() -> list[int]:
    """Effective, permitted and inheritable ones of this thread, as the kernel lays them out: twice three words."""
    words = (ctypes.c_uint32 * 6)()
    _libc().capget(_header(), words)
    return list(words)


def _take_away(words: list[int], bits: int) -> None:
    if words[1]:
        _libc().capset(_header(), (ctypes.c_uint32 * 6)(words[0] & ~bits, *words[1:]))


def _header() -> ctypes.Array[ctypes.c_uint32]:
    return (ctypes.c_uint32 * 2)(0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this thread


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)


@contextlib.contextmanager
def _inside(root: Path, folder: str | None) -> Iterator[None]:
    before = Path.cwd()
    at = root / (folder or "removed")
    if folder is None or not os.path.isdir(at) or not os.access(at, os.X_OK, effective_ids=True):
        at = root if folder is not None else at
    try:
        if folder is None:
            at.mkdir(exist_ok=True)
        os.chdir(at)
        if folder is None:
            at.rmdir()
        yield
    finally:
        os.chdir(before)


@contextlib.contextmanager
def _environment(env: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(env)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextlib.contextmanager
def _bounded() -> Iterator[None]:
    """In time and memory: what reads /dev/zero to its end is stopped, not the machine."""

    def ended(number: int, frame: object) -> None:
        raise TookTooLong

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    handlers = {number: signal.signal(number, ended) for number in (signal.SIGALRM, signal.SIGPROF)}
    signal.setitimer(signal.ITIMER_PROF, WITHIN)
    signal.setitimer(signal.ITIMER_REAL, HANGS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, hard))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _content(world: Path) -> dict[bytes, tuple[object, ...]]:
    """Everything but `.devctl/` and what devctl keeps in the user's home, by name, kind, size and time."""
    found: dict[bytes, tuple[object, ...]] = {}
    own = {
        os.fsencode(world / name) for name in ("state", "cache", "home", "shop/.devctl", "shop/svc/.devctl")
    }
    for folder, names, files in os.walk(os.fsencode(world)):
        names[:] = [n for n in names if os.path.join(folder, n) not in own]
        for name in (*names, *files):
            path = os.path.join(folder, name)
            if path not in own:
                facts = os.lstat(path)
                whole = (facts.st_size, facts.st_mtime_ns) if stat.S_ISREG(facts.st_mode) else ()
                found[path] = (facts.st_mode, facts.st_uid, *whole)
    return found
