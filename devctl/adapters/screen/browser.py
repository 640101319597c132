"""A browser window, if this machine can show one."""

from __future__ import annotations

import threading
from pathlib import Path

from devctl.adapters.system import host

IN_THE_TERMINAL = {"w3m", "lynx", "links", "elinks", "www-browser"}
"""Browsers that would take over the terminal; the module webbrowser falls back on them."""
STARTS_WITHIN = 5.0
"""Seconds. The program that $BROWSER names may run until its window is closed."""


def opened(url: str) -> bool:
    """Whether a window was opened, as far as that can be observed."""
    if not host.shows_windows():
        return False
    import webbrowser

    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return False
    if Path(str(getattr(browser, "name", ""))).name in IN_THE_TERMINAL:
        return False
    said = [True]

    def start() -> None:
        try:
            said[0] = browser.open_new_tab(url)
        except OSError:
            said[0] = False

    thread = threading.Thread(target=start, daemon=True)
    thread.start()
    thread.join(STARTS_WITHIN)
    return said[0]
