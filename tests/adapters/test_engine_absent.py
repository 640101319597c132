"""Whether an engine answers is an exit code: what docker prints about it may be in any language."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from devctl.adapters.docker.engine import EngineCli
from devctl.adapters.docker.image_store import WhalesImageStore
from devctl.domain.ports.toolbox import Finished
from devctl.errors import DevctlError, MachineError

IMAGE = 'sha256:1\t\t{"a": "b"}\n'


class Docker:
    """Has the image `here:1`, where an engine answers."""

    def __init__(self, *, answers: bool) -> None:
        self.answers = answers

    def run(self, argv: Sequence[str], **how: Any) -> Finished:
        asked = list(argv[argv.index("--") + 1 :]) if "--" in argv else []
        if not self.answers:
            return Finished(1, "", "der Dienst ist nicht da")
        if argv[1:3] == ["image", "inspect"] and set(asked) != {"here:1"}:
            return Finished(1, "", "connect: das Bild gibt es nicht")
        return Finished(0, IMAGE, "")


@pytest.mark.parametrize("refs", [["gone:1"], ["here:1", "gone:1"]])
def test_an_image_that_is_missing_is_not_a_missing_engine(refs: list[str]) -> None:
    found = EngineCli(cast("Any", Docker(answers=True))).images(refs)
    assert set(found) == set(refs) - {"gone:1"}
    assert WhalesImageStore(cast("Any", Docker(answers=True))).find("gone:1") is None


def test_an_engine_that_does_not_answer_is_not_a_missing_image() -> None:
    docker = cast("Any", Docker(answers=False))
    asked = [
        lambda: EngineCli(docker).images(["gone:1"]),
        lambda: EngineCli(docker).names("volume"),
        lambda: WhalesImageStore(docker).find("gone:1"),
        lambda: WhalesImageStore(docker).named("gone"),
    ]
    for ask in asked:
        with pytest.raises(MachineError) as raised:
            ask()
        assert raised.value.code == "engine-unreachable"


@pytest.mark.parametrize(("answers", "code"), [(True, "load-failed"), (False, "engine-unreachable")])
def test_an_archive_is_not_damaged_because_no_engine_answers(
    monkeypatch: pytest.MonkeyPatch, answers: bool, code: str
) -> None:
    from python_on_whales import docker
    from python_on_whales.exceptions import DockerException

    def load(*given: object, **how: object) -> None:
        raise DockerException(["docker", "load"], 1, stderr=b"der Dienst ist nicht da")

    monkeypatch.setattr(docker.image, "load", load)
    with pytest.raises(DevctlError) as raised:
        WhalesImageStore(cast("Any", Docker(answers=answers))).load(Path("bases.tar"))
    assert raised.value.code == code
