"""What is known of a production image from the last preview: that it is current, and what the checks found.

A build of the same inputs would give the same image, and a look at the same image the same facts; both take longer than the
rest of a preview. The note lies in `.devctl/`, and its loss costs only that time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from devctl import __version__
from devctl.domain.golist import Listing
from devctl.domain.image import Binary, ImageFacts, Layer
from devctl.domain.inspected import Check
from devctl.domain.observed import Image
from devctl.domain.overlay import OVERLAY
from devctl.domain.ports import Toolbox
from devctl.domain.project import Service
from devctl.domain.readiness import checks
from devctl.domain.runs import Run
from devctl.domain.wanted import digest
from devctl.workflows.bases_needed import run_bases
from devctl.workflows.readiness import compose_health, look
from devctl.workflows.session import Session, overlay_files

NOTE = "images.json"
# What else can be said of a build, or asked of the network by one, is not followed here: it is simply built.
_FOLLOWED = frozenset({"context", "dockerfile", "args", "target", "labels", "secrets"})
# A netrc opens doors, and go.sum says what has to be behind them; any other secret may be what is built from.
_ELSEWHERE = re.compile(
    r"^\s*ADD\s[^\n]*(?:://|git@)|--mount=\S*from=|type=(?:secret(?!,id=netrc(?![\w.-]))|ssh)", re.MULTILINE
)
_VARIABLES = ("DOCKER_DEFAULT_PLATFORM", "SOURCE_DATE_EPOCH", "BUILDX_BUILDER")


def inputs_of(box: Toolbox, session: Session, run: Run) -> str | None:
    """A fingerprint of all that the image of a run is built from; None where it cannot be known without building."""
    build = json.loads(session.model_text)["services"][run.service]["build"]
    files = overlay_files(box, session.project, run)
    text = files[f"{run.service}/Dockerfile"]
    if not set(build) <= _FOLLOWED or not follows(text):
        return None
    ignored = files[f"{run.service}/Dockerfile.dockerignore"].split("\n")
    tree = box.files.tree(Path(build["context"]), without=ignored)
    bases = [base.ref for base in run_bases(box, session.project, run)]
    here = {ref: image.id for ref, image in box.engine.images(bases).items()}
    if tree is None or any(ref not in here for ref in bases):
        return None
    return digest(__version__, build, files, tree, here, [box.host.env(name) for name in _VARIABLES])


def follows(dockerfile: str) -> bool:
    """Whether all that a Dockerfile reads lies in its context, its bases and its arguments."""
    return _ELSEWHERE.search(dockerfile) is None


def is_current(box: Toolbox, session: Session, run: Run, *, inputs: str | None) -> bool:
    """Whether the image that is here was built from these inputs."""
    image, note = session.images.get(run.image), _read(box, session).get(run.image)
    return (
        inputs is not None
        and image is not None
        and note is not None
        and note.get("built") == [image.id, inputs]
    )


def note_built(box: Toolbox, session: Session, run: Run, *, inputs: str | None, image: Image | None) -> None:
    """`inputs`: from before the build, so that what was edited meanwhile is seen as a change."""
    _write(box, session, run, built=[image.id, inputs] if image is not None and inputs is not None else None)


def was_listed(box: Toolbox, session: Session, run: Run) -> bool:
    """Whether the last look at an image had an answer of `go list` beside it: that of an unchanged image is not asked again."""
    known = (_read(box, session).get(run.image) or {}).get("looked")
    return isinstance(known, dict) and known.get("listed") is True


def looked_at(
    box: Toolbox, session: Session, service: Service, *, run: Run, image: Image, listed: Listing | None = None
) -> tuple[ImageFacts, tuple[Check, ...]]:
    """The image of a run (without its list of files) and every check; looked into only where that was not done before.

    `listed`: what `go list` says of the source now. Where nobody was asked, what it said of the same image before counts.
    """
    health = compose_health(session.project, service)
    key = digest(__version__, image.id, asdict(service), _dockerfile(box, session, run), asdict(run), health)
    known = (_read(box, session).get(run.image) or {}).get("looked")
    if isinstance(known, dict) and known.get("key") == key and (listed is None or known.get("listed")):
        try:
            return _facts(known["image"]), tuple(Check(**check) for check in known["checks"])
        except (KeyError, TypeError):
            pass
    seen = look(box, session.project, service, run=run, listed=listed)
    # The environment may hold a secret, and nothing asks for it any more.
    facts, found = replace(seen.image, files=frozenset(), history=(), env=()), checks(seen)
    kept = {**asdict(facts), "files": []}
    noted = {"key": key, "listed": listed is not None, "image": kept}
    _write(box, session, run, looked={**noted, "checks": [c.as_json() for c in found]})
    return facts, found


def _dockerfile(box: Toolbox, session: Session, run: Run) -> str | None:
    return None if run.dockerfile is None else box.files.read_text(session.root / run.dockerfile)


def _facts(raw: Mapping[str, Any]) -> ImageFacts:
    words: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in raw.items()}
    words["layers"] = tuple(Layer(**layer) for layer in raw["layers"])
    words["binary"] = Binary(**raw["binary"]) if raw["binary"] is not None else None
    words["files"] = frozenset[str]()
    return ImageFacts(**words)


def _read(box: Toolbox, session: Session) -> dict[str, dict[str, Any]]:
    try:
        noted = json.loads(box.files.read_text(session.root / OVERLAY / NOTE) or "{}")
    except ValueError:
        return {}
    return noted if isinstance(noted, dict) and all(isinstance(v, dict) for v in noted.values()) else {}


def _write(box: Toolbox, session: Session, run: Run, **said: object) -> None:
    noted = _read(box, session)
    noted[run.image] = {**noted.get(run.image, {}), **said}
    text = json.dumps(noted, indent=1, sort_keys=True) + "\n"
    box.files.write_atomic(session.root / OVERLAY / NOTE, text, owner=session.project.owner)
