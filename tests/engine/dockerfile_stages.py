"""Stages that two Dockerfiles of the tests share: one that can run in production, and those that cannot, each for one reason.

They take /server, /pie and /arm from a stage `builder`.
"""

from __future__ import annotations

STAGES = """\
FROM scratch AS good
COPY --from=builder /server /server
EXPOSE 8080
USER 65532:65532
ENTRYPOINT ["/server"]

FROM good AS shell
ENTRYPOINT /server

FROM good AS nowhere
ENTRYPOINT ["/nope"]

FROM scratch AS unset
COPY --chmod=0644 --from=builder /server /server
USER 65532
ENTRYPOINT ["/server"]

FROM scratch AS pie
COPY --from=builder /pie /server
USER 65532
ENTRYPOINT ["/server"]

FROM scratch AS arm
COPY --from=builder /arm /server
USER 65532
ENTRYPOINT ["/server"]

FROM good AS named
USER nobody

FROM good AS health
HEALTHCHECK CMD curl -f http://localhost:8080/

"""


def line_in(dockerfile: str, instruction: str, *, stage: str) -> int:
    """The number of the first line that starts with `instruction` in that stage."""
    lines = dockerfile.splitlines()
    start = next(i for i, line in enumerate(lines) if line.endswith(f" AS {stage}"))
    return next(i for i in range(start, len(lines)) if lines[i].startswith(instruction)) + 1
