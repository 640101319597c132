"""Which compose builds with which buildx."""

from __future__ import annotations

from devctl.domain.numbers import Version, version

OLDEST_BUILDX: Version = (0, 17)
COMPOSE_NEEDS_BUILDX: Version = (5,)
INSTALL_BUILDX = (
    "install the docker-buildx package (docker-buildx-plugin from Docker's own repository), 0.17 or newer"
)


def buildx_refused(compose: str, buildx: str | None) -> str | None:
    """Why this compose does not build with this buildx, None: not installed; None if it does."""
    if buildx is None:
        needed = version(compose) >= COMPOSE_NEEDS_BUILDX
        return f"compose {compose} builds only with buildx, which is not installed" if needed else None
    if version(buildx) < OLDEST_BUILDX:
        return f"compose {compose} refuses buildx {buildx}: it needs 0.17"
    return None
