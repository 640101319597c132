"""The documentation as a site (mkdocs.yml): it builds without a broken link, and loads nothing from anywhere else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.bench import chart

ROOT = Path(__file__).parents[1]
SVG = "http://www.w3.org/2000/svg"
LOADS = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src", "object": "data"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--config-file", ROOT / "mkdocs.yml", "--site-dir", out],
        capture_output=True,
        text=True,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )
    assert done.returncode == 0, done.stderr
    return out


class _Loads(HTMLParser):
    """The addresses of what a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name == LOADS.get(tag) and value]


def test_every_page_is_in_it(site: Path) -> None:
    docs = ROOT / "docs"
    pages = {page.relative_to(docs).with_suffix(".html") for page in docs.rglob("*.md")}
    top = {
        Path(name) for name in ("index.html", "contributing.html", "changelog.html", "decisions/index.html")
    }
    built = {page.relative_to(site) for page in site.rglob("*.html")} - {Path("404.html")}
    assert built == pages | top


def test_a_page_and_its_styles_load_nothing_from_elsewhere(site: Path) -> None:
    loaded = dict(_loaded(site))
    assert len(loaded) > 40
    assert {place: urls for place, urls in loaded.items() if any("//" in url for url in urls)} == {}


def _loaded(site: Path) -> Iterator[tuple[str, list[str]]]:
    for path in sorted((*site.rglob("*.html"), *site.rglob("*.css"), *site.rglob("*.svg"))):
        text = path.read_text(encoding="utf-8")
        urls = [url for url in re.findall(r"url\(\s*[\"']?([^)\"']+)", text) if not url.startswith("data:")]
        if path.suffix == ".html":
            page = _Loads()
            page.feed(text)
            urls += page.found
        yield str(path.relative_to(site)), urls


def test_the_chart_of_the_benchmarks_is_current() -> None:
    assert chart.is_current(), "python -m tests.bench.chart --write"


def test_the_chart_shows_each_row_and_whether_its_aim_is_met() -> None:
    table = "| what | devctl | against | ratio | before | aim | n |\n" + "| --- " * 7 + "|\n"
    slow = "| a slow one | 9 (8–9) | x: 3 (3–3) | 3.00 | – | ≤ 1.5 | 3 |\n"
    quick = "| a quick <one> | 1 (1–1) | x: 3 (3–3) | 0.33 | 0.40 | ≤ 0.5 | 3 |\n"
    drawn = chart.bars(
        f"# Benchmarks\n\n{table}{slow}{quick}| no aim | 3 (3–3) | x: 3 (3–3) | 1.00 | – | – | 3 |\n"
    )
    assert [(bar.title, bar.kind) for bar in drawn] == [
        ("a quick <one>", "good"),
        ("no aim", "free"),
        ("a slow one", "over"),
    ]
    picture = chart.svg(drawn)
    root = ElementTree.fromstring(picture)
    bars = {e.get("class"): float(e.get("width", "0")) for e in root.iter(f"{{{SVG}}}rect")}
    assert bars["over"] > bars["free"] > bars["good"] > 0
    assert bars["over"] / bars["free"] == pytest.approx(3, rel=0.01)
    assert "1 of 2 are met" in picture and "aim ≤ 1.5: missed" in picture and "aim ≤ 0.5: met" in picture


def test_a_reader_sees_pipes_in_tables_as_they_are_typed(site: Path) -> None:
    assert "<code>--base distroless|alpine|scratch</code>" in (site / "reference/commands.html").read_text(
        encoding="utf-8"
    )
