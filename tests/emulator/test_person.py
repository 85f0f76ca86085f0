"""The person who drives the pages."""

from __future__ import annotations

import http.server
import threading
import urllib.parse
from collections.abc import Iterator

import pytest

from azid.emulator import Emulator, Person, User
from tests.conftest import ADA
from tests.emulator.driver import Driver

MIA = User("mia@contoso.example", "pass phrase", mfa=True, consented=False)


class Listener:
    """An application's redirect URI."""

    def __init__(self) -> None:
        self.forms: list[dict[str, str]] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                outer.forms.append(dict(urllib.parse.parse_qsl(body)))
                page = b"<p>The application says thanks</p>"
                self.send_response(200)
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()
        self.uri = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.server.shutdown()
    listener.thread.join()
    listener.server.server_close()


def url(driver: Driver, listener: Listener) -> str:
    return driver.authorize(redirect_uri=listener.uri).url


@pytest.mark.parametrize("user", [ADA, MIA], ids=lambda user: user.username)
def test_approving(user: User, listener: Listener) -> None:
    entra = Emulator([user])
    person = Person(user.username, user.password, entra=entra)
    assert person.open(url(Driver(entra), listener)) is True
    person.join()
    assert person.error is None
    assert person.last_page == "The application says thanks"
    assert listener.forms[0]["state"] == "the-state"
    assert "code" in listener.forms[0]


@pytest.mark.parametrize("user", [ADA, MIA], ids=lambda user: user.username)
def test_denying(user: User, listener: Listener) -> None:
    entra = Emulator([user])
    person = Person(user.username, user.password, entra=entra, then="deny")
    person.open(url(Driver(entra), listener))
    person.join()
    assert listener.forms[0]["error"] == "access_denied"


def test_a_refused_person_goes_back_to_the_application(driver: Driver, listener: Listener) -> None:
    driver.entra.refuse(ADA.username, 53003, endpoint="authorize")
    person = Person(ADA.username, ADA.password, entra=driver.entra)
    person.open(url(driver, listener))
    person.join()
    assert "AADSTS53003" in listener.forms[0]["error_description"]


def test_walking_away(driver: Driver, listener: Listener) -> None:
    person = Person(ADA.username, ADA.password, entra=driver.entra, then="leave")
    person.open(url(driver, listener))
    person.join()
    assert "Pick an account" in person.last_page
    assert listener.forms == []


def test_a_wrong_password_ends_the_walk(driver: Driver, listener: Listener) -> None:
    person = Person(ADA.username, "wrong", entra=driver.entra)
    person.open(url(driver, listener))
    person.join()
    assert "AADSTS50126" in str(person.error)
    assert "wrong" not in repr(person)
    assert listener.forms == []


def test_someone_who_is_not_in_the_picker(driver: Driver, listener: Listener) -> None:
    person = Person("nobody@contoso.example", "p", entra=driver.entra)
    person.open(url(driver, listener))
    person.join()
    assert "no account with this name" in str(person.error)
