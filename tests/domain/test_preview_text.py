"""The text after a preview: the drain is reported if one was requested, and only then."""

from __future__ import annotations

import pytest

from devctl.domain.preview.text import preview_text

FIGURES: dict[str, object] = {
    "image": {"ref": "shop-app:prod-distroless", "base": "distroless", "size_bytes": 8_110_000},
    "binary": {"size_bytes": 6_100_000},
    "hardening": {"user": "65532:65532", "read_only": True, "cap_drop": ["ALL"], "source_mounted": False},
    "switch_ms": 610,
    "gap_ms": 230,
}
RESULT: dict[str, object] = {
    "services": [{"name": "app", "kind": "service", "url": "http://127.0.0.1:8080"}],
    **FIGURES,
    "previews": [{"service": "app", **FIGURES}],
    "checks": [],
    "differences": [],
    "answers": {"requests": 0, "differ": []},
    "drain": None,
}


def test_each_of_several_services_has_its_own_figures() -> None:
    other = {
        **FIGURES,
        "service": "worker",
        "image": {"ref": "shop-worker:prod-alpine", "base": "alpine", "size_bytes": 12_000_000},
        "binary": {"size_bytes": 3_000_000},
        "switch_ms": 900,
        "gap_ms": None,
    }
    text = preview_text(
        {**RESULT, "previews": [{"service": "app", **FIGURES}, other]}, back="devctl up"
    ).splitlines()
    assert text[1] == "app on http://127.0.0.1:8080"
    assert text[5:8] == [
        "worker",
        "  image   shop-worker:prod-alpine (alpine, 12.00 MB, binary 3.00 MB)",
        "  runs as uid 65532, read-only, no capabilities, no source",
    ]
    assert "  switch  0.90 s" in text


def test_what_serves_how_and_how_fast() -> None:
    assert preview_text(RESULT, back="devctl up").splitlines() == [
        "production preview serves on http://127.0.0.1:8080",
        "  image   shop-app:prod-distroless (distroless, 8.11 MB, binary 6.10 MB)",
        "  runs as uid 65532, read-only, no capabilities, no source",
        "  switch  0.61 s, longest gap 0.23 s",
        "back to dev: devctl up",
    ]


@pytest.mark.parametrize(("lost", "said"), [(0, "none lost"), (2, "2 lost")])
def test_a_drain_is_told(lost: int, said: str) -> None:
    drained = {"stopped_ms": 120, "exit_code": 0, "lost_requests": lost}
    text = preview_text({**RESULT, "drain": drained}, back="devctl up")
    assert f"  drain   stopped in 0.12 s, exit code 0; of the requests in flight, {said}\n" in text
