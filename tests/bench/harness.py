"""Both sides in one run, in turn, medians and spread; rows end up in docs/reference/benchmarks.md."""

from __future__ import annotations

import http.client
import json
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct
from msgspec.structs import asdict

from tests.engine.conftest import Started
from tests.ports import free_port

RESULTS = Path(__file__).parents[1] / ".artifacts" / "bench"


class Row(Struct, frozen=True):
    """One line of the table. `ours` and `theirs` in ms; `aim` is the ratio that was set, None if there is none."""

    title: str
    ours: list[float]
    theirs: list[float]
    against: str
    command: str
    aim: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float:
        return statistics.median(self.ours) / statistics.median(self.theirs)


def keep(row: Row) -> None:
    RESULTS.mkdir(parents=True, exist_ok=True)
    name = "".join(c if c.isalnum() else "-" for c in row.title.lower())
    (RESULTS / f"{name}.json").write_text(json.dumps(asdict(row)))
    print(
        f"\n{row.title}: {statistics.median(row.ours):.0f} ms against {statistics.median(row.theirs):.0f} ms "
        f"({row.against}), ratio {row.ratio:.2f}, aim {row.aim}, n={len(row.ours)}"
    )


def ms(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def run(*argv: str, cwd: Path | None = None) -> str:
    done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(argv)}\n{done.stdout}{done.stderr}"
    return done.stdout


@contextmanager
def beside(mine: Started, root: Path, *command: str) -> Iterator[int]:
    """The dev image of `mine` on another folder, with the same caches and another command; its port."""
    port = free_port()
    volume = f"devctl-go1.26-{root.stat().st_uid}"
    argv = ["docker", "run", "--detach", "--init", "--publish", f"127.0.0.1:{port}:8080"]
    argv += ["--volume", f"{root}:/app", "--volume", f"{volume}:/cache", "--entrypoint", command[0]]
    argv += [f"{mine.name}-app:dev", *command[1:]]
    container = run(*argv).strip()
    try:
        until_served(port, "Hello from Go", within=300)
        yield port
    finally:
        run("docker", "rm", "--force", container)


def go(root: Path, *args: str) -> str:
    """The go command of the base image, on a project's folder."""
    mount = ("--volume", f"{root}:/app", "--workdir", "/app")
    return run("docker", "run", "--rm", *mount, "golang:1.26-alpine", "go", *args)


def body(port: int, path: str = "/", timeout: float = 0.5) -> str | None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def until_served(port: int, text: str, *, within: float = 400) -> float:
    """ms until the front page contains `text`, requested every 5 ms. What a dying or unborn container swallows is requested
    again after 0.1 s: an engine accepts connections before there is anybody to answer them."""
    began = time.perf_counter()
    while text not in (body(port, timeout=0.1) or ""):
        assert time.perf_counter() - began < within, f"{text!r} was not served within {within} s"
        time.sleep(0.005)
    return (time.perf_counter() - began) * 1000


def until_not_served(port: int, text: str, *, within: float = 400) -> float:
    """ms until the front page answers without `text`, as `until_served`."""
    began = time.perf_counter()
    while not (served := body(port, timeout=0.1)) or text in served:
        assert time.perf_counter() - began < within, f"{text!r} was still served after {within} s"
        time.sleep(0.005)
    return (time.perf_counter() - began) * 1000


class Gaps(Struct):
    """What a client that asks every 5 ms sees: the longest time without a good answer, and refused requests."""

    longest_ms: float = 0
    failed: int = 0
    asked: int = 0


@contextmanager
def polled(port: int) -> Iterator[Gaps]:
    seen, ended = Gaps(), threading.Event()

    def ask() -> None:
        last = time.perf_counter()
        while not ended.is_set():
            seen.asked += 1
            if body(port, timeout=0.1) is not None:
                now = time.perf_counter()
                seen.longest_ms = max(seen.longest_ms, (now - last) * 1000)
                last = now
            else:
                seen.failed += 1
            ended.wait(0.005)

    client = threading.Thread(target=ask)
    client.start()
    try:
        yield seen
        time.sleep(0.1)
    finally:
        ended.set()
        client.join()


class Side(Struct, frozen=True):
    """A service that reloads when `source` is saved; `saved` is called after each save, if something has to be notified."""

    port: int
    source: Path
    saved: Callable[[], None] = lambda: None

    def save(self, old: str, new: str) -> float:
        """ms from the save until `new` is served."""
        replace_in(self.source, old, new)
        began = time.perf_counter()
        self.saved()
        until_served(self.port, new)
        return (time.perf_counter() - began) * 1000


def saves_in_turn(*sides: Side, rounds: int, greeting: str = "Hello from Go") -> list[list[float]]:
    """Each side saves a new greeting in each round; the first round is not counted. No text is used in two runs: what an
    earlier one compiled would be in the build cache."""
    run_id, times = time.time_ns(), [[0.0] * 0 for _ in sides]
    before = [greeting] * len(sides)
    for number in range(rounds + 1):
        for index, side in enumerate(sides):
            now = f"save {number} of {run_id + index}"
            times[index].append(side.save(before[index], now))
            before[index] = now
            time.sleep(0.3)
    return [each[1:] for each in times]


def replace_in(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text, f"{old!r} not in {path}"
    path.write_text(text.replace(old, new))
