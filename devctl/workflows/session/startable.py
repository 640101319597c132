"""What would prevent compose from starting a service, known before anything is built or stopped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from devctl.domain.compose.depends_on import externals
from devctl.domain.compose.handed_files import mounted
from devctl.domain.compose.mounted_files import named_files
from devctl.domain.failures import explain
from devctl.domain.ports.engine import Engine
from devctl.domain.ports.files import Files
from devctl.domain.ports.toolbox import Sources, Toolbox
from devctl.errors import DevctlError, FilesError
from devctl.workflows.project.find import copying, example_of, named
from devctl.workflows.session.session import Session


def check_startable(box: Toolbox, session: Session) -> None:
    """Raise what is wrong with the first service that will be started and that something needs."""
    starting = set(session.starting) - session.spare
    for error in unstartable(box, session, starting).values():
        raise error


def unstartable(box: Toolbox, session: Session, names: Iterable[str]) -> Mapping[str, DevctlError]:
    """The first thing that is wrong, by service."""
    found = {name: next(_wrong(box, session, name), None) for name in sorted(names)}
    return {name: error for name, error in found.items() if error is not None}


def _wrong(box: Toolbox, session: Session, name: str) -> Iterator[DevctlError]:
    yield from _mounts(box.files, box.sources, session, name)
    yield from _secrets(box.files, session, name)
    yield from _externals(box.engine, session, name)


def _mounts(files: Files, sources: Sources, session: Session, name: str) -> Iterator[DevctlError]:
    """A mounted file that does not exist: the engine would create a folder there."""
    root = str(session.root)
    for source, target in named_files(session.model["services"].get(name) or {}, root=root):
        if not files.exists(Path(source)):
            shown = source.removeprefix(f"{root}/")
            yield FilesError(
                f"{name} mounts the file {shown}, which does not exist; Docker would create a folder in its place",
                code="mount-file-missing",
                hint=f"{_made(files, session, Path(source))}, or remove the mount",
                place=_line_of_mount(sources, session, name, target),
            )


def _secrets(files: Files, session: Session, name: str) -> Iterator[DevctlError]:
    for kind, key, path in mounted(session.model["services"].get(name) or {}, session.model):
        if not files.exists(Path(path)):
            what = kind.removesuffix("s")
            yield FilesError(
                f"{named(session.root, Path(path))}, the file of the {what} {key} of {name}, does not exist",
                code="secret-file-missing",
                hint=f"{_made(files, session, Path(path))}, or fix `{kind}:` in the compose file",
                place=session.project.place((kind, key, "file")),
                why="secret files are not committed" if kind == "secrets" else "",
            )


def _externals(engine: Engine, session: Session, name: str) -> Iterator[DevctlError]:
    for kind, key, there in externals(session.project.model, [name]):
        if there not in engine.names(kind):
            # In compose's words, which the failure dictionary explains.
            says = {
                "network": f"network {there} declared as external, but could not be found",
                "volume": f'external volume "{there}" not found',
            }
            known = explain("compose", says[kind])
            assert known is not None
            yield known.error(detail="", place=session.project.place((f"{kind}s", key)))


def _made(files: Files, session: Session, path: Path) -> str:
    """How to create a file: from the example beside it, if there is one."""
    example = example_of(files, path)
    return copying(session.root, example, path) if example else f"create {named(session.root, path)}"


def _line_of_mount(sources: Sources, session: Session, name: str, target: str) -> str:
    """Lists of several files are merged, so the index of a mount says nothing."""
    for path in session.project.compose_paths:
        for text, line in sources.texts(path):
            if target in text.split(":"):
                return f"{path.relative_to(session.root).as_posix()}:{line}"
    return session.project.place(("services", name, "volumes"))
