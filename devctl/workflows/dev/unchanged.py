"""`up` with nothing to do, answered without compose and without reading the code again.

After each `up` devctl records what it asked the file system (each file that it read or looked for, each folder that it listed) and
the environment, the containers and their addresses. If all the answers are still the same, the state is the recorded one. Otherwise
the long way with fingerprints decides. The note is outside the project: no container may decide that nothing has to be done, or
which addresses are probed.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from devctl import __version__
from devctl.domain.ports.files import Files
from devctl.domain.project.container_files import BUILD_STATE
from devctl.domain.project.private_notes import UpNote
from devctl.domain.project.state_folder import ServingNote, build_note
from devctl.domain.regex import regex
from devctl.errors import DevctlError, MachineError
from devctl.workflows.project.find import named
from devctl.workflows.state.last_build import exit_code, saved_since_build
from devctl.workflows.state.watcher_process import watcher_state
from devctl.workflows.switch.intent import Intent

if TYPE_CHECKING:
    from devctl.domain.command.state import ServiceState, State
    from devctl.domain.ports.engine import Engine
    from devctl.domain.ports.private_state import PrivateState
    from devctl.domain.ports.toolbox import Toolbox
    from devctl.domain.project.model import Project

KEY = "environment.key"
"""In the private state: the key for digests of variables. Without it a short secret could be guessed from its digest."""

_OF_DOCKER = frozenset({
    "COMPOSE_DISABLE_ENV_FILE", "COMPOSE_ENV_FILES", "COMPOSE_FILE", "COMPOSE_PATH_SEPARATOR", "COMPOSE_PROFILES",
    "COMPOSE_PROJECT_NAME", "DOCKER_CERT_PATH", "DOCKER_CONFIG", "DOCKER_CONTEXT", "DOCKER_DEFAULT_PLATFORM", "DOCKER_HOST",
    "DOCKER_TLS_VERIFY",
})  # fmt: skip
_OPEN = _OF_DOCKER | {
    "HOME",
    "PATH",
    "USER",
    "LANG",
    "PWD",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
    "SSH_AUTH_SOCK",
}
"""None is secret: a checksum is enough, and takes no 5 ms to import."""
_WORD = regex(r"[A-Za-z]\w*|_\w+")


def note_up(box: Toolbox, project: Project, state: State, inputs: tuple[str, ...]) -> None:
    """Record the result of this `up`; only a state that needs nothing more is worth it."""
    root = project.root
    good = state.mode == "dev" and state.serving.state == "current"
    asked = box.files.recorded()
    texts = _texts(project) if asked else None
    names = _variables(box, texts) if texts is not None else []
    variables = _digests(box, root, names, make_key=True) if texts is not None else None
    if variables is None or not good or any(not _well(s) for s in state.services):
        box.private.remove(root, UpNote.file)
        return
    probes = {s.name: s.serve.probe for s in project.services if s.serve.probe != "none"}
    from devctl.domain.plan.run import dev_run
    from devctl.workflows.session.overlay import (  # with what it takes to read a Dockerfile
        all_bases,
        compiled,
    )

    runs = [dev_run(project, service) for service in project.services]
    inputs_now = stamps(box.files, root, inputs)
    with suppress(MachineError):  # no home to write to: each `up` goes the long way
        note = UpNote(
            __version__,
            project.name,
            inputs_now,
            variables,
            state,
            probes,
            _ids(box.engine, [base.ref for base in all_bases(box, project, runs)]),
            {s.name: tuple(compiled(box.files, project, s)) for s in project.services},
            asked,
            texts or (),
        )
        box.private.keep(root, note)


def _ids(engine: Engine, refs: Iterable[str]) -> dict[str, str]:
    return {ref: image.id for ref, image in engine.images(list(refs)).items()}


def _well(service: ServiceState) -> bool:
    return service.state == "running" and service.health in ("none", "healthy")


def _texts(project: Project) -> tuple[str, ...] | None:
    """The files that compose reads; None if there are some that devctl does not read (`include`)."""
    inputs = project.inputs
    outside = {f"the content of {named(project.root, path)}" for path in project.compose_paths}
    if inputs is None or not outside.issuperset(inputs.waits):
        return None
    return (
        *map(str, project.compose_paths),
        *(path for path, text in inputs.beside.items() if text is not None),
    )


def _words(files: Files, texts: Iterable[str]) -> set[str]:
    """Each may be a variable (`environment: [PORT]`)."""
    read = (files.read_text(Path(path), within=None) for path in texts)
    return {word for text in read for word in _WORD.findall(text or "")}


def _variables(box: Toolbox, texts: Iterable[str]) -> list[str]:
    """Those that devctl asked for, those of docker and compose, and the words of what compose reads; of these only the ones that
    are set, since others may be part of a secret."""
    words = _words(box.files, texts)
    names = box.host.asked() | _OF_DOCKER | words
    return sorted(name for name in names if name not in words or box.host.env(name) is not None)


def _digests(
    box: Toolbox, root: Path, names: Iterable[str], *, make_key: bool = False
) -> dict[str, str | None] | None:
    """Digests of each variable's value, which may be a secret; None for one that is not set, which most are and costs nothing.

    None altogether if there is no key, and none can be stored.
    """
    values = {name: box.host.env(name) for name in names}
    open_ = {name: _checksum(value) for name, value in values.items() if name in _OPEN and value is not None}
    if all(value is None or name in open_ for name, value in values.items()):
        return {name: open_.get(name) for name in values}
    import hmac

    key = box.private.read(root, KEY) or (_new_key(box.private, root) if make_key else None)
    if key is None:
        return None

    def digest(name: str, value: str) -> str:
        text = f"{name}={value}".encode(errors="surrogateescape")
        return hmac.digest(key.encode(), text, "sha256").hex()

    return {
        name: None if value is None else open_.get(name) or digest(name, value)
        for name, value in values.items()
    }


def _checksum(value: str) -> str:
    return f"{zlib.crc32(value.encode(errors='surrogateescape')):08x}"


def _new_key(private: PrivateState, root: Path) -> str | None:
    import secrets

    key = secrets.token_hex(32)
    try:
        private.write(root, KEY, key)
    except MachineError:  # no home to write to: each `up` goes the long way
        return None
    return key


def stamps(files: Files, root: Path, inputs: tuple[str, ...]) -> dict[str, Any]:
    """Size and time of change of each input, and the folder."""
    return {**{path: files.stamp(root / path) for path in inputs}, "./": files.identity(root)}


def state_if_unchanged(box: Toolbox, root: Path, *, watcher: bool) -> State | None:
    """What `status` would say, if nothing has to be done; None sends the caller the long way."""
    if box.private.read(root, Intent.file) is not None:  # a command was killed, or is running
        return None
    note = box.private.note(root, UpNote)
    if note.state is None or note.version != __version__ or box.files.lock_holder(root) is not None:
        return None
    if note.variables != _digests(box, root, note.variables) or box.state.read(root, ServingNote).old:
        return None
    if note.inputs != stamps(box.files, root, tuple(p for p in note.inputs if p != "./")):
        return None
    if not note.asked or not box.files.same(note.asked):
        return None
    words = _words(box.files, note.texts)
    if any(name not in note.variables and box.host.env(name) is not None for name in words):
        return None
    if not _runs_on_the_same(box.engine, note, note.state):
        return None
    if not all(_serves_current(box, root, s, note) for s in note.state.services if s.kind == "service"):
        return None
    state = replace(note.state, watcher=watcher_state(box, root))
    return None if watcher and state.watcher.state == "absent" else state


def _runs_on_the_same(engine: Engine, note: UpNote, state: State) -> bool:
    """The bases and the containers are the recorded ones. Queried in parallel: most of a call is the client's own start-up."""
    bases: list[dict[str, str]] = []

    def ask() -> None:
        with suppress(DevctlError):  # the other query fails too, or the long way tells why
            bases.append(_ids(engine, note.bases))

    asking = Thread(target=ask)
    asking.start()
    try:
        running = engine.running(note.project)
    finally:
        asking.join()
    return bases == [note.bases] and running == sorted(s.container or "" for s in state.services)


def _serves_current(box: Toolbox, root: Path, service: ServiceState, note: UpNote) -> bool:
    """It answers, and its last build was good according to what the build script wrote for this very container, and matches
    what is on disk."""
    probe = note.probes.get(service.name)
    if probe == "tcp" and service.url is not None:
        host, _, port = service.url.partition("://")[2].rpartition(":")
        if not box.prober.tcp(host, int(port), timeout=1.0):
            return False
    elif probe is not None and service.url is not None:
        status = box.prober.http(service.url + probe, timeout=1.0)
        if status is None or status >= 500:
            return False
    ran = service.container or ""
    if probe is None and exit_code(box.engine, ran) not in (None, 0 if service.finished else None):
        return False  # nobody can be asked, so its program may have exited
    word, _, container = (box.state.text(root, build_note(service.name)) or "").strip().partition(" ")
    if container and ran.startswith(container):
        paths = note.compiled.get(service.name, ())
        return word == "ok" and saved_since_build(box, root, service.name, ran, paths) is None
    return not (box.engine.read_files(ran, BUILD_STATE) or "ok").startswith("failed")
