"""The two streams: everything that devctl prints goes through here, in whole lines.

There is no error if the reader has gone away (`devctl logs | head`).
"""

from __future__ import annotations

import contextlib
import io
import signal
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

from devctl.errors import MachineError
from devctl.ui.style import Part, rendered

if TYPE_CHECKING:
    from devctl.ui.links import Links


class Out:
    """One stream of text. `discard` redirects a broken stream to nothing, so that the flush at exit stays quiet. `links`: turns
    URLs and places into links, on a terminal that supports them. `errors`: the stream that errors are reported on. Nobody can
    be told that it cannot be written, and the command goes on."""

    def __init__(
        self,
        stream: TextIO,
        *,
        discard: Callable[[], None],
        links: Links | None = None,
        errors: bool = False,
    ) -> None:
        if isinstance(stream, io.TextIOWrapper):
            # A character that the locale lacks must not end the program.
            stream.reconfigure(errors="backslashreplace")
        self.stream = stream
        self.gone = False
        self.links = links
        self._discard = discard
        self._errors = errors
        self.ends_command = True

    def line(self, *parts: Part) -> None:
        self._write(rendered(parts, self.links))

    def ring(self) -> None:
        """The bell of a terminal; nothing if it is not one."""
        if not self.gone and self.stream.isatty():
            with contextlib.suppress(OSError):
                self.stream.write("\a")
                self.stream.flush()

    def log_line(self, *parts: Part, program: str = "") -> None:
        """A line of an endless log: once nobody reads it any more, the command ends, whichever thread this is, unless
        `ends_command` is False.

        `program`: output of the user's program, passed on byte for byte.
        """
        self._write(rendered(parts, self.links), program)
        if self.gone and self.ends_command:
            self.ends_command = False
            _end_main()

    def _write(self, text: str, program: str = "") -> None:
        if self.gone:
            return
        try:
            self.stream.write(text)
            if isinstance(self.stream, io.TextIOWrapper):
                self.stream.flush()
                self.stream.buffer.write(program.encode(errors="surrogateescape") + b"\n")
            else:
                self.stream.write(program + "\n")
            self.stream.flush()
        except BrokenPipeError:
            self.gone = True
            self._discard()
        except OSError as error:  # usually a full disk, with output redirected by `>`
            self.gone = True
            self._discard()
            if self._errors:
                return
            raise MachineError(
                f"cannot write the output: {error.strerror}",
                code="output-not-writable",
                hint="free some space where the output goes: df -h",
            ) from error


def _end_main() -> None:
    """As a signal, so that the main thread wakes up too; not SIGINT, which a background job of a shell ignores."""
    main = threading.main_thread().ident
    if main is not None and callable(signal.getsignal(signal.SIGTERM)):  # otherwise nobody would catch it
        signal.pthread_kill(main, signal.SIGTERM)
