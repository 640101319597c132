"""How a service runs in a mode: which stage of which Dockerfile, under which image tag."""

from __future__ import annotations

import posixpath
import re

from msgspec import Struct, field

from devctl.domain.command.argv import shell_words
from devctl.domain.command.state import Mode
from devctl.domain.debug.debugging import Debugging
from devctl.domain.derive.dev_stage import STAGE
from devctl.domain.derive.production_stage import Rebased
from devctl.domain.dockerfile.runtime_bases import DEFAULT_BASE, IMAGES, RUNTIME_BASES
from devctl.domain.dockerfile.stages import target_name
from devctl.domain.numbers import whole
from devctl.domain.project.model import Project, Service
from devctl.domain.project.state_folder import STATE_FOLDER, dockerfile_copy


class Run(Struct, frozen=True):
    """One service in one mode. `ours`: the stage comes from devctl's own Dockerfile in `.devctl/`; `made_of`: derived from the
    lines of that Dockerfile of the user's. `rebased`: `stage` is the user's, on another base than their file says.

    `dockerfile` (the user's, or None with `ours`) and `context` are relative to the project; the build uses the copy in
    `.devctl/SERVICE/`, whose .dockerignore excludes `.devctl/` from the context. `user` is `uid:gid` or None (as the image
    says). `secrets`: files of this machine that the build gets, by id; `ssh`: so are the keys of the agent. `debugging`: the
    program runs under the debugger in the folder `debugger` in the container.
    """

    service: str
    mode: Mode
    stage: str | None
    dockerfile: str | None
    context: str
    image: str
    ours: bool
    base: str | None = None
    args: dict[str, str] = field(default_factory=dict)
    host_port: int | None = None
    user: str | None = None
    poll: bool = False
    secrets: dict[str, str] = field(default_factory=dict)
    ssh: bool = False
    made_of: str | None = None
    rebased: bool = False
    debugging: Debugging | None = None
    debugger: str = ""

    @property
    def derived(self) -> bool:
        return self.made_of is not None

    @property
    def written(self) -> str | None:
        """The user's Dockerfile whose lines are built."""
        return self.dockerfile or self.made_of


def dev_run_is_ours(service: Service) -> bool:
    """Whether devctl's own dev stage runs because the user's Dockerfile has none."""
    return service.build.dockerfile is None or service.build.dev_stage is None


def dev_run(project: Project, service: Service) -> Run:
    ours = dev_run_is_ours(service)
    if ours and service.build.derived is not None:
        return Run(
            service=service.name,
            mode="dev",
            stage=STAGE,
            dockerfile=None,
            context=service.build.context,
            image=image_ref(project.name, service.name, "dev"),
            ours=True,
            made_of=service.build.dockerfile,
            args={
                "AIR_GO_IMAGE": project.bases["air"],
                "DEVCTL_MODULE_DIR": posixpath.relpath(service.source.dir, service.build.context),
            },
        )
    return Run(
        service=service.name,
        mode="dev",
        stage="dev" if ours else service.build.dev_stage,
        dockerfile=None if ours else service.build.dockerfile,
        context="." if ours else service.build.context,
        image=image_ref(project.name, service.name, "dev"),
        ours=ours,
        args=_our_args(project, service) if ours else {},
    )


def prod_run(project: Project, service: Service, *, base: str | None, target: str = "") -> Run:
    """The production stage: `target` if the configuration names one, the user's stage for `base`, theirs moved to that base,
    or devctl's.

    `base` None means that nobody chose: the default one, or the user's last production stage if that is another.
    """
    stage = target or service.build.prod_stages.get(base or DEFAULT_BASE) or _only_stage(service, base)
    chosen = base or next((b for b, s in service.build.prod_stages.items() if s == stage), DEFAULT_BASE)
    moved = service.build.production if stage is None else None
    stage = target_name(moved.final) if moved is not None else stage
    ours = stage is None
    return Run(
        service=service.name,
        mode="prod",
        stage=RUNTIME_BASES[chosen].stage if ours else stage,
        dockerfile=None if ours else service.build.prod_dockerfile or service.build.dockerfile,
        context="." if ours else service.build.context,
        image=image_ref(project.name, service.name, f"prod-{chosen}"),
        ours=ours,
        base=chosen,
        args=_our_args(project, service) if ours else {},
        rebased=moved is not None,
    )


def configured_run(project: Project, service: Service, mode: Mode, *, base: str | None) -> Run:
    """In production with the stage that devctl.yaml names; `base` as in `prod_run`."""
    if mode == "dev":
        return dev_run(project, service)
    return prod_run(project, service, base=base, target=project.prod_target)


def rebased(project: Project, run: Run) -> Rebased | None:
    """The user's stage moved to the run's base, if that differs."""
    service = project.service(run.service)
    if not run.rebased or service is None or service.build.production is None:
        return None
    return service.build.production.on(
        RUNTIME_BASES[run.base or DEFAULT_BASE], project.bases, needs_c=service.build.needs_c
    )


def _only_stage(service: Service, base: str | None) -> str | None:
    return None if base is not None else next(iter(service.build.prod_stages.values()), None)


def start_of(service: Service, run: Run) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What replaces ENTRYPOINT and CMD of the user's image; devctl's own images say everything that is started."""
    return ((), ()) if run.ours else (service.start.own_entrypoint or (), service.start.own_command or ())


def target_of(stage: str) -> str:
    """The target for a build: older engines do not accept a stage by number, so devctl's copy of the Dockerfile names it."""
    return f"devctl-stage-{stage}" if whole(stage) is not None else stage


def image_ref(project: str, service: str, tag: str) -> str:
    """Each mode has its own tag. A compose name may contain what an image name must not: `x-_y`, a trailing `-`, capitals."""
    return f"{re.sub(r'[._-]{2,}', '-', f'{project}-{service}'.lower()).strip('._-')}:{tag}"


def built_from(run: Run) -> str:
    """The Dockerfile that the build uses, relative to the project."""
    return f"{STATE_FOLDER}/{dockerfile_copy(run.service)}"


def build_variables(service: Service) -> str:
    """The value of `build.env` for a build with devctl's Dockerfile; CGO_ENABLED has its own argument."""
    return shell_words(
        f"{name}={value}" for name, value in service.build.env.items() if name != "CGO_ENABLED"
    )


def _our_args(project: Project, service: Service) -> dict[str, str]:
    args = {
        "GO_IMAGE": service.build.go_image or project.bases["golang"],
        **{RUNTIME_BASES[name].argument: project.bases[name] for name in IMAGES},
        "AIR_GO_IMAGE": project.bases["air"],
        "MODULE_DIR": service.source.dir,
        "MAIN": service.source.main,
        "CGO_ENABLED": service.build.env.get("CGO_ENABLED", ""),
        "GO_TAGS": ",".join(service.build.tags),
        "GO_LDFLAGS": service.build.ldflags,
        "GO_ENV": build_variables(service),
        "FILES": shell_words(service.build.files),
    }
    return {key: value for key, value in args.items() if value}
