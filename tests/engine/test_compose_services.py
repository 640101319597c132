"""Services as compose files have them: one that compiles what is mounted, several of one image, jobs that run to their end."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Callable

import pytest

from tests.engine.cli import docker, get, serves, until
from tests.engine.conftest import Started
from tests.ports import free_port

pytestmark = pytest.mark.engine
MakeProject = Callable[..., Started]

API = """package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	folder, _ := os.Getwd()
	seeded, _ := os.ReadFile("/data/seeded")
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "one", os.Args[1:], os.Getenv("COLOR"), flavour, folder == "/app/cmd/api", string(seeded))
	})
	http.ListenAndServe(":"+os.Getenv("PORT"), nil)
}
"""
SEED = """package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Println("seeds", os.Args[1:])
	if os.Getenv("FAIL") != "" {
		os.Exit(3)
	}
	os.WriteFile("/data/seeded", []byte(" seeded"), 0o644)
}
"""
FILES = {
    "go.mod": "module example.com/shop\n\ngo 1.26\n",
    "cmd/api/main.go": API,
    "cmd/api/sweet.go": '//go:build sweet\n\npackage main\n\nconst flavour = "sweet"\n',
    "cmd/api/plain.go": '//go:build !sweet\n\npackage main\n\nconst flavour = "plain"\n',
    "cmd/seed/main.go": SEED,
    "app.env": "COLOR=blue\n",
}
MOUNTED = """services:
  web:
    image: golang:1.26-alpine
    working_dir: /src/cmd/api
    command: sh -c "go mod download && go run ../seed first && go run -tags sweet . --name 'a b'"
    env_file: app.env
    environment: {PORT: "9000"}
    ports: ["HOST_PORT:9000"]
    volumes: [".:/src", "mods:/go/pkg/mod", "data:/data"]
volumes: {mods: {}, data: {}}
"""


def test_a_service_that_compiles_what_is_mounted_is_the_go_service_in_both_modes(
    project: MakeProject,
) -> None:
    made = project({**FILES, "compose.yaml": MOUNTED})
    up = made.devctl("up", "-d")
    assert [s["name"] for s in up.result["services"]] == ["web"]
    assert get(made.port) == "one[--name a b]bluesweettrue seeded"
    made.write({"cmd/api/main.go": API.replace('"one"', '"two"')})
    serves(made.port, "two[--name a b]bluesweettrue seeded")
    preview = made.devctl("prod-preview")
    assert get(made.port) == "two[--name a b]bluesweetfalse seeded"
    assert "steps-left-out" in {w["code"] for w in preview.warnings}


DOCKERFILE = """FROM golang:1.26-alpine AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,id=go-build-prod,target=/gocache GOCACHE=/gocache CGO_ENABLED=0 go build -o /out/ ./cmd/...

FROM alpine:3.22
RUN mkdir /data && chmod 1777 /data
COPY --from=build /out/ /usr/local/bin/
CMD ["api"]
"""
SEVERAL = """services:
  web:
    build: .
    command: ["sh", "-c", "seed web && api -x"]
    environment: {PORT: "8080"}
    ports: ["HOST_PORT:8080"]
    tmpfs: [/data]
  job:
    build: .
    command: ["seed", "job"]
    restart: always
    environment: {FAIL: "${FAIL:-}"}
"""


def test_of_several_commands_of_one_image_the_one_that_ends_is_a_job(project: MakeProject) -> None:
    made = project({**FILES, "Dockerfile": DOCKERFILE, "compose.yaml": SEVERAL})
    made.devctl("up", "-d", "--no-watch")
    assert get(made.port) == "one[-x]plainfalse seeded"
    assert made.devctl("status").result["serving"]["state"] == "current"
    made.devctl("prod-preview")
    assert get(made.port) == "one[-x]plainfalse seeded"
    job = docker(
        "inspect", "--format", "{{.State.Status}} {{.State.ExitCode}} {{.RestartCount}}", f"{made.name}-job-1"
    )
    assert job.split() == ["exited", "0", "0"]
    assert docker("logs", f"{made.name}-job-1").split("\n") == ["seeds [job]"]

    made.write({".env": "FAIL=1\n"})
    failed = made.devctl("up", "-d", "--no-watch", code=1)
    assert failed.error["message"].startswith("job exited with code 3"), failed.show
    assert "seeds [job]" in failed.result["log"]
    serving = made.devctl("status").result["serving"]
    assert (serving["state"], serving["reason"]) == ("none", "job exited with code 3")


WAITED = """services:
  web:
    build: .
    environment: {PORT: "8080"}
    ports: ["HOST_PORT:8080"]
    depends_on: {job: {condition: service_completed_successfully}}
  job:
    build: .
    command: ["seed"]
    environment: {FAIL: "${FAIL:-}"}
"""


def test_a_job_that_is_waited_for_runs_once_and_again_when_its_source_changed(project: MakeProject) -> None:
    made = project({**FILES, "Dockerfile": DOCKERFILE, "compose.yaml": WAITED, ".env": "FAIL=1\n"})

    def runs() -> tuple[str, str]:
        """The container of the job, and when it ran."""
        said = docker("inspect", "--format", "{{.Id}} {{.State.StartedAt}}", f"{made.name}-job-1").split()
        return said[0], said[1]

    failed = made.devctl("up", "-d", "--no-watch", code=1)
    assert failed.error["code"] == "migration-failed" and "seeds []" in failed.result["log"]
    made.write({".env": ""})
    made.devctl("up", "-d", "--no-watch")
    first = runs()
    made.write({"README": "nothing that the program is built from, but part of the build context\n"})
    made.write({".dockerignore": "README\n"})
    made.devctl("up", "-d", "--no-watch")
    made.devctl("prod-preview")
    made.devctl("up", "-d", "--no-watch")
    assert runs()[0] == first[0]
    made.write({"cmd/seed/main.go": SEED.replace("seeds", "sows")})
    made.devctl("up", "-d", "--no-watch")
    assert runs()[0] != first[0]
    assert docker("logs", f"{made.name}-job-1") == "sows []"


HELLO = """package main

import (
	"fmt"
	"net/http"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "NAME") })
	http.ListenAndServe(":8080", nil)
}
"""
OWN_BUILD = """FROM golang:1.26-alpine AS build
WORKDIR /src
COPY go.mod ./
RUN go mod download
COPY . .
RUN --mount=type=cache,id=go-build-prod,target=/gocache GOCACHE=/gocache go build -o /out/NAME ./cmd/NAME
FROM alpine:3.22
COPY --from=build /out/NAME /NAME
ENTRYPOINT ["/NAME"]
"""


def test_three_services_are_built_side_by_side_and_one_that_fails_is_told_of(project: MakeProject) -> None:
    names = ("api", "jobs", "web")
    ports = {name: free_port() for name in names}
    files = {"go.mod": "module example.com/shop\n\ngo 1.26\n"}
    files |= {f"cmd/{name}/main.go": HELLO.replace("NAME", name) for name in names}
    files |= {f"{name}.Dockerfile": OWN_BUILD.replace("NAME", name) for name in names}
    files["compose.yaml"] = "services:\n" + "".join(
        f"  {n}:\n    build: {{context: ., dockerfile: {n}.Dockerfile}}\n    ports: ['127.0.0.1:{ports[n]}:8080']\n"
        for n in names
    )
    shop = project(files)
    shop.devctl("up", "-d")
    for name in names:
        assert get(ports[name]) == name
    shop.devctl("prod-preview")
    for name in names:
        assert get(ports[name]) == name

    broken = shop.root / "jobs.Dockerfile"
    broken.write_text(broken.read_text().replace("GOCACHE=", "/no/such/program && GOCACHE="))
    failed = shop.devctl("prod-preview", code=1)
    assert failed.error["place"] == "jobs.Dockerfile:6"
    assert "jobs" in failed.error["message"]
    builds = [e for e in failed.events if e.get("step") == "build"]
    begun = {e["service"] for e in builds if e["name"] == "step.started"}
    assert begun == {e["service"] for e in builds if e["name"] in ("step.done", "step.failed")}
    assert get(ports["api"]) == "api"


def test_a_service_that_is_renamed_takes_the_place_of_its_former_container(project: MakeProject) -> None:
    made = project()
    compose = (made.root / "compose.yaml").read_text()
    made.devctl("up", "-d")
    made.write({"compose.yaml": compose.replace("\n  app:\n", "\n  web:\n", 1)})
    until(lambda: made.devctl("status").result["serving"]["state"] != "current")
    plan = [(s["step"], s["service"]) for s in made.devctl("up", "-d", "--dry-run").result["plan"]]
    assert plan.index(("remove", "app")) < plan.index(("start", "web"))
    up = made.devctl("up", "-d")
    assert [(s["name"], s["state"]) for s in up.result["services"]] == [("web", "running")]
    serves(made.port, "Hello from Go")
    made.write({"compose.yaml": compose})
    preview = made.devctl("prod-preview")
    assert [(s["name"], s["mode"]) for s in preview.result["services"]] == [("app", "prod")]


def test_the_port_of_a_database_that_was_renamed_is_not_the_projects_own(project: MakeProject) -> None:
    made = project()
    compose, port = (made.root / "compose.yaml").read_text(), free_port()
    beside = f"""services:
  NAME:
    image: golang:1.26-alpine
    command: sleep 600
    ports: ["127.0.0.1:{port}:5432"]
"""
    made.write({"compose.yaml": compose.replace("services:\n", beside.replace("NAME", "db"), 1)})
    made.devctl("up", "-d")
    made.write({"compose.yaml": compose.replace("services:\n", beside.replace("NAME", "data"), 1)})
    refused = made.devctl("up", "-d", code=4)
    assert refused.error["code"] == "port-taken"
    assert refused.error["hint"].endswith(f"or docker stop {made.name}-db-1")
    docker("stop", "--time", "0", f"{made.name}-db-1")
    made.devctl("up", "-d")


CALLER = """package main

import (
	"log"
	"net"
	"net/http"
	"os"
)

func main() {
	if name := os.Getenv("CALLS"); name != "" {
		if _, err := net.LookupHost(name); err != nil {
			log.Fatal(err)
		}
	}
	http.ListenAndServe(":8080", http.NotFoundHandler())
}
"""
CALLING = """services:
  api:
    build: {context: ., dockerfile: api.Dockerfile}
    ports: ["HOST_PORT:8080"]
    environment: {CALLS: "CALLED"}
"""
CALLED = """  db:
    image: golang:1.26-alpine
    init: true
    command: sleep 600
"""


def test_a_database_that_is_added_runs_before_the_service_that_calls_it_is_replaced(
    project: MakeProject,
) -> None:
    calling, with_db = CALLING.replace("CALLED", ""), CALLING.replace("CALLED", "db")
    made = project(
        {
            "go.mod": "module example.com/shop\n\ngo 1.26\n",
            "main.go": CALLER,
            "api.Dockerfile": OWN_BUILD.replace("./cmd/NAME", ".").replace("NAME", "api"),
            "compose.yaml": calling,
        }
    )
    made.devctl("up", "-d")
    made.write({"compose.yaml": with_db.replace("HOST_PORT", str(made.port)) + CALLED})
    up = made.devctl("up", "-d")
    assert {s["name"]: s["state"] for s in up.result["services"]} == {"api": "running", "db": "running"}


@pytest.mark.follows("docker stop …, then devctl up")
def test_a_database_that_was_renamed_does_not_run_twice_on_its_data(project: MakeProject) -> None:
    made = project()
    compose = (made.root / "compose.yaml").read_text()
    database = CALLED + "    volumes: [data:/data]\n"
    compose = compose.replace("services:\n", f"services:\n{database}", 1).replace(
        "\nvolumes:\n", "\nvolumes:\n  data:\n"
    )
    made.write({"compose.yaml": compose})
    made.devctl("up", "-d")
    made.write({"compose.yaml": compose.replace("  db:", "  postgres:", 1)})
    refused = made.devctl("up", "-d", code=4)
    assert refused.error["code"] == "data-in-use"
    assert refused.error["hint"].startswith(f"docker stop {made.name}-db-1,")
    docker("stop", "--time", "0", f"{made.name}-db-1")
    made.devctl("up", "-d")
    assert docker("inspect", "--format", "{{.State.Running}}", f"{made.name}-postgres-1").strip() == "true"


@pytest.mark.follows("devctl down, then devctl up: the new network is made, and volumes are kept")
def test_a_network_is_not_changed_under_containers(project: MakeProject) -> None:
    made = project()
    compose = (made.root / "compose.yaml").read_text()
    made.devctl("up", "-d", "--no-watch")
    other = "\nnetworks: {default: {driver_opts: {com.docker.network.driver.mtu: '1400'}}}\n"
    made.write({"compose.yaml": compose.replace("init: true", "init: false", 1) + other})
    refused = made.devctl("up", "-d", "--no-watch", code=3)
    assert refused.error["code"] == "network-changed"
    serves(made.port, "Hello from Go")
    assert made.devctl("prod-preview", code=3).error["code"] == "network-changed"
    made.devctl("down")
    made.devctl("up", "-d", "--no-watch")
    (network,) = json.loads(docker("network", "inspect", f"{made.name}_default"))
    assert network["Options"]["com.docker.network.driver.mtu"] == "1400"


@pytest.mark.follows("docker compose -p … down --remove-orphans")
def test_a_project_that_was_renamed_names_what_runs_under_its_former_name(project: MakeProject) -> None:
    made = project()
    compose = (made.root / "compose.yaml").read_text()
    made.devctl("up", "-d", "--no-watch")
    made.write({"compose.yaml": f"name: {made.name}-new\n{compose}"})
    refused = made.devctl("up", "-d", "--no-watch", code=4)
    assert refused.error["code"] == "port-taken"
    (warned,) = (w for w in refused.warnings if w["code"] == "former-name")
    assert warned["hint"] == f"docker compose -p {made.name} down --remove-orphans"
    subprocess.run(shlex.split(warned["hint"]), cwd=made.root, check=True, timeout=60)
    up = made.devctl("up", "-d", "--no-watch")
    assert not [w for w in up.warnings if w["code"] == "former-name"]
    serves(made.port, "Hello from Go")
    made.write({"compose.yaml": f"name: {made.name}-new\nservices: [\n"})
    down = made.devctl("down", "--volumes", "-y")
    assert {"kind": "container", "name": f"{made.name}-new-app-1"} in down.result["removed"]
    docker("image", "rm", "--force", f"{made.name}-new-app:dev")


def test_production_gets_no_folder_of_the_machine_through_a_volume_of_its_image(project: MakeProject) -> None:
    dockerfile = OWN_BUILD.replace("./cmd/NAME", ".").replace("NAME", "api")
    dockerfile = dockerfile.replace("ENTRYPOINT", "COPY conf /conf\nVOLUME /conf /data\nENTRYPOINT")
    text = CALLING.replace("CALLED", "") + "    volumes: ['./conf:/conf']\n"
    files = {"go.mod": "module example.com/shop\n\ngo 1.26\n", "main.go": CALLER, "conf/a.txt": "one"}
    made = project({**files, "api.Dockerfile": dockerfile, "compose.yaml": text})
    made.devctl("up", "-d")
    made.devctl("prod-preview")
    (production,) = json.loads(docker("inspect", f"{made.name}-api-1"))
    assert {m["Destination"] for m in production["Mounts"]} >= {"/conf", "/data"}
    assert all(m["Type"] == "volume" for m in production["Mounts"])
    made.devctl("up", "-d")
