"""prod-preview there and back on the real engine; state is asserted from outside."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest

from devctl.adapters.docker.image_reader import SdkImages
from devctl.errors import ProjectError
from tests.engine.broken_projects import COMPOSE
from tests.engine.cli import DEVCTL, docker, get, serves
from tests.engine.conftest import Started

pytestmark = pytest.mark.engine
SETTLED = 2.1
MakeProject = Callable[..., Started]

MAIN = """package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
)

var _ = os.Getenv

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if os.Getuid() == 65532 {
		PROD
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "it serves") })
	server := &http.Server{Addr: ":8080"}
	go server.ListenAndServe()
	<-ctx.Done()
	HOW_TO_END
}
"""


def files(prod: str = "", end: str = "server.Shutdown(context.Background())") -> dict[str, str]:
    main = MAIN.replace("PROD", prod).replace("HOW_TO_END", end)
    return {"go.mod": "module example.com/app\n\ngo 1.26\n", "main.go": main, "compose.yaml": COMPOSE}


def container(project: Started, service: str = "app") -> str:
    return docker("ps", "--no-trunc", "--quiet", "--filter", f"name=^{project.name}-{service}-1$")


def serving_dev(project: MakeProject, source: dict[str, str]) -> Started:
    made = project(source)
    made.devctl("-y", "up", "-d")
    serves(made.port, "it serves")
    return made


def dev_is_back(project: Started) -> None:
    serves(project.port, "it serves")
    seen = project.devctl("status").result
    assert seen["mode"] == "dev" and seen["serving"]["state"] == "current", seen


def test_there_and_back_ten_times_with_the_dependency_kept(project: MakeProject) -> None:
    made = serving_dev(project, files())
    beside, dev_image = container(made, "beside"), docker("inspect", "-f", "{{.Image}}", container(made))

    done = made.devctl("-y", "prod-preview", "--drain")
    (raw,) = json.loads(docker("inspect", container(made)))
    assert raw["Config"]["User"] == "65532:65532" and raw["HostConfig"]["ReadonlyRootfs"] is True
    assert raw["Mounts"] == [] and raw["HostConfig"]["CapDrop"] == ["ALL"]
    assert "it serves" in get(made.port), "prod serves again after the drain"
    assert done.result["drain"]["exit_code"] == 0 and done.result["drain"]["lost_requests"] == 0, done.show
    assert done.result["drain"]["stopped_ms"] < 9000, "it ended by itself, before it would have been killed"

    for number in range(10):
        done = made.devctl("up", "-d") if number % 2 == 0 else made.devctl("-y", "prod-preview")
        assert "it serves" in get(made.port)
    assert done.result["mode"] == "prod" and "build" not in {e["step"] for e in done.named("step.started")}
    made.devctl("up", "-d")
    dev_is_back(made)
    assert container(made, "beside") == beside
    assert docker("inspect", "-f", "{{.Image}}", container(made)) == dev_image


def test_what_is_current_is_not_built_and_what_changed_is(project: MakeProject) -> None:
    made = project(files())
    time.sleep(SETTLED)  # what changed a moment ago is in doubt, and built in any case
    made.devctl("-y", "prod-preview")

    def builds() -> bool:
        return "build" in {e["step"] for e in made.devctl("prod-preview").named("step.started")}

    assert not builds()
    main = made.root / "main.go"
    main.write_text(main.read_text().replace("it serves", "it served"))  # of the same length
    time.sleep(SETTLED)
    assert builds()
    assert "it served" in get(made.port)
    assert not builds()


@pytest.mark.follows("build it: devctl prod-preview")
def test_a_production_image_goes_once_the_newer_one_is_proven(
    project: MakeProject, hinted: Callable[[str], str]
) -> None:
    made = project(files())
    image = f"{made.name}-app:prod-distroless"
    with pytest.raises(ProjectError) as missing:
        SdkImages().read(image)
    made.devctl("-y", *hinted(missing.value.problem.hint).partition(": devctl ")[2].split())
    assert SdkImages().read(image).ref == image
    old = docker("image", "inspect", "-f", "{{.Id}}", image)
    main = made.root / "main.go"
    main.write_text(main.read_text().replace("it serves", "it serves more"))
    made.devctl("-y", "prod-preview")
    serves(made.port, "it serves more")

    left = docker("image", "ls", "--quiet", "--no-trunc", "--filter", f"label=dev.devctl.project={made.name}")
    assert docker("image", "inspect", "-f", "{{.Id}}", image) in left.split() and old not in left
    assert made.devctl("clean").result["removed"] == []
    assert "it serves more" in get(made.port)


def test_where_nothing_ran_before_nothing_runs_after(project: MakeProject) -> None:
    made = project(files("os.Exit(3)"))

    failed = made.devctl("-y", "prod-preview", code=1)

    assert failed.error["code"] == "exits-at-start", failed.show
    assert failed.error["message"].endswith("nothing is running, as before")
    assert docker("ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={made.name}") == ""


def test_a_service_that_ignores_sigterm_is_named(project: MakeProject) -> None:
    made = serving_dev(project, files(end="select {}"))

    failed = made.devctl("-y", "prod-preview", "--drain", code=1)

    assert failed.error["code"] == "drain-failed" and "ignores SIGTERM" in failed.error["message"], (
        failed.show
    )
    assert failed.result["drain"]["exit_code"] == 137 and failed.result["mode"] == "prod"
    assert "it serves" in get(made.port)

    # One that ends at once leaves the requests that it is answering; some are at every moment, if each takes a while.
    main = made.root / "main.go"
    text = main.read_text().replace("select {}", "os.Exit(0)").replace('"syscall"', '"syscall"\n\t"time"')
    main.write_text(text.replace("fmt.Fprint(w,", "time.Sleep(100 * time.Millisecond)\n\t\tfmt.Fprint(w,"))
    failed = made.devctl("-y", "prod-preview", "--drain", code=1)

    assert failed.error["code"] == "drain-failed" and "lost" in failed.error["message"], failed.show
    assert failed.result["drain"]["exit_code"] == 0 and failed.result["drain"]["lost_requests"] >= 2


def test_each_service_is_drained_and_what_it_had_accepted_counts(project: MakeProject) -> None:
    """A service under load that takes its time with each request, and exits immediately when it is told to."""
    made = project(files(end="os.Exit(0)"))
    slow = 'if asked.Add(1) > 8 { time.Sleep(6 * time.Second) }; fmt.Fprint(w, "it serves")'
    source = (made.root / "main.go").read_text().replace('fmt.Fprint(w, "it serves")', slow)
    source = source.replace("var _ = os.Getenv", "var asked atomic.Int32")
    source = source.replace('"syscall"', '"sync/atomic"\n\t"syscall"\n\t"time"')
    two = COMPOSE.replace("  beside:", "  worker: {build: .}\n  beside:").replace("HOST_PORT", str(made.port))
    made.write({"compose.yaml": two, "main.go": source})

    failed = made.devctl("-y", "prod-preview", "--drain", code=1)

    assert failed.error["code"] == "drain-failed", failed.show
    app, worker = failed.result["drain"]["services"]
    assert (app["name"], app["exit_code"], app["lost_requests"]) == ("app", 0, 6), failed.show
    assert (worker["name"], worker["exit_code"], worker["lost_requests"]) == ("worker", 0, 6), failed.show
    assert failed.result["drain"]["lost_requests"] == 12
    both = "; ".join(f"{name} lost 6 requests when it was stopped" for name in ("app", "worker"))
    assert failed.error["message"] == f"{both}; production is serving again"
    assert failed.result["mode"] == "prod"
    serves(made.port, "it serves")


PROD_STAGE = """FROM golang:1.26-alpine AS builder
WORKDIR /src
COPY . .
ENV GOTOOLCHAIN=local CGO_ENABLED=0 GOCACHE=/gocache GOFLAGS="-buildvcs=false -trimpath"
RUN --mount=type=cache,id=go-build-prod,target=/gocache go build -ldflags '-s -w' -o /server .
FROM scratch AS prod
COPY --from=builder /server /server
USER 65532:65532
ENTRYPOINT ["/server"]
"""


def test_ctrl_c_in_a_switch_brings_dev_back_and_another_one_does_not_stop_that(project: MakeProject) -> None:
    made = serving_dev(project, files("stop(); select {}") | {"Dockerfile": PROD_STAGE})
    beside, built_from = container(made, "beside"), _overlay(made)
    image = docker("inspect", "-f", "{{.Image}}", container(made))

    for moments in (("switch",), ("probe", "restore")):
        done = _interrupted_at(made, moments)
        assert done["exit_code"] == 130 and done["error"]["code"] == "interrupted", done
        assert done["error"]["message"] == "interrupted; dev is serving again"
        assert done["result"]["mode"] == "dev"
        dev_is_back(made)
        assert _overlay(made) == built_from, "what dev is built from lies there as before"
        assert docker("inspect", "-f", "{{.Image}}", container(made)) == image
    assert container(made, "beside") == beside


def _overlay(project: Started) -> dict[str, str]:
    """What `.devctl/` holds of the service, but for the note of its builds, which the container writes."""
    found = (project.root / ".devctl/app").iterdir()
    return {path.name: path.read_text() for path in found if path.name != "build"}


def _interrupted_at(project: Started, steps: tuple[str, ...]) -> dict[str, Any]:
    """prod-preview with a Ctrl-C at the start of each of these steps; its result."""
    argv = [*DEVCTL, "--json", "-y", "prod-preview"]
    waiting, line = list(steps), "{}"
    with subprocess.Popen(argv, cwd=project.root, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for line in child.stdout:
            event = json.loads(line)
            if waiting and (event.get("name"), event.get("step")) == ("step.started", waiting[0]):
                child.send_signal(signal.SIGINT)
                waiting.pop(0)
    assert child.returncode == 130 and not waiting, f"{waiting}: {line}"
    return dict(json.loads(line))


IN_FRONT = """services:
  app: {build: ., ports: ['HOST_PORT:8080']}
  proxy: {image: "alpine:3.22", command: sleep 1000, init: true, depends_on: [app]}
  beside: {image: "alpine:3.22", command: sleep 1000, init: true}
"""


def test_a_proxy_is_started_again_where_the_service_behind_it_gets_another_address(
    project: MakeProject,
) -> None:
    started = serving_dev(project, files() | {"compose.yaml": IN_FRONT})
    first = {name: run_of(started, name) for name in ("app", "proxy", "beside")}
    docker("stop", container(started))
    taker = docker(
        "run", "-d", "--rm", "--init", "--network", f"{started.name}_default", "alpine:3.22", "sleep", "300"
    )
    try:
        started.devctl("up", "-d")  # its old address is the taker's now
    finally:
        docker("rm", "--force", taker)
    moved = {name: run_of(started, name) for name in first}
    assert moved["app"][0] != first["app"][0]
    assert moved["proxy"][1] != first["proxy"][1]
    started.devctl("prod-preview")  # and the lower one is free again
    last = {name: run_of(started, name) for name in first}
    assert last["app"][0] != moved["app"][0]
    assert last["proxy"][1] != moved["proxy"][1]
    assert last["beside"] == first["beside"]


def run_of(project: Started, service: str) -> tuple[str, str]:
    """Its address, and since when it runs."""
    shown = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}} {{.State.StartedAt}}"
    address, since = docker("inspect", "--format", shown, container(project, service)).split()
    return address, since
