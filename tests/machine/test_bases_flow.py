"""In which order a base is looked for, and what `doctor --fix` does with what it finds. Ports are scripted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec import Struct, field
from msgspec.structs import replace

from devctl.adapters.system.host import SystemClock, SystemHost
from devctl.domain.bases.references import Base, StandIn
from devctl.domain.doctor import engine, network, project, room
from devctl.domain.doctor.check import Fix
from devctl.domain.doctor.facts import InsideFacts, MachineFacts, TreeFacts
from devctl.domain.ports.machine import MachineBox, Pulled, StoredImage
from devctl.errors import Finding, MachineError
from devctl.workflows.bases.fetch import build_bases, ensure, pull_bases, save_bases
from devctl.workflows.doctor.doctor import _Fixing, run_doctor
from devctl.workflows.doctor.project import Subject, subject_of
from tests.domain.test_checks import HEALTHY, INSIDE, TREE
from tests.failures.samples import told_by
from tests.fakes import World
from tests.machine.conftest import Recorder

MIRROR = "m.local:5000"


class Store(Struct):
    """An engine's images. `offers`: what registries have; `silent`: registries that do not answer."""

    here: dict[str, StoredImage] = field(default_factory=dict)
    offers: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)
    holds: str = ""

    def find(self, ref: str) -> StoredImage | None:
        return self.here.get(ref)

    def named(self, repository: str) -> tuple[str, ...]:
        return tuple(ref for ref in self.here if ref.startswith(f"{repository}:"))

    def size(self, ref: str) -> int:
        return 1

    def pull(self, ref: str) -> Pulled:
        self.calls.append(f"pull {ref}")
        if any(ref.startswith(place) for place in self.silent):
            return Pulled("unreachable", "no such host")
        if ref not in self.offers:
            return Pulled("refused", "manifest unknown")
        self.here[ref] = StoredImage(ref, "sha256:1", {}, (f"{ref.rpartition(':')[0]}@sha256:1",))
        return Pulled("ok")

    def tag(self, source: str, ref: str) -> None:
        self.calls.append(f"tag {ref}")
        self.here[ref] = replace(self.here[source], ref=ref)

    def assemble(self, ref: str, stand_in: StandIn) -> str:
        self.calls.append(f"assemble {ref}")
        if stand_in.version == "1.99":
            raise MachineError("no Go 1.99", code="base-missing", hint="x")
        self.here[ref] = StoredImage(ref, "sha256:2", {"dev.devctl.assembled": "true"})
        return self.holds if stand_in.kind == "golang" else ""

    def save(self, refs: Sequence[str], file: Path) -> None: ...
    def load(self, file: Path) -> tuple[str, ...]:
        return ()

    def remove_unused(self, image_id: str) -> None: ...


class Bench(Struct):
    """Installer and machine in one: a fix changes the facts."""

    now: MachineFacts = HEALTHY
    calls: list[str] = field(default_factory=list)
    refuse: bool = False
    folder: TreeFacts = TREE

    def facts(self) -> MachineFacts:
        return self.now

    def available(self, ref: str) -> bool:
        return False

    def inside(
        self, image: str, *, root: Path | None, owner: tuple[int, int], cache: str = ""
    ) -> InsideFacts:
        return INSIDE

    def tree(self, root: Path) -> TreeFacts:
        return self.folder

    def listener(self, port: int) -> str:
        return ""

    def watchers(self) -> dict[int, Path]:
        return {}

    def set_owner(self, tree: TreeFacts, *, image: str) -> str:
        self.calls.append("owner")
        self.folder = replace(self.folder, foreign_count=0)
        return "gave 1 file to 1000:1000"

    def rewrite(self, root: str, names: object, change: object) -> None:
        raise MachineError("no room", code="not-fixed", hint="sed -i")

    def run(self, argv: Sequence[str], *, failed: str) -> None:
        self.calls.append(argv[0])

    def raise_watch_limits(self) -> str:
        return "raised"

    def provide_engine(self) -> str:
        self.calls.append("engine")
        if self.refuse:
            raise MachineError("not root", code="engine-unreachable", hint="sudo systemctl start docker")
        self.now = replace(HEALTHY, compose=None)
        return "started"

    def provide_buildx(self) -> str:
        raise AssertionError

    def provide_compose(self) -> str:
        self.calls.append("compose")
        self.now = HEALTHY
        return "linked"


def box(store: Store, bench: Bench | None = None) -> MachineBox:
    bench = bench or Bench()
    return MachineBox(Recorder(), SystemClock(), SystemHost(), store, store, bench, bench)


def test_what_is_here_is_not_asked_for() -> None:
    store = Store(here={"alpine:3.22": StoredImage("alpine:3.22", "sha256:0", {})})
    ensure(box(store), ["alpine:3.22"], mirror=MIRROR, allow_assemble=True)
    assert store.calls == []


def test_the_mirror_comes_before_the_registry() -> None:
    store = Store(offers={f"{MIRROR}/library/alpine:3.22", "alpine:3.22"})
    (state,) = ensure(box(store), ["alpine:3.22"], mirror=MIRROR)
    assert store.calls[-1] == "tag alpine:3.22"
    assert state.source == "mirror"
    assert "pull alpine:3.22" not in store.calls


def test_the_registry_comes_before_a_stand_in() -> None:
    store = Store(offers={"alpine:3.22"})
    (state,) = ensure(box(store), ["alpine:3.22"], mirror=MIRROR, allow_assemble=True)
    assert state.source == "registry"
    assert not any(call.startswith("assemble") for call in store.calls)


@pytest.mark.follows("workflows/bases/fetch.py | devctl bases build")
def test_a_base_that_is_missing_is_there_after_the_command_of_the_hint(hinted: Callable[[str], str]) -> None:
    store, wanted = Store(), [Base("alpine:3.22", "runtime")]
    with pytest.raises(MachineError) as caught:
        ensure(box(store), ["alpine:3.22"])
    assert hinted(caught.value.problem.hint) == "devctl bases build"
    build_bases(box(store), wanted)
    ensure(box(store), ["alpine:3.22"])


@pytest.mark.follows("devctl bases pull")
def test_bases_that_are_to_be_saved_are_pulled_first(hinted: Callable[[str], str]) -> None:
    store, wanted = Store(offers={"alpine:3.22"}), [Base("alpine:3.22", "runtime")]
    with pytest.raises(MachineError) as caught:
        save_bases(box(store), wanted, Path("bases.tar"))
    assert hinted(caught.value.problem.hint) == "devctl bases pull"
    pull_bases(box(store), wanted)
    assert [state.present for state in save_bases(box(store), wanted, Path("bases.tar"))] == [True]


@pytest.mark.follows("workflows/doctor/doctor.py | devctl bases build")
def test_a_fix_that_needs_go_has_it_after_the_command_of_the_hint(hinted: Callable[[str], str]) -> None:
    store = Store()
    facts = cast("Any", SimpleNamespace(bases=()))
    fixing = cast("Any", SimpleNamespace(facts=facts, box=box(store)))
    with pytest.raises(MachineError) as caught:
        _Fixing.go_image(fixing)
    assert hinted(caught.value.problem.hint) == "devctl bases build"
    build_bases(box(store), [Base("golang:1.26-alpine", "golang")])
    assert _Fixing.go_image(fixing) == "golang:1.26-alpine"


@pytest.mark.follows("entry base-missing | devctl bases build")
def test_a_stand_in_is_made_only_where_allowed(hinted: Callable[[str], str]) -> None:
    hinted(told_by("base-missing-1"))
    store = Store()
    with pytest.raises(MachineError) as caught:
        ensure(box(store), ["alpine:3.22"])
    assert (caught.value.code, caught.value.problem.hint) == ("base-missing", "devctl bases build")
    (state,) = ensure(box(store), ["alpine:3.22"], allow_assemble=True)
    assert state.source == "assembled"


def test_a_registry_that_does_not_answer_is_asked_once() -> None:
    store = Store(silent={MIRROR, "alpine", "golang"})
    ensure(box(store), ["alpine:3.22", "golang:1.26-alpine"], mirror=MIRROR, allow_assemble=True)
    assert store.calls == [
        f"pull {MIRROR}/alpine:3.22",
        "pull alpine:3.22",
        "assemble alpine:3.22",
        "assemble golang:1.26-alpine",
    ]


def test_every_missing_base_is_named_and_the_others_are_made() -> None:
    store = Store()
    with pytest.raises(MachineError) as caught:
        ensure(box(store), ["golang:1.99", "postgres:16", "alpine:3.22"], allow_assemble=True)
    assert "golang:1.99, postgres:16" in str(caught.value)
    assert "no Go 1.99" in caught.value.detail
    assert "bases load" in caught.value.problem.hint
    assert "alpine:3.22" in store.here


def test_fixes_follow_one_another_until_all_is_well() -> None:
    store, bench = Store(), Bench(now=MachineFacts())
    report = run_doctor(box(store, bench), fix=True, yes=True, bases=[Base("alpine:3.22", "runtime")])
    assert bench.calls == ["engine", "compose"]
    assert "alpine:3.22" in store.here
    assert report.problem is None
    assert {line.check.id for line in report.checks if line.did is not None} == {
        "docker-cli",
        "engine",
        "compose",
        "bases",
    }


def test_without_fix_nothing_is_touched() -> None:
    store, bench = Store(), Bench(now=MachineFacts())
    report = run_doctor(box(store, bench), bases=[Base("alpine:3.22", "runtime")])
    assert (bench.calls, store.calls) == ([], [])
    assert report.problem is not None
    assert report.problem.exit_code == 4
    assert report.problem.result == report.as_json()


def test_a_fix_that_fails_ends_with_its_own_remedy() -> None:
    bench = Bench(now=MachineFacts(), refuse=True)
    report = run_doctor(box(Store(), bench), fix=True, yes=True)
    assert bench.calls == ["engine"]
    assert report.problem is not None
    assert report.problem.problem.hint == "sudo systemctl start docker"


FOREIGN = replace(TREE, foreign=("x",), foreign_count=1)


def test_what_is_the_users_is_fixed_only_with_consent() -> None:
    bench = Bench(folder=FOREIGN)
    subject = Subject(root=Path("/home/dev/shop"), owner=(1000, 1000))
    refused = run_doctor(box(Store(), bench), fix=True, bases=[], subject=subject)
    assert bench.calls == []
    hint = next(c.finding.hint for c in refused.checks if c.check.id == "ownership")
    assert hint.startswith("devctl doctor --fix --yes")

    agreed = run_doctor(box(Store(), bench), fix=True, yes=True, bases=[], subject=subject)
    assert bench.calls == ["owner"]
    fixed = next(c for c in agreed.checks if c.check.id == "ownership")
    assert fixed.did == "gave 1 file to 1000:1000"


@pytest.mark.follows("devctl bases build rebuilds the base image with this machine's certificates")
def test_a_stand_in_that_is_built_again_has_the_certificates_of_today(hinted: Callable[[str], str]) -> None:
    base = Base("golang:1.26-alpine", "golang")
    store = Store()

    class Trusting(Bench):
        def inside(self, image: str, **how: Any) -> InsideFacts:
            """A stand-in takes over what this machine trusts when it is made."""
            proxy = "" if f"assemble {image}" in store.calls else "x509: unknown authority"
            return replace(INSIDE, image=image, ca_bundle=f"old{proxy}", go_proxy=proxy)

    machine = box(store, Trusting(now=replace(HEALTHY, own_cas=2, ca_bundle="new")))
    subject = Subject(root=Path("/home/dev/shop"))
    store.assemble(base.ref, StandIn("golang", "1.26"))
    store.calls.clear()

    def found() -> Finding:
        report = run_doctor(machine, bases=[base], subject=subject)
        return next(line.finding for line in report.checks if line.check.id == "ca-bundle")

    assert hinted(found().hint).startswith("devctl bases build")
    build_bases(machine, [base])
    assert found().severity == "ok"


def test_what_fails_while_fixing_is_told_and_the_rest_is_done() -> None:
    bench = Bench(folder=replace(FOREIGN, crlf_scripts=("run.sh",), git_distrusts=True))
    subject = Subject(root=Path("/home/dev/shop"), owner=(1000, 1000))
    report = run_doctor(box(Store(), bench), fix=True, yes=True, bases=[], subject=subject)
    assert bench.calls == ["owner", "git"]
    assert report.problem is not None
    assert (report.problem.code, report.problem.problem.hint) == ("not-fixed", "sed -i")


def test_each_fix_has_somebody_who_does_it() -> None:
    fixes = [
        f for topic in (engine, room, network, project) for f in vars(topic).values() if isinstance(f, Fix)
    ]
    workflows = {"bases", *subject_of(World().box(), None, lambda: None).fixes}
    assert {fix.name for fix in fixes if fix.do is None} == workflows
    assert len({fix.name for fix in fixes}) == len(fixes)
