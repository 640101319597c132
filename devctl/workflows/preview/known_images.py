"""What is known about a production image from the last preview: that it is current, and what the checks found.

A build of the same inputs would give the same image, and examining the same image the same facts; both take longer than the
rest of a preview. Losing what is stored costs only that time.
"""

from __future__ import annotations

import contextlib
import posixpath
import re
from pathlib import Path
from typing import ClassVar

from msgspec import Struct, field, to_builtins
from msgspec.structs import replace

from devctl import __version__
from devctl.domain.derive.health_check import compose_test
from devctl.domain.go.golist import Listing
from devctl.domain.image.facts import ImageFacts
from devctl.domain.image.readiness.rules import checks
from devctl.domain.plan.digest import digest
from devctl.domain.plan.engine_state import Image
from devctl.domain.plan.run import Run
from devctl.domain.plan.users_air import own_folder
from devctl.domain.ports.files import Files
from devctl.domain.ports.private_state import PrivateState
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.model import Service
from devctl.domain.project.private_notes import PrivateNote
from devctl.domain.regex import regex
from devctl.errors import Finding, MachineError
from devctl.workflows.preview.inspect_image import look
from devctl.workflows.project.users_dockerfile import written_text
from devctl.workflows.session.session import Session

# Anything else that a build may use, or request from the network, is not followed here: the image is simply built.
_FOLLOWED = frozenset({"context", "dockerfile", "args", "target", "labels", "secrets"})
# A netrc only gives access, and go.sum says what has to be there; any other secret may be part of what is built.
_ELSEWHERE = regex(
    r"^\s*(?i:ADD)\s(?:[\\`][ \t]*\r?\n|[^\n])*(?:://|git@)|type=(?:secret(?!,id=netrc(?![\w.-]))|ssh)",
    re.MULTILINE,
)
_MOUNTED = regex(r"--mount=\S*\bfrom=([^\s,]*)")
_STAGE = regex(r"^\s*FROM\s[^\n]*\sAS\s+(\S+)\s*$", re.MULTILINE | re.IGNORECASE)
_VARIABLES = ("DOCKER_DEFAULT_PLATFORM", "SOURCE_DATE_EPOCH", "BUILDX_BUILDER")


def inputs_of(box: Toolbox, session: Session, run: Run) -> str | None:
    """A fingerprint of everything that the image of a run is built from; None if it cannot be known without building."""
    build = session.model["services"][run.service]["build"]
    files, recipe = session.overlay[run.service], session.recipes[run.service]
    if not set(build) <= _FOLLOWED or not follows(recipe.dockerfile):
        return None
    ignored = [*_of_air(session, run, recipe.dockerfile), *recipe.ignored.split("\n")]
    tree = box.files.tree(Path(build["context"]), without=ignored)
    bases = [base.ref for base in session.bases(box.sources, run)]
    here = {ref: image.id for ref, image in box.engine.images(bases).items()}
    if tree is None or any(ref not in here for ref in bases):
        return None
    return digest(__version__, build, files, tree, here, [box.host.env(name) for name in _VARIABLES])


def _of_air(session: Session, run: Run, dockerfile: str) -> list[str]:
    """What dev's reloader removes when it exits, unless the image uses something in it: a name in the Dockerfile, a package."""
    service = session.project.service(run.service)
    folder = own_folder(service.air) if service is not None and service.air is not None else None
    packages = (p.dir for module in session.project.source.modules for p in module.packages)
    if folder is not None and any(f"{package}/".startswith(f"{folder}/") for package in packages):
        return []
    path = posixpath.relpath(folder, run.context) if folder is not None else ".."
    named = re.compile(rf"(?<![\w./-])(?:\./)?{re.escape(path)}(?![\w.-])")
    return [] if path.startswith("..") or named.search(dockerfile) else [path]


def follows(dockerfile: str) -> bool:
    """Whether everything that a Dockerfile reads is in its context, its bases and its arguments."""
    stages = {name.lower() for name in _STAGE.findall(dockerfile)}
    mounted = {name.lower() for name in _MOUNTED.findall(dockerfile)}
    return mounted <= stages and _ELSEWHERE.search(dockerfile) is None


class Looked(Struct, frozen=True):
    """`key`: of everything that the checks judge; `listed`: whether an answer of `go list` was included."""

    key: str
    listed: bool
    image: ImageFacts
    checks: tuple[Finding, ...]


class Known(Struct, frozen=True):
    """`built`: the id of the image and the fingerprint of what it was built from."""

    built: tuple[str, str] | None = None
    looked: Looked | None = None


class ImagesNote(PrivateNote, frozen=True):
    """Production images that were built and checked, by name: what did not change is neither built nor examined again."""

    file: ClassVar[str] = "images.json"
    known: dict[str, Known] = field(default_factory=dict)


def is_current(private: PrivateState, session: Session, run: Run, *, inputs: str | None) -> bool:
    """Whether the image available locally was built from these inputs."""
    image = session.images.get(run.image)
    return (
        inputs is not None and image is not None and _known(private, session, run).built == (image.id, inputs)
    )


def changed_since_built(box: Toolbox, session: Session, run: Run) -> bool:
    """Whether the image available locally was built from other inputs; not if nothing is known about it. Files that were saved
    just now cannot be distinguished from others of the same second: they count as changed."""
    image, built = session.images.get(run.image), _known(box.private, session, run).built
    if image is None or built is None or built[0] != image.id:
        return False
    return inputs_of(box, session, run) != built[1]


def note_built(
    private: PrivateState, session: Session, run: Run, *, inputs: str | None, image: Image | None
) -> None:
    """`inputs`: from before the build, so that an edit made meanwhile counts as a change."""
    built = (image.id, inputs) if image is not None and inputs is not None else None
    _note(private, session, run, replace(_known(private, session, run), built=built))


def was_listed(private: PrivateState, session: Session, run: Run) -> bool:
    """Whether the last examination of an image included an answer of `go list`: that of an unchanged image is not requested
    again."""
    looked = _known(private, session, run).looked
    return looked is not None and looked.listed


def looked_at(
    box: Toolbox, session: Session, service: Service, *, run: Run, image: Image, listed: Listing | None = None
) -> tuple[ImageFacts, tuple[Finding, ...]]:
    """The image of a run (without its list of files) and every check; examined only if that was not done before.

    `listed`: what `go list` says about the source now. If it was not run, what it said about the same image before counts.
    """
    health = compose_test(session.project.spec(service.name))
    key = digest(
        __version__,
        image.id,
        *to_builtins((service, run), order="deterministic"),
        _dockerfile(box.files, session, run),
        health,
    )
    known = _known(box.private, session, run).looked
    if known is not None and known.key == key and (listed is None or known.listed):
        return known.image, known.checks
    seen = look(box, session.project, service, run=run, listed=listed)
    # The environment may contain a secret, and so may the commands of layers, with their build arguments; nothing needs either
    # any more.
    facts, found = replace(seen.image, files=frozenset(), history=(), env=()), checks(seen)
    kept = replace(facts, layers=tuple(replace(layer, created_by="") for layer in facts.layers))
    looked = Looked(key, listed is not None, kept, tuple(found))
    _note(box.private, session, run, replace(_known(box.private, session, run), looked=looked))
    return facts, found


def _dockerfile(files: Files, session: Session, run: Run) -> str | None:
    return None if run.dockerfile is None else written_text(files, session.project, run)


def _known(private: PrivateState, session: Session, run: Run) -> Known:
    return _kept(private, session).known.get(run.image, Known())


def _note(private: PrivateState, session: Session, run: Run, known: Known) -> None:
    note = ImagesNote({**_kept(private, session).known, run.image: known})
    with contextlib.suppress(MachineError):  # the next preview examines it again
        private.keep(session.root, note)


def _kept(private: PrivateState, session: Session) -> ImagesNote:
    """Outside the project: a container must not claim that a production image is current and was found ready."""
    return private.note(session.root, ImagesNote)
