"""Records the outcome of a preview for the full view: whether it serves, its images, its checks, its times."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from msgspec.structs import replace

from devctl.domain.ports.private_state import PrivateState
from devctl.domain.preview.last_preview import LastPreview
from devctl.errors import DevctlError, MachineError


@contextmanager
def noting(private: PrivateState, root: Path, known: Callable[[], LastPreview]) -> Iterator[None]:
    """`known` is called at the end, on success and on failure."""
    try:
        yield
    except DevctlError as error:
        _keep(private, root, replace(known(), failed=error.problem.message))
        raise
    _keep(private, root, known())


def _keep(private: PrivateState, root: Path, note: LastPreview) -> None:
    with suppress(MachineError):  # nothing depends on it
        private.keep(root, note)
