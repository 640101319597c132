import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devctl.domain.image.facts import Layer
from devctl.domain.image.go_binary import Package
from devctl.domain.size.report import SizeReport, SizeRow, budget_bytes, chosen_bases, size_text
from devctl.errors import UsageError
from devctl.ui.size_html import size_page
from devctl.ui.treemap import treemap


def row(
    base: str, size: int, *, base_bytes: int = 0, published: int | None = None, service: str = "api"
) -> SizeRow:
    return SizeRow(
        service=service,
        base=base,
        ref=f"shop-{service}:prod-{base}",
        size_bytes=size,
        base_ref=None if base == "scratch" else f"{base}:1",
        base_bytes=base_bytes,
        binary_bytes=size - base_bytes,
        assembled=published is not None,
        published_base_bytes=published,
        layers=(Layer("COPY /out/ / # buildkit", size - base_bytes),),
    )


PACKAGES = (Package("net/http", "std", "go1.26", 240_000), Package("x/<b>", "x", "v1.0.0", 9_000))
ROWS = (row("alpine", 14_400_000, base_bytes=8_300_000), row("distroless", 8_100_000, base_bytes=2_000_000))


def report(*rows: SizeRow, budget: int | None = None, production: str = "distroless") -> SizeReport:
    return SizeReport(rows or ROWS, PACKAGES, budget, production)


def test_the_table_and_the_ratio() -> None:
    assert size_text(report()).splitlines() == [
        "base           image  base layer   binary",
        "alpine      14.40 MB     8.30 MB  6.10 MB",
        "distroless   8.10 MB     2.00 MB  6.10 MB",
        "distroless is 0.56 × alpine",
        "largest packages:",
        "  net/http    240 kB",
        "  x/<b>         9 kB",
    ]


def test_figures_on_a_stand_in_say_so_with_the_published_size() -> None:
    lines = size_text(
        report(
            row("alpine", 9_300_000, base_bytes=3_200_000, published=8_300_000),
            row("distroless", 8_100_000, base_bytes=2_000_000, published=2_300_000),
        )
    ).splitlines()
    assert lines[4:9] == [
        "measured on base images assembled on this machine:",
        "  alpine:1 3.20 MB (published: 8.30 MB)",
        "  distroless:1 2.00 MB (published: 2.30 MB)",
        "with the published bases: alpine 14.40 MB, distroless 8.40 MB",
        "  distroless is 0.58 × alpine",
    ]


def test_the_budget_is_for_the_base_of_production() -> None:
    within, over = report(budget=9_000_000), report(budget=9_000_000, production="alpine")
    assert within.as_json()["within_budget"] is True
    assert over.as_json()["within_budget"] is False
    assert [r.base for r in over.over] == ["alpine"]
    assert report().as_json()["within_budget"] is None


def test_a_budget_where_productions_base_was_not_built_is_for_what_was() -> None:
    assert report(row("alpine", 14_400_000), budget=9_000_000).as_json()["within_budget"] is False


def test_no_ratio_where_one_of_the_two_is_missing() -> None:
    assert report(row("scratch", 6_000_000)).as_json()["ratio"] is None


def test_services_are_added_up_and_named() -> None:
    both = report(
        *ROWS, row("alpine", 10_000_000, service="job"), row("distroless", 5_000_000, service="job")
    )
    assert both.as_json()["ratio"] == round(13_100_000 / 24_400_000, 3)
    assert "job distroless" in size_text(both)


@pytest.mark.parametrize(("text", "size"), [("12MB", 12_000_000), ("10MiB", 10 * 2**20), (None, None)])
def test_budgets(text: str | None, size: int | None) -> None:
    assert budget_bytes(text) == size


def test_a_wrong_call_says_what_to_write() -> None:
    with pytest.raises(UsageError) as size:
        budget_bytes("twelve")
    assert size.value.code == "bad-size"
    assert "--budget 12MB" in size.value.problem.hint
    with pytest.raises(UsageError) as base:
        chosen_bases(["debian"])
    assert base.value.code == "unknown-base"
    assert "--bases alpine,distroless,scratch" in base.value.problem.hint


def test_bases_come_in_our_order() -> None:
    assert chosen_bases(["scratch", "alpine"]) == ("alpine", "scratch")
    assert chosen_bases([]) == ("alpine", "distroless", "scratch")


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.append(tag)
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_escaped_and_asks_nobody() -> None:
    page = size_page(report(budget=1).as_json(), "shop <1>")
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    assert not {"script", "link", "img", "iframe", "b"} & set(tags.seen)
    assert not re.search(r"https?:|url\(|@import|src=", page)
    assert "shop &lt;1&gt;" in page
    assert "x/&lt;b&gt;" in page
    assert tags.seen.count("rect") == 2 * len(PACKAGES)  # for a desktop and for a phone


def test_the_page_without_packages() -> None:
    page = size_page(SizeReport(ROWS, (), None, "distroless").as_json(), "shop")
    assert "no readable table of Go functions" in page


@given(st.lists(st.integers(0, 10_000_000), max_size=200))
def test_every_package_with_code_has_its_place(sizes: list[int]) -> None:
    found = [Package(f"p{n}", f"m{n % 7}", "", size) for n, size in enumerate(sizes)]
    drawn = treemap([p.as_json() for p in sorted(found, key=lambda p: -p.size_bytes)])
    assert drawn.count("<rect") == 2 * sum(size > 0 for size in sizes)
