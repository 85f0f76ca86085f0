"""Opening the person's browser: what the standard library's `webbrowser` knows, and where it falls short.

`webbrowser` takes text-mode browsers for browsers, waits for some browsers to end, and does not know that a Linux under
Windows (WSL) has its browser outside.
"""

from __future__ import annotations

import functools
import logging
import os
import platform
import re
import shlex
import shutil
import subprocess
import threading
import webbrowser
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePath
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

from azid.clock import Clock, SystemClock

__all__ = ["Controller", "finds_browser", "finds_windows", "is_under_windows", "open_browser"]

_LOGGER = logging.getLogger(__name__)

_PATIENCE = 5.0  # seconds
_WINDOWS_TIMEOUT = 15.0  # seconds; PowerShell starts slowly

# They take the terminal over, and the pages of a sign-in need scripts.
_TEXT_MODE = frozenset({"www-browser", "links", "links2", "elinks", "lynx", "w3m", "browsh"})

# What may stay as it is in a URL (RFC 3986 section 2) that a program pastes between double quotes for cmd or
# PowerShell, as wslview does. The rest, `$` and `'` among it, is percent-encoded.
_SAFE_BETWEEN_QUOTES = ":/?#[]@&=+,%-._~"

_WSLVIEW = "wslview"
_POWERSHELL = ("powershell.exe", "/mnt/c/Windows/System32/WindowsPowerShell/v1.0/powershell.exe")
# The address comes through standard input, so no shell ever reads it and no list of processes shows it.
_START_FROM_INPUT = "Start-Process ([Console]::In.ReadLine())"


class Controller(Protocol):
    """What `webbrowser.get` returns and `webbrowser.register` takes."""

    def open(self, url: str) -> bool:
        """Open the URL; return whether that seems to have worked."""


def open_browser(
    url: str,
    *,
    environ: Mapping[str, str] | None = None,
    kernel: str | None = None,
    get: Callable[[str | None], Controller] = webbrowser.get,
    which: Callable[[str], str | None] = shutil.which,
    run: Callable[..., subprocess.CompletedProcess[Any]] = subprocess.run,
    clock: Clock | None = None,
) -> bool:
    """Open a URL in the person's browser.

    Tried in this order: what `$BROWSER` names, a controller of the application's own (`webbrowser.register` with
    `preferred=True`), under WSL the browser of Windows, the system's browser. A text-mode browser is used only if
    `$BROWSER` names it.

    May be called in any thread and returns within five seconds: some browsers run until the person closes them, so one
    that has neither failed nor ended by then counts as opened. The URL is neither printed nor logged.

    :param url: `http` or `https`, in ASCII.
    :param environ: environment variables. Defaults to the process's.
    :param kernel: the kernel's release, by which WSL is told. Defaults to the machine's.
    :param get: as `webbrowser.get`.
    :param which: as `shutil.which`.
    :param run: as `subprocess.run`.
    :param clock: counts the five seconds. Defaults to the machine's.
    :returns: whether a browser was opened. False at once where there is none, for example without a screen.
    :raises ValueError: if `url` is not a web address.
    """
    if urlsplit(url).scheme not in {"http", "https"} or re.search(r"[^\x21-\x7e]", url):
        raise ValueError("A browser is opened for http and https addresses only, in ASCII and without spaces.")
    environ = os.environ if environ is None else environ
    kernel = platform.release() if kernel is None else kernel
    under_windows = is_under_windows(environ, kernel)
    results: list[bool] = []
    done = threading.Event()

    def open_first() -> None:
        browsers = _browsers(environ.get("BROWSER", ""), under_windows, get, which, run)
        results.append(any(_opens(browser, url) for browser in browsers))
        done.set()

    threading.Thread(target=open_first, name="azid-open-browser", daemon=True).start()
    (clock or SystemClock()).wait(done, _PATIENCE)
    return all(results)  # none yet: a browser that runs until it is closed


def finds_browser(
    environ: Mapping[str, str] | None = None,
    *,
    kernel: str | None = None,
    get: Callable[[str | None], Controller] = webbrowser.get,
    which: Callable[[str], str | None] = shutil.which,
) -> bool:
    """Whether `open_browser` would find a browser, as far as that shows before one is opened. Parameters are its own.

    A browser that `$BROWSER` names counts if there is such a program.
    """
    environ = os.environ if environ is None else environ
    kernel = platform.release() if kernel is None else kernel

    def get_program(name: str | None) -> Controller:
        controller = get(name)
        # `webbrowser` takes what $BROWSER names for its default, whether there is such a program or not.
        if isinstance(controller, webbrowser.GenericBrowser) and which(controller.name) is None:
            raise webbrowser.Error
        return controller

    if any(_is_program(name, which) for name in environ.get("BROWSER", "").split(os.pathsep)):
        return True
    others = _browsers("", is_under_windows(environ, kernel), get_program, which, subprocess.run)
    return next(others, None) is not None


def is_under_windows(environ: Mapping[str, str], kernel: str) -> bool:
    """Whether this Linux runs under Windows (WSL), so that the browser is outside.

    :param environ: environment variables.
    :param kernel: the kernel's release.
    """
    return "microsoft" in kernel.lower() or "WSL_DISTRO_NAME" in environ


def finds_windows(which: Callable[[str], str | None] = shutil.which) -> bool:
    """Whether there is a program that opens the browser of Windows from WSL.

    :param which: as `shutil.which`.
    """
    return any(map(which, (_WSLVIEW, *_POWERSHELL)))


def _browsers(
    named: str,
    under_windows: bool,
    get: Callable[[str | None], Controller],
    which: Callable[[str], str | None],
    run: Callable[..., subprocess.CompletedProcess[Any]],
) -> Iterator[Callable[[str], bool]]:
    for name in filter(None, named.split(os.pathsep)):
        yield functools.partial(_open_named, name, get)
    try:
        # Without a screen `webbrowser` knows text-mode browsers and the application's own only.
        default = get(None)
    except (webbrowser.Error, OSError):
        default = None
    if default is not None and type(default).__module__ != webbrowser.__name__:
        yield default.open
    elif under_windows:
        yield from _browsers_of_windows(which, run)
    if default is not None and not _is_text_mode(default):
        yield default.open


def _is_program(command: str, which: Callable[[str], str | None]) -> bool:
    try:
        words = shlex.split(command)
    except ValueError:
        return False
    return bool(words) and which(words[0]) is not None


def _open_named(name: str, get: Callable[[str | None], Controller], url: str) -> bool:
    try:
        controller = get(name)
    except webbrowser.Error:  # not one that `webbrowser` knows: a command
        controller = get(f"{name} %s")
    return controller.open(url)


def _browsers_of_windows(
    which: Callable[[str], str | None], run: Callable[..., subprocess.CompletedProcess[Any]]
) -> Iterator[Callable[[str], bool]]:
    quiet: dict[str, Any] = {
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
        "timeout": _WINDOWS_TIMEOUT,
        "check": False,
    }
    if wslview := which(_WSLVIEW):
        yield (
            lambda url: (
                run([wslview, quote(url, safe=_SAFE_BETWEEN_QUOTES)], stdin=subprocess.DEVNULL, **quiet).returncode == 0
            )
        )
    if powershell := next(filter(None, map(which, _POWERSHELL)), None):
        command = [powershell, "-NoProfile", "-NonInteractive", "-Command", _START_FROM_INPUT]
        yield lambda url: run(command, input=f"{url}\n".encode("ascii"), **quiet).returncode == 0


def _is_text_mode(controller: Controller) -> bool:
    return PurePath(str(getattr(controller, "name", ""))).name in _TEXT_MODE


def _opens(browser: Callable[[str], bool], url: str) -> bool:
    try:
        return bool(browser(url))
    except Exception as error:
        # Whatever a browser's controller raises, the next one may work. The error's text could quote the URL.
        _LOGGER.debug("A browser could not be opened: %s", type(error).__name__)
        return False
