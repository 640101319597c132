"""What people read of a result, next to the JSON of the same result."""

from __future__ import annotations

from msgspec.structs import replace

from devctl.domain.bases.references import BaseState
from devctl.domain.command.events import Outcome
from devctl.domain.doctor.all import run_checks
from devctl.errors import Problem
from devctl.ui.results import text_of
from tests.domain.test_checks import HEALTHY


def test_a_check_that_is_not_well_says_what_was_looked_at_why_and_the_remedy() -> None:
    results = [
        r for r in run_checks(replace(HEALTHY, abandoned=("a-1",))) if r.check.id in ("abandoned", "disk")
    ]
    fixed = replace(results[0], did="removed it")
    shown = text_of("doctor", Outcome({"checks": [r.as_json() for r in (*results, fixed)]}))
    assert shown.splitlines() == [
        "✓ 80 GB free where the engine keeps images",
        "! still running, although the project's folder is gone: a-1",
        "    checked devctl's running containers whose project folder is gone: "
        "they take up ports and address ranges that a new clone needs",
        "    → devctl doctor --fix --yes, or: docker rm --force a-1",
        "✓ 80 GB free where the engine keeps images (fixed: removed it)",
    ]


def test_config_check_tells_what_was_found_besides_its_error() -> None:
    first, second = (
        Problem("a", "odd", "fix it", "compose.yaml:3"),
        Problem("b", "odd too", "see there", why="so"),
    )
    result = {"problems": [p.as_json() for p in (first, second)]}
    assert text_of("config", Outcome(result, problem=first)) == "devctl.yaml: odd too; so\n    → see there"
    assert text_of("config", Outcome(result)).startswith("compose.yaml:3: odd\n    → fix it\n")
    assert text_of("config", Outcome({"problems": []})) == "no problems"


def test_bases_stand_below_each_other() -> None:
    states = (
        BaseState("alpine:3.22", "runtime", "assembled", True, 2_140_000),
        BaseState("a:1", "tool", "registry", False),
    )
    shown = text_of("bases", Outcome({"bases": [s.as_json() for s in states]}))
    assert shown.splitlines() == ["alpine:3.22  assembled  2.1 MB", "a:1          missing  "]


def test_a_workflows_own_words_and_results_without_any() -> None:
    assert text_of("doctor", Outcome({"plan": []}, text="check: asked for")) == "check: asked for"
    assert text_of("status", Outcome({"mode": "dev"})) == ""
    assert text_of("bases", Outcome({"plan": []})) == "", "a plan of nothing"
