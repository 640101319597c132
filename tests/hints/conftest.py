"""Commands are called as in `tests/cli`."""

from tests.cli.conftest import devctl

__all__ = ["devctl"]
