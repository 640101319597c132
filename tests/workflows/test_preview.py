"""What counts as a request lost while a service is stopped, and what then fails the preview."""

from __future__ import annotations

import pytest

from devctl.domain.project import Service
from devctl.errors import ProjectError
from devctl.workflows.drain import Drained, lost, must_drain

API = Service(name="api", port=8080)


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ([], 0),
        ([(0.1, True), (0.9, True), (1.2, False)], 0),
        ([(0.1, True), (0.9, False)], 1),
        ([(1.1, False), (1.2, True), (1.3, False)], 1),
        ([(0.5, False), (0.6, False)], 2),
    ],
)
def test_only_requests_that_were_accepted_count_as_lost(asked: list[tuple[float, bool]], count: int) -> None:
    assert lost(asked, 1.0) == count


def test_a_clean_stop_passes() -> None:
    must_drain(API, Drained(30, 0, 0))


@pytest.mark.parametrize(
    ("found", "says"), [(Drained(10010, 137, 0), "ignores SIGTERM"), (Drained(30, 2, 3), "lost 3 requests")]
)
def test_what_a_rolling_update_would_lose_is_named(found: Drained, says: str) -> None:
    with pytest.raises(ProjectError) as failed:
        must_drain(API, found)
    assert failed.value.code == "drain-failed" and says in str(failed.value)
