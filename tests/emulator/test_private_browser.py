"""What programs behind the proxy find in `$BROWSER`, and the Chromium that may be behind it."""

from __future__ import annotations

import os
import queue
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from azid.emulator import Emulator, RecordedRequest
from azid.emulator.private_browser import BrowserCommand, PrivateChromium, find_chromium, has_screen, page_on_loopback
from azid.emulator.proxy import PROXIED_HOSTS, ConnectProxy
from tests.conftest import ADA

if os.name != "posix":
    pytest.skip("Windows has no such command", allow_module_level=True)

PATIENCE = 30
PAGE = "https://login.microsoftonline.com/common/oauth2/deviceauth?otc=ABC&x=1"


def test_the_command_hands_addresses_over(tmp_path: Path) -> None:
    opened: queue.SimpleQueue[str] = queue.SimpleQueue()
    with BrowserCommand(tmp_path, opened.put) as browser:
        for address in (PAGE, "file:///etc/passwd", "--help", "http://localhost:1/$(id)'\"%s"):
            subprocess.run([browser.path, address], check=True, timeout=PATIENCE)
        assert [opened.get(timeout=PATIENCE) for _ in range(2)] == [PAGE, "http://localhost:1/$(id)'\"%s"]
    assert opened.empty()


def test_without_proxy_and_ca_a_page_is_on_loopback() -> None:
    origin = "http://localhost:8080"
    assert page_on_loopback(PAGE, origin) == f"{origin}/common/oauth2/deviceauth?otc=ABC&x=1"
    assert page_on_loopback("https://example.com/x", origin) == "https://example.com/x"


def test_finding_a_browser_and_a_screen() -> None:
    assert find_chromium({"google-chrome": "/opt/chrome"}.get) == "/opt/chrome"
    assert find_chromium(lambda name: None) is None
    assert has_screen({"WAYLAND_DISPLAY": "wayland-0"}, "linux")
    assert not has_screen({}, "linux")
    assert has_screen({}, "darwin")


def test_chromium_shows_the_page_at_its_real_address_and_trusts_it(chromium: Path, tmp_path: Path) -> None:
    asked: queue.SimpleQueue[RecordedRequest] = queue.SimpleQueue()
    home = tmp_path / "home"
    home.mkdir()
    with Emulator([ADA], on_request=asked.put) as entra:
        port = urlsplit(entra.authority).port
        assert port is not None
        with (
            ConnectProxy({f"{host}:443": port for host in PROXIED_HOSTS}) as proxy,
            PrivateChromium(
                str(chromium),
                tmp_path / "profile",
                proxy=proxy.url,
                certificate_pin=entra.certificate_pin,
                environment={**os.environ, "HOME": str(home)},
                arguments=["--headless=new", "--disable-gpu", "--disable-dev-shm-usage"],
            ) as browser,
        ):
            browser.open(PAGE)
            request = asked.get(timeout=PATIENCE)
    assert (request.host, request.endpoint, request.status) == ("login.microsoftonline.com", "deviceauth", 200)
    assert proxy.refused == [], "what the browser asks for by itself is kept from the proxy"


def test_a_certificate_that_is_not_the_emulators_is_not_trusted(chromium: Path, tmp_path: Path) -> None:
    """The pin is all that is trusted: with another one the page is not asked for."""
    asked: list[RecordedRequest] = []
    with Emulator([ADA], on_request=asked.append) as entra, Emulator() as other:
        command = [
            str(chromium),
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            f"--user-data-dir={tmp_path}",
            f"--ignore-certificate-errors-spki-list={other.certificate_pin}",
            "--dump-dom",
            f"{entra.authority}/",
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "emulator is running" not in done.stdout
    assert asked == []
