"""Texts of the files that `new` and `init` write: the template with a project's values, and the difference from existing
files."""

from __future__ import annotations

import difflib
import posixpath
import re
from collections.abc import Iterable, Mapping
from typing import Literal

from msgspec import Struct

from devctl.domain.command.argv import shell_words
from devctl.domain.compose.model_json import quoted, quoted_name
from devctl.domain.dockerfile.runtime_bases import DEFAULT_BASE, NONROOT, RUNTIME_BASES
from devctl.domain.plan.production import as_yaml
from devctl.domain.plan.run import build_variables
from devctl.domain.project.model import Service
from devctl.domain.project.project_name import FALLBACK, name_from

Action = Literal["written", "kept", "differs"]
TEMPLATE_MODULE = "example.com/app"
OURS = "ARG AIR_GO_IMAGE"
"""In every Dockerfile that comes from the template, edited or not."""
BESIDE = "Dockerfile.dev"
"""Where devctl's Dockerfile goes if the user has one."""
DEFAULT_STAGE = RUNTIME_BASES[DEFAULT_BASE].stage
_YAML_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


class PlannedFile(Struct, frozen=True):
    """One file: its present content (None: it does not exist), and what devctl would write."""

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


class Layout(Struct, frozen=True):
    """What the written files say about a service. `golang` and `air` are image references, `manifests` the COPY lines of the
    modules; `dockerfile` is the file of the dev stage, `prod_stage` and `prod_dockerfile` that of production."""

    service: Service
    host_port: int | None
    golang: str
    air: str
    dockerfile: str = "Dockerfile"
    prod_stage: str = DEFAULT_STAGE
    prod_dockerfile: str = "Dockerfile"


def module_name(folder: str) -> str:
    """`example.com/NAME`, with the characters of the folder's name that a module path may contain."""
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
    readme = template["README.md"].replace("# app\n", f"# {name}\n", 1)
    compose = with_name(template["compose.yaml"], folder)
    return {**template, **files, "README.md": readme, "compose.yaml": compose}


def with_name(compose: str, folder: str) -> str:
    """The text of a compose file, with a name if compose could not derive one from the folder's, and would refuse the file."""
    if name_from(folder):
        return compose
    return compose.replace("services:\n", f"name: {FALLBACK}\nservices:\n", 1)


def _replaced(text: str, words: Mapping[str, str]) -> str:
    for old, new in words.items():
        text = text.replace(old, new)
    return text


def dockerfile(text: str, layout: Layout) -> str:
    """The template's Dockerfile (its manifests listed already) with a project's defaults for the arguments."""
    service = layout.service
    defaults = {
        "GO_IMAGE": layout.golang,
        "AIR_GO_IMAGE": layout.air if layout.air != layout.golang else "",
        "MODULE_DIR": service.source.dir,
        "MAIN": service.source.main,
        "GO_TAGS": ",".join(service.build.tags),
        "GO_LDFLAGS": service.build.ldflags,
        "GO_ENV": build_variables(service),
        "FILES": shell_words(service.build.files),
        "CGO_ENABLED": service.build.env.get("CGO_ENABLED", "0"),
    }
    for name, value in defaults.items():
        if value:
            line = f"ARG {name}={_default(value)}"
            text = re.sub(rf"^ARG {name}(?:=.*)?$", lambda _: line, text, flags=re.MULTILINE)  # noqa: B023  # used at once
    if service.build.files:  # they are opened by relative paths
        text = text.replace(f"USER {NONROOT}\n", f"WORKDIR {_workdir(service)}\nUSER {NONROOT}\n")
    if service.serve.port is None:
        return text.replace("EXPOSE 8080\n", "")
    return text.replace("EXPOSE 8080\n", f"EXPOSE {service.serve.port}\n")


def compose_yaml(text: str, layout: Layout) -> str:
    service, port = layout.service, layout.service.serve.port
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
    if service.start.args:
        text = text.replace(
            "    volumes:\n",
            f"    command: [{', '.join(map(quoted, service.start.args))}]\n    volumes:\n",
            1,
        )
    return text.replace("    environment:\n", f"    environment:\n{_variables(_dev_environment(service))}")


def compose_prod_yaml(text: str, layout: Layout) -> str:
    """The settings are those of domain/plan/production.py, each in its place in the template."""
    service = layout.service
    text = _named(text, service.name)
    for key, lines in as_yaml().items():
        text = re.sub(rf"^    {key}:.*\n(?:      - .*\n)*", lines, text, flags=re.MULTILINE)
    if layout.prod_dockerfile != layout.dockerfile:
        text = text.replace("    build:\n", f"    build:\n      dockerfile: {layout.prod_dockerfile}\n")
    text = text.replace(f"target: {DEFAULT_STAGE}", f"target: {layout.prod_stage}")
    environment = {**service.start.env, **service.start.prod_env}
    if environment:
        lines = f"    environment: !override\n{_variables(environment)}"
        text = text.replace("    environment: !reset {}\n", lines)
    extra = ""
    if service.start.args:
        extra += f"    command: [{', '.join(map(quoted, service.start.args))}]\n"
    return text.replace("    init: false", f"{extra}    init: false")


def devctl_yaml(name: str, *, folder: str, main: str, others: Iterable[str]) -> str:
    """The answer to the one question that the code left open."""
    also = ", ".join(others)
    lines = ["version: 1", "services:", f"  {name}:"]
    lines += [f"    dir: {folder}"] if folder != "." else []
    lines += [f"    main: {main} # there is also {also}"]
    return "\n".join(lines) + "\n"


def diff(files: Iterable[PlannedFile], *, new_too: bool = False) -> str:
    """Unified, from the existing content to what devctl would write; `new_too`: also files that do not exist yet."""
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
    return posixpath.normpath(posixpath.join("/app", service.start.workdir))


def _named(text: str, name: str) -> str:
    return text.replace("\n  app:\n", f"\n  {name}:\n").replace("-app:", f"-{name}:")


def _dev_environment(service: Service) -> dict[str, str]:
    """What the service reads, then what its start and its build read."""
    folder = posixpath.normpath(posixpath.join(service.source.dir, service.start.workdir))
    build = {
        "DEVCTL_WORKDIR": folder if folder != "." else "",
        **{k: v for k, v in service.build.env.items() if k != "CGO_ENABLED"},
    }
    return {
        **service.start.image_env,
        **service.start.env,
        **{key: value for key, value in build.items() if value},
    }


def _default(value: str) -> str:
    """In the form for ARG: one line, in which the builder substitutes variables and removes quotes."""
    if re.fullmatch(r"[\w@%+=:,./-]+", value):
        return value
    plain = re.sub(r'([\\"$])', r"\\\1", " ".join(value.splitlines()))
    return f'"{plain}"'


def _variables(environment: Mapping[str, str]) -> str:
    return "".join(f"      {_name(key)}: {quoted(value)}\n" for key, value in environment.items())


def _name(key: str) -> str:
    """Words like `on` and `null` are more than text in YAML."""
    plain = re.fullmatch(r"[A-Za-z_]\w*", key, re.ASCII) and key.lower() not in _YAML_WORDS
    return key if plain else quoted_name(key)
