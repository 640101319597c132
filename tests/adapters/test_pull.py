"""Whether a pull succeeded is its exit code: an image may be called whatever it likes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from msgspec import Struct

from devctl.adapters.docker.image_store import WhalesImageStore
from devctl.domain.ports.toolbox import Finished


class Ended(Struct, frozen=True):
    code: int

    def __call__(self) -> bool:
        return False


class Pulling:
    """A docker that has every image, and whose pull says a line and ends with a code."""

    def __init__(self, code: int, line: str, stream: str = "stderr") -> None:
        self._code, self._line, self._stream = code, line, stream

    def run(self, argv: Sequence[str], **how: Any) -> Finished:
        return Finished(0, '[{"Id": "sha256:1"}]', "")

    @contextlib.contextmanager
    def follow(self, argv: Sequence[str], *, on_line: Callable[[str, str], None]) -> Iterator[Ended]:
        on_line(self._stream, self._line)
        yield Ended(self._code)


@pytest.mark.parametrize(
    ("ref", "code", "line", "outcome"),
    [
        ("acme/error-pages:1", 0, "docker.io/acme/error-pages:1", "ok"),
        ("acme/pages:1", 1, "something is wrong", "refused"),
        ("acme/denied:1", 1, "Get https://x/v2/acme/denied:1: timeout", "refused"),
        ("acme/pages:1", 1, "manifest unknown", "refused"),
    ],
)
def test_the_exit_code_decides(ref: str, code: int, line: str, outcome: str) -> None:
    processes: Any = Pulling(code, line)
    assert WhalesImageStore(processes).pull(ref).outcome == outcome


@pytest.mark.parametrize("line", ["manifest unknown", "i/o timeout"])
@pytest.mark.parametrize(("stream", "outcome"), [("stderr", "unreachable"), ("stdout", "refused")])
def test_a_registry_that_took_long_to_say_anything_is_not_asked_again(
    stream: str, outcome: str, line: str
) -> None:
    processes: Any = Pulling(1, line, stream)
    assert WhalesImageStore(processes, first_word_within=0).pull("acme/pages:1").outcome == outcome
