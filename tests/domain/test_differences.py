"""Dev and prod side by side: which rows differ, which requests are put to both, and when two answers are alike."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devctl.domain.differences import Side, differences
from devctl.domain.differences_answers import Asked, alike, requests_for, summary, unlike
from devctl.domain.observed import Container
from devctl.domain.ports_prober import Answer
from devctl.domain.preview_text import COLUMN, differences_text
from devctl.domain.project import Service

DEV = Container("1", "shop-api-1", "api", "running", "none", 0, "shop-api:dev", "sha256:1", env={"A": "1"})
OK = Answer(200, "text/html", "", 2000)


def test_nothing_differs_between_a_container_and_itself() -> None:
    assert differences("api", Side(DEV, 10), Side(DEV, 10)) == ()


def test_values_of_variables_are_never_shown() -> None:
    one = replace(DEV, env={"BOTH": "same", "TOKEN": "hunter2", "OLD": "x"})
    other = replace(DEV, env={"BOTH": "same", "TOKEN": "hunter3", "NEW": "y"})
    (row,) = differences("api", Side(one, 1), Side(other, 1))
    assert (row.what, row.dev, row.prod) == (
        "env",
        "OLD, TOKEN (another value)",
        "NEW, TOKEN (another value)",
    )
    assert "hunter" not in repr(one)


def test_only_another_value_is_a_row_too() -> None:
    (row,) = differences("api", Side(DEV, 1), Side(replace(DEV, env={"A": "2"}), 1))
    assert row.dev == row.prod == "A (another value)"


@pytest.mark.parametrize(
    ("change", "what", "prod"),
    [
        ({"user": "65532:65532"}, "user", "65532:65532"),
        ({"init": True, "command": ("/server", "serve")}, "pid 1", "init, then /server serve"),
        ({"mounts": ("/tmp (tmpfs)",)}, "mounts", "/tmp (tmpfs)"),
        ({"read_only": True}, "files", "read-only"),
        ({"cap_drop": ("ALL",), "cap_add": ("NET_ADMIN",)}, "capabilities", "none, with NET_ADMIN"),
        ({"cap_drop": ("CHOWN",)}, "capabilities", "default without CHOWN"),
        ({"ports": {8080: ("127.0.0.1", 9000)}}, "ports", "127.0.0.1:9000→8080"),
    ],
)
def test_each_row(change: dict[str, object], what: str, prod: str) -> None:
    (row,) = differences("api", Side(DEV, None), Side(replace(DEV, **change), None))  # type: ignore[arg-type]
    assert (row.what, row.prod) == (what, prod)


def test_a_long_cell_is_cut_in_text_alone() -> None:
    (row,) = differences("api", Side(DEV, 1), Side(replace(DEV, command=("x" * 90,)), 1))
    text = differences_text([row.as_json()])
    assert len(row.prod) == 90 and len(text[1].split()[-1]) == COLUMN and text[1].endswith("…")


def test_what_is_asked() -> None:
    routes = ("/healthz", "/about", "/users/{id}", "/debug/pprof/profile", "/api/logout", "/users/:id", "*")
    asked = requests_for(Service("api", probe="/healthz", routes=routes))
    assert [a.path for a in asked if a.client == "plain"] == ["/healthz", "/", "/about"]
    assert [a.path for a in asked if a.client == "browser"] == ["/healthz", "/", "/about"]
    assert requests_for(Service("api", probe="tcp")) == requests_for(Service("api", probe="none")) == ()


@pytest.mark.parametrize(
    ("prod", "same"),
    [
        (OK, True),
        (replace(OK, length=2400), True),
        (replace(OK, length=900), False),
        (replace(OK, length=0), False),
        (replace(OK, status=500), False),
        (replace(OK, content_type="text/plain"), False),
        (replace(OK, location="/login"), False),
        (replace(OK, complete=False), False),
        (replace(OK, length=None), False),
        (None, False),
    ],
)
def test_when_two_answers_are_alike(prod: Answer | None, *, same: bool) -> None:
    assert alike(OK, prod) is same


def test_a_time_in_a_short_answer_is_no_difference() -> None:
    assert alike(replace(OK, length=8), replace(OK, length=40))


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_alike_has_no_sides(one: int, other: int) -> None:
    assert alike(replace(OK, length=one), replace(OK, length=other)) == alike(
        replace(OK, length=other), replace(OK, length=one)
    )


def test_the_worst_is_told_first_and_once() -> None:
    dev = {Asked("/a", "plain"): OK, Asked("/b", "plain"): OK, Asked("/b", "browser"): OK}
    broken = Answer(500, "text/plain", "", 9)
    prod = {Asked("/a", "plain"): replace(OK, length=1), Asked("/b", "plain"): broken}
    found = unlike(dev, {**prod, Asked("/b", "browser"): broken})
    assert summary(found) == (
        "GET /b: dev 200 text/html 2000 bytes, prod 500 text/plain 9 bytes (and 1 more)"
    )
