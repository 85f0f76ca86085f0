"""The browser of programs that run behind the proxy: what they find in `$BROWSER`, and a Chromium of its own."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from azid.emulator.proxy import PROXIED_HOSTS

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["BrowserCommand", "PrivateChromium", "find_chromium", "has_screen", "page_on_loopback"]

_CHROMIUMS: Final = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "microsoft-edge",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
_PATIENCE: Final = 10.0  # seconds until a browser that was told to end has to be gone


def find_chromium(which: Callable[[str], str | None] = shutil.which) -> str | None:
    """Return the path of a Chromium, Chrome or Edge; None where there is none."""
    return next(filter(None, map(which, _CHROMIUMS)), None)


def has_screen(environ: Mapping[str, str], platform: str = sys.platform) -> bool:
    """Return whether a browser would have a screen to be on."""
    return platform == "darwin" or any(environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def page_on_loopback(url: str, page_origin: str) -> str:
    """Return where a browser without proxy and CA finds a page: the emulator serves the same ones on loopback.

    :param url: as the program would open it.
    :param page_origin: `Emulator.page_origin`.
    """
    parts = urlsplit(url)
    if parts.hostname not in PROXIED_HOSTS:
        return url
    return f"{page_origin}{parts.path}{'?' if parts.query else ''}{parts.query}"


def _proxy_script(proxy: str) -> str:
    """Return the URL of a script by which a browser finds the proxy for our hosts, and for no others.

    What Chromium asks its maker for by itself ends at a port where nobody listens, instead of in the emulator's log.
    """
    script = (
        f"function FindProxyForURL(url, host) {{ return {json.dumps(PROXIED_HOSTS)}.includes(host) ? 'PROXY {proxy}' : "
        "host === 'localhost' || host === '127.0.0.1' || host === '[::1]' ? 'DIRECT' : 'PROXY 127.0.0.1:9'; }"
    )
    return f"data:application/x-ns-proxy-autoconfig;base64,{base64.b64encode(script.encode()).decode()}"


class BrowserCommand:
    """A command for `$BROWSER` that hands the addresses of pages over to this process. Not for Windows.

    :param folder: a folder that is nobody else's.
    :param open_page: called with one address after another, http and https only.
    """

    def __init__(self, folder: Path, open_page: Callable[[str], object]) -> None:
        addresses = folder / "addresses"
        os.mkfifo(addresses, 0o600)
        self.path = folder / "browser"
        self.path.write_text(f'#!/bin/sh\nprintf "%s\\n" "$1" > {shlex.quote(str(addresses))}\n', encoding="utf-8")
        self.path.chmod(0o700)
        self._open_page = open_page
        # With a writer of our own the pipe does not end with the first program that wrote into it.
        self._pipe = os.open(addresses, os.O_RDWR)
        self._stopping = False
        self._thread = threading.Thread(target=self._read, name="azid-browser-command", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with open(self._pipe, encoding="utf-8", errors="replace", closefd=False) as lines:
            for line in lines:
                if self._stopping:
                    return
                with contextlib.suppress(ValueError):
                    if urlsplit(line).scheme in ("http", "https"):
                        self._open_page(line.strip())

    def stop(self) -> None:
        """Take no more addresses."""
        self._stopping = True
        os.write(self._pipe, b"\n")
        self._thread.join()
        os.close(self._pipe)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


class PrivateChromium:
    """A Chromium with a profile of its own, which goes through the proxy and trusts the emulator's certificate.

    It starts with the first page and ends with `stop`.

    :param executable: Chromium, Chrome or Edge.
    :param profile: an empty folder for the profile.
    :param proxy: the proxy's URL.
    :param certificate_pin: `Emulator.certificate_pin`: this key is trusted, and nothing more than before.
    :param environment: its environment variables.
    :param arguments: more of its command line.
    """

    def __init__(
        self,
        executable: str,
        profile: Path,
        *,
        proxy: str,
        certificate_pin: str,
        environment: Mapping[str, str],
        arguments: Sequence[str] = (),
    ) -> None:
        self._command = [
            executable,
            f"--user-data-dir={profile}",
            f"--proxy-pac-url={_proxy_script(urlsplit(proxy).netloc)}",
            f"--ignore-certificate-errors-spki-list={certificate_pin}",
            "--no-first-run",
            "--no-default-browser-check",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-domain-reliability",
            "--disable-sync",
            *arguments,
        ]
        if os.name == "posix" and os.geteuid() == 0:
            self._command.append("--no-sandbox")  # Chromium refuses to start as root with one
        self._environment = dict(environment)
        self._processes: list[subprocess.Popen[bytes]] = []

    def open(self, url: str) -> None:
        """Show a page.

        :raises OSError: it cannot be started.
        """
        self._processes.append(
            subprocess.Popen(  # noqa: S603 - the browser that was found, and a web address
                [*self._command, url],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is not meant for it
            )
        )

    def stop(self) -> None:
        """End it, and return when it has ended."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
