"""How a service is to run in a mode: which stage of which Dockerfile, under which image tag."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from devctl.domain.overlay import OVERLAY
from devctl.domain.project import Project, Service
from devctl.domain.state import Mode

OUR_STAGES = {"alpine": "runner", "distroless": "runner-distroless", "scratch": "runner-scratch"}
NONROOT = "65532:65532"
"""The user of distroless `nonroot` images; numeric, so that an image without /etc/passwd knows it too."""


@dataclass(frozen=True, slots=True)
class Run:
    """One service in one mode. `ours`: the stage comes from our own Dockerfile in `.devctl/`.

    `dockerfile` (the user's, or None with `ours`) and `context` are relative to the project; what is built from is the
    copy in `.devctl/SERVICE/`, whose .dockerignore leaves `.devctl/` out of the context. `user` is `uid:gid` or None
    (as the image says). `secrets`: files of this machine that are given to the build, by id; `ssh`: so are the keys of the agent.
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


def dev_run(project: Project, service: Service) -> Run:
    ours = service.dockerfile is None or service.dev_stage is None
    return Run(
        service=service.name,
        mode="dev",
        stage="dev" if ours else service.dev_stage,
        dockerfile=None if ours else service.dockerfile,
        context="." if ours else service.context,
        image=image_ref(project.name, service.name, "dev"),
        ours=ours,
        args=_our_args(project, service) if ours else {},
    )


def prod_run(project: Project, service: Service, *, base: str | None, target: str = "") -> Run:
    """The production stage: `target` where the configuration names one, the user's stage for `base`, or our own.

    `base` None means that nobody chose: distroless, or the user's last production stage where that is another.
    """
    stage = target or service.prod_stages.get(base or "distroless") or _only_stage(service, base)
    ours = stage is None
    chosen = base or next((b for b, s in service.prod_stages.items() if s == stage), "distroless")
    return Run(
        service=service.name,
        mode="prod",
        stage=OUR_STAGES[chosen] if ours else stage,
        dockerfile=None if ours else service.prod_dockerfile or service.dockerfile,
        context="." if ours else service.context,
        image=image_ref(project.name, service.name, f"prod-{chosen}"),
        ours=ours,
        base=chosen,
        args=_our_args(project, service) if ours else {},
    )


def _only_stage(service: Service, base: str | None) -> str | None:
    return None if base is not None else next(iter(service.prod_stages.values()), None)


def target_of(stage: str) -> str:
    """What a build is told: older engines know no stage by its number, so our copy of the Dockerfile names it."""
    return f"devctl-stage-{stage}" if stage.isdecimal() else stage


def image_ref(project: str, service: str, tag: str) -> str:
    """Each mode has its own tag. A compose name may hold what an image name may not: `x-_y`, a trailing `-`, capitals."""
    return f"{re.sub(r'[._-]{2,}', '-', f'{project}-{service}'.lower()).strip('._-')}:{tag}"


def built_from(run: Run) -> str:
    """The Dockerfile that the build is given, relative to the project."""
    return f"{OVERLAY}/{run.service}/Dockerfile"


def _our_args(project: Project, service: Service) -> dict[str, str]:
    args = {
        "GO_IMAGE": project.base("golang"),
        "RUNTIME_IMAGE": project.bases["distroless"],
        "ALPINE_IMAGE": project.bases["alpine"],
        "AIR_GO_IMAGE": project.base("air"),
        "MODULE_DIR": service.dir,
        "MAIN": service.main,
        "CGO_ENABLED": service.build_env.get("CGO_ENABLED", ""),
        "GO_TAGS": ",".join(service.build_tags),
        "GO_LDFLAGS": service.ldflags,
        "FILES": " ".join(service.files),
    }
    return {key: value for key, value in args.items() if value}
