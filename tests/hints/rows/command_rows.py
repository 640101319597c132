"""Hints of up, down, debug, prod-preview and of what looks at what they did."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from devctl.domain.command.requests import DownRequest, PreviewRequest, UpRequest
from devctl.domain.plan.engine_state import MACHINE_LABEL, WORKING_DIR_LABEL
from devctl.domain.ports.toolbox import Finished
from devctl.workflows.dev.lifecycle import down
from devctl.workflows.dev.up import up
from devctl.workflows.engine.debugger import OLD_GO
from devctl.workflows.preview.preview import prod_preview
from devctl.workflows.project.load import load
from tests.fakes import FakeContainer, FakeImage, World, copies, go_mod
from tests.hints.follow import Told, said
from tests.hints.rows.worlds import Person, command, composed, config, each, first, in_world, instead, saves

API = {"build": ".", "ports": ["8080:8080"]}
WEB = {"build": ".", "ports": ["8081:8080"]}
VARIABLE = {"build": ".", "ports": ["${PORT}:8080"]}
DB = {"image": "postgres:17"}
BESIDE = {**WEB, "network_mode": "service:api"}
TOKEN = {"secrets": {"token": {"file": "/home/dev/shop/token.txt"}}}
USES_TOKEN = {"secrets": [{"source": "token", "target": "token"}]}


def of(services: dict[str, Any], **sections: Any) -> World:
    made = World()
    made.save("compose.yaml", json.dumps({"services": services, **sections}))
    return made


@copies
def running() -> World:
    made = World()
    up(UpRequest(project=made.root, detach=True), made.box())
    return made


@copies
def in_production() -> World:
    made = running()
    prod_preview(PreviewRequest(project=made.root), made.box())
    return made


def but(world: World, **more: Any) -> World:
    for name, value in more.items():
        setattr(world, name, value)
    return world


def source(world: World, text: str) -> World:
    world.save_source(text)
    return world


def saved(world: World, name: str, text: str) -> World:
    world.save(name, text)
    return world


def kept(person: Person, told: Told) -> None:
    """What failed is looked at: it fails again, and its files are kept."""
    person.world.fault = "unhealthy"
    code, found = person.types(command(told))
    assert code != 0 and "shop-shop:failed" in person.world.tags, found


def without_network_mode(person: Person, told: Told) -> None:
    assert "remove that line" in told["hint"]
    person.world.compose({"api": API, "beside": WEB})


def listens(person: Person, told: Told) -> None:
    assert "does it listen on 0.0.0.0:8080?" in told["hint"]
    person.world.of("shop").mute = False


def port_of_the_compose_file(person: Person, told: Told) -> None:
    """The line from the hint replaces the one with the same port."""
    model = json.loads(person.world.files[person.world.root / "compose.yaml"])
    ((name, given),) = yaml.safe_load(said(told))["services"].items()
    (port,) = given["ports"]
    ports = model["services"][name]["ports"]
    model["services"][name]["ports"] = [
        port if it.split(":")[-1] == port.split(":")[-1] else it for it in ports
    ]
    person.world.save("compose.yaml", json.dumps(model))


def dying() -> World:
    """A database that ends as soon as it starts."""
    made = of({"api": {**API, "depends_on": ["db"]}, "db": DB})
    start = made.start

    def dies(container: FakeContainer) -> Finished:
        done = start(container)
        if container.service == "db":
            made.stop(container, code=3)
        return done

    made.start = dies  # type: ignore[method-assign]
    return made


def anothers(machine: str) -> World:
    """What runs under this name belongs to another folder."""
    made = running()
    made.files[Path("/home/dev/old/shop")] = ""
    for container in made.containers.values():
        container.own_labels |= {WORKING_DIR_LABEL: "/home/dev/old/shop", MACHINE_LABEL: machine}
    made.files[Path("/home/dev/old/shop/go.mod")] = go_mod()
    made.held.clear()
    return made


def downed_there(person: Person, told: Told) -> None:
    option, folder, down_ = command(told).split()
    assert (option, down_) == ("-C", "down")
    down(DownRequest(project=Path(folder)), person.world.box())


def composed_down(person: Person, told: Told) -> None:
    assert told["hint"].endswith(": docker compose -p shop down")
    person.world.containers.clear()


def dotenv(person: Person, told: Told) -> None:
    line, _, file = told["hint"].partition("; or ")[0].partition(" in ")
    person.world.save(file, f"{line}\n")


def held(world: World) -> World:
    """Another project's container has port 8080."""
    image = FakeImage("other", {}, "")
    spec = {"ports": [{"target": 80, "published": 8080}]}
    world.containers["other"] = FakeContainer("other", "web", image, "nginx", spec, name="other-web-1")
    return world


def stopped(person: Person, told: Told) -> None:
    name = told["hint"].rpartition("docker stop ")[2]
    person.world.stop(next(c for c in person.world.containers.values() if c.name == name))


def newer_go(person: Person, told: Told) -> str:
    """The script that installs delve asks the Go of the image (templates/debug/install)."""
    assert "a newer golang image in the Dockerfile" in told["hint"]
    person.world.no_delve = 0
    return command(told)


def with_bases(world: World) -> World:
    """What production images are built on is here."""
    world.images["base"] = FakeImage("base", {}, "")
    world.tags |= dict.fromkeys(load(world.box(), world.root).bases.values(), "base")
    return world


def shown_whole(person: Person, told: Told) -> None:
    """It is over the budget still, and the report is there."""
    person.types(command(told).removesuffix(" shows what it consists of"))
    assert any(path.name == "size.html" for path in person.world.files), person.world.files


ROWS = [
    in_world(
        "use a newer golang image in the Dockerfile; then devctl debug",
        "debugger-not-installed",
        "debug",
        lambda: but(World(), no_delve=OLD_GO),
        newer_go,
    ),
    in_world(
        "devctl debug SERVICE, one of: …",
        "which-service",
        "debug",
        lambda: of({"api": API, "web": WEB}),
        lambda _person, told: command(told).replace("SERVICE", told["hint"].split()[-1]),
    ),
    in_world(
        "devctl debug SERVICE, one of: …",
        "not-debuggable",
        "debug db",
        lambda: of({"api": API, "db": DB}),
        lambda _person, told: command(told).replace("SERVICE", told["hint"].split()[-1]),
    ),
    in_world(
        "remove that line while you debug, for example with a compose override file",
        "not-debuggable",
        "debug beside",
        lambda: of({"api": API, "beside": BESIDE}),
        without_network_mode,
    ),
    in_world(
        "devctl debug … --port ……",
        "port-taken",
        "debug --port 5000",
        lambda: but(World(), taken_ports={5000}),
        instead(),
    ),
    in_world(
        "fix the code or go.mod and save; until then, the old container keeps running",
        "does-not-compile",
        "rebuild",
        lambda: source(running(), "v2 b"),
        saves("main.go", "v2", of="fix the code"),
    ),
    in_world(
        "fix the code or go.mod and save; until then, the old container keeps running",
        "does-not-compile",
        "rebuild",
        lambda: source(running(), "v2 b"),
        saves("go.mod", go_mod("b")),
    ),
    in_world(
        "fix the code and save",
        "does-not-compile",
        "up -d",
        lambda: source(World(), "v1 b"),
        lambda person, _told: person.world.save_source("v1"),
    ),
    in_world(
        "fix the code, then: devctl prod-preview",
        "does-not-compile",
        "prod-preview",
        lambda: source(running(), "v2 b"),
        each(saves("main.go", "v2", of="fix the code"), instead()),
    ),
    in_world(
        "fix what the lines above name; -v shows the whole output",
        "build-failed",
        "up -d",
        lambda: saved(World(), "go.mod", go_mod("missing")),
        each(
            saves("go.mod", go_mod(), of="fix what the lines above name"), lambda _person, _told: "-v up -d"
        ),
    ),
    in_world("devctl down --volumes --yes", "consent-missing", "down --volumes", running, instead()),
    in_world("workflows/dev/lifecycle.py | devctl up -d", "not-running", "restart", World, first()),
    in_world("devctl clean --caches --yes", "consent-missing", "clean --caches", running, instead()),
    in_world(
        "devctl up -d, then devctl test", "not-in-dev", "test", in_production, each(first(), instead(1))
    ),
    in_world("workflows/inside/exec.py | devctl up -d", "not-running", "exec shop -- true", World, first()),
    in_world(
        ("create …, or fix `…:` in the compose file", "…, then devctl up …"),
        "dependency-left-out",
        "up -d",
        lambda: of({"api": API, "proxy": {"image": "proxy", **USES_TOKEN}}, **TOKEN),
        each(saves("token.txt", "x"), lambda _person, told: command(told)),
    ),
    in_world(
        "create …, or fix `…:` in the compose file",
        "secret-file-missing",
        "up -d",
        lambda: of({"api": {**API, **USES_TOKEN}}, **TOKEN),
        saves("token.txt", "x"),
    ),
    in_world(
        "set that number to 1, or remove it",
        "nothing-to-run",
        "up -d",
        lambda: of({"api": {**API, "scale": 0}}),
        lambda person, _told: person.world.save(
            "compose.yaml", json.dumps({"services": {"api": {**API, "scale": 1}}})
        ),
    ),
    in_world(
        "create …, or remove the mount",
        "mount-file-missing",
        "up -d",
        lambda: of({"api": {**API, "volumes": ["./app.yaml:/etc/app.yaml"]}}),
        saves("app.yaml", "x"),
    ),
    in_world(
        "devctl prod-preview tries again",
        "interrupted",
        "prod-preview",
        lambda: but(running(), interrupt_step="stop shop", interrupt=KeyboardInterrupt),
        instead(),
    ),
    in_world(
        "does the image contain the program that the health check runs, and is the address right? `devctl prod-preview --keep-failed` keeps its files as an image",
        "unhealthy",
        "prod-preview",
        lambda: but(running(), fault="unhealthy"),
        kept,
    ),
    in_world(
        "fix what its last lines report; `devctl prod-preview --keep-failed` keeps its files as an image",
        "exits-at-start",
        "prod-preview",
        lambda: but(running(), fault="exits"),
        kept,
    ),
    in_world(
        "signal.NotifyContext(ctx, syscall.SIGTERM), then http.Server.Shutdown; ENTRYPOINT in exec form",
        "drain-failed",
        "prod-preview --drain",
        lambda: but(running(), deaf_to_sigterm={"shop"}),
        lambda person, _told: person.world.deaf_to_sigterm.clear(),
    ),
    in_world(
        "… continues, devctl down removes what is running",
        "interrupted",
        "up -d",
        lambda: but(of({"api": {**API, "depends_on": ["db"]}, "db": DB}), interrupt_step="start api"),
        instead(),
    ),
    in_world(
        "… starts again",
        "interrupted",
        "up -d",
        lambda: but(World(), interrupt_step="build shop"),
        instead(),
    ),
    in_world(
        "devctl logs …; `devctl up` starts it again",
        "dependency-exited",
        "up -d",
        dying,
        each(first(), lambda person, _told: person.world.__dict__.pop("start"), instead(1)),
    ),
    in_world(
        "devctl.yaml: `services: {…: {host_port: …}}`",
        "port-moved",
        "up -d",
        lambda: but(World(), taken_ports={8080}),
        config(),
    ),
    in_world(
        '…: `services: {…: {ports: ["127.0.0.1:…:…"]}}`',
        "port-taken",
        "up -d",
        lambda: of(
            {
                "api": {**API, "depends_on": ["a", "b"]},
                "a": {**DB, "ports": ["5432:5432", "9:9"]},
                "b": {**DB, "ports": ["1:1", "5432:5432"]},
            }
        ),
        port_of_the_compose_file,
    ),
    in_world(
        "…: `services: {…: {ports: [\"127.0.0.1:…:…\"]}}`; or stop the process that `ss -ltnp 'sport = :…'` shows",
        "port-taken",
        "up -d",
        lambda: but(of({"api": {"build": ".", "ports": ["8080:8080", "9100:9100"]}}), taken_ports={9100}),
        port_of_the_compose_file,
    ),
    in_world(
        "…: `services: {…: {ports: [\"127.0.0.1:…:…\"]}}`; or stop the process that `ss -ltnp 'sport = :…'` shows",
        "port-taken",
        "up -d",
        lambda: but(of({"api": {"build": ".", "ports": ["8080:8080", "9100:9100"]}}), taken_ports={9100}),
        lambda person, _told: person.world.taken_ports.clear(),
    ),
    in_world(
        "`services: {…: {group_add: ['…']}}` in the compose file and `chmod 0640 …` let it read the file; or run it as the owner with `user: '…:…'` there",
        "secret-not-readable",
        "prod-preview",
        lambda: but(
            saved(of({"api": {**API, **USES_TOKEN}}, **TOKEN), "token.txt", "x"),
            permissions={"/home/dev/shop/token.txt": (0o600, 1000, 1000)},
        ),
        each(
            composed(),
            lambda person, told: person.world.permissions.update(
                {
                    "/home/dev/shop/token.txt": (
                        int(told["hint"].partition("chmod ")[2].split()[0], 8),
                        1000,
                        1000,
                    )
                }
            ),
        ),
    ),
    in_world(
        "devctl.yaml: `name: …-2` gives this folder a name of its own; or devctl -C … down",
        "project-name-taken",
        "up -d",
        lambda: anothers("here"),
        config(),
        leaves=("port-moved",),
    ),
    in_world(
        "devctl.yaml: `name: …-2` gives this folder a name of its own; or devctl -C … down",
        "project-name-taken",
        "up -d",
        lambda: anothers("here"),
        downed_there,
    ),
    in_world(
        "devctl.yaml: `name: …-2` gives this folder a name of its own; if nobody needs what runs there: docker compose -p … down",
        "project-name-taken",
        "up -d",
        lambda: anothers("elsewhere"),
        config(),
        leaves=("port-moved",),
    ),
    in_world(
        "devctl.yaml: `name: …-2` gives this folder a name of its own; if nobody needs what runs there: docker compose -p … down",
        "project-name-taken",
        "up -d",
        lambda: anothers("elsewhere"),
        composed_down,
    ),
    in_world(
        "…=… in …",
        "port-taken",
        "up -d",
        lambda: saved(
            of({"api": VARIABLE, "web": {"build": ".", "ports": ["8080:8080"]}}), ".env", "PORT=8080\n"
        ),
        dotenv,
    ),
    in_world(
        "…=… in …; or stop the process that `ss -ltnp 'sport = :…'` shows",
        "port-taken",
        "up -d",
        lambda: but(saved(of({"api": VARIABLE}), ".env", "PORT=8080\n"), taken_ports={8080}),
        dotenv,
    ),
    in_world(
        "…=… in …; or docker stop …",
        "port-taken",
        "up -d",
        lambda: held(saved(of({"api": VARIABLE}), ".env", "PORT=8080\n")),
        dotenv,
    ),
    in_world(
        '…: `services: {…: {ports: ["127.0.0.1:…:…"]}}`; or docker stop …',
        "port-taken",
        "up -d",
        lambda: held(of({"api": {"build": ".", "ports": ["8081:8080", "8080:9100"]}})),
        port_of_the_compose_file,
    ),
    in_world(
        '…: `services: {…: {ports: ["127.0.0.1:…:…"]}}`; or docker stop …',
        "port-taken",
        "up -d",
        lambda: held(of({"api": {"build": ".", "ports": ["8081:8080", "8080:9100"]}})),
        stopped,
    ),
    in_world(
        "run devctl down as that user",
        "watcher-left",
        "down",
        lambda: but(running(), private={}),
        lambda person, told: person.world.private.update(running().private) or command(told),
    ),
    in_world(
        (
            "does it listen on 0.0.0.0:…? `devctl logs …`; ",
            "devctl.yaml: `services: {…: {port: …, probe: /}}` sets the address to probe",
        ),
        "never-answers",
        "up -d",
        lambda: but(World(), fault="never-answers"),
        each(first(), config(1), listens),
    ),
    in_world(
        "workflows/switch/switch.py | devctl up",
        "start-failed",
        "up -d",
        lambda: saved(
            but(running(), start=lambda _: Finished(1, "", "failed to start")), "go.mod", go_mod("a")
        ),
        each(lambda person, _told: person.world.__dict__.pop("start") and None, instead()),
    ),
    in_world(
        "devctl size --html size.html shows what it consists of; devctl.yaml: `prod: {budget: 12MB}` sets the budget",
        "over-budget",
        "size",
        lambda: with_bases(saved(running(), "devctl.yaml", "version: 1\nprod: {budget: 1MB}\n")),
        each(shown_whole, config()),
        leaves=("packages-unknown",),
    ),
]
