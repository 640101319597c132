"""Which sub-command a help text offers for serving."""

from __future__ import annotations

import pytest

from devctl.domain.failures.serve_command import serving_word

COBRA = "Usage:\n  shop [command]\n\nAvailable Commands:\n  completion  Generate\n  server      Listen\n  version\n"
URFAVE = "USAGE:\n   shop [global options] command\n\nCOMMANDS:\n   web, w   start the web server\n   help, h  Shows a list\n"
KONG = 'shop: error: expected one of "migrate",  "start"\n'
GO_FLAGS = "Please specify one command of: add, run or remove\n"


@pytest.mark.parametrize(
    ("log", "word"),
    [
        (COBRA, "server"),
        (URFAVE, "web"),
        (KONG, "start"),
        (GO_FLAGS, "run"),
        ("Usage:\n  shop [command]\n\nCommands:\n  run    Do it\n  serve  Listen\n", "serve"),
        ("Usage of /app:\n  -port int\n    \tthe port to run on\n", None),
        ("could not start: no database\n", None),
        ("connecting\n  server refused\n", None),
    ],
)
def test_the_word_that_serves(log: str, word: str | None) -> None:
    assert serving_word(log) == word
