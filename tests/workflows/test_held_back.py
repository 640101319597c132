"""A round of the watcher grants nothing that a person has not applied: it says what it would grant, once, and waits for `up`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from devctl.domain.command.events import DepsFailed, LogLine
from devctl.domain.project.config import Bases, Config
from devctl.domain.project.taken_from_variables import VALUES
from devctl.errors import FilesError
from devctl.workflows.dev.watch_round import catch_up
from devctl.workflows.project.approved_inputs import HeldBack
from devctl.workflows.project.load import load
from devctl.workflows.switch.applied_model import Applied
from tests import fakes
from tests.fakes import go_mod
from tests.workflows.test_transaction import Running

SERVICE: dict[str, Any] = {"build": ".", "environment": {"A": "1"}}


class Composed(Running):
    """A project with a compose file, which a container may rewrite."""

    def up(self) -> None:
        if self.world.root / "compose.yaml" not in self.world.files:
            self.compose()
        super().up()

    def compose(self, *, top: dict[str, Any] | None = None, **changed: Any) -> None:
        model = {"services": {"shop": {**SERVICE, **changed}}, **(top or {})}
        self.world.save("compose.yaml", json.dumps(model))

    @property
    def held(self) -> list[str]:
        return [e.message for e in self.world.events if isinstance(e, DepsFailed)]


@pytest.fixture
def running() -> Composed:
    return Composed()


MOUNT = {"type": "bind", "source": "/", "target": "/host"}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"privileged": True}, "shop full access to the machine: privileged"),
        ({"volumes": [MOUNT]}, "shop /:/host, writable"),
        ({"cap_add": ["SYS_ADMIN"]}, "shop capabilities SYS_ADMIN"),
        ({"pid": "host"}, "shop the process namespace host"),
        ({"a_key_of_tomorrow": "yes"}, "shop a_key_of_tomorrow: yes"),
    ],
)
def test_a_new_right_waits_for_a_person(running: Composed, changed: dict[str, Any], said: str) -> None:
    running.compose(**changed)
    for _ in range(3):
        assert running.round() is False
    assert running.world.container is running.first
    assert running.world.calls == []
    (message,) = running.held
    assert said in message
    assert message.endswith("; `devctl up` applies it")
    assert running.reason == message
    running.up()
    now = running.world.container
    assert now is not None
    assert now is not running.first
    assert all(now.spec[key] == value for key, value in changed.items() if key != "volumes")
    assert running.reason is None
    running.world.save("go.mod", go_mod("a"))
    running.round()
    assert running.world.served == (go_mod("a"), "v1")


@pytest.mark.parametrize(
    ("services", "said"),
    [
        ({"web": SERVICE}, "shop is no longer in the project"),
        ({"web": SERVICE, "shop": {"image": "nginx"}}, "shop no longer starts a Go program"),
    ],
)
def test_a_service_that_is_renamed_or_gone_waits_for_a_person(
    running: Composed, services: dict[str, Any], said: str
) -> None:
    running.world.save("compose.yaml", json.dumps({"services": services}))
    for _ in range(3):
        assert running.round() is False
    assert running.world.container is running.first
    assert running.held == [f"{said}: `devctl up` applies it"]
    running.compose()
    running.round()
    assert running.reason is None


def test_a_new_service_waits_for_up_and_is_named_once(running: Composed) -> None:
    off = {"image": "redis", "deploy": {"replicas": 0}}
    running.world.compose({"shop": SERVICE, "cache": {"image": "redis"}, "off": off})
    for _ in range(3):
        running.round()
    said = [e.line for e in running.world.events if isinstance(e, LogLine) and e.service == "devctl"]
    assert said == ["watcher: cache is new in the project: `devctl up` starts it"]
    assert running.world.container is running.first


def test_what_grants_nothing_is_applied(running: Composed) -> None:
    running.compose(environment={"A": "2"}, command=["serve"], mem_limit="64m")
    running.round()
    now = running.world.container
    assert now is not None
    assert now is not running.first
    assert running.held == []


def test_a_manifest_beside_a_new_right_waits_too_and_continues_without_it(running: Composed) -> None:
    running.compose(privileged=True)
    running.world.save("go.mod", go_mod("a"))
    running.round()
    assert running.world.container is running.first
    running.compose()
    running.round()
    assert running.world.served == (go_mod("a"), "v1")
    assert running.reason is None


def test_a_secret_that_comes_to_be_another_file_waits_though_the_service_is_the_same(
    running: Composed,
) -> None:
    secret = {"secrets": [{"source": "s", "target": "/run/secrets/s"}]}
    running.world.save("s.txt", "x")
    running.compose(top={"secrets": {"s": {"file": f"{running.world.root}/s.txt"}}}, **secret)
    running.up()
    running.compose(top={"secrets": {"s": {"file": "/home/dev/.ssh/id_ed25519"}}}, **secret)
    running.world.save("go.mod", go_mod("a"))
    running.world.events.clear()
    running.round()
    assert "secret s: the file /home/dev/.ssh/id_ed25519" in running.held[0]


def test_a_mounted_folder_that_became_a_link_out_of_the_project_waits(running: Composed) -> None:
    data = f"{running.world.root}/data"
    running.compose(volumes=[{"type": "bind", "source": data, "target": "/data"}])
    running.up()
    running.world.links[data] = "/"
    running.world.save("go.mod", go_mod("a"))
    running.world.events.clear()
    running.round()
    assert running.held == ["not applied: it would grant data, now a link to /; `devctl up` applies it"]


def test_without_a_record_manifests_are_applied_and_a_changed_model_waits(running: Composed) -> None:
    running.world.private.pop((running.world.root, Applied.file))
    running.world.save("go.mod", go_mod("a"))
    running.round()
    assert running.world.served == (go_mod("a"), "v1")
    running.compose(environment={"A": "2"})
    running.round()
    assert "is not known" in running.held[0]
    running.up()
    assert running.reason is None


def test_what_up_of_one_service_did_not_start_is_not_granted(running: Composed) -> None:
    from devctl.domain.command.requests import UpRequest
    from devctl.workflows.dev.lifecycle import up

    two = {"services": {"shop": SERVICE, "worker": SERVICE}}
    running.world.save("compose.yaml", json.dumps(two))
    running.up()
    two["services"]["worker"] = {**SERVICE, "privileged": True}
    running.world.save("compose.yaml", json.dumps(two))
    up(UpRequest(project=running.world.root, detach=True, watch=False, services=("shop",)), running.box)
    running.world.events.clear()
    running.round()
    assert any("worker full access" in text for text in running.held)


def test_a_variable_of_the_host_waits_until_a_person_has_applied_it(running: Composed) -> None:
    running.world.env |= {"AWS_KEY": "hunter2", "PLAIN": "x"}
    running.compose(environment={"A": "${AWS_KEY}"})
    running.round()
    assert running.held == [
        "not applied: it would grant the variable AWS_KEY from your environment; `devctl up` applies it"
    ]
    running.world.save("go.mod", go_mod("a"))
    running.known, _ = catch_up(running.box, running.known)
    assert running.world.container is running.first
    running.up()
    now = running.world.container
    assert now is not None
    assert now.spec["environment"]["A"] == "hunter2"
    running.compose(environment={"A": "${AWS_KEY}", "B": "${AWS_KEY}", "PLAIN": "y"})
    running.world.events.clear()
    running.round()
    assert running.held == []


@pytest.mark.follows("write the values in … out in full")
def test_an_env_file_that_would_fill_the_memory_is_given_to_nobody(
    running: Composed, hinted: Callable[[str], str]
) -> None:
    doubled = "".join(f"A{n + 1}=$A{n}$A{n}\n" for n in range(40))
    running.world.save(".env", f"A0=x\n{doubled}")
    for unattended in (False, True):
        with pytest.raises(FilesError, match=r"the variables in \.env expand into each other") as raised:
            load(running.box, running.world.root, unattended=unattended)
    name = hinted(raised.value.problem.hint).removeprefix("write the values in ").partition(" ")[0]
    running.world.save(name, "A0=x\nA1=xx\n")
    for unattended in (False, True):
        load(running.box, running.world.root, unattended=unattended)


@pytest.mark.follows("workflows/project/approved_inputs.py | devctl up")
def test_what_was_held_back_is_applied_by_the_command_of_the_hint(
    running: Composed, hinted: Callable[[str], str]
) -> None:
    running.world.env |= {"AWS_KEY": "hunter2"}
    running.compose(environment={"A": "${AWS_KEY}"})
    with pytest.raises(HeldBack) as raised:
        load(running.box, running.world.root, unattended=True)
    assert hinted(raised.value.problem.hint) == "devctl up"
    running.up()
    load(running.box, running.world.root, unattended=True)


@pytest.mark.parametrize("kind", ["secrets", "configs"])
def test_so_does_one_that_is_a_secret_by_way_of_the_env_file(running: Composed, kind: str) -> None:
    running.world.env |= {"AWS_KEY": "hunter2"}
    running.compose(top={kind: {"tok": {"environment": "TOKEN"}}}, **{kind: [{"source": "tok"}]})
    running.world.save(".env", "TOKEN=abc\n")
    running.up()
    running.first = running.world.container
    running.world.save(".env", "TOKEN=${AWS_KEY}\n")
    running.world.save("go.mod", go_mod("a"))
    running.world.events.clear()
    running.round()
    assert running.held == [
        "not applied: it would grant the variable AWS_KEY from your environment; `devctl up` applies it"
    ]
    assert running.world.container is running.first
    running.up()
    running.world.save(".env", "TOKEN=x${AWS_KEY}\n")
    running.world.events.clear()
    running.round()
    assert running.held == [], "this one was let in for this secret"
    assert running.known.model[VALUES] == {"DEVCTL_VALUE_0": "xhunter2"}


def test_compose_is_not_asked_again_for_a_manifest_but_for_its_own_files(
    running: Composed, monkeypatch: pytest.MonkeyPatch
) -> None:
    render, asked = fakes.FakeCompose.render, []

    def counted(*args: Any, **how: Any) -> dict[str, object]:
        asked.append(how)
        return render(*args, **how)

    monkeypatch.setattr(fakes.FakeCompose, "config", None)
    monkeypatch.setattr(fakes.FakeCompose, "render", counted)
    running.world.save("go.mod", go_mod("a"))
    running.round()
    assert running.world.served == (go_mod("a"), "v1")
    assert asked == []
    running.compose(environment={"A": "2"})
    running.round()
    assert len(asked) == 1
    running.world.save("go.mod", go_mod("a", "b"))
    running.round()
    assert running.world.served == (go_mod("a", "b"), "v1")
    assert len(asked) == 1, "the same texts are not asked about again"


def test_a_round_asks_by_what_is_there_whatever_it_was_told_of(running: Composed) -> None:
    """A compose file that came between the event and the lock is looked at, too."""
    running.compose(privileged=True)
    running.known, _ = catch_up(running.box, running.known)
    assert "privileged" in running.held[0]


def test_a_watcher_that_begins_on_files_that_wait_knows_what_was_applied(running: Composed) -> None:
    """It would not say to whom what belongs otherwise, nor see what becomes of it."""
    running.compose(top={"include": ["more.yaml"]})
    running.known = load(running.box, running.world.root, lenient=True, unattended=True)
    assert [s.name for s in running.known.services] == ["shop"]
    running.round()
    assert "more.yaml" in running.held[0]
    running.up()
    running.world.save("go.mod", go_mod("a"))
    running.round()
    assert running.world.served == (go_mod("a"), "v1"), "what a person applied goes on, include or not"


def test_what_another_services_up_has_read_waits(running: Composed) -> None:
    from devctl.domain.command.requests import UpRequest
    from devctl.workflows.dev.lifecycle import up

    two = {"services": {"shop": SERVICE, "worker": SERVICE}}
    running.world.save("compose.yaml", json.dumps(two))
    running.up()
    running.world.env["TOKEN"] = "hunter2"
    two["services"]["worker"] = {**SERVICE, "environment": {"A": "${TOKEN}"}}
    running.world.save("compose.yaml", json.dumps(two))
    up(UpRequest(project=running.world.root, detach=True, watch=False, services=("shop",)), running.box)
    running.world.events.clear()
    running.round()
    assert any("worker what `devctl up` read for other services" in text for text in running.held)
    assert running.world.of("worker").spec["environment"]["A"] == "1"


@pytest.mark.parametrize(
    ("service", "said"),
    [
        ({"env_file": "/home/dev/.aws/credentials"}, "the content of /home/dev/.aws/credentials"),
        ({"env_file": [{"path": "../other/.env"}]}, "the content of ../other/.env"),
        ({"env_file": "${WHERE:-~}/x"}, "the content of ${WHERE:-~}/x"),
        ({"label_file": "/etc/x"}, "the content of /etc/x"),
        ({"extends": {"file": "/srv/x.yaml", "service": "x"}}, "the content of /srv/x.yaml"),
    ],
)
def test_a_file_elsewhere_that_compose_would_read_waits_unread(
    running: Composed, service: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    running.compose(**service)
    monkeypatch.setattr(fakes.FakeCompose, "config", None)
    monkeypatch.setattr(fakes.FakeCompose, "render", None)
    running.round()
    assert said in running.held[0]


@pytest.mark.parametrize("include", ["/srv/x.yaml", {"path": ["a.yaml", "../x.yaml"]}, "oci://example.com/x"])
def test_so_does_an_include(running: Composed, include: object) -> None:
    running.compose(top={"include": [include]})
    running.round()
    assert "x" in running.held[0]
    assert running.world.container is running.first


@pytest.mark.parametrize("name", [".env", ".dockerignore", "go.mod"])
def test_a_file_of_the_project_that_became_a_link_out_of_it_waits(running: Composed, name: str) -> None:
    running.world.links[f"{running.world.root}/{name}"] = "/home/dev/.ssh/id_ed25519"
    running.world.save("go.mod", go_mod("a"))
    running.round()
    assert running.held == [
        f"not applied: it would grant {'the content of ' if name == '.env' else ''}{name}, "
        f"{'' if name == '.env' else 'now '}a link to /home/dev/.ssh/id_ed25519; `devctl up` applies it"
    ]


def test_a_registry_mirror_waits(running: Composed, monkeypatch: pytest.MonkeyPatch) -> None:
    config = Config(bases=Bases(mirror="registry.example.com"))
    monkeypatch.setattr(fakes.FakeSources, "config", lambda *_: config)
    running.world.save("go.mod", go_mod("a"))
    running.round()
    assert "base images from registry.example.com (devctl.yaml, bases.mirror)" in running.held[0]
    assert running.world.container is running.first


def test_a_compose_file_that_breaks_while_it_is_looked_at_ends_no_watcher(
    running: Composed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise FilesError("broken", code="broken-compose", hint="fix it")

    for name in ("load", "new_mirror"):
        with monkeypatch.context() as patch:
            patch.setattr(f"devctl.workflows.dev.watch_round.{name}", broken)
            assert running.round() is True
    assert running.world.container is running.first


def test_a_label_of_a_changed_image_waits_before_it_is_started(running: Composed) -> None:
    running.world.image_labels = {"traefik.enable": "true", "org.opencontainers.image.version": "2"}
    running.world.save("go.mod", go_mod("a"))
    for _ in range(2):
        assert running.round() is False
    assert running.world.container is running.first
    assert running.held == [
        "not applied: it would grant shop a label that other programs may act on: traefik.enable=true (a LABEL of its image); "
        "`devctl up` applies it"
    ]
    assert running.reason == running.held[0]
    running.up()
    assert running.world.served == (go_mod("a"), "v1")
    running.world.save("go.mod", go_mod("b"))
    running.world.events.clear()
    running.round()
    assert (running.world.served, running.held) == ((go_mod("b"), "v1"), [])


def test_so_does_one_that_changes_its_value(running: Composed) -> None:
    running.world.image_labels = {"traefik.rule": "a"}
    running.world.save("go.mod", go_mod("a"))
    running.up()
    running.world.image_labels = {"traefik.rule": "b"}
    running.world.save("go.mod", go_mod("b"))
    running.round()
    assert "traefik.rule=b" in running.held[-1]
    assert running.world.container.image.mod == go_mod("a")
