"""What the rendered model tells the scripts of devctl's dev stage: how to start, how to stop, which port."""

from __future__ import annotations

import json
import shlex
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from devctl.adapters.project_files.dockerfile import parse
from devctl.domain.derive.dev_stage import DerivedStage, derived_stage
from devctl.domain.plan.engine_state import Observed
from devctl.domain.plan.render import render
from devctl.domain.plan.run import dev_run, prod_run
from devctl.domain.plan.users_air import translated
from devctl.domain.project.air_toml import users_air
from devctl.domain.project.model import ImageBuild, ProgramStart, Project, ServedPort, Service, SourceCode

PROXY = "[proxy]\nenabled = true\nproxy_port = 9090\napp_port = 9005\n"


def spec_of(
    service: Service, said: dict[str, Any] | None = None, *, mode: str = "dev", generated: bool = False
) -> dict[str, Any]:
    model: dict[str, object] = {"services": {"api": {"build": {"context": "/shop"}, **(said or {})}}}
    shop = Project(
        root=Path("/shop"), name="shop", services=(service,), model=model, generated=generated, go_version="1.26",
        bases={"golang": "g", "air": "g", "distroless": "d", "alpine": "a"}, mirror=None, owner=(1, 1),
    )  # fmt: skip
    run = dev_run(shop, service) if mode == "dev" else prod_run(shop, service, base=None)
    rendered = render(shop, [run], observed=Observed())["services"]["api"]
    assert isinstance(rendered, dict)
    return rendered


def test_the_container_is_given_the_arguments_of_the_program_and_nothing_else() -> None:
    spec = spec_of(
        Service("api", source=SourceCode(dir="svc"), start=ProgramStart(args=("serve", "a  b", "", "*")))
    )
    assert spec["command"] == ["serve", "a  b", "", "*"] and "entrypoint" not in spec
    assert spec["environment"]["DEVCTL_AIR"] == "/app/.devctl/api/air.toml"
    assert spec["environment"]["DEVCTL_WORKDIR"] == "svc"


@pytest.mark.parametrize(
    ("air", "said", "seconds", "container"),
    [
        ("", {}, "10", "12s"),
        ("", {"stop_grace_period": "1m30s"}, "90", "92s"),
        ("[build]\nkill_delay = '500ms'\n", {"stop_grace_period": "1m30s"}, "0.5", "3s"),
        ("[build]\nkill_delay = '0s'\n", {"stop_grace_period": "3s"}, "3", "5s"),
    ],
)
def test_a_program_has_the_time_to_stop_that_the_files_say_and_its_container_a_little_more(
    air: str, said: dict[str, str], seconds: str, container: str
) -> None:
    """So it is devctl-run that kills it, and says so."""
    service = Service("api", air=users_air(air, ".air.toml") if air else None)
    spec = spec_of(service, said)
    assert spec["environment"]["DEVCTL_STOP_TIMEOUT"] == seconds
    assert spec["stop_grace_period"] == container


def test_production_keeps_the_time_and_the_signal_of_the_compose_file() -> None:
    said = {"stop_grace_period": "3s", "stop_signal": "SIGQUIT"}
    prod = spec_of(Service("api"), said, mode="prod")
    assert (prod["stop_grace_period"], prod["stop_signal"]) == ("3s", "SIGQUIT")
    dev = spec_of(Service("api"), said)
    assert "stop_signal" not in dev, "devctl-run itself is stopped as ever"
    assert dev["environment"]["DEVCTL_STOP_SIGNAL"] == "QUIT"
    assert spec_of(Service("api"), {"stop_signal": "sigint"})["environment"]["DEVCTL_STOP_SIGNAL"] == "INT"


def test_what_the_reloader_notes_is_of_one_container_also_on_a_shared_tmp() -> None:
    sockets = {"type": "volume", "source": "sockets", "target": "/tmp"}
    dev = spec_of(Service("api"), {"volumes": [sockets], "tmpfs": ["/run"]})
    assert dev["tmpfs"] == ["/run", "/tmp/air:exec,mode=1777"]
    assert "tmpfs" not in spec_of(Service("api"), {"volumes": [sockets | {"target": "/tmp/x"}]})


def test_where_the_port_of_airs_proxy_is_published_production_leads_to_the_program() -> None:
    published = {"ports": [{"target": 9090, "published": "18102", "protocol": "tcp"}]}
    service = Service("api", air=users_air(PROXY, ".air.toml"), serve=ServedPort(port=9090))
    assert spec_of(service, published)["ports"][0]["target"] == 9090
    prod = spec_of(service, published, mode="prod")["ports"][0]
    assert (prod["target"], prod["published"]) == (9005, "18102")


@pytest.mark.parametrize("mode", ["dev", "prod"])
def test_a_port_that_names_no_host_port_stays_on_this_machine_too(mode: str) -> None:
    debug = {"ports": [{"target": 6060, "protocol": "tcp", "mode": "ingress"}]}
    assert spec_of(Service("api"), debug, mode=mode)["ports"][0]["host_ip"] == "127.0.0.1"


THEIRS = ImageBuild(dockerfile="Dockerfile", dev_stage="dev", prod_stages={"distroless": "prod"})


@pytest.mark.parametrize(
    ("build", "mode", "target", "named"),
    [
        (ImageBuild(), "dev", None, False),
        (ImageBuild(), "prod", None, False),
        (THEIRS, "dev", None, False),
        (THEIRS, "dev", "dev", True),
        (THEIRS, "dev", "prod", False),
        (THEIRS, "prod", None, True),
        (THEIRS, "prod", "prod", True),
        (THEIRS, "prod", "dev", False),
    ],
)
def test_the_users_names_are_given_to_the_image_that_they_name(
    build: ImageBuild, mode: str, target: str | None, *, named: bool
) -> None:
    """Who pushes `acme/api:1.2.3` afterwards does not push a dev image."""
    theirs = {"tags": ["acme/api:1.2.3"], "cache_to": ["type=registry,ref=acme/cache"]}
    said = {"build": {"context": "/shop", **theirs, **({"target": target} if target else {})}}
    built = spec_of(Service("api", build=build), said, mode=mode)["build"]
    assert ("tags" in built, "cache_to" in built) == (named, named)


def test_an_argument_named_target_reaches_the_build_and_init_stays_as_written() -> None:
    said = {"build": {"context": "/shop", "args": {"target": "staging"}}, "init": False}
    spec = spec_of(Service("api", build=THEIRS), said)
    assert (spec["build"]["args"]["target"], spec["init"]) == ("staging", False)


@pytest.mark.parametrize(("files", "given"), [("['.env', '.env.dev']", False), ("['.env.dev']", True)])
def test_what_air_reads_itself_is_not_in_the_container_before(files: str, *, given: bool) -> None:
    """A variable that exists already is not overridden by air's second file."""
    service = Service("api", air=users_air(f"env_files = {files}\n", ".air.toml"))
    for mode, there in (("dev", given), ("prod", True)):
        spec = spec_of(service, {"environment": {"A": "from .env"}}, mode=mode, generated=True)
        assert ("A" in spec["environment"]) is there


def test_the_users_own_air_toml_says_what_is_started() -> None:
    air = users_air("[build]\ncmd = 'make'\nbin = 'tmp/api'\nargs_bin = ['-v']\n", ".air.toml")
    spec = spec_of(Service("api", air=air))
    assert (spec["entrypoint"], spec["command"]) == (["devctl-run"], ["/app/tmp/api", "-v"])
    assert spec["environment"]["DEVCTL_BINARY"] == "/app/tmp/api"


def test_nothing_of_it_is_left_in_production() -> None:
    air = users_air("env_files = ['.env']\n[build]\nrerun = true\nstop_on_error = true\n", ".air.toml")
    spec = spec_of(Service("api", air=air, start=ProgramStart(workdir="x")), mode="prod")
    assert not [name for name in spec["environment"] if name.startswith("DEVCTL_")]


@pytest.mark.parametrize(
    ("service", "policy"),
    [
        (Service("api", origins={"port": "no listen call found"}), "on-failure"),
        (
            Service(
                "api",
                origins={"port": "main.go:3"},
                serve=ServedPort(port=80),
                start=ProgramStart(args=("migrate",)),
            ),
            "on-failure",
        ),
        (
            Service(
                "api",
                origins={"port": "compose.yaml:3"},
                serve=ServedPort(port=80),
                start=ProgramStart(args=("serve",)),
            ),
            "always",
        ),
        (Service("api", origins={"port": "main.go:3"}, serve=ServedPort(port=80)), "always"),
        (
            Service(
                "api", origins={"port": "another service is published"}, start=ProgramStart(args=("import",))
            ),
            "on-failure",
        ),
        (Service("api", origins={"port": "another service is published"}), "always"),
    ],
)
def test_what_may_be_a_job_is_not_started_again_once_it_is_done(service: Service, policy: str) -> None:
    assert spec_of(service, {"restart": "always"}, mode="prod")["restart"] == policy
    added = spec_of(service, mode="prod")["restart"]
    assert added == ("no" if policy == "on-failure" else "unless-stopped"), (
        "where the compose file says nothing"
    )


PRODUCTION = """FROM golang:1.26 AS build
WORKDIR /src
COPY . .
RUN go build -o /shop .
FROM scratch
COPY --from=build /shop /shop
ENTRYPOINT ["/shop"]
"""


def test_in_a_stage_made_of_the_users_their_cmd_builds_and_their_image_starts() -> None:
    made = derived_stage(parse(PRODUCTION), {}, package=".", module="example.com/shop", started_in=".")
    assert isinstance(made, DerivedStage)
    air = users_air(
        '[build]\ncmd = "make build"\nbin = "bin/shop"\nfull_bin = "X=1 bin/shop -v"\n', ".air.toml"
    )
    service = Service("api", air=air, build=ImageBuild(dockerfile="Dockerfile", derived=made))
    spec = spec_of(service)
    assert "entrypoint" not in spec and "command" not in spec
    assert spec["environment"]["DEVCTL_BINARY"] == "/devctl/source/bin/shop"
    text = translated(air, service, source=service.mounted_at).text
    cmd = shlex.split(tomllib.loads(text)["build"]["cmd"])
    assert cmd[:3] == ["devctl-build", "sh", "-c"]
    assert "make build" in cmd[3] and "go build" in cmd[3] and "-o bin/shop" in cmd[3]


def test_an_entrypoint_of_the_compose_file_starts_with_the_files_as_they_have_been_saved() -> None:
    own = {"entrypoint": ["/wait.sh", "shop"], "command": ["serve"]}
    for text, first in (
        (PRODUCTION, []),
        (PRODUCTION.replace("ENTRYPOINT", "COPY texts /texts\nENTRYPOINT"), ["/devctl/start"]),
    ):
        made = derived_stage(parse(text), {}, package=".", module="example.com/shop", started_in=".")
        service = Service("api", build=ImageBuild(dockerfile="Dockerfile", derived=made))
        spec = spec_of(service, own)
        assert (spec["entrypoint"], spec["command"]) == ([*first, "/wait.sh", "shop"], ["serve"])
        assert "entrypoint" not in spec_of(service)


@pytest.mark.parametrize(
    ("cmd", "built", "code"),
    [
        ("echo own >out", "own", 0),
        ("no-such-tool && echo own >out", "image", 0),
        ("echo 'make: *** [Makefile:2: build] Error 127'; exit 2", "image", 0),
        ("echo broken; exit 2", "", 2),
    ],
    ids=["theirs", "a tool is missing", "make misses one", "it fails"],
)
def test_where_a_program_that_cmd_calls_is_missing_the_build_of_the_dockerfile_is_used(
    tmp_path: Path, cmd: str, built: str, code: int
) -> None:
    made = derived_stage(parse(PRODUCTION), {}, package=".", module="example.com/shop", started_in=".")
    assert isinstance(made, DerivedStage)
    air = users_air(f"[build]\ncmd = {json.dumps(cmd)}\nbin = 'bin/shop'\n", ".air.toml")
    service = Service("api", air=air, build=ImageBuild(dockerfile="Dockerfile", derived=made))
    said = tomllib.loads(translated(air, service, source="/s").text)["build"]["cmd"]
    go = tmp_path / "tools/go"
    go.parent.mkdir()
    go.write_text("#!/bin/sh\necho image >out\n")
    go.chmod(0o755)
    script = shlex.split(said)[3].replace("/tmp/air/own", str(tmp_path / "own"))
    env = {"PATH": f"{go.parent}:/usr/bin:/bin"}
    done = subprocess.run(["sh", "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True)
    out = tmp_path / "out"
    assert (out.read_text().strip() if out.exists() else "", done.returncode) == (built, code)
    assert ("calls a program that is not in its image" in done.stdout) == (built == "image")


@pytest.mark.parametrize("mode", ["dev", "prod"])
def test_an_optional_dependency_that_is_not_there_is_left_out(mode: str) -> None:
    """`docker compose config` leaves its name in, and reads that no more: "depends on undefined service"."""
    needs = {"metrics": {"condition": "service_started", "required": False}, "api": {"required": False}}
    assert list(spec_of(Service("api"), {"depends_on": needs}, mode=mode)["depends_on"]) == ["api"]


OWN_STAGE = ImageBuild(dockerfile="Dockerfile", dev_stage="dev")


@pytest.mark.parametrize(
    ("user", "said", "says_cache", "given"),
    [
        ("1000:1000", {}, False, True),
        ("root", {}, False, False),
        ("1000:1000", {"GOCACHE": "/src/.cache"}, False, False),
        ("1000:1000", {"HOME": "/src"}, False, False),
        ("1000:1000", {}, True, False),
    ],
)
def test_a_dev_stage_of_the_users_that_has_no_build_cache_but_that_of_root_is_given_one(
    user: str, said: dict[str, str], says_cache: bool, given: bool
) -> None:
    service = Service("api", build=replace(OWN_STAGE, says_cache=says_cache))
    spec = spec_of(service, {"user": user, "environment": said})
    assert (spec["environment"].get("GOCACHE") == "/cache/go-build") is given
    assert ("/cache" in [v["target"] for v in spec.get("volumes") or []]) is given
