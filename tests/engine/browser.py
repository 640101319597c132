"""A real headless browser: the machine's chromium, installed by apt where there is none."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

from tests.engine.apt import install

PACKAGES = ("chromium", "chromium-driver")
BROWSERS = ("chromium", "google-chrome", "chromium-browser")


class Browser(Struct, frozen=True):
    driver: Any

    def opened(self, page: Path, *, width: int, height: int = 900, dark: bool = False) -> None:
        """Open a file in a window of this size, as a reader with that colour scheme sees it."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.driver.get(page.as_uri())

    def run(self, script: str) -> Any:
        """What the body of a JavaScript function returns in the page."""
        return self.driver.execute_script(script)

    def requested(self) -> list[str]:
        """Every address that was asked for since the last look."""
        entries = (json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance"))
        return [e["params"]["request"]["url"] for e in entries if e["method"] == "Network.requestWillBeSent"]

    def complaints(self) -> list[str]:
        """The console's output since the last look."""
        return [entry["message"] for entry in self.driver.get_log("browser")]


@contextmanager
def browser() -> Iterator[Browser]:
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    options = ChromeOptions()
    options.binary_location, driver = _installed()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    started = Chrome(options=options, service=Service(executable_path=driver))
    try:
        yield Browser(started)
    finally:
        started.quit()


def _installed() -> tuple[str, str]:
    """The paths of a browser and its driver."""
    install(*PACKAGES, missing=lambda: _found() is None)
    found = _found()
    assert found is not None, f"no browser to look at pages with: sudo apt-get install {' '.join(PACKAGES)}"
    return found


def _found() -> tuple[str, str] | None:
    program = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    driver = shutil.which("chromedriver")
    return (program, driver) if program and driver else None
