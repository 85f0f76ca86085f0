"""`azid login`'s flows by themselves, on a clock that is moved by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from azid.cli.signing_in import BrowserUnavailable, SignInRequest, with_browser, with_device_code
from azid.cli.surroundings import Surroundings
from azid.clock import ManualClock
from azid.emulator import Emulator
from azid.errors import AuthenticationFailedError
from tests.conftest import ADA, GRAPH


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def in_process(clock: ManualClock) -> Callable[..., SignInRequest]:
    """Makes a request to an authority in this process, where nobody signs in."""
    entra = Emulator(users=[ADA], clock=clock)

    def make(**changes: Any) -> SignInRequest:
        settings = {"transport": entra.transport(), "authority": "login.microsoftonline.com"}
        return SignInRequest((GRAPH,), None, None, None, settings)._replace(**changes)

    return make


@pytest.mark.parametrize(
    ("attended", "timeout", "seconds"), [(True, None, "900"), (True, 60, "60"), (False, None, "300"), (False, 60, "60")]
)
def test_a_code_is_waited_for_as_long_as_somebody_may_be_there(
    in_process: Callable[..., SignInRequest], clock: ManualClock, attended: bool, timeout: int | None, seconds: str
) -> None:
    with pytest.raises(AuthenticationFailedError, match=f"within {seconds} seconds"):
        with_device_code(in_process(timeout=timeout), clock, Surroundings({}), attended=attended)


def test_a_browser_that_does_not_come_up_earns_a_hint(
    in_process: Callable[..., SignInRequest], clock: ManualClock, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(AuthenticationFailedError, match="within 300 seconds"):
        with_browser(in_process(), clock, open_browser=lambda _: True)
    assert capsys.readouterr().err.count("add --device-code to the command") == 1


def test_who_opens_the_browser_alone_needs_no_hint(
    in_process: Callable[..., SignInRequest], clock: ManualClock, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(AuthenticationFailedError):
        with_browser(in_process(), clock, opens=False)
    assert "--device-code" not in capsys.readouterr().err


def test_a_port_that_is_taken_is_told(
    in_process: Callable[..., SignInRequest], clock: ManualClock, entra: Emulator
) -> None:
    port = int(entra.authority.rpartition(":")[2])
    with pytest.raises(BrowserUnavailable, match=rf"at port {port}: .*\. Choose another --port, or none\.$"):
        with_browser(in_process(), clock, port=port, open_browser=lambda _: True)
