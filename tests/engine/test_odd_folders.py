"""A project's folder may be called what a folder may be called: no character of it splits a mount."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.engine.cli import port_of, serves
from tests.engine.conftest import Started

pytestmark = pytest.mark.engine


@pytest.mark.parametrize(
    "files", [{}, {"go.mod": "module example.com/odd\n\ngo 1.26\n"}], ids=["compose", "bare"]
)
def test_a_colon_a_comma_and_a_space(project: Callable[..., Started], files: dict[str, str]) -> None:
    made = project({**files, "main.go": SERVER} if files else None, folder="-a:b, c")
    up = made.devctl("up", "-d")
    serves(port_of(up), "")
    made.devctl("doctor", code=None)
    made.devctl("test")
    made.devctl("prod-preview")


SERVER = """package main

import "net/http"

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("odd")) })
	http.ListenAndServe(":8080", nil)
}
"""
