"""azid's main job from end to end, against an authority that is started for it: ``azid demo``.

It signs a person in with a browser, with a device code and with a password, and uses the tokens. Where nobody sits at a
screen it plays the person itself: it walks through the same pages as a browser would, and says so.
"""

from __future__ import annotations

import os
import sys
import time
import warnings
from datetime import datetime
from typing import IO, Any, Final, NamedTuple

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

__all__ = ["SignedIn", "run_demo"]

_SCOPE: Final = "https://graph.microsoft.com/.default"
_ADA: Final = User("ada@contoso.example", password="correct horse battery staple", name="Ada Lovelace", consented=False)


class SignedIn(NamedTuple):
    """What came of one credential."""

    credential: str
    username: str
    display_name: str
    """As the protected resource gave it for the token."""


class _Terminal:
    """Writes headings and facts, in colour where the terminal can."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._colours = file.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"

    def heading(self, text: str) -> None:
        print(f"\n{self._in('1;36', text)}", file=self._file, flush=True)

    def say(self, text: str) -> None:
        print(f"  {text}", file=self._file, flush=True)

    def done(self, text: str) -> None:
        print(f"  {self._in('32', 'ok')} {text}", file=self._file, flush=True)

    def _in(self, colour: str, text: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._colours else text


class _Demo:
    """The steps of the demonstration.

    :param entra: the authority.
    :param terminal: where they are told.
    :param attended: whether a person sits at a screen.
    """

    def __init__(self, entra: Emulator, terminal: _Terminal, *, attended: bool) -> None:
        self._entra = entra
        self._attended = attended
        self._person = Person(_ADA.username, _ADA.password)
        self._terminal = terminal
        self._options: dict[str, Any] = {
            "authority": entra.authority,
            "connection_verify": entra.ca_file,
            "disable_instance_discovery": True,  # Microsoft does not know this authority
        }

    def run(self) -> list[SignedIn]:
        self._terminal.heading("An authority of our own")
        self._terminal.say(
            f"The Entra emulator runs at {self._entra.authority}; its pages at {self._entra.page_origin}."
        )
        if self._attended:
            self._terminal.say(f"Sign in there as {_ADA.username} with the password: {_ADA.password}")
        else:
            self._terminal.say("Nobody sits at a screen here, so the pages are walked through as a browser would.")
        return [self._with_a_browser(), self._with_a_device_code(), self._with_a_password()]

    def _with_a_browser(self) -> SignedIn:
        self._terminal.heading("1  InteractiveBrowserCredential")
        with InteractiveBrowserCredential(open_browser=self._open, **self._options) as credential:
            record = credential.authenticate(_SCOPE)
            self._show_record(record)
            started = time.perf_counter()
            token = credential.get_token(_SCOPE)
            microseconds = (time.perf_counter() - started) * 1e6
            expires = datetime.fromtimestamp(token.expires_on).astimezone()
            self._terminal.done(f"a silent token in {microseconds:.0f} µs, valid until {expires:%H:%M:%S %Z}")
            return self._call_resource(credential, record)

    def _with_a_device_code(self) -> SignedIn:
        self._terminal.heading("2  DeviceCodeCredential")
        with DeviceCodeCredential(prompt_callback=self._show_code, **self._options) as credential:
            record = credential.authenticate(_SCOPE)
            self._show_record(record)
            return self._call_resource(credential, record)

    def _with_a_password(self) -> SignedIn:
        self._terminal.heading("3  UsernamePasswordCredential")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            credential = UsernamePasswordCredential(
                DEVELOPER_SIGN_ON_CLIENT_ID, _ADA.username, _ADA.password, **self._options
            )
        for warning in caught:
            self._terminal.say(f"{warning.category.__name__}: {warning.message}")
        with credential:
            record = credential.authenticate(_SCOPE)
            self._show_record(record)
            return self._call_resource(credential, record)

    def _open(self, url: str) -> bool:
        return (self._attended and open_browser(url)) or self._person.open(url)

    def _show_code(self, verification_uri: str, user_code: str, expires_on: datetime) -> None:
        self._terminal.say(f"Open {verification_uri} and enter {user_code} before {expires_on.astimezone():%H:%M:%S}.")
        if not (self._attended and open_browser(verification_uri)):
            self._person.enter_code(verification_uri, user_code)

    def _show_record(self, record: AuthenticationRecord) -> None:
        self._terminal.done(f"signed in as {record.username}; the record to keep, without secrets:")
        self._terminal.say(f"   {record.serialize()}")

    def _call_resource(self, credential: TokenCredential, record: AuthenticationRecord) -> SignedIn:
        policy = BearerTokenCredentialPolicy(credential, _SCOPE)
        client: PipelineClient[Any, Any] = PipelineClient(
            self._entra.resource_url, policies=[policy], connection_verify=self._entra.ca_file
        )
        with client:
            response = client.send_request(HttpRequest("GET", self._entra.resource_url))
            response.raise_for_status()
            name = response.json()["displayName"]
        self._terminal.done(f"azure-core called {response.url}: {name}")
        return SignedIn(type(credential).__name__, record.username, name)


def run_demo(*, unattended: bool = False, file: IO[str] | None = None) -> list[SignedIn]:
    """Sign a person in through each credential.

    :param unattended: play the person, even where a browser could be opened.
    :param file: where it is told. Defaults to standard output.
    :returns: what came of each credential.
    """
    file = file or sys.stdout
    attended = not unattended and sys.stdin is not None and sys.stdin.isatty() and file.isatty()
    started = time.perf_counter()
    with Emulator([_ADA], device_code_interval=1) as entra:
        signed_in = _Demo(entra, _Terminal(file), attended=attended).run()
    took = time.perf_counter() - started
    print(f"\nAll three signed in, in {took:.1f} s. No token was written to disk.", file=file, flush=True)
    return signed_in
