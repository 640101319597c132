"""A dev container for editors: `.devcontainer/`, on top of the compose files that devctl runs (decision 28)."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterable, Sequence
from pathlib import Path

from devctl.domain.compose.depends_on import needed, talked_to
from devctl.domain.compose.model_json import quoted, quoted_name
from devctl.domain.compose.mounted_files import DATA
from devctl.domain.plan.run import dev_run_is_ours
from devctl.domain.project.compose_model import Spec
from devctl.domain.project.model import TEMPLATE_SOURCE, Project, Service

FOLDER = ".devcontainer"
DOCKERFILE = f"{FOLDER}/Dockerfile"
_MOUNT = "/workspace"
"""Where the project is if the compose file does not mount it."""
_ALONE = ("container_name", "ports")
"""What two containers of one engine cannot both have."""
_FOR_PRODUCTION = (
    "image", "command", "read_only", "cap_drop", "security_opt", "mem_limit", "memswap_limit", "cpus", "pids_limit", "deploy",
)  # fmt: skip
"""Of the service itself: an image name of its own is another build's, and the rest is too little for an editor's server."""
_CACHE = "devcontainer-cache"
_GO_SETTINGS = ("GOPRIVATE", "GOPROXY", "GOSUMDB")
_START = """\
    entrypoint:
      - sh
      - -c
      - |
        # The user `dev` has the ids of the project's folder, so that files made here belong to you. It may add modules and tools.
        ids=$$(stat -c %u:%g .)
        sed -i '/^dev:/d' /etc/passwd /etc/group
        echo "dev:x:$$ids::/home/dev:/bin/sh" >>/etc/passwd
        echo "dev:x:$${ids#*:}:" >>/etc/group
        gopath=$$(go env GOPATH) modules=$$(go env GOMODCACHE)
        mkdir -p /home/dev "$$gopath/bin" "$$gopath/pkg" "$$modules/cache/download"
        chown "$$ids" /home/dev
        chmod a+rwx "$$gopath" "$$gopath/bin" "$$gopath/pkg"
        find "$$modules" -name '?*@*' -prune -o '(' -type d -o -name '*lock' ')' -exec chmod a+rwX {} +
        exec tail -f /dev/null # you start the program
"""


def devcontainer_files(project: Project, service: Service, compose_files: Sequence[Path]) -> dict[str, str]:
    """devcontainer.json and its compose file. `compose_files`: the overriding one last, as compose gets them."""
    run = _run_services(project, service)
    beside = [posixpath.relpath(str(path), str(project.root / FOLDER)) for path in compose_files]
    port = service.serve.port
    config: dict[str, object] = {
        "name": project.name,
        "dockerComposeFile": [*beside, "compose.yaml"],
        "service": service.name,
        "runServices": run,
        "workspaceFolder": _folder(project, service),
        "overrideCommand": False,
        "shutdownAction": "stopCompose",
        "remoteUser": "dev",
        "updateRemoteUserUID": False,
        **({"forwardPorts": [port]} if port is not None else {}),
        "customizations": {
            "vscode": {
                "extensions": ["golang.go"],
                "settings": {"go.useLanguageServer": True, "go.toolsManagement.autoUpdate": True},
            }
        },
    }
    return {
        f"{FOLDER}/devcontainer.json": json.dumps(config, indent=2, ensure_ascii=False) + "\n",
        f"{FOLDER}/compose.yaml": _compose(project, service, run, str(compose_files[0].parent)),
    }


def needs_dockerfile(project: Project, service: Service) -> bool:
    """Whether none of the project's stages has Go and lasts: devctl's own is then written beside devcontainer.json."""
    return not project.generated and dev_run_is_ours(service)


def _run_services(project: Project, service: Service) -> list[str]:
    """With what they depend on; other Go services run in `devctl up`."""
    ours = {one.name for one in project.services}
    return [service.name, *sorted(talked_to(_specs(project), [service.name]) - ours)]


def _specs(project: Project) -> Spec:
    return {} if project.generated else project.specs


def _folder(project: Project, service: Service) -> str:
    return TEMPLATE_SOURCE if project.generated else project.source_mounted_at(service.name) or _MOUNT


def _compose(project: Project, service: Service, run: Iterable[str], folder: str) -> str:
    lines = [
        "# The project's services a second time, for an editor, without the ports, names and data of those of `devctl up`.",
        "# Used by devcontainer.json. A second clone of this repository on the same machine needs another name:",
        f"name: ${{DEVCONTAINER_NAME:-{project.name}-devcontainer}}",
        "services:",
        *_worked_in(project, service, folder),
    ]
    for name in sorted(needed(_specs(project), run) - {service.name}):
        changed = _other(project, _specs(project)[name])
        lines += [f"  {quoted_name(name)}:", *changed] if changed else []
    return (
        "\n".join(
            [*lines, *_own_names(project, service, "volumes"), *_own_names(project, service, "networks")]
        )
        + "\n"
    )


def _worked_in(project: Project, service: Service, folder: str) -> list[str]:
    spec = _specs(project).get(service.name, {"ports": [], "image": ""})
    workspace = _folder(project, service)
    theirs = spec.get("environment") or {}
    lines = [
        f"  {quoted_name(service.name)}:",
        *_build(project, service, folder),
        *_reset(key for key in (*_ALONE, *_FOR_PRODUCTION) if spec.get(key) is not None),
        '    user: "0:0" # to add the user `dev`, which you work as',
        "    init: true",
        '    restart: "no"',
        "    healthcheck: {disable: true}",
        f"    working_dir: {quoted(workspace)}",
        _START.rstrip(),
        "    environment: # from your shell, where they are set",
        *(f"      {name}:" for name in _GO_SETTINGS if name not in theirs),
    ]
    if lines[-1].startswith("    environment"):
        lines.pop()
    if not project.generated and project.source_mounted_at(service.name) is None:
        root = posixpath.relpath(str(project.root), folder)
        lines += ["    volumes:", f"      - {quoted(f'{_dotted(root)}:{workspace}')}"]
        lines += (
            [f"      - {_CACHE}:/cache # compiled packages"] if needs_dockerfile(project, service) else []
        )
    return lines


def _build(project: Project, service: Service, folder: str) -> list[str]:
    """The stage that devctl runs in dev, built from the same Dockerfile."""
    build = service.build
    lines = ["    build:"]
    if needs_dockerfile(project, service):
        lines += [f"      context: {quoted(_dotted(posixpath.relpath(str(project.root), folder)))}"]
        lines += [f"      dockerfile: {DOCKERFILE}", "      target: dev"]
        lines += ["      dockerfile_inline: !reset null"] if build.inline else []
    elif project.generated or build.dev_stage is None:
        lines += ["      target: dev"]
    else:
        lines += [f"      target: {quoted(build.dev_stage)}"]
        if not build.inline and build.dockerfile is not None:
            lines += [f"      dockerfile: {quoted(posixpath.relpath(build.dockerfile, build.context))}"]
    return [*lines, "      args:", *(f"        {name}:" for name in _GO_SETTINGS)]


def _other(project: Project, spec: Spec) -> list[str]:
    own = [v["target"] for v in spec.get("volumes") or [] if v.get("type") == "bind" and _is_data(v)]
    volumes = ["    volumes: # its own data", *(f"      - {quoted(target)}" for target in own)]
    return [*_reset(key for key in _ALONE if spec.get(key) is not None), *(volumes if own else [])]


def _is_data(volume: Spec) -> bool:
    """Two databases must not write to the same files."""
    return not volume.get("read_only") and f"{volume['target']}/".startswith(DATA)


def _own_names(project: Project, service: Service, kind: str) -> list[str]:
    """A volume or network that the compose file names belongs to `devctl up`; external ones are shared on purpose."""
    lines: list[str] = []
    for key, spec in ({} if project.generated else project.model.get(kind) or {}).items():
        named = (spec or {}).get("name", f"{project.name}_{key}") != f"{project.name}_{key}"
        if named and not spec.get("external"):
            lines += [f"  {quoted_name(key)}:", "    name: !reset null"]
    if (
        kind == "volumes"
        and needs_dockerfile(project, service)
        and project.source_mounted_at(service.name) is None
    ):
        lines.append(f"  {_CACHE}:")
    return [f"{kind}:", *lines] if lines else []


def _reset(keys: Iterable[str]) -> list[str]:
    return [f"    {key}: !reset null" for key in keys]


def _dotted(path: str) -> str:
    """Compose takes a bare word for a volume."""
    return path if path.startswith(".") else f"./{path}"
