"""The files of `new` and `init`: the template's text with a project's values in it, and what differs from what is there."""

from __future__ import annotations

import difflib
import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from devctl.domain.project import Service

Action = Literal["written", "kept", "differs"]
TEMPLATE_MODULE = "example.com/app"
OURS = "ARG AIR_GO_IMAGE"
"""Stands in every Dockerfile that comes from the template, edited or not."""
BESIDE = "Dockerfile.dev"
"""Where ours goes when the user has a Dockerfile of their own."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One file: what stands there (None: nothing), and what we would write."""

    path: str
    theirs: str | None
    ours: str

    @property
    def action(self) -> Action:
        if self.theirs is None:
            return "written"
        return "kept" if self.theirs == self.ours else "differs"

    def as_json(self) -> dict[str, object]:
        return {"path": self.path, "action": self.action}


@dataclass(frozen=True, slots=True)
class Layout:
    """What the written files say of a service. `golang` and `air` are image references, `manifests` the COPY lines of
    the modules; `dockerfile` is the file of the dev stage, `prod_stage` and `prod_dockerfile` that of production."""

    service: Service
    host_port: int | None
    golang: str
    air: str
    dockerfile: str = "Dockerfile"
    prod_stage: str = "runner-distroless"
    prod_dockerfile: str = "Dockerfile"


def module_name(folder: str) -> str:
    """`example.com/NAME`, with the folder's name as far as a module path may have it."""
    word = re.sub(r"[^a-z0-9._-]+", "-", folder.lower()).strip("-._")
    return f"example.com/{word or 'app'}"


def new_files(template: Mapping[str, str], folder: str) -> dict[str, str]:
    """The template under the name of its folder."""
    module = module_name(folder)
    name = module.rpartition("/")[2]
    words = {TEMPLATE_MODULE: module, "// Command app is": f"// Command {name} is"}
    files = {
        path: _replaced(text, words) for path, text in template.items() if path.endswith((".go", "go.mod"))
    }
    return {**template, **files, "README.md": template["README.md"].replace("# app\n", f"# {name}\n", 1)}


def _replaced(text: str, words: Mapping[str, str]) -> str:
    for old, new in words.items():
        text = text.replace(old, new)
    return text


def dockerfile(text: str, layout: Layout) -> str:
    """The template's Dockerfile (its manifests listed already) with a project's defaults of the arguments."""
    service = layout.service
    defaults = {
        "GO_IMAGE": layout.golang,
        "AIR_GO_IMAGE": layout.air if layout.air != layout.golang else "${GO_IMAGE}",
        "MODULE_DIR": service.dir,
        "MAIN": service.main,
        "GO_TAGS": ",".join(service.build_tags),
        "GO_LDFLAGS": service.ldflags,
        "FILES": " ".join(service.files),
        "CGO_ENABLED": service.build_env.get("CGO_ENABLED", "0"),
    }
    for name, value in defaults.items():
        if value:
            said = f'"{value}"' if " " in value else value
            text = re.sub(rf"^ARG {name}(?:=.*)?$", lambda _: f"ARG {name}={said}", text, flags=re.MULTILINE)  # noqa: B023  # used at once
    if service.files:  # they are opened by relative paths
        text = text.replace("USER 65532:65532\n", f"WORKDIR {_workdir(service)}\nUSER 65532:65532\n")
    if service.port is None:
        return text.replace("EXPOSE 8080\n", "")
    return text.replace("EXPOSE 8080\n", f"EXPOSE {service.port}\n")


def compose_yaml(text: str, layout: Layout) -> str:
    service, port = layout.service, layout.service.port
    text = _named(text, service.name)
    if layout.dockerfile != "Dockerfile":
        text = text.replace(
            "      context: .\n", f"      context: .\n      dockerfile: {layout.dockerfile}\n"
        )
    if port is None:
        text = re.sub(r"    ports:\n(?:      - .*\n)+", "", text)
        text = text.replace(" on http://127.0.0.1:8080", "")
    else:
        text = text.replace("${HOST_PORT:-8080}:8080", f"${{HOST_PORT:-{layout.host_port}}}:{port}")
        text = text.replace("127.0.0.1:8080.", f"127.0.0.1:{layout.host_port}.")
    lines = [f"      {key}: {_quoted(value)}\n" for key, value in _dev_environment(service).items()]
    return text.replace("    environment:\n", f"    environment:\n{''.join(lines)}")


def compose_prod_yaml(text: str, layout: Layout) -> str:
    service = layout.service
    text = _named(text, service.name)
    if layout.prod_dockerfile != layout.dockerfile:
        text = text.replace("    build:\n", f"    build:\n      dockerfile: {layout.prod_dockerfile}\n")
    text = text.replace("target: runner-distroless", f"target: {layout.prod_stage}")
    environment = {**service.env, **service.prod_env}
    if environment:
        lines = "".join(f"      {key}: {_quoted(value)}\n" for key, value in environment.items())
        text = text.replace("    environment: !reset {}\n", f"    environment: !override\n{lines}")
    extra = ""
    if service.args:
        extra += f"    command: [{', '.join(_quoted(a) for a in service.args)}]\n"
    return text.replace("    init: false", f"{extra}    init: false")


def devctl_yaml(name: str, *, folder: str, main: str, others: Iterable[str]) -> str:
    """The answer to the one question that the code left open."""
    also = ", ".join(others)
    lines = ["version: 1", "services:", f"  {name}:"]
    lines += [f"    dir: {folder}"] if folder != "." else []
    lines += [f"    main: {main} # there is also {also}"]
    return "\n".join(lines) + "\n"


def diff(files: Iterable[Planned], *, new_too: bool = False) -> str:
    """Unified, from what stands there to what we would write; `new_too`: also files that are not there yet."""
    parts: list[str] = []
    for file in files:
        if file.theirs is None and not new_too:
            continue
        old = file.path if file.theirs is not None else "/dev/null"
        parts += difflib.unified_diff(
            (file.theirs or "").splitlines(keepends=True),
            file.ours.splitlines(keepends=True),
            fromfile=old,
            tofile=f"{file.path} (devctl)" if file.theirs is not None else file.path,
        )
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in parts
    )


def _workdir(service: Service) -> str:
    return posixpath.normpath(posixpath.join("/app", service.workdir))


def _named(text: str, name: str) -> str:
    return text.replace("\n  app:\n", f"\n  {name}:\n").replace("-app:", f"-{name}:")


def _dev_environment(service: Service) -> dict[str, str]:
    """What the service reads, then what the build script in .air.toml reads."""
    build = {
        "DEVCTL_MODULE_DIR": service.dir if service.dir != "." else "",
        "DEVCTL_MAIN": service.main if service.main != "." else "",
        "DEVCTL_TAGS": ",".join(service.build_tags),
        "DEVCTL_LDFLAGS": service.ldflags,
        "DEVCTL_ARGS": " ".join(service.args),
        "DEVCTL_WORKDIR": posixpath.join(service.dir, service.workdir) if service.workdir != "." else "",
        **{k: v for k, v in service.build_env.items() if k != "CGO_ENABLED"},
    }
    return {**service.image_env, **service.env, **{key: value for key, value in build.items() if value}}


def _quoted(value: str) -> str:
    plain = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return f'"{plain}"'
