"""The entries of the failure dictionary, read from `entries/TOPIC.yaml` only when something failed, since it takes 40 ms."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from devctl.domain.failures.entry import ANY, Facts, Failure, Sample
from devctl.errors import ExitCode


@cache
def topics() -> Mapping[str, tuple[Failure, ...]]:
    """Entries by topic, which is the name of their file."""
    import yaml

    folder = resources.files("devctl.domain.failures") / "entries"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".yaml")), key=lambda f: f.name)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # not every build of PyYAML has the fast one
    return {
        file.name.removesuffix(".yaml"): tuple(
            _entry(raw) for raw in yaml.load(file.read_text("utf-8"), loader)
        )
        for file in files
    }


@cache
def entries() -> tuple[Failure, ...]:
    return tuple(entry for topic in topics().values() for entry in topic)


def codes(topic: str) -> frozenset[str]:
    return frozenset(entry.code for entry in topics()[topic])


def _entry(raw: dict[str, Any]) -> Failure:
    """Raises TypeError for an unknown key."""
    asked = raw.pop("asked")
    return Failure(
        asked=ANY if asked == "any" else frozenset(asked),
        pattern=raw.pop("pattern", ""),
        exit=ExitCode[raw.pop("exit", "project").upper()],
        exit_codes=tuple(raw.pop("exit_codes", ())),
        samples=tuple(_sample(sample) for sample in raw.pop("samples")),
        **raw,
    )


def _sample(raw: dict[str, Any]) -> Sample:
    facts = Facts(raw.pop("exit_code", None), raw.pop("oom", False), air=raw.pop("air", False))
    return Sample(facts=facts, found=raw.pop("found", {}), **raw)
