"""What the reload loop promises, on projects as people have them: their own .air.toml, a program that writes into the
tree, one that stops slowly."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.engine.cli import docker, get, port_of, serves, until
from tests.engine.conftest import Started
from tests.helpers import save

pytestmark = pytest.mark.engine

GO_MOD = "module example.com/shop\n\ngo 1.26\n"
SERVE = """package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	START
	http.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, ANSWER) })
	log.Fatal(http.ListenAndServe(":8080", nil))
}

var _, _, _, _ = os.Args, signal.Notify, syscall.SIGTERM, time.Now
"""
AIR = """[build]
pre_cmd = ["go generate ./..."]
cmd = "go build -o ./tmp/shop ./cmd/shop"
bin = "./tmp/shop"
include_ext = ["go", "page"]
exclude_dir = ["tmp"]
exclude_regex = ["_gen\\\\.go$"]
"""
GENERATE = """package main

import "os"

func main() {
	text, err := os.ReadFile("home.page")
	if err != nil {
		panic(err)
	}
	source := "package views\\n\\nconst Home = `" + string(text) + "`\\n"
	if err := os.WriteFile("home_gen.go", []byte(source), 0o644); err != nil {
		panic(err)
	}
}
"""
STAMP = """	text, _ := os.ReadFile("/tmp/starts")
	starts := len(text) + 1
	os.WriteFile("/tmp/starts", append(text, 'x'), 0o644)
	os.WriteFile("stamp.js", []byte(time.Now().String()), 0o644)"""
LOCKED = """	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM)
	if _, err := os.Stat("/tmp/lock"); err == nil {
		log.Fatal("locked")
	}
	os.WriteFile("/tmp/lock", nil, 0o644)
	go func() {
		<-asked
		time.Sleep(2 * time.Second)
		os.Remove("/tmp/lock")
		os.Exit(0)
	}()"""


def program(answer: str, *, start: str = "") -> str:
    return SERVE.replace("\tSTART\n", f"{start}\n" if start else "").replace("ANSWER", answer)


def said(shop: Started, words: str) -> int:
    lines = (str(e.get("line", "")) for e in shop.devctl("logs", "--tail", "500").named("log"))
    return sum(words in line for line in lines)


def test_the_users_own_air_toml_generates_code_before_each_build(project: Callable[..., Started]) -> None:
    main = program("views.Home").replace('"fmt"', '"fmt"\n\n\t"example.com/shop/views"')
    files = {
        "go.mod": GO_MOD,
        ".air.toml": AIR,
        "cmd/shop/main.go": main,
        "views/views.go": "package views\n\n//go:generate go run ../tools/pages\n",
        "views/home.page": "page one",
        "tools/pages/main.go": GENERATE,
    }
    shop = project(files)
    port = serving(shop, "page one")
    save(shop.root / "views/home.page", "page two")
    serves(port, "page two")
    until((shop.root / "views/home_gen.go").exists)
    assert (shop.root / "views/home_gen.go").stat().st_uid == shop.root.stat().st_uid
    builds = said(shop, "devctl: build start")
    save(shop.root / "views/home.page", "page three")
    serves(port, "page three")
    assert said(shop, "devctl: build start") <= builds + 2, "what is generated does not start the next build"


def serving(shop: Started, text: str) -> int:
    port = port_of(shop.devctl("up", "-d", timeout=600))
    serves(port, text)
    return port


def test_a_program_that_writes_a_watched_file_at_each_start_does_not_loop(
    project: Callable[..., Started],
) -> None:
    shop = project({"go.mod": GO_MOD, "stamp.js": "", "main.go": program('"one ", starts', start=STAMP)})
    port = serving(shop, "one")
    until(lambda: said(shop, "and is not restarted for it: ./stamp.js") == 1)
    starts = get(port)
    # In the second in which the last build began, which the find of Alpine cannot tell from before.
    container = docker("ps", "-q", "--filter", f"label=com.docker.compose.project={shop.name}")
    began = int(docker("exec", container, "date", "-r", "/tmp/air/began", "+%s"))
    edited = shop.root / "edited"
    edited.write_text(program('"two ", starts', start=STAMP))
    os.utime(edited, ns=(began * 10**9 + 999_999_999,) * 2)
    edited.rename(shop.root / "main.go")
    serves(port, "two")
    again = int(get(port).split()[1])
    assert again <= int(starts.split()[1]) + 2
    assert said(shop, "and is not restarted for it") == 1


def test_a_program_that_stops_slowly_has_time_on_reload_restart_and_switch(
    project: Callable[..., Started],
) -> None:
    """It leaves a lock behind if it is killed, and then does not start again."""
    shop = project({"go.mod": GO_MOD, "main.go": program('"one"', start=LOCKED)})
    port = serving(shop, "one")
    save(shop.root / "main.go", program('"two"', start=LOCKED))
    serves(port, "two")
    shop.devctl("restart")
    serves(port, "two")
    down = shop.devctl("down")
    assert not [w for w in down.warnings if w["code"] == "killed-at-stop"], down.show


def test_one_that_never_stops_is_killed_and_that_is_said(project: Callable[..., Started]) -> None:
    deaf = "\tsignal.Ignore(syscall.SIGTERM)"
    air = '[build]\nkill_delay = "500ms"\n'
    shop = project({"go.mod": GO_MOD, ".air.toml": air, "main.go": program('"one"', start=deaf)})
    port = serving(shop, "one")
    save(shop.root / "main.go", program('"two"', start=deaf))
    serves(port, "two")
    assert said(shop, "devctl: killed the program: it did not stop within 0.5 s") == 1
    down = shop.devctl("down")
    assert [w["code"] for w in down.warnings] == ["killed-at-stop"], down.show


def test_an_edit_just_after_a_start_is_served_at_once(project: Callable[..., Started]) -> None:
    """A program that exits as soon as it is asked is not waited for until its time is up."""
    files = {"go.mod": GO_MOD, ".air.toml": "[build]\nkill_delay = '600s'\n"}
    main = SERVE.replace("START", "")
    it = project(files={**files, "main.go": main.replace("ANSWER", '"answer 0"')})
    port = port_of(it.devctl("up", "-d", "--timeout", "240"))
    for number in range(1, 9):
        it.devctl("restart")
        save(it.root / "main.go", main.replace("ANSWER", f'"answer {number}"'))
        serves(port, f"answer {number}", within=90)
