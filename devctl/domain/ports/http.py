"""The port for requests from the host: probing, comparing, measuring the gap of a switch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Literal, Protocol

from msgspec import Struct

BODY_KEPT = 256 * 1024
"""Bytes of a body that are compared; the rest only counts by its length."""


class Answer(Struct, frozen=True):
    """The answer to one GET. `length` of the body, None if it did not end in time (a stream); `complete`: nothing that was
    promised is missing; `body`: its first BODY_KEPT bytes."""

    status: int
    content_type: str = ""
    location: str = ""
    length: int | None = None
    complete: bool = True
    body: bytes = b""

    def __repr__(self) -> str:
        return f"Answer({self.status}, {self.content_type!r}, {self.length})"  # never the body


class Greeting(Struct, frozen=True):
    """What came of a connection. `outcome`: `refused` where nothing listens (yet), `unreachable` where this machine has no way
    there; `said`: the first bytes that came back in time, b"" where none did or it hung up."""

    outcome: Literal["open", "refused", "unreachable"]
    said: bytes = b""


class Prober(Protocol):
    """Requests from the host that prove serving."""

    def http(self, url: str, *, timeout: float) -> int | None:
        """The status of one GET (redirects not followed), None if nothing answered."""

    def fetch(
        self,
        url: str,
        *,
        timeout: float,
        headers: Mapping[str, str] | None = None,
        midway: Callable[[], object] | None = None,
    ) -> Answer | None:
        """One GET to its end, within at most `timeout` seconds in all; redirects are not followed.

        `midway` is called when all of the request except its last byte was sent: the single byte of a body. A server that has
        read the rest counts it as in flight, and answers when it is complete. The time that `midway` takes does not count.
        """

    def tcp(self, host: str, port: int, *, timeout: float) -> bool: ...
    def greet(self, host: str, port: int, hello: bytes, *, timeout: float) -> Greeting:
        """Connect, send `hello`, and read what comes back first; `timeout` in seconds for each of the two."""

    def measure_gap(self, good: Callable[[], bool]) -> AbstractContextManager[Callable[[], int]]:
        """Call `good` every 5-10 ms from threads, even while a request hangs; yields the longest time without a good answer,
        in ms."""
