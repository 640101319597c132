"""Faults that are seen in what runs; each names the test that provokes it on a real engine."""

from __future__ import annotations

from msgspec import Struct


class Observed(Struct, frozen=True):
    """`test`: `path::name` of the test, below tests/."""

    fault: str
    told: str
    exit: int
    code: str
    test: str


_FAILURES = "engine/test_failures.py"
_PREVIEW = "engine/test_preview_failures.py"
_FAULTS = "engine/test_faults.py"

OBSERVED = (
    Observed(
        "the source does not compile",
        "NAME does not compile, with file, line and the compiler's message",
        1,
        "does-not-compile",
        f"{_FAILURES}::test_a_compile_error_at_first_up_ends_early_and_the_next_save_fixes_it",
    ),
    Observed(
        "it panics at startup",
        "NAME panics at startup: the panic's first line, and as the place the first line of its own code",
        1,
        "panics-at-start",
        f"{_FAULTS}::test_a_panic_is_told_with_its_own_line",
    ),
    Observed(
        "it exits at startup without a known message",
        "NAME exited with N before it answered, with its last lines",
        1,
        "exits-at-start",
        f"{_FAILURES}::test_a_service_that_ends_at_start_fails_early",
    ),
    Observed(
        "it does not answer",
        "NAME did not answer on URL within N s, and the port that it listens on instead",
        1,
        "never-answers",
        f"{_FAILURES}::test_a_service_that_listens_elsewhere_is_given_up_after_the_timeout",
    ),
    Observed(
        "it is killed because of its memory use",
        "NAME exited with code 137: it used more memory than its limit allows",
        1,
        "out-of-memory",
        f"{_FAULTS}::test_a_service_killed_for_its_memory_is_told_so",
    ),
    Observed(
        "its health check fails",
        "NAME is unhealthy: its health check fails",
        1,
        "unhealthy",
        f"{_FAULTS}::test_an_unhealthy_service_is_told_so",
    ),
    Observed(
        "it restarts again and again",
        "NAME exited with N before it answered, with its last lines",
        1,
        "exits-at-start",
        f"{_FAULTS}::test_a_restart_loop_is_seen_at_its_first_turn",
    ),
    Observed(
        "it listens on localhost inside the container",
        "NAME listens only on localhost:PORT, which cannot be reached from outside the container",
        1,
        "localhost-only",
        f"{_PREVIEW}::test_a_start_that_fails_names_its_cause_and_dev_serves_again",
    ),
    Observed(
        "it listens on another port",
        "NAME listens on port N, but devctl probed another",
        1,
        "other-port",
        f"{_PREVIEW}::test_a_start_that_fails_names_its_cause_and_dev_serves_again",
    ),
    Observed(
        "its port is taken",
        "the host port is taken, and by whom",
        4,
        "port-taken",
        f"{_FAILURES}::test_a_taken_port_is_named_with_its_holder",
    ),
)
