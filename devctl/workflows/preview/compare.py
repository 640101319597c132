"""Dev and prod side by side: what the engine shows of both, and the same requests sent to both."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from devctl.domain.failures import explain
from devctl.domain.plan.engine_state import MODE_LABEL, Container, Observed
from devctl.domain.preview.answers import CLIENTS, Asked, Unlike, requests_for, summary, to_ask_again, unlike
from devctl.domain.preview.differences import Difference, Side, differences
from devctl.errors import Finding
from devctl.workflows.ready.wait import Endpoint, address

if TYPE_CHECKING:
    from devctl.domain.ports.engine import Engine
    from devctl.domain.ports.host import Reporter
    from devctl.domain.ports.http import Answer, Prober
    from devctl.domain.ports.toolbox import Toolbox
    from devctl.domain.project.model import Project, Service

PATIENCE = 2.0
"""Seconds for one request."""
LAST = 0.5
"""Seconds for the remaining requests once the image is ready: if nothing had to be built, that was soon."""
VARIES = 1.1
"""Seconds until a request whose answers differ is repeated: a clock that counts seconds has moved on by then."""
ALTOGETHER = 10.0
"""Seconds for all requests to prod: one that always hangs must not delay the result."""


class DevLook(Struct):
    """Looks at dev in a thread while the image is built: answers and image sizes by service.

    `stop` says that dev is about to go; what is not available by then is not compared.
    """

    box: Toolbox
    project: Project
    before: Observed
    answers: dict[str, dict[Asked, Answer]] = field(default_factory=dict)
    sizes: dict[str, int | None] = field(default_factory=dict)
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> DevLook:
        if any(self.dev(s) is not None for s in self.project.services):
            self._thread = threading.Thread(target=self._look, daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """No further requests. One in flight is not waited for: its answer, whoever sends it, is discarded."""
        if self._thread is not None:
            self._thread.join(LAST)
        self._over.set()

    def dev(self, service: Service) -> Container | None:
        found = self.before.of(service.name)
        there = found is not None and found.state == "running" and found.labels.get(MODE_LABEL) == "dev"
        return found if there else None

    def _look(self) -> None:
        for service in self.project.services:
            container = self.dev(service)
            if container is None:
                continue
            self.sizes[service.name] = self.box.engine.image_bytes(container.image_id)
            mine = self.answers.setdefault(service.name, {})
            where = address(service, container)
            for asked in requests_for(service) if where is not None else ():
                answer = _ask(self.box.prober, where, asked, service) if not self._over.is_set() else None
                if answer is not None and not self._over.is_set():
                    mine[asked] = answer


class Compared(Struct, frozen=True):
    """`requests`: how many were sent to both."""

    rows: tuple[Difference, ...] = ()
    requests: int = 0
    unlike: tuple[Unlike, ...] = ()
    checks: tuple[Finding, ...] = ()

    def answers(self) -> dict[str, object]:
        """`answers` of the result."""
        return {"requests": self.requests, "differ": [u.as_json() for u in self.unlike]}


def compare(box: Toolbox, look: DevLook, prod_sizes: Mapping[str, int], *, now: Observed) -> Compared:
    """Prod as it serves now against what was learned about dev. Nothing if dev did not run."""
    end = box.clock.monotonic() + ALTOGETHER
    found = Compared()
    for service in look.project.services:
        dev, prod = look.dev(service), now.of(service.name)
        if dev is None or prod is None:
            continue
        sides = Side(dev, look.sizes.get(service.name)), Side(prod, prod_sizes.get(service.name))
        found = replace(found, rows=found.rows + differences(service.name, *sides))
        where, known = address(service, prod), dict(look.answers.get(service.name, {}))
        if where is None or not known:
            continue
        theirs = {a: _ask(box.prober, where, a, service) for a in known if box.clock.monotonic() < end}
        again: dict[Asked, Answer | None] = {}
        if doubtful := to_ask_again(known, theirs):
            box.clock.sleep(VARIES)
            again = {a: _ask(box.prober, where, a, service) for a in doubtful if box.clock.monotonic() < end}
        bad = unlike(known, theirs, again)
        found = replace(
            found,
            requests=found.requests + len(theirs),
            unlike=found.unlike + bad,
            checks=(*found.checks, _check(box.engine, service, prod, theirs=len(theirs), bad=bad)),
        )
    return found


def warn(reporter: Reporter, compared: Compared) -> None:
    for check in compared.checks:
        if check.severity == "warn":
            reporter.warn(check.problem)


def _ask(prober: Prober, where: Endpoint | None, asked: Asked, service: Service) -> Answer | None:
    """The length of a page is unknown if air's proxy inserts its script into dev's."""
    if where is None:
        return None
    answer = prober.fetch(where.url + asked.path, timeout=PATIENCE, headers=CLIENTS[asked.client])
    proxied = service.port_in("prod") != service.serve.port
    if answer is not None and proxied and answer.content_type.startswith("text/html"):
        return replace(answer, length=None, body=b"")
    return answer


def _check(
    engine: Engine, service: Service, prod: Container, *, theirs: int, bad: tuple[Unlike, ...]
) -> Finding:
    if not bad:
        return Finding(
            "answers-differ", "ok", f"{service.name}: {theirs} requests, answered in production as in dev"
        )
    known = explain("start", engine.logs(prod.id, tail=40), service=service.name)
    hint = f"devctl logs {service.name}; other differences, such as user and environment, are listed below"
    if known is not None:
        hint = known.hint
    why = f": {known.message}" if known is not None else ""
    return Finding("answers-differ", "warn", f"{service.name}: {summary(bad)}{why}", hint)
