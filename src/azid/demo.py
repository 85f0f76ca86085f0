"""azid's main job from end to end, against an authority that is started for it: ``python -m azid.demo``.

It signs a person in with a browser, with a device code and with a password, and uses the tokens. Where nobody sits at a
screen it plays the person itself: it walks through the same pages as a browser would, and says so.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import warnings
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from azure.core import PipelineClient
from azure.core.credentials import TokenCredential
from azure.core.pipeline.policies import BearerTokenCredentialPolicy
from azure.core.rest import HttpRequest

from azid import (
    DEVELOPER_SIGN_ON_CLIENT_ID,
    AuthenticationRecord,
    DeviceCodeCredential,
    InteractiveBrowserCredential,
    UsernamePasswordCredential,
)
from azid.browser import open_browser
from azid.emulator import Emulator, Person, User

__all__ = ["main"]

_SCOPE: Final = "https://graph.microsoft.com/.default"
_ADA: Final = User("ada@contoso.example", password="correct horse battery staple", name="Ada Lovelace", consented=False)


class _Terminal:
    """Writes headings and facts, in colour where the terminal can."""

    def __init__(self) -> None:
        self._colours = sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"

    def heading(self, text: str) -> None:
        print(f"\n{self._in('1;36', text)}", flush=True)

    def say(self, text: str) -> None:
        print(f"  {text}", flush=True)

    def done(self, text: str) -> None:
        print(f"  {self._in('32', 'ok')} {text}", flush=True)

    def _in(self, colour: str, text: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._colours else text


class _Demo:
    """The steps of the demonstration.

    :param entra: the authority.
    :param attended: whether a person sits at a screen.
    """

    def __init__(self, entra: Emulator, *, attended: bool) -> None:
        self._entra = entra
        self._attended = attended
        self._person = Person(_ADA.username, _ADA.password)
        self._terminal = _Terminal()
        self._options: dict[str, Any] = {
            "authority": entra.authority,
            "connection_verify": entra.ca_file,
            "disable_instance_discovery": True,  # Microsoft does not know this authority
        }

    def run(self) -> None:
        self._terminal.heading("An authority of our own")
        self._terminal.say(
            f"The Entra emulator runs at {self._entra.authority}; its pages at {self._entra.page_origin}."
        )
        if self._attended:
            self._terminal.say(f"Sign in there as {_ADA.username} with the password: {_ADA.password}")
        else:
            self._terminal.say("Nobody sits at a screen here, so the pages are walked through as a browser would.")
        self._with_a_browser()
        self._with_a_device_code()
        self._with_a_password()

    def _with_a_browser(self) -> None:
        self._terminal.heading("1  InteractiveBrowserCredential")
        with InteractiveBrowserCredential(open_browser=self._open, **self._options) as credential:
            self._show_record(credential.authenticate(_SCOPE))
            started = time.perf_counter()
            token = credential.get_token(_SCOPE)
            microseconds = (time.perf_counter() - started) * 1e6
            expires = datetime.fromtimestamp(token.expires_on).astimezone()
            self._terminal.done(f"a silent token in {microseconds:.0f} µs, valid until {expires:%H:%M:%S %Z}")
            self._call_resource(credential)

    def _with_a_device_code(self) -> None:
        self._terminal.heading("2  DeviceCodeCredential")
        with DeviceCodeCredential(prompt_callback=self._show_code, **self._options) as credential:
            self._show_record(credential.authenticate(_SCOPE))
            self._call_resource(credential)

    def _with_a_password(self) -> None:
        self._terminal.heading("3  UsernamePasswordCredential")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            credential = UsernamePasswordCredential(
                DEVELOPER_SIGN_ON_CLIENT_ID, _ADA.username, _ADA.password, **self._options
            )
        for warning in caught:
            self._terminal.say(f"{warning.category.__name__}: {warning.message}")
        with credential:
            self._show_record(credential.authenticate(_SCOPE))
            self._call_resource(credential)

    def _open(self, url: str) -> bool:
        return (self._attended and open_browser(url)) or self._person.open(url)

    def _show_code(self, verification_uri: str, user_code: str, expires_on: datetime) -> None:
        self._terminal.say(f"Open {verification_uri} and enter {user_code} before {expires_on.astimezone():%H:%M:%S}.")
        if not (self._attended and open_browser(verification_uri)):
            self._person.enter_code(verification_uri, user_code)

    def _show_record(self, record: AuthenticationRecord) -> None:
        self._terminal.done(f"signed in as {record.username}; the record to keep, without secrets:")
        self._terminal.say(f"   {record.serialize()}")

    def _call_resource(self, credential: TokenCredential) -> None:
        policy = BearerTokenCredentialPolicy(credential, _SCOPE)
        client: PipelineClient[Any, Any] = PipelineClient(
            self._entra.resource_url, policies=[policy], connection_verify=self._entra.ca_file
        )
        with client:
            response = client.send_request(HttpRequest("GET", self._entra.resource_url))
            response.raise_for_status()
            self._terminal.done(f"azure-core called {response.url}: {response.json()['displayName']}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demonstration.

    :param arguments: the command line's; those of the process by default.
    :returns: the exit status: 0 when every step worked.
    """
    parser = argparse.ArgumentParser(
        prog="python -m azid.demo", description="Sign a person in through each credential."
    )
    parser.add_argument(
        "--unattended", action="store_true", help="play the person, even where a browser could be opened"
    )
    given = parser.parse_args(arguments)
    attended = not given.unattended and sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()
    started = time.perf_counter()
    with Emulator([_ADA], device_code_interval=1) as entra:
        _Demo(entra, attended=attended).run()
    print(f"\nAll three signed in, in {time.perf_counter() - started:.1f} s. No token was written to disk.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
