"""Base images: which ones a project needs, where they come from, and which have a stand-in.

For users: docs/how-to/use-without-a-registry.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from msgspec import Struct
from msgspec.structs import asdict

from devctl.domain.dockerfile.facts import DockerfileFacts
from devctl.domain.dockerfile.runtime_bases import IMAGES, RUNTIME_BASES, SCRATCH
from devctl.domain.go.versions import DEFAULT_GO
from devctl.domain.numbers import whole
from devctl.domain.regex import regex

Role = Literal["golang", "runtime", "tool"]
Source = Literal["registry", "mirror", "assembled", "local"]

HUB = "docker.io"

_RUNTIMES = ("alpine", "debian", "ubuntu", "busybox", "distroless/", "chainguard/")
_DISTROLESS_STATIC = regex(r"distroless/static(-debian(?P<release>\d+))?")
_DISTROLESS_TAG = regex(r"(latest|nonroot|debug|debug-nonroot)(-[a-z0-9]+)?")
_GO_TAG = regex(r"(?P<version>\d+\.\d+(\.\d+)?)")
_DEBIAN_12_BYTES = 1_994_545  # distroless static of the previous Debian, treated alike
_PRERELEASE = regex(r"\d(rc|beta)\d")


class Ref(Struct, frozen=True):
    """The parts of an image reference; `repository` without `library/`, `tag` is `latest` by default."""

    registry: str
    repository: str
    tag: str
    digest: str = ""


class StandIn(Struct, frozen=True):
    """What to assemble for a reference: the kind, and what its tag requires.

    `version` is the minimum Go (`1.26`, `1.26.3`; empty: any) or the release of Alpine or Debian. `alpine`: a golang image
    based on Alpine; the others have a C compiler.
    """

    kind: Literal["golang", "alpine", "distroless"]
    version: str = ""
    nonroot: bool = False
    debug: bool = False
    alpine: bool = False


class Base(Struct, frozen=True):
    ref: str
    role: Role


class BaseState(Struct, frozen=True):
    """One line of `bases`; the `source` of a missing base is where it would come from."""

    ref: str
    role: Role
    source: Source
    present: bool
    size_bytes: int = 0

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def parse(ref: str) -> Ref:
    """`alpine` → docker.io, alpine, latest; a first part with a dot or colon, or `localhost`, is a registry."""
    name, _, digest = ref.partition("@")
    first, slash, rest = name.partition("/")
    registry, path = (
        (first, rest) if slash and (set(".:") & set(first) or first == "localhost") else (HUB, name)
    )
    repository, colon, tag = path.rpartition(":")
    if not colon:
        repository, tag = path, "latest"
    if registry in (HUB, "index.docker.io"):
        registry, repository = HUB, repository.removeprefix("library/")
    return Ref(registry, repository, tag, digest)


def full_name(ref: str) -> str:
    """`alpine` → `alpine:latest`, as an engine stores it: an image archive needs the tag written out."""
    parts = parse(ref)
    return ref if parts.digest or ref.endswith(f":{parts.tag}") else f"{ref}:{parts.tag}"


def golang_ref(go_minor: str = DEFAULT_GO, *, with_c: bool = False) -> str:
    """`with_c`: the Debian image, which has a C compiler; this tag exists for every Go."""
    return f"golang:{go_minor}" if with_c else f"golang:{go_minor}-alpine"


def defaults() -> tuple[Base, ...]:
    """What devctl's own templates start from, outside any project."""
    return (Base(golang_ref(), "golang"), *(Base(image, "runtime") for image in IMAGES.values()))


def role_of(ref: str) -> Role:
    repository = parse(ref).repository
    if repository == "golang" or repository.endswith("/golang"):
        return "golang"
    return "runtime" if repository.startswith(_RUNTIMES) else "tool"


def project_bases(ours: Iterable[str], dockerfiles: Iterable[DockerfileFacts] = ()) -> tuple[Base, ...]:
    """Every external image that a build may need: the overlay's bases, then those that the FROM lines name."""
    named = [ref for facts in dockerfiles for ref in _outside(facts)]
    return tuple(Base(ref, role_of(ref)) for ref in dict.fromkeys([*ours, *named]))


def _outside(facts: DockerfileFacts) -> Iterable[str]:
    stages: set[str] = set()
    for stage in facts.stages:
        copied = [
            flag.partition("=")[2]
            for line in stage.instructions
            if line.cmd in ("COPY", "ADD")
            for flag in line.flags
            if flag.startswith("--from=")
        ]
        for ref in (stage.base, *copied):
            # A remaining `$` is an argument without a default: only the build itself knows its value.
            inside = ref.lower() in stages or whole(ref) is not None or ref == SCRATCH or "$" in ref
            if ref and not inside:
                yield ref
        stages.add(stage.name.lower())


def mirror_refs(ref: str, mirror: str) -> tuple[str, ...]:
    """Where a mirror may have it: by path alone (with `library/` as on Docker Hub, or without), or by the full name."""
    if not mirror or "@" in mirror:
        return ()
    parts = parse(ref)
    end = f"@{parts.digest}" if parts.digest else f":{parts.tag}"
    host = mirror.rstrip("/").removeprefix("https://").removeprefix("http://")
    if parts.registry == host.partition("/")[0]:
        return ()
    paths = [f"{parts.registry}/{parts.repository}"]
    if parts.registry == HUB and "/" not in parts.repository:
        paths = [f"library/{parts.repository}"]
    return tuple(f"{host}/{path}{end}" for path in dict.fromkeys([parts.repository, *paths]))


def stand_in(ref: str) -> StandIn | None:
    """What can be assembled instead of this reference; None if nothing would do."""
    parts = parse(ref)
    if parts.digest:
        return None  # a digest names one exact image, which nothing else can be
    if parts.registry == HUB and parts.repository == "golang":
        return _golang(parts.tag)
    if parts.registry == HUB and parts.repository == "alpine":
        return StandIn("alpine", parts.tag if whole(parts.tag[:1]) is not None else "")
    found = _DISTROLESS_STATIC.fullmatch(parts.repository)
    if parts.registry == "gcr.io" and found is not None and _DISTROLESS_TAG.fullmatch(parts.tag):
        words = parts.tag.split("-")
        return StandIn("distroless", found["release"] or "13", "nonroot" in words, "debug" in words)
    return None


def _golang(tag: str) -> StandIn | None:
    # A pre-release or Windows tag requires what no stand-in can provide.
    if "windows" in tag or "nanoserver" in tag or _PRERELEASE.search(tag):
        return None
    found = _GO_TAG.match(tag)
    return StandIn("golang", found["version"] if found else "", alpine="alpine" in tag)


def published_base_bytes(ref: str) -> int | None:
    """The size of the real base on amd64, for figures based on a stand-in; None if unknown."""
    wanted = stand_in(ref)
    if wanted is None or wanted.kind == "golang" or wanted.debug:
        return None
    if wanted.kind == "distroless" and wanted.version != "13":
        return _DEBIAN_12_BYTES
    return RUNTIME_BASES[wanted.kind].published_bytes


def source_of(labels: Mapping[str, str], digests: Iterable[str], *, mirror: str | None) -> Source:
    """Where a present image came from, according to the engine's metadata."""
    if labels.get("dev.devctl.assembled") == "true":
        return "assembled"
    host = (mirror or "").removeprefix("https://").removeprefix("http://").partition("/")[0]
    known = tuple(digests)
    if host and any(digest.startswith(f"{host}/") for digest in known):
        return "mirror"
    return "registry" if known else "local"


def archive_hint(name: str) -> str:
    """For an archive that cannot be loaded; `name`: of the file."""
    return f"copy it again, or recreate it: devctl bases save {name}"
