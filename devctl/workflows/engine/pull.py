"""The images of dependencies, fetched before anything is built: one that is not available is known immediately."""

from __future__ import annotations

from contextlib import suppress

from devctl.domain.ports.engine import Engine
from devctl.domain.ports.toolbox import Toolbox
from devctl.errors import DevctlError
from devctl.workflows.engine.execute import must
from devctl.workflows.engine.optional_services import Missing, leave_out, without_unstartable
from devctl.workflows.session.session import Session
from devctl.workflows.session.steps import Steps


class _NotHere(Exception):
    """Ends the step of an incomplete pull, as one that failed."""


def pull_missing(box: Toolbox, session: Session, steps: Steps, *, timeout: float) -> frozenset[str]:
    """Fetch the images of what the plan starts and does not build here; returns what is left out, since nobody needs it and
    its image is not available, or it could not be started.

    Raises the matching entry of the failure dictionary, with the full name of the image, if a needed one is not available.
    """
    out = without_unstartable(box, session, session.starting)
    starting = frozenset(session.starting) - out
    refs = _not_here(box.engine, {name: ref for name, ref in _pulled(session).items() if name in starting})
    needed, spare = sorted(refs.keys() - session.spare), sorted(refs.keys() & session.spare)
    for names in (needed, spare):
        if not names:
            continue
        service = names[0] if len(names) == 1 else None
        images = ", ".join(dict.fromkeys(refs[n] for n in names))
        with suppress(_NotHere), steps.step("pull", images, service=service):
            done = box.compose.pull(
                session.root, session.model, names, all_that_can=names is spare, timeout=timeout
            )
            if names is needed:
                try:
                    must(done, "compose", what=", ".join(names))
                except DevctlError as error:
                    raise _with_image(error, refs) from error
            elif _not_here(box.engine, {name: refs[name] for name in names}):
                raise _NotHere  # reported below, with its meaning
    missing = {
        name: Missing(
            f"its image {ref} is not on this machine, and no registry provided it",
            f"docker pull {ref}, where a registry answers",
        )
        for name, ref in _not_here(box.engine, {name: refs[name] for name in spare}).items()
    }
    return out | leave_out(box.reporter, session, starting, missing)


def _pulled(session: Session) -> dict[str, str]:
    """The image of each dependency that compose would pull at its start."""
    specs = session.model["services"]
    names = (d.name for d in session.dependencies if not d.image)
    return {
        name: str(specs[name]["image"])
        for name in names
        if specs[name].get("image") and specs[name].get("pull_policy") != "never"
    }


def _not_here(engine: Engine, refs: dict[str, str]) -> dict[str, str]:
    here = engine.images(list(refs.values())) if refs else {}
    return {name: ref for name, ref in refs.items() if ref not in here}


def _with_image(error: DevctlError, refs: dict[str, str]) -> DevctlError:
    """Compose reports a pull by the service's name; what has to be copied is the image."""
    for name, image in refs.items():
        told = f"the image of {name} "
        if error.problem.message.startswith(told):
            message = error.problem.message.replace(told, f"{image}, the image of {name}, ", 1)
            hint = error.problem.hint.replace("docker save IMAGE", f"docker save {image}")
            return error.replace(message=message, hint=hint)
    return error.replace()
