"""The async credentials for people: each is its sync one, off the event loop."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from azid.aio.interactive import InteractiveCredential
from azid.aio.off_loop import await_in_loop
from azid.aio.parity import documented_as, parameters_of
from azid.credentials.browser import InteractiveBrowserCredential as SyncBrowserCredential
from azid.credentials.device_code import DeviceCodeCredential as SyncDeviceCodeCredential
from azid.credentials.username_password import UsernamePasswordCredential as SyncPasswordCredential

__all__ = ["DeviceCodeCredential", "InteractiveBrowserCredential", "UsernamePasswordCredential"]


@documented_as(SyncBrowserCredential)
class InteractiveBrowserCredential(InteractiveCredential):
    @parameters_of(SyncBrowserCredential)
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._make(SyncBrowserCredential, *args, **kwargs)


@documented_as(SyncDeviceCodeCredential)
class DeviceCodeCredential(InteractiveCredential):
    @parameters_of(SyncDeviceCodeCredential)
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if (prompt_callback := kwargs.get("prompt_callback")) is not None:
            kwargs["prompt_callback"] = _AwaitedPrompt(prompt_callback)
        self._make(SyncDeviceCodeCredential, *args, **kwargs)


@documented_as(SyncPasswordCredential)
class UsernamePasswordCredential(InteractiveCredential):
    @parameters_of(SyncPasswordCredential)
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._make(SyncPasswordCredential, *args, **kwargs)


class _AwaitedPrompt:
    """A prompt callback that may be async: called in the thread of the sign-in, awaited in the event loop."""

    def __init__(self, prompt_callback: Callable[[str, str, datetime], Any]) -> None:
        self._prompt_callback = prompt_callback

    def __call__(self, verification_uri: str, user_code: str, expires_on: datetime) -> None:
        shown = self._prompt_callback(verification_uri, user_code, expires_on)
        if hasattr(shown, "__await__"):
            await_in_loop(shown)
