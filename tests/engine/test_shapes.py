"""Repositories of many shapes: dev serves, an edit is served, then the preview of production, with no question asked."""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.engine.cli import Result, get, serves
from tests.engine.conftest import Started, made_in
from tests.engine.grpc_call import call
from tests.engine.shapes import SHAPES, Shape, yaml
from tests.engine.shapes_code import CODE
from tests.engine.shapes_docker import DOCKER
from tests.engine.shapes_more import MORE, TWO_SERVICES

pytestmark = pytest.mark.engine
ALL = {**{name: Shape(files) for name, files in SHAPES.items()}, **CODE, **DOCKER, **MORE}
WITHIN = 120.0


NEED_AN_ANSWER = {
    "sub-command",  # nothing in the code says which one serves
    "go-chosen-in-devctl-yaml",
    "toolchain-line",
    "go-1.16-line",
}


def test_a_project_is_served_without_an_answer_in_devctl_yaml() -> None:
    served = {name: shape for name, shape in ALL.items() if shape.refused is None}
    answered = {name for name, s in served.items() if s.files.get("devctl.yaml", "") not in _ports()}
    assert answered == NEED_AN_ANSWER


def _ports() -> set[str]:
    """What says nothing but the port on the host, which is the test's own wish."""
    return {"", *(yaml(name) for name in ("shop", "api", "server", "app"))}


@pytest.fixture(scope="module")
def outcomes(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[None]]]:
    """Two at a time, since much of a start is waiting; each test hears of its own shape."""
    mine = [item for item in request.session.items if getattr(item, "function", None) is THE_TEST]
    names = [item.callspec.params["name"] for item in mine if isinstance(item, pytest.Function)]
    with ThreadPoolExecutor(2) as pool:
        yield {name: pool.submit(_serve, tmp_path_factory.mktemp("shape"), ALL[name]) for name in names}
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("name", ALL)
def test_it_is_served_in_both_modes(outcomes: dict[str, Future[None]], name: str, tmp_path: Path) -> None:
    first = outcomes.pop(name, None)
    if first is None:  # the test runs once more (`make test RERUNS=1`)
        return _serve(tmp_path, ALL[name])
    return first.result(timeout=1800)


THE_TEST = test_it_is_served_in_both_modes


def _serve(folder: Path, shape: Shape) -> None:
    with made_in(folder) as project:
        _is_served_in_both_modes(project(files=shape.files, folder=shape.folder), shape)


def _is_served_in_both_modes(started: Started, shape: Shape) -> None:
    _close(started, shape)
    if shape.refused is not None:
        return _is_refused(
            started.devctl("up", "-d", "--timeout", "240", code=shape.refused[0]), shape.refused
        )
    assert started.devctl("up", "-d", "--timeout", "240").result["mode"] == "dev"
    _says(started, shape, "hello")
    _edit(started, shape)
    _says(started, shape, "edited")
    if shape.preview_refused is not None:
        return _is_refused(
            started.devctl("prod-preview", code=shape.preview_refused[0]), shape.preview_refused
        )
    previewed = started.devctl("prod-preview", "--timeout", "240")
    assert previewed.result["mode"] == "prod"
    not_there = [c for c in previewed.result["checks"] if c["id"] == "opened-files" and c["status"] != "ok"]
    assert not not_there, previewed.show
    return _says(started, shape, "edited")


def test_two_services_of_one_repository(project: Callable[..., Started]) -> None:
    """One of two is started alone, with what is built for its own package; then both; then both as in production."""
    started = project(files=TWO_SERVICES)
    alone = _modes(started.devctl("up", "-d", "--timeout", "240", "backend"))
    assert alone == {"backend": ("dev", "running"), "frontend": (None, "absent")}
    serves(started.port, "hello from api", within=WITHIN)
    both = _modes(started.devctl("up", "-d", "--timeout", "240"))
    assert both == {"backend": ("dev", "running"), "frontend": ("dev", "running")}
    previewed = started.devctl("prod-preview", "--timeout", "240")
    assert previewed.result["mode"] == "prod", previewed.show
    assert _modes(previewed) == {"backend": ("prod", "running"), "frontend": ("prod", "running")}
    serves(started.port, "hello from api", within=WITHIN)


def _modes(found: Result) -> dict[str, tuple[str | None, str]]:
    return {s["name"]: (s["mode"], s["state"]) for s in found.result["services"]}


def _close(started: Started, shape: Shape) -> None:
    if shape.closed:  # the project belongs to a user, the data to root
        for path in (started.root, *started.root.rglob("*")):
            os.chown(path, 1000, 1000)
    for name in shape.closed:
        os.chown(started.root / name, 0, 0)
        (started.root / name).chmod(0o700)


def _is_refused(found: Result, wanted: tuple[int, str, str]) -> None:
    _, code, word = wanted
    assert not code or found.error["code"] == code, found.show
    said = [found.error, *found.warnings]
    assert any(word in f"{p['message']} {p['hint']}" for p in said), found.show


def _edit(started: Started, shape: Shape) -> None:
    path = next(p for p, text in shape.files.items() if "hello" in text and "vendor/" not in p)
    started.write({path: (started.root / path).read_text().replace("hello", "edited")})


def _says(started: Started, shape: Shape, text: str) -> None:
    deadline, last = time.monotonic() + WITHIN, "nothing"
    while time.monotonic() < deadline:
        try:
            last = _answer(started, shape)
        except (OSError, http.client.HTTPException) as error:
            last = repr(error)
        if text in last:
            return
        time.sleep(0.05)
    raise AssertionError(
        f"{text!r} was not said; last: {last}\n{started.devctl('logs', '--tail', '30').show}"
    )


def _answer(started: Started, shape: Shape) -> str:
    if shape.speaks == "http":
        return get(started.port)
    if shape.speaks == "grpc":
        return call(started.port).decode(errors="replace")
    if shape.speaks == "log":
        return "\n".join(str(e.get("line")) for e in started.devctl("logs", "--tail", "3").events)
    with socket.create_connection(("127.0.0.1", started.port), timeout=5) as connection:
        if shape.speaks == "tcp":
            return connection.recv(100).decode()
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with context.wrap_socket(connection) as secure:
            secure.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return b"".join(iter(lambda: secure.recv(1000), b"")).decode()
