"""Names below `.devctl/`, the folder of a project that may be deleted at any time."""

OVERLAY = ".devctl"
BASES_NOTE = "bases.json"
"""Which Go base builds in place of one that cannot be had."""
STAGES_NOTE = "stages.json"
"""Dev stages of the user's that did not build or start, each with the state of its Dockerfile then."""


def build_note(service: str) -> str:
    """Where the build script of a dev container writes `ok CONTAINER` or `failed CONTAINER`, relative to the project."""
    return f"{OVERLAY}/{service}/build"
