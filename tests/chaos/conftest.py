"""The project that faults happen to is made and removed as those of the engine tests."""

from tests.engine.conftest import _needs_engine, _nothing_is_left, answering_engine, project

__all__ = ["_needs_engine", "_nothing_is_left", "answering_engine", "project"]
