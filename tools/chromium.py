"""A Chromium that a program drives as a person would, through Playwright.

Playwright brings no browser here: the one that is installed is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, Playwright, sync_playwright

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Chromium", "Look", "Visit"]

Visit: TypeAlias = "Callable[[Page], None]"
"""What a person does on the page that a program opened, and on those that follow."""
Look: TypeAlias = "Callable[[Page, str], None]"
"""Keeps a picture of a page under a name."""

_PATIENCE = 10.0  # seconds for one step of a visit
_LONGEST_VISIT = 60.0  # seconds
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Chromium:
    """One browser process without a screen. Use it in a `with` block.

    It is driven in a thread of its own: Playwright keeps an event loop running in the thread that it is used in, and
    programs that sign in wait in theirs.

    :param executable: Chromium, Chrome or Edge.
    """

    def __init__(self, executable: Path) -> None:
        self._thread = ThreadPoolExecutor(1, "chromium")
        self._playwright, self._browser = self._thread.submit(_launch, executable).result()

    def close(self) -> None:
        """End the browser."""
        self._thread.submit(self._browser.close).result()
        self._thread.submit(self._playwright.stop).result()
        self._thread.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def visitor(
        self,
        visit: Visit,
        *,
        width: int = 1200,
        height: int = 760,
        pixel_ratio: float = 1,
        dark: bool = False,
        scripts: bool = True,
    ) -> Iterator[Callable[[str], bool]]:
        """Yield a function that opens a URL in a window of its own and returns True at once: an `open_browser` hook.

        The end of the block waits for the visits to end.

        :param visit: what happens in each window.
        :param width: the window's, in CSS pixels.
        :param height: the window's.
        :param pixel_ratio: a screenshot's pixels for each CSS pixel.
        :param dark: whether the person prefers dark colours.
        :param scripts: whether JavaScript is on.
        :raises AssertionError: a page went beyond this machine, or wrote an error to the browser's console.
        :raises Exception: what a visit raised.
        """
        visits: list[Future[None]] = []

        def run(url: str) -> None:
            context = self._browser.new_context(
                viewport={"width": width, "height": height},
                device_scale_factor=pixel_ratio,
                color_scheme="dark" if dark else "light",
                java_script_enabled=scripts,
            )
            context.set_default_timeout(_PATIENCE * 1000)
            try:
                page = context.new_page()
                problems = _watch(page)
                page.goto(url)
                visit(page)
                assert not problems, problems
            finally:
                context.close()

        def open_browser(url: str) -> bool:
            visits.append(self._thread.submit(run, url))
            return True

        try:
            yield open_browser
        finally:
            # What went wrong in the browser is why the program's part failed, so it is what gets told.
            for future in visits:
                future.result(_LONGEST_VISIT)


def _launch(executable: Path) -> tuple[Playwright, Browser]:
    playwright = sync_playwright().start()
    try:
        return playwright, playwright.chromium.launch(executable_path=executable)
    except BaseException:
        playwright.stop()
        raise


def _watch(page: Page) -> list[str]:
    """Return a list that fills with what should not happen on a page."""
    problems: list[str] = []

    def requested(url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname not in _LOOPBACK:
            problems.append(f"a request left this machine: {parts.hostname}")

    page.on("request", lambda request: requested(request.url))
    page.on("pageerror", lambda error: problems.append(f"a script failed: {error}"))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    return problems
