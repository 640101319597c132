"""The readiness check of a health check: the one of the compose file, else the image's own."""

from __future__ import annotations

import re

from devctl.domain.image_paths import candidates
from devctl.domain.inspected import HealthCheck, Inspected, Verdict

_HINT = 'HEALTHCHECK NONE, or exec form: HEALTHCHECK CMD ["/server", "-healthcheck"]'
_COMPOSE_HINT = '`healthcheck: {disable: true}`, or one that the program answers itself: `test: ["CMD", "/server", "-healthcheck"]`'
# What shells have not built in, and health checks run.
_TOOLS = re.compile(r"\s*(curl|wget|nc|grpc_health_probe)\s")


def health(it: Inspected) -> Verdict | str | None:
    """One that cannot run makes every container unhealthy, whatever the program does."""
    asked, hint = it.health, _COMPOSE_HINT
    if asked is None:
        asked, hint = HealthCheck(it.image.healthcheck, it.line("HEALTHCHECK") or ""), _HINT
    elif it.dockerfile is None:
        left_out = (
            "the health check of the compose file is left out: our production stage may not have what it runs"
        )
        return (
            "warn",
            left_out,
            "nothing must be done; `devctl init --diff` shows a production stage to build on",
            asked.place,
        )
    if not asked.test or asked.test[0] == "NONE":
        return None
    why = _cannot_run(it, asked.test)
    return ("fail", why, hint, asked.place or None) if why else "the health check can run"


def _cannot_run(it: Inspected, test: tuple[str, ...]) -> str | None:
    in_shell = test[0] == "CMD-SHELL"
    if in_shell and not it.shell:
        return "the health check is in shell form, and the image has no /bin/sh: always unhealthy"
    tool = _TOOLS.match(test[1]) if in_shell and len(test) > 1 else None
    name = tool[1] if tool else "" if in_shell or len(test) < 2 else test[1]
    paths = candidates(name, workdir=it.image.workdir, env=it.image.env)
    if paths and not any(path in it.image.files for path in paths):
        return f"the health check runs {name}, which is not in the image"
    return None
