"""azid's credentials against oidc-provider, a certified OpenID provider that shares no code with azid or MSAL.

It demands PKCE, and refresh tokens that rotate: one that is used a second time ends the sign-in.
"""

from __future__ import annotations

import html.parser
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urljoin

import pytest
import requests
import trustme
from azure.core.exceptions import ClientAuthenticationError

from azid import DeviceCodeCredential, InteractiveBrowserCredential
from azid.clock import ManualClock, SystemClock

CLIENT_ID = "azid-test"
SCOPE = "https://storage.example/.default"
TENANT = "contoso.example"
CLAIMS = '{"access_token": {"acrs": {"essential": true, "value": "c1"}}}'
DEADLINE = 30.0
"""Seconds."""
MOST_PAGES = 20


@dataclass(frozen=True)
class Authority:
    host: str
    ca_file: str

    def options(self) -> dict[str, Any]:
        """The options of a credential that is to use this authority."""
        return {
            "client_id": CLIENT_ID,
            "authority": f"https://{self.host}",
            "tenant_id": TENANT,
            "disable_instance_discovery": True,
            "connection_verify": self.ca_file,
            "timeout": DEADLINE,
        }

    def userinfo(self, access_token: str) -> dict[str, Any]:
        """Return what the authority tells to the bearer of `access_token` (OpenID Connect Core section 5.3)."""
        response = requests.get(
            f"https://{self.host}/{TENANT}/v2.0/me",
            headers={"Authorization": f"Bearer {access_token}"},
            verify=self.ca_file,
            timeout=DEADLINE,
        )
        response.raise_for_status()
        claims: dict[str, Any] = response.json()
        return claims


@pytest.fixture(scope="module")
def authority(node: Path, oidc_provider: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    folder = tmp_path_factory.mktemp("oidc-provider")
    ca = trustme.CA()
    ca.cert_pem.write_to_path(folder / "ca.pem")
    ca.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    script = Path(__file__).with_suffix("").with_name("oidc_provider.mjs")
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(
            [node, script, oidc_provider, folder / "server.pem", CLIENT_ID, SCOPE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        try:
            yield Authority(f"127.0.0.1:{port_of(process, folder / 'log')}", str(folder / "ca.pem"))
        finally:
            process.kill()


def port_of(process: subprocess.Popen[str], log: Path) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if match := re.fullmatch(r"listening on (\d+)\n", line):
            return match[1]
    pytest.fail(f"oidc-provider ended: {log.read_text()}")


class Page(html.parser.HTMLParser):
    """A page's form, and where its links lead."""

    def __init__(self, response: requests.Response) -> None:
        super().__init__()
        self.action: str | None = None
        self.inputs: dict[str, str] = {}
        self.links: list[str] = []
        self.url = response.url
        self.feed(response.text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attributes}
        if tag == "form":
            self.action = urljoin(self.url, values["action"])
        elif tag == "input":
            self.inputs[values["name"]] = values.get("value", "")
        elif tag == "a":
            self.links.append(urljoin(self.url, values["href"]))


class Person:
    """Signs in on oidc-provider's development pages.

    :param authority: whose pages they are.
    :param name: who they are.
    :param then: what they do when asked for their consent.
    """

    def __init__(self, authority: Authority, name: str = "ada", then: Literal["approve", "deny"] = "approve") -> None:
        self.visits = 0
        self._authority = authority
        self._typed = {"login": name, "password": "any"}
        self._then = then

    def open(self, url: str) -> bool:
        """Be the browser: walk through the pages at `url` in a thread of its own."""
        self.visits += 1
        threading.Thread(target=self.walk, args=(url,), daemon=True).start()
        return True

    def walk(self, url: str) -> None:
        """Walk through the pages at `url` to the last."""
        with requests.Session() as session:
            session.trust_env, session.verify = False, self._authority.ca_file
            page = Page(session.get(url, timeout=DEADLINE))
            for _ in range(MOST_PAGES):
                abort = next((link for link in page.links if link.endswith("/abort")), None)
                if self._then == "deny" and abort is not None:
                    page = Page(session.get(abort, timeout=DEADLINE))
                elif page.action is not None and page.inputs.get("user_code") != "":
                    form = {name: self._typed.get(name, value) for name, value in page.inputs.items()}
                    page = Page(session.post(page.action, data=form, timeout=DEADLINE))
                else:
                    return
        raise RuntimeError("the pages go in circles")


class LaterClock(SystemClock):
    """The machine's clock, moved on by hand."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def time(self) -> float:
        return SystemClock.time() + self.ahead


class PollingClock(ManualClock):
    """Lets something happen in the nth wait between two polls."""

    def __init__(self, nth: int, happens: Callable[[], None]) -> None:
        super().__init__()
        self._nth = nth
        self._happens = happens

    def wait(self, event: threading.Event, seconds: float) -> bool:
        if len(self.waits) + 1 == self._nth:
            self._happens()
        return super().wait(event, seconds)


def test_code_with_pkce(authority: Authority) -> None:
    person = Person(authority)
    with InteractiveBrowserCredential(open_browser=person.open, **authority.options()) as credential:
        record = credential.authenticate(SCOPE)
        token = credential.get_token(SCOPE).token
    assert (record.username, record.home_account_id) == ("ada@contoso.example", "ada")
    assert (record.tenant_id, record.authority, record.client_id) == (TENANT, authority.host, CLIENT_ID)
    assert authority.userinfo(token)["sub"] == "ada"
    assert person.visits == 1


def test_refresh_tokens_that_rotate(authority: Authority) -> None:
    person, clock = Person(authority), LaterClock()
    with InteractiveBrowserCredential(open_browser=person.open, clock=clock, **authority.options()) as credential:
        tokens = [credential.get_token(SCOPE).token]
        for _ in range(3):
            clock.ahead += 3600
            tokens.append(credential.get_token(SCOPE).token)
    assert len(set(tokens)) == 4
    assert [authority.userinfo(token)["sub"] for token in tokens] == ["ada"] * 4
    assert person.visits == 1


def test_claims_are_refreshed_for(authority: Authority) -> None:
    person = Person(authority)
    with InteractiveBrowserCredential(open_browser=person.open, **authority.options()) as credential:
        first = credential.get_token(SCOPE).token
        second = credential.get_token(SCOPE, claims=CLAIMS).token
    assert first != second
    assert person.visits == 1


def test_another_person_replaces_the_first(authority: Authority) -> None:
    people = iter([Person(authority, "ada"), Person(authority, "grace")])
    with InteractiveBrowserCredential(
        open_browser=lambda url: next(people).open(url), **authority.options()
    ) as credential:
        credential.authenticate(SCOPE)
        record = credential.authenticate(SCOPE)
        token = credential.get_token(SCOPE).token
    assert record.username == "grace@contoso.example"
    assert authority.userinfo(token)["sub"] == "grace"


def test_declined_in_the_browser(authority: Authority) -> None:
    person = Person(authority, then="deny")
    with (
        InteractiveBrowserCredential(open_browser=person.open, **authority.options()) as credential,
        pytest.raises(ClientAuthenticationError, match="declined in the browser"),
    ):
        credential.get_token(SCOPE)


@pytest.mark.parametrize("polls", [1, 3])
def test_device_code(authority: Authority, polls: int) -> None:
    shown: list[str] = []
    clock = PollingClock(polls, lambda: Person(authority).walk(f"{shown[0]}?user_code={shown[1]}"))

    def show(verification_uri: str, user_code: str, expires_on: datetime) -> None:
        shown.extend((verification_uri, user_code))

    with DeviceCodeCredential(prompt_callback=show, clock=clock, **authority.options()) as credential:
        record = credential.authenticate(SCOPE)
        clock.advance(3600)
        token = credential.get_token(SCOPE).token
    assert record.username == "ada@contoso.example"
    assert authority.userinfo(token)["sub"] == "ada"
    assert clock.waits == [5.0] * polls


def test_device_code_that_is_declined(authority: Authority) -> None:
    person = Person(authority, then="deny")
    with (
        DeviceCodeCredential(
            prompt_callback=lambda uri, code, _: person.walk(f"{uri}?user_code={code}"),
            clock=ManualClock(),
            **authority.options(),
        ) as credential,
        pytest.raises(ClientAuthenticationError, match="declined on the page where the code was entered"),
    ):
        credential.get_token(SCOPE)
