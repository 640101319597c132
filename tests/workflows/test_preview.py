"""What counts as a request lost while a service is stopped, and what then fails the preview."""

from __future__ import annotations

import pytest

from devctl.domain.ports.http import Answer
from devctl.errors import ProjectError
from devctl.workflows.preview.drain import Drained, Sent, as_json, lost, must_drain

GOOD, CUT, STREAM = Answer(200, length=5), Answer(200, length=3, complete=False), Answer(200)


@pytest.mark.parametrize(
    ("sent", "count"),
    [
        ([], 0),
        ([Sent(0.1, GOOD), Sent(0.9, GOOD), Sent(1.2, None)], 0),
        ([Sent(0.1, GOOD), Sent(0.9, None)], 1),
        ([Sent(1.1, None), Sent(1.2, GOOD), Sent(1.3, None)], 1),
        ([Sent(1.1, CUT), Sent(1.2, STREAM), Sent(1.3, None)], 2),
        ([Sent(0.5, None), Sent(0.6, None)], 2),
    ],
)
def test_only_requests_that_were_accepted_count_as_lost(sent: list[Sent], count: int) -> None:
    assert lost(sent, 1.0) == count


def test_a_clean_stop_passes() -> None:
    must_drain([Drained("api", 30, 0, 0), Drained("web", 30, 2, 0)], {})


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (
            Drained("api", 10010, 137, 0),
            "api ignores SIGTERM: killed after 10 s; web lost 1 request when it was stopped; production serves again",
        ),
        (
            Drained("api", 30, 2, 3),
            "api lost 3 requests when it was stopped; web lost 1 request when it was stopped; production serves again",
        ),
    ],
)
def test_every_service_that_a_rolling_update_would_hurt_is_named(found: Drained, says: str) -> None:
    with pytest.raises(ProjectError) as failed:
        must_drain([found, Drained("worker", 20, 0, 0), Drained("web", 30, 0, 1)], {})
    assert (failed.value.code, str(failed.value)) == ("drain-failed", says)


def test_the_result_of_several_is_the_worst_and_each() -> None:
    found = as_json([Drained("api", 30, 0, 1), Drained("web", 900, 2, 4)])
    assert (found["stopped_ms"], found["exit_code"], found["lost_requests"]) == (900, 2, 5)
    assert found["services"] == [
        {"name": "api", "stopped_ms": 30, "exit_code": 0, "lost_requests": 1},
        {"name": "web", "stopped_ms": 900, "exit_code": 2, "lost_requests": 4},
    ]
