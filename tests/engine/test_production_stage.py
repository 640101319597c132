"""The user's final stage on bases that their Dockerfile does not name: what serves there, and what is refused while dev serves."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from tests.engine.cli import docker, get
from tests.engine.conftest import Started

pytestmark = pytest.mark.engine

MAIN = """package main

import (
	"fmt"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
	"strings"
)

func main() {
	self, _ := os.Executable()
	beside, err := os.ReadFile(filepath.Join(filepath.Dir(self), "banner.txt"))
	if err != nil {
		panic(err)
	}
	config, err := os.ReadFile("/etc/shop/app.conf")
	if err != nil {
		panic(err)
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		who, err := user.Current()
		if err != nil {
			panic(err)
		}
		said := []string{os.Getenv("GREETING"), string(beside), string(config), strings.Join(os.Args[1:], "|")}
		fmt.Fprintf(w, "%q", said)
		if r.URL.Path == "/who" {
			fmt.Fprintf(w, " %s:%s %s %s", who.Uid, who.Gid, who.Username, who.HomeDir)
		}
	})
	panic(http.ListenAndServe(":8080", nil))
}
"""
DOCKERFILE = """\
FROM golang:1.26-alpine AS build
WORKDIR /src
COPY go.mod ./
COPY *.go ./
RUN --mount=type=cache,id=go-build-prod,target=/gocache GOCACHE=/gocache CGO_ENABLED=0 go build -trimpath -o /out/shop .

FROM alpine:3.22
ENV GREETING="two  words"
RUN addgroup -g 10002 crew && adduser -D -u 10001 -G crew app
COPY --chown=app:crew --chmod=0400 app.conf /etc/shop/app.conf
COPY --from=build /out/shop /opt/shop/shop
COPY banner.txt /opt/shop/
COPY entrypoint.sh /
USER app
HEALTHCHECK CMD wget -q -O /dev/null http://127.0.0.1:8080/
ENTRYPOINT ["/opt/shop/shop", "serve"]
CMD ["a  b", "*"]
"""
FILES: Mapping[str, str] = {
    "go.mod": "module example.com/shop\n\ngo 1.26\n",
    "main.go": MAIN,
    "banner.txt": "banner",
    "app.conf": "config",
    "entrypoint.sh": '#!/bin/sh\nexec "$@"\n',
    "Dockerfile": DOCKERFILE,
    "compose.yaml": 'services:\n  shop:\n    build: .\n    ports: ["HOST_PORT:8080"]\n',
}
SCRIPT = DOCKERFILE.replace(
    'ENTRYPOINT ["/opt/shop/shop", "serve"]\nCMD ["a  b", "*"]',
    'ENTRYPOINT ["/bin/entrypoint.sh"]\nCMD ["/opt/shop/shop", "serve", "a  b", "*"]',
).replace("COPY entrypoint.sh /", "COPY --chmod=0755 entrypoint.sh /bin/")
SAID = '["two  words" "banner" "config" "serve|a  b|*"]'


def line_of(text: str, word: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), 1) if word in line)


def test_another_base_gives_the_same_answers_as_the_stage_of_the_user(
    project: Callable[..., Started],
) -> None:
    shop = project(FILES)
    theirs = shop.devctl("-y", "prod-preview")
    assert theirs.result["image"]["base"] == "alpine" and theirs.warnings == [], theirs.show
    assert get(shop.port, "/who") == f"{SAID} 10001:10002 app /home/app"

    for base in ("scratch", "distroless"):
        moved = shop.devctl("-y", "prod-preview", "--base", base)
        assert moved.result["image"]["base"] == base
        assert get(shop.port, "/who") == f"{SAID} 10001:10002 app /home/app", moved.show
        assert {(w["code"], w["place"]) for w in moved.warnings} == {
            ("run-left-out", f"Dockerfile:{line_of(DOCKERFILE, 'addgroup')}"),
            ("health-check-left-out", f"Dockerfile:{line_of(DOCKERFILE, 'HEALTHCHECK')}"),
        }, moved.show

    shown = shop.devctl("config", "show").result["values"]["services.shop.prod_other_bases"]
    assert shown["value"] == dict.fromkeys(("distroless", "scratch"), "stage `1` with its base replaced")

    shop.write({"devctl.yaml": "version: 1\nprod: {base: scratch}\n"})
    rendered = shop.devctl("config", "render", "--mode", "prod").result["model"]["services"]["shop"]
    assert rendered["image"] == f"{shop.name}-shop:prod-scratch"
    assert rendered["build"]["dockerfile"] == str(shop.root / ".devctl" / "shop" / "Dockerfile")

    sizes = shop.devctl("-y", "size", "--bases", "alpine,scratch")
    rows = {row["base"]: row for row in sizes.result["rows"]}
    assert rows["alpine"]["binary_bytes"] == rows["scratch"]["binary_bytes"]
    assert {w["code"] for w in sizes.warnings} == {"run-left-out", "health-check-left-out"}, sizes.show


def test_what_a_base_cannot_start_is_refused_while_dev_serves(project: Callable[..., Started]) -> None:
    shop = project({**FILES, "Dockerfile": SCRIPT})
    shop.devctl("-y", "up", "-d", "--no-watch")
    assert get(shop.port) == SAID
    running = docker("inspect", "-f", "{{.Id}}", f"{shop.name}-shop-1")

    refused = shop.devctl("-y", "prod-preview", "--base", "distroless", code=1)
    assert refused.error["code"] == "not-ready", refused.show
    assert refused.error["message"] == (
        "not ready for production: /bin/entrypoint.sh is started by /bin/sh, which is not in the image"
    )
    assert refused.error["place"] == f"Dockerfile:{line_of(SCRIPT, 'ENTRYPOINT')}"

    shell = SCRIPT.replace('ENTRYPOINT ["/bin/entrypoint.sh"]', "ENTRYPOINT /bin/entrypoint.sh")
    shop.write({"Dockerfile": shell})
    refused = shop.devctl("-y", "prod-preview", "--base", "scratch", code=1)
    assert refused.error["message"] == (
        "stage `1` of shop cannot run on scratch: shell-form ENTRYPOINT needs /bin/sh, but scratch has no shell"
    )
    assert refused.error["place"] == f"Dockerfile:{line_of(shell, 'ENTRYPOINT')}"
    assert not {s["step"] for s in refused.named("step.started")} & {"build", "switch"}, "nothing was begun"
    assert docker("inspect", "-f", "{{.Id}}", f"{shop.name}-shop-1") == running
    assert get(shop.port) == SAID

    shop.write({"Dockerfile": SCRIPT})
    works = shop.devctl("-y", "prod-preview", "--base", "alpine")
    assert get(shop.port) == SAID, works.show


def test_a_base_that_is_not_available_is_replaced_by_the_one_that_the_hint_names(
    project: Callable[..., Started],
) -> None:
    text = DOCKERFILE.replace("FROM alpine:3.22", "FROM runtime.example.invalid/base:1")
    shop = project({**FILES, "Dockerfile": text})
    refused = shop.devctl("-y", "prod-preview", code=4)
    assert refused.error["code"] == "base-missing", refused.show
    hint = "`devctl prod-preview --base distroless` does not need it"
    assert refused.error["hint"].endswith(f"; or {hint}"), refused.show

    shop.devctl("-y", *hint.split("`")[1].split()[1:])
    assert get(shop.port, "/who") == f"{SAID} 10001:10002 app /home/app"


def test_code_with_c_keeps_its_files_and_is_linked_statically(project: Callable[..., Started]) -> None:
    c = '// #include <math.h>\n// #cgo LDFLAGS: -lm\nimport "C"\n\nimport ('
    main = MAIN.replace("import (", c, 1).replace('os.Getenv("GREETING"),', "fmt.Sprint(C.sqrt(81)),")
    text = DOCKERFILE.replace("golang:1.26-alpine", "golang:1.26").replace("CGO_ENABLED=0 ", "")
    shop = project({**FILES, "main.go": main, "Dockerfile": text})
    moved = shop.devctl("-y", "prod-preview", "--base", "scratch")
    assert moved.result["binary"]["static"] is True
    assert get(shop.port, "/who") == f"{SAID} 10001:10002 app /home/app".replace("two  words", "9"), (
        moved.show
    )
