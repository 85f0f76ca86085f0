from __future__ import annotations

import logging
import subprocess
import sys
import threading
import webbrowser
from pathlib import Path
from typing import Any

import pytest

from azid.browser import finds_browser, open_browser
from azid.clock import ManualClock

URL = "https://login.microsoftonline.com/organizations/oauth2/v2.0/authorize?scope=a%20b&state=secret"


class Screen:
    """A controller of an application's own, as `webbrowser.register` takes it."""

    def __init__(self, opens: bool | Exception = True) -> None:
        self.opens = opens
        self.urls: list[str] = []

    def open(self, url: str) -> bool:
        self.urls.append(url)
        if isinstance(self.opens, Exception):
            raise self.opens
        return self.opens


class SystemScreen(Screen):
    """A controller as `webbrowser` itself has for the system's browser."""

    __module__ = webbrowser.__name__


class Machine:
    """What is installed here, and what was started."""

    def __init__(
        self,
        *,
        default: Any = None,
        named: dict[str | None, Any] | None = None,
        programs: tuple[str, ...] = (),
        exit_code: int = 0,
        kernel: str = "6.1.0-28-amd64",
        environ: dict[str, str] | None = None,
    ) -> None:
        self.controllers: dict[str | None, Any] = {None: default, **(named or {})}
        self.programs = programs
        self.exit_code = exit_code
        self.kernel = kernel
        self.environ = environ or {}
        self.runs: list[tuple[list[str], dict[str, Any]]] = []

    def get(self, name: str | None) -> Any:
        controller = self.controllers.get(name)
        if controller is None:
            raise webbrowser.Error("could not locate runnable browser")
        return controller

    def run(self, command: list[str], **options: Any) -> subprocess.CompletedProcess[Any]:
        self.runs.append((command, options))
        return subprocess.CompletedProcess(command, self.exit_code)

    def opens(self, url: str = URL, clock: ManualClock | None = None) -> bool:
        return open_browser(
            url,
            environ=self.environ,
            kernel=self.kernel,
            get=self.get,
            which=lambda name: name if name in self.programs else None,
            run=self.run,
            clock=clock,
        )

    def finds(self) -> bool:
        return finds_browser(
            self.environ,
            kernel=self.kernel,
            get=self.get,
            which=lambda name: name if name in self.programs else None,
        )


def test_the_systems_browser_is_opened() -> None:
    screen = SystemScreen()
    assert Machine(default=screen).opens()
    assert screen.urls == [URL]


def test_a_controller_of_the_application_is_opened() -> None:
    screen = Screen()
    assert Machine(default=screen).opens()
    assert screen.urls == [URL]


def test_without_any_browser_nothing_is_opened() -> None:
    assert not Machine().opens()


@pytest.mark.parametrize("name", ["www-browser", "links", "elinks", "/usr/bin/lynx", "w3m"])
def test_a_text_mode_browser_is_not_opened_unasked(name: str) -> None:
    assert not Machine(default=webbrowser.GenericBrowser(name)).opens()


def test_a_text_mode_browser_is_opened_when_the_environment_names_it() -> None:
    screen = Screen()
    assert Machine(named={"w3m": screen}, environ={"BROWSER": "w3m"}).opens()
    assert screen.urls == [URL]


def test_the_environments_browsers_are_tried_in_order_before_the_systems() -> None:
    first, second, default = Screen(opens=False), Screen(), Screen()
    machine = Machine(
        named={"first": first, "second %s &": second}, default=default, environ={"BROWSER": "first:second %s &"}
    )
    assert machine.opens()
    assert (first.urls, second.urls, default.urls) == ([URL], [URL], [])


def test_a_command_that_webbrowser_does_not_know_is_run_with_the_address() -> None:
    screen = Screen()
    assert Machine(named={"kiosk --tab %s": screen}, environ={"BROWSER": "kiosk --tab"}).opens()
    assert screen.urls == [URL]


@pytest.mark.parametrize("failure", [False, OSError("no"), webbrowser.Error("no"), ZeroDivisionError("no")])
def test_a_browser_that_fails_is_followed_by_the_next(failure: bool | Exception) -> None:
    broken, default = Screen(opens=failure), Screen()
    assert Machine(named={"broken": broken}, default=default, environ={"BROWSER": "broken"}).opens()
    assert default.urls == [URL]


@pytest.mark.parametrize("failure", [False, OSError("no")])
def test_when_all_fail_the_answer_is_false(failure: bool | Exception) -> None:
    assert not Machine(default=Screen(opens=failure)).opens()


def test_a_malformed_command_in_the_environment_is_passed_over() -> None:
    assert not open_browser(URL, environ={"BROWSER": "'unclosed %s"}, kernel="", get=_real_get_or_none)


def _real_get_or_none(name: str | None) -> Any:
    if name is None:
        raise webbrowser.Error
    return webbrowser.get(name)


def test_a_command_in_the_environment_is_run_for_real(tmp_path: Path) -> None:
    """Through `webbrowser` itself: no shell reads the address."""
    opened = tmp_path / "opened"
    script = f"import sys; open({str(opened)!r}, 'w').write(sys.argv[1])"
    assert open_browser(
        f"{URL}&x=$(touch%20y)`z`",
        environ={"BROWSER": f'"{sys.executable}" -c "{script}" %s'},
        kernel="",
        get=_real_get_or_none,
    )
    assert opened.read_text() == f"{URL}&x=$(touch%20y)`z`"


def test_a_browser_that_runs_until_it_is_closed_counts_as_opened() -> None:
    closed = threading.Event()
    clock = ManualClock()

    class Blocking(Screen):
        def open(self, url: str) -> bool:
            closed.wait(20)
            return False

    try:
        assert Machine(default=Blocking()).opens(clock=clock)
    finally:
        closed.set()
    assert clock.waits == [5]


class TestUnderWindows:
    WSL = "5.15.167.4-microsoft-standard-WSL2"

    def test_wslview_opens_the_browser_of_windows(self) -> None:
        default = SystemScreen()
        machine = Machine(default=default, programs=("wslview", "powershell.exe"), kernel=self.WSL)
        assert machine.opens()
        assert [command for command, _ in machine.runs] == [["wslview", URL]]
        assert default.urls == []

    def test_powershell_gets_the_address_through_its_input(self) -> None:
        machine = Machine(programs=("powershell.exe",), kernel=self.WSL)
        assert machine.opens()
        ((command, options),) = machine.runs
        assert command[0] == "powershell.exe"
        assert not any("login" in word for word in command)
        assert options["input"] == f"{URL}\n".encode()

    def test_powershell_is_found_outside_the_path(self) -> None:
        powershell = "/mnt/c/Windows/System32/WindowsPowerShell/v1.0/powershell.exe"
        machine = Machine(programs=(powershell,), environ={"WSL_DISTRO_NAME": "Debian"})
        assert machine.opens()
        assert machine.runs[0][0][0] == powershell

    def test_nothing_that_a_shell_expands_reaches_wslview(self) -> None:
        machine = Machine(programs=("wslview",), kernel=self.WSL)
        assert machine.opens("https://example.com/a?b=$(calc)`c`'d\"e;f&g=%20#[h]|<i>\\!*^")
        address = machine.runs[0][0][1]
        assert not set("$`'\"();|<>\\!*^") & set(address)
        assert address.startswith("https://example.com/a?b=%24%28calc%29")
        assert "&g=%20#[h]" in address

    def test_what_is_started_is_bounded_in_time_and_silent(self) -> None:
        machine = Machine(programs=("wslview", "powershell.exe"), kernel=self.WSL, exit_code=1)
        assert not machine.opens()
        assert len(machine.runs) == 2
        for _, options in machine.runs:
            assert options["timeout"] > 0
            assert options["stdout"] == options["stderr"] == subprocess.DEVNULL

    def test_the_linux_browser_is_next(self) -> None:
        default = SystemScreen()
        assert Machine(default=default, programs=("wslview",), kernel=self.WSL, exit_code=1).opens()
        assert default.urls == [URL]

    def test_the_environment_and_the_application_come_first(self) -> None:
        for machine in (
            Machine(default=Screen(), programs=("wslview",), kernel=self.WSL),
            Machine(named={"own": Screen()}, programs=("wslview",), kernel=self.WSL, environ={"BROWSER": "own"}),
        ):
            assert machine.opens()
            assert machine.runs == []

    def test_elsewhere_they_are_not_tried(self) -> None:
        machine = Machine(programs=("wslview", "powershell.exe"))
        assert not machine.opens()
        assert machine.runs == []


@pytest.mark.parametrize(
    ("machine", "found"),
    [
        (Machine(), False),
        (Machine(default=Screen()), True),
        (Machine(default=SystemScreen()), True),
        (Machine(default=webbrowser.GenericBrowser("w3m"), programs=("w3m",)), False),
        (Machine(default=webbrowser.GenericBrowser("firefox"), programs=("firefox",)), True),
        (Machine(default=webbrowser.GenericBrowser("gone"), environ={"BROWSER": "gone %s"}), False),
        (Machine(programs=("w3m",), environ={"BROWSER": "gone:w3m -o x=1 %s"}), True),
        (Machine(environ={"BROWSER": "'malformed"}), False),
        (Machine(programs=("wslview",), environ={"WSL_DISTRO_NAME": "Debian"}), True),
    ],
)
def test_what_can_be_opened_is_found_without_opening_it(machine: Machine, found: bool) -> None:
    assert machine.finds() is found
    assert machine.runs == []


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "javascript:alert(1)", "", "-version", "https://a/\n-b", "https://a/ b", "https://a/ä"],
)
def test_only_web_addresses_are_opened(url: str) -> None:
    screen = Screen()
    with pytest.raises(ValueError, match="http and https") as refused:
        Machine(default=screen).opens(url)
    assert screen.urls == []
    assert not url or url not in str(refused.value)


def test_the_address_is_neither_printed_nor_logged(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    assert not Machine(default=Screen(opens=OSError(f"cannot open {URL}"))).opens()
    assert "OSError" in caplog.text
    assert "secret" not in caplog.text
    assert capfd.readouterr() == ("", "")
