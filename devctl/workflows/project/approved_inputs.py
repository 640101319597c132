"""What a person's command let into the model from outside the project, and how a round of the watcher calls compose: with only
that.

A container that rewrites compose.yaml could read a key of the host with `${AWS_SECRET_ACCESS_KEY}`, or with an env file
elsewhere. A person's command records which variables and files outside entered the model it applied, and in which keys of
which services. It finds out by leaving out each one and calling compose again, so what a file merely mentions is not recorded.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from msgspec import Struct, field
from msgspec.structs import replace

from devctl.domain.compose.env_file import endless
from devctl.domain.numbers import whole
from devctl.domain.ports.host import Host
from devctl.domain.ports.toolbox import Toolbox
from devctl.domain.project.compose_inputs import (
    OF_THE_TOOLS,
    OTHER_ENV_FILES,
    ComposeInputs,
    answer_of,
    strings,
)
from devctl.domain.project.compose_model import Model, OwnModel
from devctl.domain.project.model import Project
from devctl.domain.project.private_notes import PrivateNote
from devctl.domain.project.taken_from_variables import in_place, with_values
from devctl.domain.regex import regex
from devctl.errors import FilesError, MachineError
from devctl.workflows.project.compose_inputs import in_env_files
from devctl.workflows.project.compose_model import compose_model
from devctl.workflows.project.find import ComposeFiles, named

Place = tuple[str, ...]
"""A place in a model: a service and its key, or a section and its entry."""

UP = "`devctl up` applies it"
_WORD = regex(r"[A-Za-z_]\w*")
_ENVIRONMENT: Place = ("environment",)
"""For what `.env` provides if there is no compose file."""


class HeldBack(FilesError):
    """What the files say waits for a person; its message says why."""

    def __init__(self, told: Collection[str]) -> None:
        super().__init__(held(told), code="not-applied", hint="devctl up")


def held(told: Collection[str]) -> str:
    return f"not applied: it would grant {'; '.join(told)}; {UP}"


class Source(Struct, frozen=True):
    """A variable of the host with its value, or a file outside the project (`value` None), and the keys that it affected."""

    value: str | None
    places: frozenset[Place]


class Approved(PrivateNote, frozen=True):
    """`digest` and `answers`: the inputs of a person's command, and what compose made of them; `services`: those that it
    started; `sources`: by the name of the variable, or the real path of the file. Empty before the first `up`, and for a user
    who has started nothing here."""

    file: ClassVar[str] = "inputs.json"
    digest: str = ""
    answers: Mapping[str, str] = field(default_factory=dict)
    services: tuple[str, ...] = ()
    sources: Mapping[str, Source] = field(default_factory=dict)

    @property
    def variables(self) -> dict[str, str]:
        return {name: source.value for name, source in self.sources.items() if source.value is not None}

    @property
    def files(self) -> frozenset[str]:
        return frozenset(path for path, source in self.sources.items() if source.value is None)


def approve_inputs(box: Toolbox, project: Project, services: Collection[str]) -> None:
    """Record that a person's command has started these services from what the files said."""
    inputs = project.inputs
    if inputs is None:
        return
    before = box.private.note(project.root, Approved)
    same = (before.digest, before.answers) == (inputs.digest, inputs.answers)
    started = {*services, *(before.services if same else ())}
    if same and started == set(before.services):
        return
    left = {s.name for s in project.services} - started
    sources = _with_those_of(left, before.sources, _entered(box, project.root, inputs))
    with suppress(MachineError):  # then a changed model waits for a person's next command
        box.private.keep(
            project.root, Approved(inputs.digest, inputs.answers, tuple(sorted(started)), sources)
        )


def _with_those_of(
    left: Collection[str], old: Mapping[str, Source], new: Mapping[str, Source]
) -> dict[str, Source]:
    """`new`, except for the services in `left`, which keep what they had."""
    sources = {}
    for name in {**old, **new}:
        places = {p for p in (new[name].places if name in new else ()) if _service(p) not in left}
        places |= {p for p in (old[name].places if name in old else ()) if _service(p) in left}
        if places:
            sources[name] = Source((new.get(name) or old[name]).value, frozenset(places))
    return sources


def asked_by_a_person(
    box: Toolbox, root: Path, found: ComposeFiles | None, inputs: ComposeInputs, profiles: bool
) -> OwnModel:
    """Compose reads the files itself, with the whole environment."""
    assert found is not None
    _refuse_endless(box.host, root, inputs)
    told = any(box.host.env(name) is not None for name in OTHER_ENV_FILES)
    env_files = () if told or len(found.env_files) == 1 else found.env_files

    def ask() -> OwnModel:
        return box.compose.config(found.folder, found.files[::-1], env_files=env_files, profiles=profiles)

    model = _with_dotenv(box.host, inputs, compose_model(box, root, found, ask), box.host.env)
    inputs.answers[answer_of(profiles)] = json.dumps(model)
    return model


def _refuse_endless(host: Host, root: Path, inputs: ComposeInputs) -> None:
    """Raises FilesError for what would make compose use up all memory; a container may write such a file too."""
    together = "\n".join(inputs.beside.get(path) or "" for path in inputs.env_files)
    for path, text in (*inputs.beside.items(), *((path, together) for path in inputs.env_files[1:2])):
        if endless(text or "", known=host.env):
            name = named(root, Path(path))
            raise FilesError(
                f"the variables in {name} expand into each other until memory runs out",
                code="broken-compose",
                hint=f"write the values in {name} out in full",
                place=name,
            )


def _with_dotenv(
    host: Host, inputs: ComposeInputs, model: OwnModel, known: Callable[[str], str | None]
) -> OwnModel:
    """With what `.env` provides for secrets and configs, and from the host only what is `known`; compose itself sees what the
    host provides."""
    said = in_env_files(inputs, known)
    return with_values(model, {name: value for name, value in said.items() if host.env(name) is None})


def asked_by_itself(
    box: Toolbox,
    root: Path,
    inputs: ComposeInputs,
    *,
    approved: Approved,
    known: ComposeInputs | None,
    lenient: bool,
) -> Callable[[bool], OwnModel]:
    """What compose made of the same inputs before (`known`: in this process), else what it makes of the texts that were read,
    with only what a person's command let in; if that is not all they need, raises HeldBack or, with `lenient`, uses what that
    command applied."""

    def ask(profiles: bool) -> OwnModel:
        name = answer_of(profiles)
        for before in (approved, known):
            if before is not None and before.digest == inputs.digest and name in before.answers:
                inputs.answers[name] = before.answers[name]
                return dict(json.loads(inputs.answers[name]))
        try:
            refuse_what_waits(inputs)
            _refuse_endless(box.host, root, inputs)
            model = _confined(box.host, _Asking(box, root, inputs, profiles), approved)
        except HeldBack:
            if not lenient or name not in approved.answers:
                raise
            return dict(json.loads(approved.answers[name]))
        inputs.answers[name] = json.dumps(model)
        return model

    return ask


def refuse_what_waits(inputs: ComposeInputs) -> None:
    """Raises HeldBack, and FilesError if the files are broken."""
    if inputs.broken is not None:
        raise inputs.broken
    if inputs.waits:
        raise HeldBack(inputs.waits)


class _Asking(Struct, frozen=True):
    """Compose, called repeatedly with the same texts."""

    box: Toolbox
    root: Path
    inputs: ComposeInputs
    profiles: bool

    def model(self, variables: Mapping[str, str], *, emptied: Collection[str] = ()) -> OwnModel:
        """With these variables, and these outside files empty. Raises FilesError."""
        inputs = self.inputs
        beside = {p: "" if inputs.outside.get(p) in emptied else text for p, text in inputs.beside.items()}

        def known(name: str) -> str | None:
            return self.box.host.env(name) if name in OF_THE_TOOLS else variables.get(name)

        given = replace(inputs, beside=beside)

        def ask() -> OwnModel:
            return self.box.compose.render(given, profiles=self.profiles, variables=variables)

        found = ComposeFiles(inputs.folder, tuple(path for path, _ in reversed(inputs.files)), named=True)
        model = compose_model(self.box, self.root, found, ask)
        return _with_dotenv(self.box.host, given, model, known)

    def tried(self, variables: Mapping[str, str], *, emptied: Collection[str] = ()) -> OwnModel | None:
        try:
            return self.model(variables, emptied=emptied)
        except FilesError:
            return None

    def mentioned(self) -> dict[str, str]:
        """Variables of the host that the texts mention, as a substitution or by chance."""
        texts = [text for _, node in self.inputs.files for text in strings(node)]
        beside = [text for text in self.inputs.beside.values() if text is not None]
        words = {word for text in (*texts, *beside) for word in _WORD.findall(text)}
        found = {word: self.box.host.env(word) for word in sorted(words - OF_THE_TOOLS)}
        return {name: value for name, value in found.items() if value is not None}

    def moved(self, variables: Mapping[str, str], name: str) -> frozenset[Place] | None:
        """Where this variable or file has an effect; None if compose fails without it."""
        full = self.tried(variables)
        others = {n: value for n, value in variables.items() if n != name}
        if name not in variables:
            without = self.tried(variables, emptied=(name,))
        else:
            without = self.tried(others)
            if without is None:  # one that must be set
                without = self.tried({**others, name: _another(variables[name])})
        return (
            None
            if full is None or without is None
            else frozenset(_different(in_place(full), in_place(without)))
        )


def _confined(host: Host, asking: _Asking, approved: Approved) -> OwnModel:
    granted = approved.variables
    try:
        model = asking.model(granted)
    except FilesError:
        told = [_variable(name) for name in _missed(asking, granted, None)]
        if told:
            raise HeldBack(told) from None
        # Compose's message may quote any value that it has, and is shown where containers can read it.
        outside = asking.inputs.outside.values()
        asking.model(dict.fromkeys(granted, "1"), emptied=outside)
        raise HeldBack([*map(_variable, granted), *(f"the content of {path}" for path in outside)]) from None
    told = [_variable(name) for name in _missed(asking, granted, model)]
    told += [_variable(name) for name in _unfilled(model) if host.env(name) is not None]
    told += _elsewhere(asking, approved)
    if told:
        raise HeldBack(tuple(dict.fromkeys(told)))
    return model


def _variable(name: str) -> str:
    return f"the variable {name} from your environment"


def _missed(asking: _Asking, granted: Mapping[str, str], model: OwnModel | None) -> list[str]:
    """Variables of the host that would give a person a different model, and are not granted: without them it is not what the
    files ask for."""
    more = {name: value for name, value in asking.mentioned().items() if name not in granted}
    if not more or asking.tried({**granted, **more}) == model:
        return []
    return [name for name in more if asking.tried({**granted, name: more[name]}) != model] or list(more)


def _unfilled(model: Model) -> Iterator[str]:
    """Names without a value, which compose would look up again when it builds or starts."""
    for spec in (model.get("services") or {}).values():
        for values in (spec.get("environment"), (spec.get("build") or {}).get("args")):
            yield from (name for name, value in (values or {}).items() if value is None)


def _elsewhere(asking: _Asking, approved: Approved) -> Iterator[str]:
    """What a person's command let in, and now affects more."""
    for name, source in approved.sources.items():
        if source.value is None and name not in asking.inputs.outside.values():
            continue
        what = _variable(name) if source.value is not None else f"the content of {name}"
        moved = asking.moved(approved.variables, name)
        if moved is None:
            yield what
        else:
            yield from (f"{what} in {'.'.join(place)}" for place in sorted(moved - source.places))


def _entered(box: Toolbox, root: Path, inputs: ComposeInputs) -> dict[str, Source]:
    """What of the host affects the model; nothing if that cannot be known for certain."""
    outside = sorted(set(inputs.outside.values()))
    if inputs.waits or inputs.broken is not None:
        return {}
    if not inputs.files:
        return {path: Source(None, frozenset({_ENVIRONMENT})) for path in outside}
    if not inputs.answers:
        return {}
    profiles = answer_of(True) in inputs.answers
    asking = _Asking(box, root, inputs, profiles)
    wanted = json.loads(inputs.answers[answer_of(profiles)])
    if not outside and asking.tried({}) == wanted:
        return {}
    variables = asking.mentioned()
    if asking.tried(variables) != wanted:
        return {}
    sources = {n: Source(value, asking.moved(variables, n) or frozenset()) for n, value in variables.items()}
    sources |= {path: Source(None, asking.moved(variables, path) or frozenset()) for path in outside}
    return {name: source for name, source in sources.items() if source.places}


def _another(value: str) -> str:
    """A different value of the same kind: a port stays a port."""
    last = whole(value[-1:])
    if last is not None:
        return f"{value[:-1]}{(last + 1) % 10}"
    return {"true": "false", "false": "true"}.get(value, f"{value}-")


def _different(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[Place]:
    for section in sorted({*one, *other}):
        if not section.startswith("x-"):
            depth = 2 if section == "services" else 1
            yield from _below((section,), one.get(section), other.get(section), depth=depth)


def _below(place: Place, one: object, other: object, *, depth: int) -> Iterator[Place]:
    if one == other:
        return
    if depth == 0 or not isinstance(one, dict) or not isinstance(other, dict):
        yield place
        return
    for key in sorted({*one, *other}):
        yield from _below((*place, key), one.get(key), other.get(key), depth=depth - 1)


def _service(place: Place) -> str | None:
    return place[1] if place[0] == "services" and len(place) > 1 else None
