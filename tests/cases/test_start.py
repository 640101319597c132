"""How the program is started: its arguments arrive as they are written, in both modes."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.engine.cli import get
from tests.engine.conftest import Started

pytestmark = pytest.mark.engine


def test_arguments_with_spaces_stars_and_nothing_in_them(case: Callable[[str], Started]) -> None:
    crier = case("arguments_with_spaces")
    words = [
        "serve", "--title", "Mother's  red  kite", "--only", "*.go", "--suffix", "", '--filter={"kind":"a b"}',
    ]  # fmt: skip
    crier.devctl("up", "-d")
    dev = get(crier.port)
    assert json.loads(dev) == words
    crier.devctl("prod-preview")
    assert get(crier.port) == dev


def test_dollar_signs_of_a_dockerfile(
    case: Callable[[str], Started], monkeypatch: pytest.MonkeyPatch
) -> None:
    teller = case("dollar_signs")
    found = teller.devctl("config", "check")
    [variable] = [f for f in found.result["problems"] if f["code"] == "exec-form-variable"]
    assert variable["place"] == "Dockerfile:10", found.show
    assert "$GREETING" in variable["message"]

    monkeypatch.setenv("GREETING", "from-the-host")
    teller.devctl("up", "-d")
    dev = get(teller.port)
    assert json.loads(dev) == {"greeting": "$GREETING", "match": "^/v[0-9]+/.*$", "price": "5$"}
    teller.devctl("prod-preview")
    assert get(teller.port) == dev
