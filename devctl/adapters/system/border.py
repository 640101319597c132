"""The border to the outside world: what a disk, a tool or the operating system refuses arrives as an error that names it.

`bordered` decorates every adapter that is passed to a workflow, so no call can forget it: an `OSError` is the machine's or the
project's fault, never a bug in devctl.
"""

from __future__ import annotations

import errno
import inspect
import json
import os
import shlex
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import wraps
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from devctl.adapters.system.beneath import Unsafe
from devctl.domain.ports.toolbox import Finished, Processes
from devctl.errors import DevctlError, FilesError, InterruptedByUser, MachineError, lost_interruption

Adapter = TypeVar("Adapter")
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_LIMITS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN})
_inside = threading.local()
_OUTSIDE = (OSError, UnicodeError, RecursionError, MemoryError, ValueError)


def bordered(*, writes: tuple[str, ...] = ()) -> Callable[[type[Adapter]], type[Adapter]]:
    """A class decorator. `writes`: the methods that change something; the others only read."""

    def mark(adapter: type[Adapter]) -> type[Adapter]:
        for name, method in vars(adapter).copy().items():
            if inspect.isfunction(method) and not name.startswith("_"):
                setattr(adapter, name, _bordered(method, writing=name in writes))
        adapter.__bordered__ = True  # type: ignore[attr-defined]  # a test asks every adapter for it
        return adapter

    return mark


def raise_typed(error: Exception, path: Path | None, *, writing: bool) -> None:
    """Raise the error for the user; the exception itself if only a bug in devctl can have raised it. Ctrl-C stays Ctrl-C."""
    if lost_interruption(error):
        raise InterruptedByUser from error
    typed = _typed(error, path, writing=writing)
    if typed is None:
        raise error
    raise typed from error


class MustStart:
    """`Processes.run` for docker: if it cannot even be started, the error is `docker-missing`, not output that could be
    misread."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes

    def run(self, argv: Sequence[str], **how: Any) -> Finished:
        done = self._processes.run(argv, **how)
        if not done.started:
            raise docker_missing(done.stderr)
        return done


def docker_missing(said: str) -> MachineError:
    return MachineError(
        "the docker command is not installed", code="docker-missing", hint="devctl doctor --fix", detail=said
    )


def _bordered(method: Callable[..., Any], *, writing: bool) -> Callable[..., Any]:
    if inspect.isgeneratorfunction(method):

        @wraps(method)
        def generate(*args: Any, **kwargs: Any) -> Iterator[Any]:
            try:
                yield from method(*args, **kwargs)
            except _OUTSIDE as error:
                raise_typed(error, _first_path(args), writing=writing)

        return generate

    @wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        # One adapter uses another, or itself: only the outer call knows the purpose.
        if getattr(_inside, "adapter", False):
            return method(*args, **kwargs)
        _inside.adapter = True
        try:
            result = method(*args, **kwargs)
        except _OUTSIDE as error:
            raise_typed(error, _first_path(args), writing=writing)
        finally:
            _inside.adapter = False
        # A Path was a context manager too, until Python 3.13.
        if isinstance(result, AbstractContextManager) and not isinstance(result, Path):
            return _Entered(result, _first_path(args))
        return result

    return call


class _Entered(AbstractContextManager[Any]):
    """A context manager whose entry is bordered; what is raised inside it belongs to its user."""

    def __init__(self, inner: AbstractContextManager[Any], path: Path | None) -> None:
        self._inner, self._path = inner, path

    def __enter__(self) -> Any:
        return _bordered(type(self)._enter, writing=True)(self, self._path)

    def _enter(self, path: Path | None) -> Any:
        return self._inner.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        try:
            return self._inner.__exit__(kind, error, trace)
        except _OUTSIDE as raised:
            if raised is error:
                raise
            raise_typed(raised, self._path, writing=True)
            raise


def _first_path(args: tuple[Any, ...]) -> Path | None:
    return next((arg for arg in args if isinstance(arg, Path)), None)


def _typed(error: Exception, path: Path | None, *, writing: bool) -> DevctlError | None:
    named = getattr(error, "filename", None)
    place = os.fsdecode(named) if isinstance(named, str | bytes) else str(path) if path is not None else None
    name = repr(Path(place).name) if place is not None and Path(place).name else "a file"
    if isinstance(error, OSError):
        return _refused(error, name, place, writing=writing)
    if isinstance(error, json.JSONDecodeError):
        return MachineError(
            f"docker printed something that is not JSON: {error.msg}",
            code="engine-refused",
            hint="devctl doctor shows which docker, compose and engine are in use",
        )
    if isinstance(error, MemoryError):
        return MachineError(
            "there is not enough memory to read this project",
            code="machine-limit",
            hint="close other programs, or raise the memory limit of this shell",
            place=place,
        )
    if isinstance(error, UnicodeError):
        return _unreadable(name, "it is not UTF-8 text", f"save it as UTF-8: {_quoted(place)}", place)
    if isinstance(error, RecursionError):
        return _unreadable(name, "it is nested too deeply", f"look at {_quoted(place)}", place)
    if str(error).startswith("Exceeds the limit"):  # of digits; again only the text tells
        return _unreadable(name, "a number in it has too many digits", f"look at {_quoted(place)}", place)
    if str(error).startswith("embedded null"):  # a NUL byte in a name: only the text of this ValueError tells
        return _unreadable(name, "a path in it contains a NUL byte", f"look at {_quoted(place)}", None)
    return None


def _refused(error: OSError, name: str, place: str | None, *, writing: bool) -> DevctlError:
    said = (error.strerror or str(error) or type(error).__name__).lower()
    if error.errno in _FULL:
        return MachineError(
            f"{name} cannot be written: {said}", code="disk-full", hint="df -h shows which disk is full"
        )
    if error.errno in _LIMITS:
        return MachineError(
            f"the operating system refused: {said}",
            code="machine-limit",
            hint="ulimit -a shows the limits of this shell; close other programs or raise the limit",
        )
    if isinstance(error, Unsafe):
        return FilesError(
            f"{name} cannot be written: {said}",
            code="unsafe-path",
            hint=f"ls -ld {shlex.quote(error.name)} shows what it is; replace it with {error.wanted}, or remove it",
            place=error.name,
        )
    if writing:
        hint = f"ls -ld {_quoted(place)} shows its owner; make it writable by your user"
        return MachineError(f"{name} cannot be written: {said}", code="not-writable", hint=hint, place=place)
    if error.errno == errno.ELOOP:
        return _unreadable(name, "the link points to itself", f"rm {_quoted(place)}", place)
    if error.errno in (errno.EACCES, errno.EPERM):
        return _unreadable(
            name, said, f"chmod u+rX {_quoted(_closed(place))}, as the user who owns it", place
        )
    return _unreadable(
        name,
        said,
        f"ls -ld {_quoted(place)} shows what it is; make it a regular file that you may read, or remove it",
        place,
    )


def _unreadable(name: str, why: str, hint: str, place: str | None) -> FilesError:
    return FilesError(f"{name} cannot be read: {why}", code="unreadable-file", hint=hint, place=place)


def _closed(place: str | None) -> str | None:
    """What denies it: the file, or the nearest folder above it whose content may be seen."""
    if place is None or os.path.lexists(place):
        return place
    return next((str(p) for p in Path(place).parents if os.path.lexists(p)), place)


def _quoted(place: str | None) -> str:
    return shlex.quote(place) if place is not None else "the file"
