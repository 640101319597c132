"""(wanted, observed) → plan, as the text that `--dry-run` prints."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from devctl.domain.plan.engine_state import (
    DEFINITION_LABEL,
    DEPS_LABEL,
    FOLDER_LABEL,
    INPUTS_LABEL,
    MODE_LABEL,
    SERVICE_LABEL,
    Container,
    Image,
    Observed,
)
from devctl.domain.plan.planner import Dependency, Wanted, plan_text, plan_up

API = Wanted(service="api", mode="dev", image="shop-api:dev", deps="d1", recipe="r1", inputs="i1")
BUILT = {"shop-api:dev": Image("sha256:1", labels={DEPS_LABEL: "d1", INPUTS_LABEL: "r1"})}


def container(service: str = "api", *, state: str = "running", code: int = 0, **labels: str) -> Container:
    named = {MODE_LABEL: "dev", DEPS_LABEL: "d1", INPUTS_LABEL: "i1"}
    named.update(
        {{"mode": MODE_LABEL, "deps": DEPS_LABEL, "inputs": INPUTS_LABEL}[k]: v for k, v in labels.items()}
    )
    return Container(
        id="c1", name=service, service=service, state=state, health="none", exit_code=code,
        image="shop-api:dev", image_id="sha256:1", labels=named,
    )  # fmt: skip


def text(
    *containers: Container, images: dict[str, Image] | None = None, dependencies: tuple[Dependency, ...] = ()
) -> str:
    observed = Observed(containers)
    return plan_text(
        plan_up([API], dependencies, observed=observed, images=BUILT if images is None else images)
    )


def test_from_nothing_builds_starts_and_probes() -> None:
    assert text(images={}).splitlines() == [
        " 1  build api  no image yet",
        " 2  start api  no container yet",
        " 3  probe api  until it answers",
    ]


def test_what_runs_as_wanted_needs_nothing() -> None:
    assert text(container()) == "nothing to do"


def test_changed_dependencies_rebuild_and_recreate() -> None:
    old = {"shop-api:dev": Image("sha256:1", labels={DEPS_LABEL: "d0", INPUTS_LABEL: "r1"})}
    assert text(container(deps="d0"), images=old).splitlines() == [
        " 1  build api  dependencies changed",
        " 2  start api  dependencies changed",
        " 3  probe api  until it answers",
    ]


def test_a_changed_dockerfile_rebuilds() -> None:
    old = {"shop-api:dev": Image("sha256:1", labels={DEPS_LABEL: "d1", INPUTS_LABEL: "r0"})}
    assert "Dockerfile or build settings changed" in text(container(inputs="i0"), images=old)


def test_going_back_from_prod_builds_nothing() -> None:
    assert text(container(mode="prod")).splitlines() == [
        " 1  start api  runs in mode prod, wanted dev",
        " 2  probe api  until it answers",
    ]


def test_what_mounts_a_folder_that_was_replaced_is_recreated() -> None:
    db = Dependency("db", folder="1:2")
    there = replace(container("db"), labels={FOLDER_LABEL: "1:1"})
    assert "start db  the project's folder was replaced" in text(container(), there, dependencies=(db,))
    assert text(container(), replace(there, labels={}), dependencies=(db,)) == "nothing to do", "made before"
    nothing = replace(there, labels={FOLDER_LABEL: ""})
    assert text(container(), nothing, dependencies=(db,)) == "nothing to do", "it mounts nothing"


def test_a_stopped_container_is_started() -> None:
    assert text(container(state="exited")).splitlines()[0] == " 1  start api  is exited"


def test_a_database_that_does_not_run_is_started_and_a_done_job_is_not() -> None:
    database, job = Dependency("db"), Dependency("migrate", job=True)
    stopped = container("db", state="exited")
    done = container("migrate", state="exited")
    assert text(container(), stopped, done, dependencies=(database, job)).splitlines() == [
        " 1  start db  not running"
    ]


def test_a_failed_job_runs_again() -> None:
    failed = container("migrate", state="exited", code=1)
    assert "start migrate" in text(container(), failed, dependencies=(Dependency("migrate", job=True),))


def test_a_job_that_is_done_is_built_again_when_its_source_changed() -> None:
    done = container(service="migrate", state="exited", code=0)
    images = {**BUILT, "shop-migrate": Image("sha256:2")}
    job = Dependency("migrate", image="shop-migrate", job=True, changed=True)
    assert text(container(), done, images=images, dependencies=(job,)).splitlines() == [
        " 1  build migrate  the source may have changed",
        " 2  start migrate  if its image changed",
    ]
    assert (
        text(container(), done, images=images, dependencies=(replace(job, changed=False),)) == "nothing to do"
    )


def test_a_dependency_that_is_built_here_is_built_once() -> None:
    worker = Dependency("worker", image="shop-worker")
    assert "build worker" in text(container(), dependencies=(worker,))
    assert "build worker" not in text(
        container(), dependencies=(worker,), images={**BUILT, "shop-worker": Image("sha256:2")}
    )


def test_a_service_of_earlier_files_goes_once_its_successor_is_built() -> None:
    was, database = container("web"), container("db")
    was = replace(was, labels={**was.labels, SERVICE_LABEL: "web"})
    former = Observed((was, was, database)).former({"api"})
    assert former == ["web"]
    plan = plan_up([API], (), observed=Observed((was, database)), images={}, former=former)
    assert plan_text(plan).splitlines() == [
        " 1  build api   no image yet",
        " 2  remove web  the project no longer has it",
        " 3  start api   no container yet",
        " 4  probe api   until it answers",
    ]


states = st.sampled_from(["running", "exited", "created", "restarting", "paused", "dead"])
words = st.sampled_from(["d1", "d0"])


@given(
    state=states,
    deps=words,
    inputs=st.sampled_from(["i1", "i0"]),
    mode=st.sampled_from(["dev", "prod"]),
    image=st.booleans(),
)
def test_every_plan_builds_before_it_starts_and_probes_what_it_started(
    state: str, deps: str, inputs: str, mode: str, image: bool
) -> None:
    plan = plan_up(
        [API], (), observed=Observed((container(state=state, deps=deps, inputs=inputs, mode=mode),)),
        images=BUILT if image else {},
    )  # fmt: skip
    names = [s.step for s in plan]
    assert names == sorted(names, key=["build", "start", "probe"].index)
    assert ("start" in names) == ("probe" in names)
    assert (names == []) == (state == "running" and deps == "d1" and inputs == "i1" and mode == "dev")
    assert all(s.cause for s in plan)


def other(name: str = "db", definition: str = "d1", **more: Any) -> Container:
    labels = {DEFINITION_LABEL: definition} if definition else {}
    return replace(container(name), id=f"c-{name}", labels=labels, **more)


def test_a_dependency_whose_definition_changed_is_recreated_and_one_without_the_label_is_not() -> None:
    db = Dependency("db", definition="d1")
    assert text(container(), other(), dependencies=(db,)) == "nothing to do"
    changed = text(container(), other(definition="d0"), dependencies=(db,))
    assert changed == " 1  start db  its settings changed"
    before = (replace(db, definition=""),)  # as it is rendered then
    assert text(container(), other(definition=""), dependencies=before) == "nothing to do"


def test_a_job_whose_definition_changed_runs_again() -> None:
    job = Dependency("migrate", job=True, definition="d1")
    done = other("migrate", state="exited", exit_code=0)
    assert text(container(), done, dependencies=(job,)) == "nothing to do"
    again = text(container(), done, dependencies=(replace(job, definition="d2"),))
    assert again == " 1  start migrate  its settings changed, or those of what it needs"


def test_what_shares_the_network_of_a_recreated_dependency_goes_with_it_and_restart_true_restarts() -> None:
    def steps(*containers: Container) -> list[tuple[str, str | None, str]]:
        plan = plan_up([API], (db, side), observed=Observed(containers), images=BUILT)
        return [(s.step, s.service, s.cause) for s in plan]

    db = Dependency("db", definition="d2", restarts=("api", "side"))
    api, side, sidecar = container(), Dependency("side", definition="d1"), other("side")
    assert steps(api, other(), sidecar) == [
        ("start", "db", "its settings changed"),
        ("restart", "api", "db is recreated"),
        ("restart", "side", "db is recreated"),
        ("probe", "api", "until it answers"),
    ]
    inside = replace(api, network_of="c-db"), replace(sidecar, network_of="c-db")
    assert steps(*inside, other()) == [
        ("start", "db", "its settings changed"),
        ("start", "side", "the network that it shares is gone"),
        ("start", "api", "the network that it shares is gone"),
        ("probe", "api", "until it answers"),
    ]
    assert steps(*inside, other(definition="d2")) == []
