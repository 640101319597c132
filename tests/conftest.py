"""What every test runs under."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.hints.texts import pattern_of

# No deadline: how long one example takes says more of the machine than of the code.
# The same examples each time: what a run finds is not the next one's surprise. `explore` looks for new ones.
settings.register_profile("full", deadline=None, derandomize=True)
settings.register_profile("fast", settings.get_profile("full"), max_examples=25)  # `make fast` asks for it
settings.register_profile("explore", deadline=None, max_examples=1000)
settings.load_profile("full")


STATE = "devctl-test-state-"


def pytest_unconfigure() -> None:
    home = os.environ["XDG_STATE_HOME"]
    if Path(home).name.startswith(STATE):
        shutil.rmtree(home, ignore_errors=True)


def pytest_configure() -> None:
    """A shell starts background jobs with SIGINT ignored, and children inherit that: tests of Ctrl-C need the default.

    What devctl remembers about the tests' projects does not go into the user's home.
    """
    os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix=STATE)
    # All projects of the tests trust each other: otherwise each would compile the standard library again
    # (docs/explanation/security.md).
    os.environ["BUILDKIT_CACHE_MOUNT_NS"] = "devctl-tests"
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Thousands of tests and their modules stay to the end: the garbage collector need not walk through them again and again."""
    gc.freeze()


@pytest.fixture
def hinted(request: pytest.FixtureRequest) -> Iterator[Callable[[str], str]]:
    """Takes each hint that the test follows, as devctl gave it: it must be one that the test is marked with (`follows`), and all
    of those must have come."""
    keys = [key for mark in request.node.iter_markers("follows") for key in mark.args]
    taken: set[str] = set()

    def take(hint: str) -> str:
        now = {key for key in keys if pattern_of(key).search(hint)}
        assert now, f"not a hint that this test is marked with: {hint}"
        taken.update(now)
        return hint

    yield take
    assert taken == set(keys), "hints that the test is marked with, and devctl did not give"
