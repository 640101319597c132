"""What grew since the last build that was within its budget."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from devctl.domain.image.go_binary import Package
from devctl.domain.project.notes import decode, encode
from devctl.domain.size.growth import BudgetNote, ModuleShare, Weighed, grown, growth_text, modules

BEFORE = Weighed(
    8_000_000,
    2_000_000,
    {"std": ModuleShare("go1.26", 3_000_000), "example.com/x": ModuleShare("v1.2.0", 400_000)},
)


def now(size: int, *, base: int = 2_000_000, **changed: ModuleShare) -> Weighed:
    named = {name.replace("_", "/").replace("example/", "example.com/"): m for name, m in changed.items()}
    return replace(BEFORE, size_bytes=size, base_bytes=base, modules={**BEFORE.modules, **named})


@pytest.mark.parametrize(
    ("after", "says"),
    [
        (
            now(8_500_000, example_x=ModuleShare("v1.3.0", 700_000)),
            "example.com/x grew by 300 kB of code (v1.2.0 → v1.3.0)",
        ),
        (
            now(8_500_000, example_y=ModuleShare("v2.0.0", 250_000)),
            "example.com/y v2.0.0 is new, with 250 kB of code",
        ),
        (now(8_300_000, std=ModuleShare("go1.26", 3_200_000)), "the standard library grew by 200 kB of code"),
        (now(9_000_000, base=3_000_000), "the base grew by 1000 kB"),
        (now(13_000_000), "files and data other than code grew by 5000 kB"),
        (
            now(13_000_000, example_x=ModuleShare("v1.2.0", 401_000)),
            "files and data other than code grew by 4999 kB",
        ),
        (now(8_000_000), "nothing grew; the budget is smaller"),
    ],
)
def test_what_grew_most_is_named(after: Weighed, says: str) -> None:
    assert growth_text(BEFORE, after) == says


def test_each_module_that_grew_with_its_versions() -> None:
    found = grown(
        BEFORE, now(9_000_000, example_x=ModuleShare("v1.3.0", 700_000), example_y=ModuleShare("", 9))
    )
    assert [g.as_json() for g in found] == [
        {
            "module": "example.com/x",
            "from": "v1.2.0",
            "to": "v1.3.0",
            "from_bytes": 400_000,
            "to_bytes": 700_000,
        },
        {"module": "example.com/y", "from": None, "to": None, "from_bytes": 0, "to_bytes": 9},
    ]


def test_packages_are_summed_by_module() -> None:
    found = modules(
        [Package("a/b", "a", "v1", 3), Package("a", "a", "v1", 4), Package("fmt", "std", "go1.26", 5)]
    )
    assert found == {"a": ModuleShare("v1", 7), "std": ModuleShare("go1.26", 5)}


@given(
    st.dictionaries(
        st.text(max_size=5),
        st.builds(
            Weighed,
            st.integers(0, 2**63 - 1),
            st.integers(0, 2**63 - 1),
            st.dictionaries(
                st.text(max_size=5),
                st.builds(ModuleShare, st.text(max_size=5), st.integers(0, 2**63 - 1)),
                max_size=3,
            ),
        ),
        max_size=3,
    )
)
def test_what_is_kept_is_read_again(kept: dict[str, Weighed]) -> None:
    assert decode(BudgetNote, encode(BudgetNote(kept))).within == kept
