"""Microsoft's azure-identity in the scenarios: run by its own environment's Python, it prints what it asked as JSON."""

from __future__ import annotations

import json
import sys
import time
import webbrowser
from typing import Any, SupportsIndex

from tests.wire.recording_authority import RecordingAuthority


class ProcessTime:
    """The whole process's time: azure-identity has no place for another clock, and would really wait."""

    def __init__(self) -> None:
        self._now = time.time()
        time.time, time.sleep = self.time, self.advance

    def time(self) -> float:
        return self._now

    def advance(self, seconds: SupportsIndex | float) -> None:
        self._now += float(seconds)


class Browser(webbrowser.BaseBrowser):
    """What `webbrowser.open` finds: azure-identity has no place for another browser."""

    authority: RecordingAuthority

    def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:
        return self.authority.browse(url)


class AzureIdentity:
    def __init__(self) -> None:
        self.clock = ProcessTime()
        self._browser = Browser()
        webbrowser.register("recording", None, self._browser, preferred=True)

    def browser(self, authority: RecordingAuthority, /, **options: Any) -> Any:
        from azure.identity import InteractiveBrowserCredential

        self._browser.authority = authority
        return InteractiveBrowserCredential(transport=authority.transport(), **options)

    def device_code(self, authority: RecordingAuthority, /, **options: Any) -> Any:
        from azure.identity import DeviceCodeCredential

        return DeviceCodeCredential(transport=authority.transport(), **options)

    def unattended(self, name: str, authority: RecordingAuthority, /, *args: Any, **options: Any) -> Any:
        import azure.identity

        return getattr(azure.identity, name)(*args, transport=authority.transport(), **options)

    def chain(self, *credentials: Any) -> Any:
        from azure.identity import ChainedTokenCredential

        return ChainedTokenCredential(*credentials)

    def username_password(self, authority: RecordingAuthority, /, **options: Any) -> Any:
        from azure.identity import UsernamePasswordCredential

        return UsernamePasswordCredential(transport=authority.transport(), **options)


if __name__ == "__main__":
    library = AzureIdentity()  # before anything takes the time for itself

    from tests.wire.scenarios import record

    json.dump(record(library), sys.stdout)
