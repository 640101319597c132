"""Dev and prod side by side: which rows differ, which requests are put to both, and when two answers are alike."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from devctl.domain.detect.service import detect_service
from devctl.domain.plan.engine_state import Container
from devctl.domain.ports.http import Answer
from devctl.domain.preview.answers import (
    Asked,
    first_unlike_line,
    requests_for,
    summary,
    to_ask_again,
    unlike,
)
from devctl.domain.preview.differences import Side, differences
from devctl.domain.preview.text import WIDTH, differences_text
from devctl.domain.project.config import Config
from devctl.domain.project.model import ServedPort, Service
from tests.domain.test_detect import facts, pkg

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
    assert len(row.prod) == 90 and len(text[1]) == WIDTH and text[1].endswith("…")


@given(st.lists(st.tuples(st.text("ab", max_size=14), st.text("x", max_size=90), st.text("y", max_size=90))))
def test_the_table_fits_into_80_columns(rows: list[tuple[str, str, str]]) -> None:
    cells = [{"service": "api", "what": what, "dev": dev, "prod": prod} for what, dev, prod in rows]
    for line, (_, dev, prod) in zip(differences_text(cells)[1:], rows, strict=True):
        assert len(line) <= WIDTH
        if max(len(d) for _, d, _ in rows) + max(len(p) for _, _, p in rows) <= WIDTH - 20:
            assert dev in line and prod in line, "nothing is cut that there is room for"


def test_what_is_asked() -> None:
    asked = requests_for(
        Service("api", serve=ServedPort(probe="/healthz", compare=("/api/items?page=1", "/")))
    )
    assert [a.path for a in asked if a.client == "plain"] == ["/healthz", "/", "/api/items?page=1"]
    assert [a.path for a in asked if a.client == "browser"] == ["/healthz", "/", "/api/items?page=1"]

    migrates = pkg(".", listens=":8080", routes=("/healthz", "/migrate", "/jobs/run"))
    assert {a.path for a in requests_for(detect_service(facts(migrates), config=Config()))} == {
        "/healthz",
        "/",
    }
    assert (
        requests_for(Service("api", serve=ServedPort(probe="tcp")))
        == requests_for(Service("api", serve=ServedPort(probe="none")))
        == ()
    )


@pytest.mark.parametrize(
    ("prod", "same"),
    [
        (OK, True),
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


def alike(dev: Answer, prod: Answer | None) -> bool:
    asked = Asked("/", "plain")
    return unlike({asked: dev}, {asked: prod}, {}) == ()


def page(text: str) -> Answer:
    return Answer(200, "text/plain", "", len(text.encode()), body=text.encode())


@pytest.mark.parametrize(
    ("dev", "prod", "again", "line"),
    [
        ("hello dev", "hello dev", None, None),
        ("hello dev", "hello prod", "hello prod", 1),
        ("[1, 2, 3]", "[]", "[]", 1),
        ('{"items":\n 12}', '{"items":\n 0}', '{"items":\n 0}', 2),
        ("", "something", "something", 1),
        ("one\ntwo\nthree", "one\ntwo", "one\ntwo", 3),
        # What changes from one answer to the next
        ("visits: 7", "visits: 8", "visits: 9", None),
        ("uptime 30 s", "uptime 1 s", "uptime 2 s", None),
        ("nonce ab c", "nonce de f", "nonce gh i", None),
        ("hello dev, visits: 7", "hello prod, visits: 8", "hello prod, visits: 9", 1),
        # What tells by its form that it is of the moment or of the container
        ("at 2026-11-30T12:00:00Z ok", "at 2026-11-30T12:01:10.5Z ok", None, None),
        ("at 2026/11/30 12:00:00", "at 2026/11/30 12:01:10", None, None),
        ("Mon, 30 Nov 2026 12:00:00 GMT", "Mon, 30 Nov 2026 12:00:59 GMT", None, None),
        ("started 1796040000", "started 1796040099", None, None),
        ("took 1.25ms", "took 31µs", None, None),
        ("host 0f3a9c1b2d4e", "host 9b8c7d6e5f40", None, None),
        ("id 6f9619ff-8b86-4d01-b42d-00c04fc964ff", "id 7f9619ff-8b86-4d01-b42d-00c04fc964ff", None, None),
        ("from 172.18.0.2:41234", "from 172.18.0.3:55001", None, None),
        ("  a   b ", "a b", None, None),
    ],
)
def test_bodies_are_compared_by_their_words(dev: str, prod: str, again: str | None, line: int | None) -> None:
    second = page(again) if again is not None else None
    assert first_unlike_line(page(dev), page(prod), second) == line
    asked = Asked("/", "plain")
    found = unlike({asked: page(dev)}, {asked: page(prod)}, {asked: second})
    assert [u.line for u in found] == ([] if line is None else [line])
    if found:
        assert found[0].text.endswith(f": the body differs from line {line} on")
        assert to_ask_again({asked: page(dev)}, {asked: page(prod)}) == (asked,)


@pytest.mark.parametrize(
    "kind",
    [{"length": None}, {"complete": False}, {"content_type": "text/html", "length": None, "body": b""}],
)
def test_of_a_stream_and_of_what_broke_off_no_body_is_compared(kind: dict[str, Any]) -> None:
    dev, prod = replace(page("one"), **kind), replace(page("other"), **kind)
    assert first_unlike_line(dev, prod, prod) is None


def test_files_that_are_no_text_are_compared_too() -> None:
    one = Answer(200, "image/png", "", 4, body=b"\x89PNG")
    assert alike(one, replace(one)) and not alike(one, replace(one, body=b"GIF8"))


def test_the_worst_is_told_first_and_once() -> None:
    dev = {Asked("/a", "plain"): OK, Asked("/b", "plain"): OK, Asked("/b", "browser"): OK}
    broken = Answer(500, "text/plain", "", 9)
    prod = {Asked("/a", "plain"): replace(OK, length=1), Asked("/b", "plain"): broken}
    found = unlike(dev, {**prod, Asked("/b", "browser"): broken}, {})
    assert summary(found) == (
        "GET /b: dev 200 text/html 2000 bytes, prod 500 text/plain 9 bytes (and 1 more)"
    )
