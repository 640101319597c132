"""The page of `size --html`, made by a real run and looked at in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.browser import Browser, browser
from tests.engine.conftest import made_in

pytestmark = pytest.mark.engine

SHAPES = """
const map = [...document.querySelectorAll("svg.map")].filter(m => m.getBoundingClientRect().width > 0);
const boxes = map.flatMap(m => [...m.querySelectorAll("rect")].map(r => r.getBoundingClientRect()));
return {
  maps: map.length,
  boxes: boxes.filter(b => b.width > 0 && b.height > 0).length,
  area: boxes.reduce((sum, b) => sum + b.width * b.height, 0) / (map[0].clientWidth * map[0].clientHeight),
  labels: map.flatMap(m => [...m.querySelectorAll("text")].map(t => {
    const text = t.getBoundingClientRect(), box = t.parentNode.getBoundingClientRect(), style = getComputedStyle(t);
    return {word: t.textContent, height: text.height, inside: text.x >= box.x && text.bottom <= box.bottom + 1,
            shown: style.visibility === "visible" && style.fill !== getComputedStyle(t.parentNode.previousSibling).fill};
  })),
};
"""
COLOURS = """
const rgb = text => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
const lightness = c => { const [r, g, b] = rgb(c).map(v => v / 255).map(
  v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const ground = lightness(getComputedStyle(document.body).backgroundColor);
const contrast = c => { const l = lightness(c), [a, b] = l > ground ? [l, ground] : [ground, l]; return (a + 0.05) / (b + 0.05); };
const words = [...document.querySelectorAll("h1, h2, p, th, td, .note")].filter(e => e.textContent.trim());
return {dark: ground < 0.2, least: Math.min(...words.map(e => contrast(getComputedStyle(e).color)))};
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with made_in(tmp_path_factory.mktemp("page")) as make:
        project = make()
        project.devctl("-y", "size", "--budget", "1GB", "--html", "size.html")
        yield project.root / "size.html"


@pytest.fixture(scope="module")
def window() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_the_page_is_whole_readable_and_asks_nobody(
    page: Path, window: Browser, width: int, dark: bool
) -> None:
    window.requested(), window.complaints()
    window.opened(page, width=width, dark=dark)

    assert window.requested() == [page.as_uri()]
    assert window.complaints() == []
    assert window.run("return document.documentElement.scrollWidth") <= width, "it scrolls sideways"

    seen = window.run(SHAPES)
    assert seen["maps"] == 1, "one drawing for this width"
    assert seen["boxes"] > 50 and seen["area"] == pytest.approx(1, abs=0.02)
    labels = seen["labels"]
    assert {"runtime", "net/http"} <= {x["word"] for x in labels}
    assert not [x for x in labels if not x["inside"] or not x["shown"] or x["height"] < 8]

    colours = window.run(COLOURS)
    assert colours["dark"] is dark
    assert colours["least"] >= 4.5, "less than what people of weak sight need (WCAG AA)"

    text = window.run("return document.body.innerText")
    for words in ("size of the production image", "distroless", "Layers", "within the budget of 1000.00 MB"):
        assert words in text
