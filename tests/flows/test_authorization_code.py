from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from azure.core.exceptions import ClientAuthenticationError

from azid import CredentialUnavailableError, InteractiveBrowserCredential
from azid.emulator import Emulator, Fault, Person
from tests.conftest import ADA, BOB, GRAPH, VAULT, Prompt

Make = Callable[..., InteractiveBrowserCredential]


@pytest.fixture
def person(entra: Emulator) -> Person:
    return Person(ADA.username, ADA.password, entra=entra)


@pytest.fixture
def make(entra: Emulator, person: Person) -> Iterator[Make]:
    """Makes browser credentials on the machine's clock, whose browser is `person`."""
    made: list[InteractiveBrowserCredential] = []

    def make_credential(**arguments: Any) -> InteractiveBrowserCredential:
        arguments = {"transport": entra.transport(), "open_browser": person.open, "timeout": 30, **arguments}
        made.append(InteractiveBrowserCredential(**arguments))
        return made[-1]

    yield make_credential
    for credential in made:
        credential.close()


def query_of(url: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(url).query)


def test_a_browser_sign_in_ends_with_a_page_that_names_the_account(make: Make, person: Person) -> None:
    record = make().authenticate(GRAPH)
    person.join()
    assert record.username == ADA.username
    assert "You are signed in" in person.last_page
    assert ADA.username in person.last_page


def test_the_page_says_that_redeeming_failed(make: Make, person: Person, entra: Emulator) -> None:
    entra.refuse(ADA.username, 53003, grant="authorization_code")
    with pytest.raises(ClientAuthenticationError, match="AADSTS53003"):
        make().get_token(GRAPH)
    person.join()
    assert "failed" in person.last_page
    assert "AADSTS53003" in person.last_page
    assert "You are signed in" not in person.last_page


def test_the_page_says_that_another_account_was_expected(make: Make, person: Person, entra: Emulator) -> None:
    record = make().authenticate(GRAPH)
    bob = Person(BOB.username, BOB.password, entra=entra)
    credential = make(authentication_record=record, login_hint=BOB.username, open_browser=bob.open)
    with pytest.raises(ClientAuthenticationError, match=r"made for ada@contoso\.example"):
        credential.get_token(GRAPH)
    bob.join()
    assert "failed" in bob.last_page


def test_declining_is_told_on_both_sides(make: Make, entra: Emulator) -> None:
    person = Person(ADA.username, ADA.password, entra=entra, then="deny")
    with pytest.raises(ClientAuthenticationError, match="declined"):
        make(open_browser=person.open).get_token(GRAPH)
    person.join()
    assert "declined" in person.last_page


def test_the_url_is_shown_on_stderr(make: Make, person: Person, capsys: pytest.CaptureFixture[str]) -> None:
    make().get_token(GRAPH)
    output = capsys.readouterr()
    assert output.out == ""
    assert "https://login.microsoftonline.com/organizations/oauth2/v2.0/authorize?" in output.err


def test_a_stderr_that_nobody_reads_does_not_end_the_sign_in(make: Make) -> None:
    read, write = os.pipe()
    os.close(read)
    unread = os.fdopen(write, "w")
    with redirect_stderr(unread):
        assert make().get_token(GRAPH)
    with suppress(BrokenPipeError):
        unread.close()


def test_the_request_carries_pkce_nonce_and_a_loopback_redirect(make: Make, person: Person) -> None:
    urls: list[str] = []

    def open_browser(url: str) -> bool:
        urls.append(url)
        return person.open(url)

    make(open_browser=open_browser, login_hint=ADA.username).get_token(GRAPH)
    query = query_of(urls[0])
    assert query["code_challenge_method"] == ["S256"]
    assert query["response_mode"] == ["form_post"]
    assert query["prompt"] == ["select_account"]
    assert query["login_hint"] == [ADA.username]
    assert urlsplit(query["redirect_uri"][0]).hostname == "localhost"
    assert query["nonce"]


def test_claims_are_asked_for_of_the_account_that_is_signed_in(make: Make, person: Person, entra: Emulator) -> None:
    credential = make()
    credential.get_token(GRAPH)
    claims = entra.challenge(ADA.username)
    entra.clear_log()
    credential.get_token(GRAPH, claims=claims)
    person.join()
    [authorize] = [r for r in entra.requests if r.endpoint == "authorize" and "client_id" in r.query]
    assert authorize.query["claims"] == claims
    assert authorize.query["login_hint"] == ADA.username
    assert authorize.query["scope"].startswith(GRAPH)


def test_a_nonce_of_somebody_elses_sign_in_is_refused(make: Make, entra: Emulator) -> None:
    entra.inject(Fault(id_token={"nonce": "stolen"}))
    with pytest.raises(ClientAuthenticationError) as caught:
        make().get_token(GRAPH)
    assert "stolen" not in str(caught.value)


def test_a_named_port_and_path_are_used(make: Make, person: Person, entra: Emulator) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    credential = make(redirect_uri=f"http://localhost:{port}")
    assert credential.get_token(GRAPH)
    [redeemed] = entra.token_requests("authorization_code")
    assert redeemed.form["redirect_uri"] == f"http://localhost:{port}"


def test_a_port_that_is_taken_is_told(make: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CredentialUnavailableError, match=str(port)):
            make(redirect_uri=f"http://localhost:{port}").get_token(GRAPH)


@pytest.mark.parametrize(
    "redirect_uri",
    [
        "localhost",
        "http://localhost",
        "https://localhost:8400",
        "http://example.org:8400",
        "http://localhost:x",
        8400,
    ],
)
def test_a_redirect_uri_that_cannot_be_listened_on_is_refused_at_once(redirect_uri: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        InteractiveBrowserCredential(redirect_uri=redirect_uri)


def test_no_browser_points_to_the_device_code(make: Make) -> None:
    with pytest.raises(CredentialUnavailableError, match="DeviceCodeCredential"):
        make(open_browser=lambda _: False).get_token(GRAPH)


def test_a_hook_that_raises_is_told_without_the_url(make: Make) -> None:
    def fail(url: str) -> bool:
        raise OSError(f"cannot open {url}")

    with pytest.raises(CredentialUnavailableError, match="OSError") as caught:
        make(open_browser=fail).get_token(GRAPH)
    assert "code_challenge" not in str(caught.value)


def test_nobody_answering_times_out(make: Make) -> None:
    credential = make(open_browser=lambda _: True, timeout=0.05)
    with pytest.raises(ClientAuthenticationError, match="timed out") as caught:
        credential.get_token(GRAPH)
    assert not isinstance(caught.value, CredentialUnavailableError)


def test_closing_ends_the_wait_for_the_browser(make: Make) -> None:
    opened = threading.Event()

    def open_browser(_: str) -> bool:
        opened.set()
        return True

    credential = make(open_browser=open_browser)
    results: list[Exception] = []

    def ask() -> None:
        try:
            credential.get_token(GRAPH)
        except ClientAuthenticationError as error:
            results.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    assert opened.wait(10)
    credential.close()
    thread.join(10)
    assert "cancelled" in str(results[0])


def test_a_browser_and_a_device_code_sign_in_of_one_account_have_one_record(
    make: Make, prompt: Prompt, entra: Emulator, make_credential: Callable[..., Any]
) -> None:
    assert make().authenticate(GRAPH) == make_credential().authenticate(VAULT)


def test_a_closed_credential_opens_no_browser(make: Make) -> None:
    opened: list[str] = []
    credential = make(open_browser=opened.append)
    credential.close()
    with pytest.raises(CredentialUnavailableError, match="closed"):
        credential.get_token(GRAPH)
    for thread in threading.enumerate():
        if thread.name == "azid-browser":
            thread.join(10)
    assert opened == []
