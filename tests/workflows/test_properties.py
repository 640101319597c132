"""Random edits, failures and interruptions against the fake world: what serves keeps serving, and the newest good wins."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from devctl.domain.command.requests import UpRequest
from devctl.domain.go.deps_fingerprint import normalise
from devctl.domain.plan.engine_state import DEPS_LABEL
from devctl.errors import DevctlError, InterruptedByUser
from devctl.workflows.dev.lifecycle import up
from devctl.workflows.dev.watch_round import catch_up
from devctl.workflows.project.load import load
from devctl.workflows.session.manifests import deps_fingerprint
from devctl.workflows.state.snapshot import snapshot
from tests.fakes import FAULTS, World, go_mod

MODULES = st.sets(st.sampled_from("abc"), max_size=3).map(sorted)
MODS = st.one_of(
    MODULES.map(lambda names: go_mod(*names)),
    MODULES.map(lambda names: go_mod(*names, word="// a comment")),
    MODULES.map(lambda names: go_mod(*names, "missing")),
    st.just(go_mod(word="require (")),
    st.just(""),
    st.none(),
)
FAULT = st.sampled_from(("", "", *FAULTS))


def meaning(mod: str) -> bytes:
    return normalise("go.mod", mod.encode())


class Watching(RuleBasedStateMachine):
    """Edits happen at any time; the watcher's round and `up` run in between, with a fault or without."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.world.containerd_store = True  # which forgets what the other one keeps
        self.box = self.world.box()
        self.known = load(self.box, self.world.root)
        self.version = 1
        self._up()

    # edits

    @rule(mod=MODS)
    def save_go_mod(self, mod: str | None) -> None:
        self.world.save("go.mod", mod)

    @rule(needs=MODULES)
    def save_source(self, needs: list[str]) -> None:
        self.version += 1
        before = self.world.served
        self.world.save_source(" ".join([f"v{self.version}", *needs]))
        assert before is None or self.world.served is not None

    # what devctl does

    @rule(fault=FAULT)
    def round_of_the_watcher(self, fault: str) -> None:
        self._keeps_serving(self._round, fault)

    @rule(fault=FAULT)
    def up_again(self, fault: str) -> None:
        self._keeps_serving(self._up, fault)

    def _keeps_serving(self, work: Callable[[], None], fault: str) -> None:
        """What served before serves afterwards, or something newer that was proven."""
        before = self.world.served
        self.world.fault = fault
        work()
        self.world.fault = ""
        assert before is None or self.world.served is not None

    def _round(self) -> None:
        try:
            self.known, _ = catch_up(self.box, self.known)
        except DevctlError as error:
            assert isinstance(error, InterruptedByUser) or error.code in (
                "engine-unreachable",
                "changed-meanwhile",
            )

    def _up(self) -> None:
        try:
            up(UpRequest(project=self.world.root, detach=True, watch=False), self.box)
        except DevctlError as error:
            assert error.problem.hint

    # what always holds

    @invariant()
    def labels_do_not_lie(self) -> None:
        found = self.world.container
        if found is not None and self.world.modules(found.image.mod) is not None:
            now = self.world.mod
            self.world.save("go.mod", found.image.mod)
            assert found.spec["labels"][DEPS_LABEL] == deps_fingerprint(
                self.box.files, self.known, self.known.services[0]
            )
            self.world.save("go.mod", now)

    @invariant()
    def the_tag_names_what_runs(self) -> None:
        found = self.world.container
        if found is not None and found.state == "running":
            assert self.world.tags[found.ref] == found.image.id

    @invariant()
    def images_do_not_pile_up(self) -> None:
        assert len(self.world.images) <= 4

    @precondition(lambda self: self.world.good())
    @rule()
    def good_inputs_that_settle_are_served(self) -> None:
        self._up() if self.world.served is None else self._round()
        self._round()
        self.is_newest()
        state = snapshot(self.box, self.known)
        assert (state.serving.state, state.serving.reason) == ("current", None)

    def is_newest(self) -> None:
        served = self.world.served
        assert served is not None
        assert meaning(served[0]) == meaning(self.world.mod or "")
        assert served[1] == self.world.source

    def teardown(self) -> None:
        """After everything: inputs that are good are served, whatever happened before."""
        self.world.save("go.mod", go_mod("a"))
        self.world.save_source("last a")
        self._up() if self.world.served is None else self._round()
        self._round()
        self.is_newest()


Watching.TestCase.settings = settings(
    max_examples=settings().max_examples * 3 // 5, stateful_step_count=20, deadline=None
)
TestWatching = Watching.TestCase
