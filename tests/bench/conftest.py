"""The projects that are timed: made as the engine tests make theirs."""

from tests.engine.conftest import _needs_engine, answering_engine, project

__all__ = ["_needs_engine", "answering_engine", "project"]
