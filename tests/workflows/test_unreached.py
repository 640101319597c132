"""Why a service that runs is not reached, told by what listens inside its container."""

from __future__ import annotations

import pytest

from devctl.domain.listening import Listener
from devctl.domain.project import Service
from devctl.workflows.unreached import unreached

SERVICE = Service("api", port=8080)


@pytest.mark.parametrize(
    ("found", "code", "word"),
    [
        ([], None, ""),
        ([Listener(8080, local=False)], None, ""),
        ([Listener(8080, local=True), Listener(8080, local=False)], None, ""),
        ([Listener(6060, local=True)], None, ""),
        ([Listener(8080, local=True)], "localhost-only", 'listen on ":8080"'),
        ([Listener(8080, local=True), Listener(9090, local=False)], "localhost-only", 'listen on ":8080"'),
        ([Listener(9999, local=False), Listener(6060, local=True)], "other-port", "port: 9999"),
    ],
)
def test_what_the_listeners_say(found: list[Listener], code: str | None, word: str) -> None:
    cause = unreached(SERVICE, found)
    assert (cause.code if cause else None) == code
    assert cause is None or word in cause.hint
