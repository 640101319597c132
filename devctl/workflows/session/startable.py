"""What would keep compose from starting a service, known before anything is built or stopped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from devctl.domain.command.argv import shell_path
from devctl.domain.compose.depends_on import externals
from devctl.domain.compose.env_file import examples
from devctl.domain.compose.handed_files import mounted
from devctl.domain.compose.mounted_files import named_files
from devctl.domain.failures import explain
from devctl.domain.ports.files import Files
from devctl.domain.ports.toolbox import Toolbox
from devctl.errors import DevctlError, FilesError
from devctl.workflows.project.compose_model import compose_place
from devctl.workflows.project.find import compose_files, named
from devctl.workflows.session.session import Session


def check_startable(box: Toolbox, session: Session) -> None:
    """Raise what is wrong with the first service that is to be started and that somebody needs."""
    starting = {s.service or "" for s in session.plan() if s.step == "start"} - session.spare
    for error in unstartable(box, session, starting).values():
        raise error


def unstartable(box: Toolbox, session: Session, names: Iterable[str]) -> Mapping[str, DevctlError]:
    """The first thing that is wrong, by service."""
    found = {name: next(_wrong(box, session, name), None) for name in sorted(names)}
    return {name: error for name, error in found.items() if error is not None}


def _wrong(box: Toolbox, session: Session, name: str) -> Iterator[DevctlError]:
    yield from _mounts(box, session, name)
    yield from _secrets(box, session, name)
    yield from _externals(box, session, name)


def _mounts(box: Toolbox, session: Session, name: str) -> Iterator[DevctlError]:
    """A file that is mounted and does not exist: the engine would make a folder there."""
    root = session.project.root
    for source, target in named_files(session.model["services"].get(name) or {}, root=root):
        if not box.files.exists(Path(source)):
            shown = source.removeprefix(f"{root}/")
            yield FilesError(
                f"{name} mounts the file {shown}, which does not exist; Docker would create a folder in its place",
                code="mount-file-missing",
                hint=f"{_made(box.files, session, Path(source))}, or remove the mount",
                place=_line_of_mount(box, session, name, target),
            )


def _secrets(box: Toolbox, session: Session, name: str) -> Iterator[DevctlError]:
    root = session.root
    for kind, key, path in mounted(session.model["services"].get(name) or {}, session.model):
        if not box.files.exists(Path(path)):
            what = kind.removesuffix("s")
            yield FilesError(
                f"{named(root, Path(path))}, the file of the {what} {key} of {name}, does not exist",
                code="secret-file-missing",
                hint=f"{_made(box.files, session, Path(path))}, or fix `{kind}:` in the compose file",
                place=compose_place(box, root)((kind, key, "file")),
                why="files of secrets are not committed" if kind == "secrets" else "",
            )


def _externals(box: Toolbox, session: Session, name: str) -> Iterator[DevctlError]:
    for kind, key, there in externals(session.project.model, [name]):
        if there not in box.engine.names(kind):
            # In the words of compose, which the dictionary of failures explains.
            says = {
                "network": f"network {there} declared as external, but could not be found",
                "volume": f'external volume "{there}" not found',
            }
            known = explain("compose", says[kind])
            assert known is not None
            yield known.error(detail="", place=compose_place(box, session.root)((f"{kind}s", key)))


def _made(files: Files, session: Session, path: Path) -> str:
    """How a file comes to be there: made of the example that lies beside it, where there is one."""
    shown = named(session.root, path)
    beside = (path.with_name(name) for name in examples(path.name))
    example = next((it for it in beside if files.exists(it)), None)
    return (
        f"cp {shell_path(named(session.root, example))} {shell_path(shown)}" if example else f"create {shown}"
    )


def _line_of_mount(box: Toolbox, session: Session, name: str, target: str) -> str:
    """Lists of several files are merged, so the index of a mount says nothing."""
    root = session.root
    for path in compose_files(box, root):
        for text, line in box.sources.texts(path):
            if target in text.split(":"):
                return f"{path.relative_to(root).as_posix()}:{line}"
    return compose_place(box, root)(("services", name, "volumes"))
