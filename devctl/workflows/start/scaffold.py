"""new and init: plain files to start from; existing ones are kept, and differences are shown."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from devctl.domain.bases.references import golang_ref
from devctl.domain.command.argv import shell_path
from devctl.domain.command.events import Outcome
from devctl.domain.command.requests import LOCK_TIMEOUT, InitRequest, NewRequest
from devctl.domain.detect.config_file_env import reread
from devctl.domain.detect.main_package import Main, mains
from devctl.domain.detect.service import default_name, detect_go, detect_service
from devctl.domain.dockerfile.prod_stages import prod_stages
from devctl.domain.dockerfile.runtime_bases import DEFAULT_BASE
from devctl.domain.go.facts import SourceFacts
from devctl.domain.go.versions import DEFAULT_GO, minor
from devctl.domain.paths import expanded
from devctl.domain.plan.planner import Step
from devctl.domain.plan.run import configured_run
from devctl.domain.plan.users_air import our_build
from devctl.domain.ports.files import Files
from devctl.domain.ports.toolbox import Sources, Toolbox
from devctl.domain.project.air_toml import air_toml
from devctl.domain.project.config import Config, ServiceConfig
from devctl.domain.project.model import Project, Service
from devctl.domain.scaffold.devcontainer import DOCKERFILE, devcontainer_files, needs_dockerfile
from devctl.domain.scaffold.texts import (
    BESIDE,
    OURS,
    Layout,
    PlannedFile,
    compose_prod_yaml,
    compose_yaml,
    devctl_yaml,
    diff,
    dockerfile,
    new_files,
    with_name,
)
from devctl.errors import UsageError
from devctl.workflows.project.excluded_folders import frontend_modules
from devctl.workflows.project.find import compose_files, find_root
from devctl.workflows.project.load import load
from devctl.workflows.session.overlay import is_vendored, our_dockerfile
from devctl.workflows.session.steps import plan_outcome
from devctl.workflows.switch.lock import locked

TEMPLATE = "go-service"
BESIDE_A_START = ".git .gitignore .gitattributes .github .idea .vscode .devctl .env docs".split()
"""What a folder may contain and still be one to start in, besides LICENSE and README files: a fresh clone."""


def new(request: NewRequest, box: Toolbox) -> Outcome:
    """Write the template into a folder that is new, empty, or a repository without code yet."""
    root = (request.project or box.host.cwd()) / expanded(request.directory)
    root = root.resolve()
    files = new_files(box.templates.tree(TEMPLATE), root.name)
    planned = [
        PlannedFile(path, box.files.read_text(root / path, within=root), text)
        for path, text in sorted(files.items())
    ]
    _must_be_free(box.files, root, planned)
    if request.dry_run:
        return plan_outcome([_write_step(f) for f in planned if f.action == "written"])
    _write(box.files, root, planned, within=_existing(box.files, root))
    shown = _shown(root, box.host.cwd())
    then = [] if shown == "." else [f"cd {shell_path(shown)}"]
    text = _text(planned, then=[*then, "devctl up        # or: docker compose up --build"])
    return Outcome(result={"files": [f.as_json() for f in planned]}, text=text)


def _must_be_free(files: Files, root: Path, planned: Sequence[PlannedFile]) -> None:
    """Raise UsageError `folder-not-empty` if something of the user's is in the way; then nothing was written."""
    if files.exists(root) and not files.is_dir(root):
        raise UsageError(
            f"{root} is a file", code="folder-not-empty", hint="devctl new DIR with the name of a new folder"
        )
    ours = {f.path.partition("/")[0] for f in planned}
    strangers = [
        name
        for name in files.names(root)
        if name not in ours
        and name not in BESIDE_A_START
        and not name.upper().startswith(("LICENSE", "README"))
    ]
    changed = [f.path for f in planned if f.action == "differs" and f.path != "README.md"]
    if strangers or changed:
        named = ", ".join([*changed, *strangers][:5])
        raise UsageError(
            f"{root} is not empty ({named}): `new` creates a service and does not overwrite anything",
            code="folder-not-empty",
            hint="devctl new DIR with another folder; for existing code: devctl init",
            result={"files": [f.as_json() for f in planned if f.theirs is not None]},
        )


def _existing(files: Files, root: Path) -> Path:
    """The existing folder, `root` or its nearest parent: what is created there belongs to its owner."""
    parent = root
    while not files.is_dir(parent):
        parent = parent.parent
    return parent


def _shown(root: Path, cwd: Path) -> str:
    if root == cwd:
        return "."
    return str(root.relative_to(cwd)) if root.is_relative_to(cwd) else str(root)


def init(request: InitRequest, box: Toolbox) -> Outcome:
    """Write what plain compose needs into a repository; a second run changes nothing."""
    root = find_root(box.files, box.host, request.project)
    if request.dry_run:
        return plan_outcome([_write_step(f) for f in _plan_init(box, root, request) if f.action == "written"])
    if request.diff:
        planned = _plan_init(box, root, request)
        shown = diff(planned, new_too=True)
        result: dict[str, object] = {"files": [f.as_json() for f in planned], "diff": shown}
        return Outcome(result=result, text=shown.rstrip() or "no differences")
    with locked(box, root, command="init", timeout=LOCK_TIMEOUT, recovers=False):
        planned = _plan_init(box, root, request)
        _write(box.files, root, planned, within=root)
    shown = diff(planned)
    then = (
        "devcontainer up --workspace-folder .        # or your editor's: Reopen in Container"
        if request.devcontainer
        else "docker compose up --build        # or: devctl up"
    )
    text = _text(planned, then=[then])
    if shown:
        text = f"{text}\n\nWhat devctl would write for files that differ (yours are kept):\n{shown.rstrip()}"
    return Outcome(result={"files": [f.as_json() for f in planned], "diff": shown}, text=text)


class _Found(Struct, frozen=True):
    """A project as the code alone shows it, with the name and the main that the user's files give it."""

    project: Project
    service: Service
    answer: str | None
    """The devctl.yaml to write, if the code left a question open."""


def _plan_init(box: Toolbox, root: Path, request: InitRequest) -> list[PlannedFile]:
    found = _found(box, root, yes=request.yes)
    layout = _layout(box, root, found)
    existing = compose_files(box.files, box.host, root)
    if not request.devcontainer:
        return _plan_project(box, root, found, layout)
    planned = _plan_devcontainer(box, root, found, layout)
    return planned if existing else [*_plan_project(box, root, found, layout), *planned]


def _plan_devcontainer(box: Toolbox, root: Path, found: _Found, layout: Layout) -> list[PlannedFile]:
    """On top of the compose files that compose reads; without one, of the one that `init` writes."""
    project = found.project
    service = found.service if project.generated else project.first
    existing = compose_files(box.files, box.host, root)
    texts = devcontainer_files(project, service, [*reversed(existing)] or [root / "compose.yaml"])
    if needs_dockerfile(project, service):
        texts[DOCKERFILE] = dockerfile(our_dockerfile(box.files, box.templates, project, service), layout)
    return [_planned(box.files, root, path, text) for path, text in texts.items()]


def _planned(files: Files, root: Path, path: str, text: str) -> PlannedFile:
    return PlannedFile(path, files.read_text(root / path, within=root), text)


def _plan_project(box: Toolbox, root: Path, found: _Found, layout: Layout) -> list[PlannedFile]:
    compose = next(reversed(compose_files(box.files, box.host, root)), root / "compose.yaml").relative_to(
        root
    )
    template = box.templates.tree(TEMPLATE)
    texts = {
        compose.as_posix(): with_name(compose_yaml(template["compose.yaml"], layout), root.name),
        compose.with_name("compose.prod.yaml").as_posix(): compose_prod_yaml(
            template["compose.prod.yaml"], layout
        ),
        layout.dockerfile: dockerfile(
            our_dockerfile(box.files, box.templates, found.project, found.service), layout
        ),
        ".air.toml": air_toml(
            template[".air.toml"],
            our_build(found.service),
            unwatched=frontend_modules(found.project),
            watched=(*found.service.source.embedded, *reread(found.service)),
            vendored=is_vendored(box.files, found.project, found.service),
        ),
        ".dockerignore": template[".dockerignore"],
    }
    planned = [_planned(box.files, root, path, text) for path, text in texts.items()]
    if layout.dockerfile != "Dockerfile":  # the user's own is used for production unchanged
        theirs = box.files.read_text(root / "Dockerfile", within=root) or ""
        planned.append(PlannedFile("Dockerfile", theirs, theirs))
    if found.answer is not None:
        planned.append(_planned(box.files, root, "devctl.yaml", found.answer))
    return planned


def _found(box: Toolbox, root: Path, *, yes: bool) -> _Found:
    """Detection from the code, so that the files of a first run do not change what a second one finds."""
    config, facts = box.sources.config(root), box.sources.go(root)
    try:
        project = load(box, root)
    except UsageError as error:
        if error.code != "which-main" or not yes:
            if error.code == "which-main":
                raise error.replace(hint=f"{error.problem.hint}; or devctl init -y uses that one") from error
            raise
        return _answered(box.files, root, config, facts)
    said = project.first
    name = said.name if compose_files(box.files, box.host, root) or config.services else None
    service = _by_code(
        facts, config, said.name if name is not None else None, dir_=said.source.dir, main=said.source.main
    )
    return _Found(project, replace(service, name=said.name), None)


def _by_code(facts: SourceFacts, config: Config, name: str | None, *, dir_: str, main: str) -> Service:
    key = name or next(iter(config.services), "app")
    said = dataclasses.replace(config.services.get(key, ServiceConfig()), dir=dir_, main=main)
    services = {key: said, **{k: v for k, v in config.services.items() if k != key}}
    pinned = dataclasses.replace(config, services=services)
    return detect_service(facts, config=pinned, name=name)


def _answered(files: Files, root: Path, config: Config, facts: SourceFacts) -> _Found:
    """Several mains are equally good and the user accepts any: the first one that serves, recorded in devctl.yaml."""
    every = mains(facts)
    chosen: Main = next((m for m in every if m.serves), every[0])
    name = default_name(chosen)
    service = _by_code(facts, config, name, dir_=chosen.module.dir, main=chosen.relative)
    others = [m.package.dir for m in every if m is not chosen]
    go = str(detect_go(chosen.module, config).value)
    project = Project(
        root=root,
        name=root.name,
        services=(service,),
        model={"services": {}},
        generated=True,
        go_version=go,
        bases={
            "golang": config.bases.golang or golang_ref(go, with_c=service.needs_debian),
            "air": golang_ref(DEFAULT_GO),
        },
        mirror=None,
        owner=files.owner(root),
        source=facts,
    )
    answer = devctl_yaml(name, folder=chosen.module.dir, main=chosen.relative, others=others)
    return _Found(project, service, answer)


def _layout(box: Toolbox, root: Path, found: _Found) -> Layout:
    project, service = found.project, found.service
    port = service.serve.port
    golang = project.bases["golang"]
    new_enough = (minor(project.go_version) or (0, 0)) >= (minor(DEFAULT_GO) or (0, 0))
    layout = Layout(
        service=service,
        host_port=service.serve.host_port or (port + 8000 if port is not None and port < 1024 else port),
        golang=golang,
        air=golang if new_enough else project.bases["air"],
    )
    theirs = box.files.read_text(root / "Dockerfile", within=root)
    beside = box.files.read_text(root / BESIDE, within=root)
    of_user = theirs is not None and OURS not in theirs
    if not of_user or (compose_files(box.files, box.host, root) and (beside is None or OURS not in beside)):
        return layout
    layout = replace(layout, dockerfile=BESIDE)
    loaded = project.first
    run = configured_run(project, loaded, "prod", base=project.prod_base)
    if run.ours or run.rebased or run.stage is None or loaded.build.dockerfile != "Dockerfile":
        stages = _stages_of(box.sources, root)
        return (
            replace(layout, prod_stage=stages[0], prod_dockerfile="Dockerfile")
            if stages
            else replace(layout, prod_dockerfile=BESIDE)
        )
    return replace(layout, prod_stage=run.stage, prod_dockerfile="Dockerfile")


def _stages_of(sources: Sources, root: Path) -> list[str]:
    """The production stages of the user's Dockerfile, the one on the default base first: the loaded one may be devctl's own."""
    found = prod_stages(sources.dockerfile(root / "Dockerfile", root=root))
    return [stage for _, stage in sorted(found.items(), key=lambda item: item[0] != DEFAULT_BASE)]


def _write(files: Files, root: Path, planned: Sequence[PlannedFile], *, within: Path) -> None:
    """`within`: an existing folder, to whose owner everything is given."""
    for file in planned:
        if file.action == "written":
            owner = files.owner(within)
            files.write_atomic(root / file.path, file.ours, within=within, owner=owner)


def _write_step(file: PlannedFile) -> Step:
    return Step("write", None, file.path)


def _text(planned: Sequence[PlannedFile], *, then: Sequence[str]) -> str:
    marks = {"written": "+", "kept": "=", "differs": "~"}
    notes = {"written": "", "kept": "  unchanged", "differs": "  yours, kept"}
    lines = [f"  {marks[f.action]} {f.path}{notes[f.action]}" for f in planned]
    return "\n".join([*lines, "", "next:", *(f"  {line}" for line in then)])
