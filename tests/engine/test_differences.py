"""prod-preview puts dev and prod side by side: the table, and the same requests put to both."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.engine.cli import docker, serves
from tests.engine.conftest import Started

pytestmark = pytest.mark.engine
MakeProject = Callable[..., Started]

COMPOSE = """services:
  web:
    build: .
    ports: ["HOST_PORT:8080"]
    environment: {DB_PASSWORD: hunter2}
"""
# The path of the template is computed, so that no detection can find it and put it into the image.
MAIN = """package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
)

var folder = strings.ToLower("Pages")

func main() {
	http.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "ok") })
	http.HandleFunc("GET /about", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "about us") })
	http.HandleFunc("GET /migrate", func(w http.ResponseWriter, r *http.Request) { log.Print("MIGRATED") })
	http.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		page, err := os.ReadFile(folder + "/index.html")
		if err != nil {
			log.Print(err)
			http.Error(w, "no page", 500)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		if strings.Contains(r.Header.Get("Accept"), "text/html") {
			page = append(page, strings.Repeat("<p>for people</p>", 20)...)
		}
		w.Write(page)
	})
	log.Fatal(http.ListenAndServe(":8080", nil))
}
"""
PAGE = "<html>the page</html>"


def served(project: MakeProject) -> Started:
    made = project(
        {
            "go.mod": "module example.com/web\n\ngo 1.26\n",
            "main.go": MAIN,
            "compose.yaml": COMPOSE,
            "pages/index.html": PAGE,
        }
    )
    made.devctl("-y", "up", "-d")
    serves(made.port, "the page")
    return made


def test_a_page_that_is_missing_in_production_is_named_though_the_probe_is_green(
    project: MakeProject,
) -> None:
    made = served(project)

    done = made.devctl("-y", "prod-preview")

    (check,) = (c for c in done.result["checks"] if c["id"] == "answers-differ")
    assert check["status"] == "warn", done.show
    assert check["detail"] == (
        "web: GET /: dev 200 text/html 21 bytes, prod 500 text/plain 8 bytes (and 1 more): "
        "pages/index.html is not in the image"
    )
    (warning,) = (w for w in done.warnings if w["code"] == "answers-differ")
    assert (warning["message"], warning["hint"]) == (check["detail"], check["hint"])
    assert check["hint"] == (
        "devctl.yaml: `services: {web: {files: [pages/index.html]}}`, "
        "or a line COPY pages/index.html … in the Dockerfile"
    )
    answers = done.result["answers"]
    assert answers["requests"] == 4, "the probe's path and /, each as a program and as a browser"
    assert [(a["path"], a["client"], a["prod"]["status"]) for a in answers["differ"]] == [
        ("/", "plain", 500),
        ("/", "browser", 500),
    ]
    assert answers["differ"][1]["dev"]["length"] == len(PAGE) + 20 * len("<p>for people</p>")
    assert "MIGRATED" not in docker("logs", f"{made.name}-web-1"), "a route of the code is not asked"

    rows = {r["what"]: r for r in done.result["differences"]}
    assert {r["service"] for r in rows.values()} == {"web"}
    assert set(rows) == {"image", "size", "user", "pid 1", "mounts", "files", "capabilities", "env"}
    assert f"/app (bind {made.root})" in rows["mounts"]["dev"] and rows["mounts"]["prod"] == "/tmp (tmpfs)"
    assert rows["user"]["prod"] == "65532:65532" and rows["pid 1"]["prod"] == "/server"
    assert rows["capabilities"] == {
        "service": "web",
        "what": "capabilities",
        "dev": "default",
        "prod": "none",
    }
    assert float(rows["size"]["prod"].split()[0]) < float(rows["size"]["dev"].split()[0])
    assert "GOPATH" in rows["env"]["dev"] and "hunter2" not in str(done.envelope)

    made.devctl("up", "-d")
    (made.root / "devctl.yaml").write_text("services: {web: {files: [pages]}}\nprod: {compare: [/about]}\n")
    shown = subprocess.run(
        [sys.executable, "-m", "devctl", "-y", "prod-preview"], cwd=made.root, capture_output=True, text=True
    ).stdout
    table = [line.split() for line in shown.splitlines()]
    assert ["dev", "prod"] in table and ["files", "writable", "read-only"] in table, shown
    assert "6 requests sent to both, answered as in dev" in shown


TALKING = """package main

import (
	"fmt"
	"net/http"
	"os"
	"time"
)

var began, visits = time.Now(), 0

func main() {
	http.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		visits++
		host, _ := os.Hostname()
		fmt.Fprintln(w, "visit", visits, "of", host, "at", time.Now().Format(time.RFC3339), "up", int(time.Since(began).Seconds()))
		fmt.Fprintln(w, "rates:", os.Getenv("RATES"))
	})
	http.ListenAndServe(":8080", nil)
}
"""


def test_another_body_is_told_and_what_changes_by_itself_is_not(project: MakeProject) -> None:
    compose = "services: {web: {build: ., ports: ['HOST_PORT:8080'], environment: {RATES: full}}}\n"
    made = project(
        {"go.mod": "module example.com/web\n\ngo 1.26\n", "main.go": TALKING, "compose.yaml": compose}
    )
    made.devctl("-y", "up", "-d")
    same = made.devctl("-y", "prod-preview")
    assert same.result["answers"]["differ"] == [], same.show
    made.devctl("up", "-d")

    (made.root / "devctl.yaml").write_text("prod: {env: {RATES: none}}\n")
    other = made.devctl("-y", "prod-preview")
    assert {a["body_differs_from_line"] for a in other.result["answers"]["differ"]} == {2}, other.show
    (warning,) = (w for w in other.warnings if w["code"] == "answers-differ")
    assert "the body differs from line 2 on" in warning["message"]
    assert "none" not in warning["message"] and "full" not in warning["message"]
