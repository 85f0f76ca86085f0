"""azid in the scenarios."""

from __future__ import annotations

import threading
import warnings
from typing import Any

import azid
from azid import DeviceCodeCredential, InteractiveBrowserCredential, UsernamePasswordCredential
from azid.clock import ManualClock, SystemClock
from tests.wire.recording_authority import RecordingAuthority

__all__ = ["Azid"]


class BrowserClock:
    """Tells the scenario's time, but waits for the browser, which answers over a real socket."""

    def __init__(self, clock: ManualClock) -> None:
        self.time = clock.time
        self.monotonic = clock.monotonic

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return SystemClock().wait(event, seconds)


class Azid:
    def __init__(self) -> None:
        self.clock = ManualClock()

    def browser(self, authority: RecordingAuthority, /, **options: Any) -> Any:
        clock = BrowserClock(self.clock)
        return InteractiveBrowserCredential(
            transport=authority.transport(), open_browser=authority.browse, clock=clock, **options
        )

    def device_code(self, authority: RecordingAuthority, /, **options: Any) -> Any:
        return DeviceCodeCredential(transport=authority.transport(), clock=self.clock, **options)

    def unattended(self, name: str, authority: RecordingAuthority, /, *args: Any, **options: Any) -> Any:
        return getattr(azid, name)(*args, transport=authority.transport(), clock=self.clock, **options)

    def chain(self, *credentials: Any) -> Any:
        return azid.ChainedTokenCredential(*credentials)

    def username_password(self, authority: RecordingAuthority, /, **options: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # test_username_password.py has it
            return UsernamePasswordCredential(transport=authority.transport(), clock=self.clock, **options)
