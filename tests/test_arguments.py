"""No word of a file becomes an option of a program: every call with a hostile word, and a look at how calls are written."""

from __future__ import annotations

import ast
import contextlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec.structs import replace

from devctl.adapters.docker.compose import ComposeCli
from devctl.adapters.docker.engine import EngineCli
from devctl.adapters.docker.image_store import WhalesImageStore
from devctl.adapters.doctor import container_probe as machine_inside
from devctl.adapters.doctor.fix_tree import FolderFixes
from devctl.adapters.stand_ins.fetch import Fetcher
from devctl.domain.doctor.facts import TreeFacts
from devctl.domain.go.module_gaps import ModuleGap
from devctl.domain.gotest.arguments import GoTestWords
from devctl.domain.plan.engine_state import Container, Labelled, Observed
from devctl.domain.plan.render import render
from devctl.domain.ports.toolbox import Finished
from devctl.domain.project.model import Project, Service
from devctl.errors import DevctlError
from devctl.workflows.dev import compile_check as prove
from devctl.workflows.engine import network_holder as bridge
from devctl.workflows.inside import exec as inside
from devctl.workflows.inside.go_test import GoTestTarget, run_tests
from devctl.workflows.preview import ask_go_list as listed
from devctl.workflows.preview import rollback as preview_failure
from tests.helpers import syntax_nodes

EVIL = "--privileged"
ROOT = "/home/me/a,b:c"
TAKE_A_VALUE = {
    "--network", "--name", "--label", "--user", "--workdir", "--filter", "--project-name", "--project-directory", "-f",
    "--profile", "--tail", "--since", "--until", "--entrypoint", "--env", "--env-file", "--platform", "--message",
    "--change",
}  # fmt: skip
SOURCE = Path(__file__).parents[1] / "devctl"


class Recorder:
    """Runs nothing; `argvs` is what would have been run."""

    def __init__(self) -> None:
        self.argvs: list[list[str]] = []

    def run(self, argv: Sequence[str], **how: Any) -> Finished:
        self.argvs.append(list(argv))
        return Finished(1, "", "")

    def attach(self, argv: Sequence[str], **how: Any) -> int:
        return self.run(argv).code

    @contextlib.contextmanager
    def follow(self, argv: Sequence[str], **how: Any) -> Iterator[Any]:
        self.run(argv)
        yield Ended()


class Ended:
    """A process that is followed and has ended."""

    code = 0

    def __call__(self) -> bool:
        return False


def container(**how: Any) -> Container:
    plain = dict.fromkeys(
        ("id", "name", "service", "state", "health", "image", "image_id", "started_at", "user"), ""
    )
    made = Container(**{**plain, "exit_code": 0, "labels": {}, "ports": {}} | how)  # type: ignore[arg-type]
    return replace(made)


SERVICE = replace(
    Service("api"),
    source=replace(Service("api").source, main=EVIL, dir=EVIL),
    build=replace(Service("api").build, tags=(EVIL,), env={EVIL: EVIL}),
)
TREE = cast("TreeFacts", SimpleNamespace(root=ROOT, owner=(1000, 1000), foreign_count=1))
RUNNING = container(id=EVIL, service="api", state="running")


def box(processes: Recorder) -> Any:
    return SimpleNamespace(
        processes=processes,
        host=SimpleNamespace(interactive=lambda: False, has_input=lambda: True, pid=lambda: 1),
        identity=SimpleNamespace(temporary=dict),
        templates=SimpleNamespace(read=lambda name: "script"),
        engine=SimpleNamespace(images=dict.fromkeys),
        reporter=SimpleNamespace(emit=lambda event: None),
        files=SimpleNamespace(is_dir=lambda path: False),
    )


def session() -> Any:
    run = SimpleNamespace(image=EVIL, user=EVIL, ours=True, debugging=None)
    project = SimpleNamespace(
        name=EVIL, root=Path(ROOT), cache_volume=EVIL, bases={"alpine": EVIL}, services=(SERVICE,)
    )
    return SimpleNamespace(root=Path(ROOT), project=project, run=lambda name: run)


def engine(verb: str, *args: Any, **named: Any) -> Callable[[Recorder, Path], object]:
    return lambda processes, tmp: getattr(EngineCli(processes), verb)(*args, **named)  # type: ignore[arg-type]


def store(verb: str, *args: Any, **named: Any) -> Callable[[Recorder, Path], object]:
    return lambda processes, tmp: getattr(WhalesImageStore(processes), verb)(*args, **named)  # type: ignore[arg-type]


def compose(verb: str, *args: Any, **named: Any) -> Callable[[Recorder, Path], object]:
    return lambda processes, tmp: getattr(ComposeCli(processes, print), verb)(*args, **named)  # type: ignore[arg-type]


def holder(processes: Recorder, tmp: Path) -> None:
    bridge._hold(box(processes), session().project, network=EVIL, image=EVIL)()


def side_car(processes: Recorder, tmp: Path) -> None:
    processes.run(inside._sidecar(box(processes), session().project, RUNNING))


def user_command(processes: Recorder, tmp: Path) -> None:
    for as_json in (True, False):
        inside.run_attached(box(processes), "api", ["exec"], RUNNING, ["ls", EVIL], json=as_json)


def go_tests(processes: Recorder, tmp: Path) -> None:
    project = cast("Any", SimpleNamespace(root=Path(ROOT)))
    words, where = GoTestWords((EVIL,), (EVIL,)), ("--workdir", EVIL)
    target = GoTestTarget(project, SERVICE, RUNNING, words, where, EVIL, race=True, cover=True)
    given = box(processes)
    given.clock = SimpleNamespace(monotonic=lambda: 0.0)
    given.templates = SimpleNamespace(read=lambda name: "script")
    run_tests(given, target, [EVIL], ended=lambda package: None)


def listening(processes: Recorder, tmp: Path) -> None:
    it = session()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(preview_failure, "dev_run", lambda project, service: SimpleNamespace(image=EVIL))
        preview_failure.listening_beside(box(processes), it, SERVICE)(RUNNING)


MODEL = {"services": {EVIL: {"image": EVIL}}}
GAP = ModuleGap(EVIL, "sum", EVIL)
CALLS: dict[str, Callable[[Recorder, Path], object]] = {
    "images": engine("images", [EVIL]),
    "tag": engine("tag", EVIL, EVIL),
    "remove_image": engine("remove_image", EVIL),
    "remove_containers": engine("remove_containers", [EVIL]),
    "unpause": engine("unpause", [EVIL]),
    "commit": engine("commit", EVIL, EVIL),
    "remove": engine("remove", Labelled("volume", id=EVIL, name=EVIL, labels={}, in_use=False)),
    "create": engine("create", "network", EVIL),
    "ensure_volume": engine("ensure_volume", EVIL, {EVIL: EVIL}),
    "untagged": engine("untagged", {EVIL: EVIL}),
    "logs": engine("logs", EVIL, tail=3),
    "last_run": engine("last_run", EVIL, tail=3),
    "disk_use": engine("disk_use"),
    "image_bytes": engine("image_bytes", EVIL),
    "read_files": engine("read_files", EVIL, "/etc/passwd"),
    "observe": engine("observe", EVIL),
    "running": engine("running", EVIL),
    "find": store("find", EVIL),
    "named": store("named", EVIL),
    "size": store("size", EVIL),
    "pull": store("pull", EVIL),
    "create image": store("create", EVIL, Path("/l.tar"), [EVIL], platform=EVIL, comment=EVIL),
    "remove_unused": store("remove_unused", EVIL),
    "build": compose("build", Path(ROOT), MODEL, [EVIL], recipes={}),
    "up": compose("up", Path(ROOT), MODEL, [EVIL], no_deps=True),
    "restart": compose("restart", EVIL, Path(ROOT), [EVIL]),
    "down": compose("down", EVIL, Path(ROOT), volumes=True),
    "stop": compose("stop", EVIL, Path(ROOT)),
    "config": compose("config", Path(ROOT), [Path(ROOT, EVIL)]),
    "set_owner": lambda p, tmp: FolderFixes(p, root=False).set_owner(TREE, image=EVIL),  # type: ignore[arg-type]
    "complete_modules": lambda p, tmp: FolderFixes(p, root=False).complete_modules(TREE, [GAP], image=EVIL),  # type: ignore[arg-type]
    "own_cache": lambda p, tmp: FolderFixes(p, root=False).own_cache(EVIL, owner=(1, 1), image=EVIL),  # type: ignore[arg-type]
    "inside": lambda p, tmp: machine_inside.look(
        EVIL, p, corner=Path(ROOT), user="1:1", cache=EVIL, labels=()
    ),  # type: ignore[arg-type]
    "prove_beside": lambda p, tmp: prove.prove_beside(box(p).processes, session(), SERVICE, RUNNING)(),
    "prove_on_image": lambda p, tmp: prove.prove_on_image(box(p), session(), SERVICE),
    "build_again": lambda p, tmp: prove.build_again(box(p).processes, RUNNING),
    "go list": lambda p, tmp: listed._list(box(p).processes, SERVICE, RUNNING, cgo="1"),
    "network holder": holder,
    "side car": side_car,
    "user command": user_command,
    "go test": go_tests,
    "listening": listening,
    "pip": lambda p, tmp: Fetcher(p, cast("Any", None), tmp)._wheel(EVIL, tmp),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("name", CALLS)
def test_a_hostile_word_is_a_word(name: str, tmp_path: Path) -> None:
    processes = Recorder()
    with contextlib.suppress(DevctlError):
        CALLS[name](processes, tmp_path)
    assert processes.argvs
    for argv in processes.argvs:
        options = argv[: argv.index("--")] if "--" in argv else argv
        for before, word in itertools.pairwise(options):
            if word == EVIL:
                assert before in TAKE_A_VALUE, argv
        for word in options:
            assert word not in ("-v", "--volume") and not word.startswith("--volume="), argv
            assert ROOT not in word or word.startswith("--mount=") or Path(word).is_absolute(), argv
            if word.startswith("--mount=") and ROOT in word:
                assert f'"source={ROOT}"' in word, argv


def test_go_takes_what_follows_the_dashes_for_a_package() -> None:
    processes = Recorder()
    listed._list(box(processes).processes, SERVICE, RUNNING, cgo="1")
    assert processes.argvs[0][-2:] == ["--", EVIL]
    assert '-- "$@"' in prove.BUILD


def test_docker_is_called_through_one_function() -> None:
    """And every argument of it that is not a constant is a flag's value, or is in `to`."""
    wrong = []
    for path in (p for p in SOURCE.rglob("*.py") if p.name != "argv.py"):
        text = path.read_text(encoding="utf-8")
        calls = (
            {"docker", "self._docker", "self._run"} if "from devctl.domain.command.argv" in text else set()
        )
        for node in syntax_nodes(path):
            if isinstance(node, ast.List | ast.Tuple) and node.elts and _is(node.elts[0], "docker"):
                loose = not all(isinstance(element, ast.Constant) for element in node.elts)
            else:
                loose = isinstance(node, ast.Call) and _name(node.func) in calls and _loose(node.args)
            wrong += [f"{path.name}:{node.lineno}"] if loose else []
    assert wrong == []


def _is(node: ast.expr, word: str) -> bool:
    return isinstance(node, ast.Constant) and node.value == word


def _name(node: ast.expr) -> str:
    return ast.unparse(node) if isinstance(node, ast.Name | ast.Attribute) else ""


VERBS = {"kind", "noun", "verb"}
"""Variables that hold one of devctl's words: `volume`, `network`, `up`."""


def _loose(args: Sequence[ast.expr]) -> bool:
    """Whether a word stands where docker would look for an option."""
    before: ast.expr | None = None
    for arg in args:
        flag_before = isinstance(before, ast.Constant) and str(before.value).startswith("-")
        ours = isinstance(arg, ast.Constant | ast.Starred) or _name(arg) in VERBS
        value = isinstance(arg, ast.Call) and _name(arg.func) == "mount"
        if not (ours or flag_before or value or _name(arg) == "kept"):
            return True
        before = arg
    return False


@pytest.mark.parametrize(("source", "made"), [("/home/me/a:b", False), ("/home/me/ab", True)])
def test_compose_gives_the_engine_fields_where_a_path_has_a_colon(source: str, made: bool) -> None:
    """Compose 2.40 writes `source:target:mode` for a bind whose folder may be made, and a mount with fields for others."""
    bind = {"type": "bind", "source": source, "target": "/data", "bind": {"create_host_path": True}}
    project = Project(
        root=Path("/shop"), name="shop", services=(), model={"services": {"db": {"volumes": [bind]}}}, generated=False,
        go_version="1.26", bases={}, mirror=None, owner=(1000, 1000),
    )  # fmt: skip
    model = render(project, (), observed=Observed())
    assert model["services"]["db"]["volumes"] == [{**bind, "bind": {"create_host_path": made}}]
