"""Code that needs a C compiler: a base that has one is taken without being asked for, and production links the C in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest

from tests.engine.cli import get, serves
from tests.engine.conftest import Started
from tests.engine.debian import run

pytestmark = pytest.mark.engine

FILES = {
    "go.mod": "module example.com/visits\n\ngo 1.26\n\nrequire github.com/mattn/go-sqlite3 v1.14.22\n",
    "go.sum": "github.com/mattn/go-sqlite3 v1.14.22 h1:2gZY6PC6kBnID23Tichd1K+Z0oS6nE/XwU+Vz/5o4kU=\n"
    "github.com/mattn/go-sqlite3 v1.14.22/go.mod h1:Uh1q+B4BYcTPb+yiD3kU8Ct7aC0hY9fxUwlHK0RXw+Y=\n",
    "main.go": """package main

import (
	"database/sql"
	"fmt"
	"log"
	"net/http"

	_ "github.com/mattn/go-sqlite3"
)

func main() {
	db, err := sql.Open("sqlite3", "/tmp/visits.db")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := db.Exec("CREATE TABLE IF NOT EXISTS visits(at INTEGER)"); err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		db.Exec("INSERT INTO visits VALUES (1)")
		var count int
		err := db.QueryRow("SELECT count(*) FROM visits").Scan(&count)
		fmt.Fprint(w, "visits: ", count, " ", err)
	})
	log.Fatal(http.ListenAndServe(":8080", nil))
}
""",
}


@pytest.fixture
def no_compiler() -> Iterator[None]:
    """No golang image of Debian is here, until the test is over."""
    refs = run("docker", "images", "--format", "{{.Repository}}:{{.Tag}}", "golang").split()
    debian = [ref for ref in refs if "alpine" not in ref and "none" not in ref]
    for number, ref in enumerate(debian):
        run("docker", "tag", ref, f"devctl-tests/kept:{number}")
        run("docker", "rmi", ref)
    yield
    for number, ref in enumerate(debian):
        run("docker", "tag", f"devctl-tests/kept:{number}", ref)
        run("docker", "rmi", f"devctl-tests/kept:{number}")


def kept(answer: str) -> int:
    """The visits that the database has; every GET is one more."""
    count, error = answer.rpartition(": ")[2].split()
    assert error == "<nil>", answer
    return int(count)


def test_sqlite_is_built_with_a_compiler_that_nobody_asked_for(
    no_compiler: None, project: Callable[..., Started]
) -> None:
    visits = project(FILES)
    refused = visits.devctl("up", "-d", code=4)
    assert refused.error["code"] == "base-lacks-c-compiler", refused.show
    assert "github.com/mattn/go-sqlite3 needs cgo" in refused.error["message"]
    assert "devctl bases build" in refused.error["hint"]

    visits.devctl("bases", "build")
    base = visits.devctl("config", "show").result["values"]["bases.golang"]
    assert base["value"] == "golang:1.26" and "github.com/mattn/go-sqlite3" in base["origin"]
    up = visits.devctl("up", "-d", "--timeout", "600")
    assert not up.warnings, up.show
    port = urlsplit(up.result["services"][0]["url"]).port or 0
    assert kept(get(port)) + 1 == kept(get(port))
    visits.write({"main.go": FILES["main.go"].replace("visits: ", "visits so far: ")})
    serves(port, "visits so far: ")

    preview = visits.devctl("prod-preview", "--timeout", "120")
    assert preview.result["binary"]["static"] is True
    found = {check["id"]: check["status"] for check in preview.result["checks"]}
    assert (found["cgo"], found["static-binary"]) == ("ok", "ok")
    assert kept(get(port)) + 1 == kept(get(port))
