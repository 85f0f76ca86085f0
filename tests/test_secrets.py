"""A canary: every flow and every failure, with everything logged, and no secret anywhere it could be read."""

from __future__ import annotations

import json
import logging
import pickle
import traceback
import warnings
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, quote_plus, urlsplit

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline.transport import RequestsTransport

from azid import (
    DEVELOPER_SIGN_ON_CLIENT_ID,
    AuthenticationRequiredError,
    DeviceCodeCredential,
    InteractiveBrowserCredential,
    InteractiveCredential,
    UsernamePasswordCredential,
)
from azid.clock import ManualClock, SystemClock
from azid.emulator import Emulator, Fault, Person
from tests.conftest import ADA, GRAPH, VAULT

SECRET_PARAMETERS = {
    *("access_token", "refresh_token", "id_token", "code", "code_verifier", "device_code", "password", "claims"),
    *("state", "nonce", "client_info"),
}
CLAIMS = '{"access_token": {"acrs": {"essential": true, "value": "canary"}}}'


class SpiedTransport(RequestsTransport):
    """Tells what form is being sent."""

    def __init__(self, inner: Any, sent: dict[str, Any]) -> None:
        super().__init__()
        self._inner = inner
        self._sent = sent

    def send(self, request: Any, **options: Any) -> Any:
        self._sent.clear()
        self._sent.update(request.content if isinstance(request.content, dict) else {})
        return self._inner.send(request, **options)


class Watch:
    """Knows every secret that passed, and everything that could be read by somebody who should not know it."""

    def __init__(self, entra: Emulator) -> None:
        self.entra = entra
        self.secrets: set[str] = {ADA.password, CLAIMS}
        self.sent: dict[str, Any] = {}
        self.readable: list[tuple[str, str]] = []

    def transport(self) -> Any:
        transport = self.entra.transport()
        transport.session.hooks["response"].append(self._response)
        return SpiedTransport(transport, self.sent)

    def _response(self, response: Any, *_: Any, **__: Any) -> None:
        try:
            values = json.loads(response.text)
        except ValueError:
            self.secrets.add(response.text)
            return
        if isinstance(values, dict):
            self._add(values)

    def _add(self, values: dict[str, Any]) -> None:
        self.secrets |= {
            value for name, value in values.items() if name in SECRET_PARAMETERS and isinstance(value, str)
        }

    def read(self, where: str, text: str) -> None:
        self.readable.append((where, text))

    def assert_quiet(self) -> None:
        for request in self.entra.requests:
            self._add(dict(request.form))
            self._add(dict(request.query))
        secrets = {secret for secret in self.secrets if len(secret) > 3}
        assert len(secrets) > 1
        for where, text in self.readable:
            for secret in secrets:
                for spelling in (secret, quote_plus(secret), json.dumps(secret)[1:-1]):
                    assert spelling not in text, f"a secret is in {where}: {text[:400]}"


class Collector(logging.Handler):
    """Keeps every line that anybody logs."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))
        self.lines: list[tuple[str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        # The authority's and the person's own lines are other parties', on other machines.
        if not record.name.startswith(("azid.emulator", "werkzeug")):
            self.lines.append((f"the log of {record.name}", self.format(record)))


@pytest.fixture
def watch(entra: Emulator) -> Iterator[Watch]:
    watch, collector, root = Watch(entra), Collector(), logging.getLogger()
    level = root.level
    root.addHandler(collector)
    root.setLevel(logging.DEBUG)
    try:
        yield watch
    finally:
        root.removeHandler(collector)
        root.setLevel(level)
    loggers = {where for where, _ in collector.lines}
    assert "the log of msal.application" in loggers  # it was listened to
    watch.readable += collector.lines
    watch.assert_quiet()


@pytest.fixture(params=["browser", "device code", "password"])
def make(request: pytest.FixtureRequest, entra: Emulator, clock: ManualClock, watch: Watch) -> Callable[..., Any]:
    person = Person(ADA.username, ADA.password, entra=entra)
    common: dict[str, Any] = {
        "transport": watch.transport(),
        "logging_enable": True,
        "enable_support_logging": True,
        "retry_total": 0,
    }

    def browser(**more: Any) -> InteractiveCredential:
        return InteractiveBrowserCredential(
            open_browser=person.open, timeout=10, clock=SteppingClock(clock), **common | more
        )

    def device_code(**more: Any) -> InteractiveCredential:
        return DeviceCodeCredential(prompt_callback=person.enter_code, clock=clock, **common | more)

    def password(**more: Any) -> InteractiveCredential:
        more.pop("disable_automatic_authentication", None)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            return UsernamePasswordCredential(
                DEVELOPER_SIGN_ON_CLIENT_ID, ADA.username, ADA.password, clock=clock, **common | more
            )

    return {"browser": browser, "device code": device_code, "password": password}[request.param]


class SteppingClock(SystemClock):
    """Tells the emulator's time, and waits on the machine's: a browser answers in its own thread."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock

    def time(self) -> float:
        return self._clock.time()


def fail(watch: Watch, call: Callable[[], object]) -> None:
    """Make `call`, which fails, and read its error in every way that a program might tell it."""
    with pytest.raises(ClientAuthenticationError) as caught:
        call()
    error = caught.value
    watch.read("an error's text", str(error))
    watch.read("an error's repr", repr(error))
    watch.read("an error's reply", f"{error.response!r} {error.response.text() if error.response else ''}")
    watch.read("an error's traceback", "".join(traceback.format_exception(error)))
    if not isinstance(error, AuthenticationRequiredError):  # whose claims are there to be handed on
        watch.read("an error's pickle", pickle.dumps(error, protocol=0).decode("latin-1"))


def test_what_works_tells_nothing(make: Callable[..., Any], watch: Watch, clock: ManualClock) -> None:
    credential = make()
    record = credential.authenticate(GRAPH)
    tokens = [credential.get_token(GRAPH), credential.get_token(VAULT, enable_cae=True)]
    tokens.append(credential.get_token(GRAPH, claims=CLAIMS))
    clock.advance(7200)
    tokens += [credential.get_token(GRAPH), credential.get_token_info(VAULT)]
    for thing in (credential, record, *tokens):
        watch.read("a repr", f"{thing!r} {thing}")
    watch.read("a record", record.serialize())
    credential.close()


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=400, body=b'{"error": "invalid_grant", "error_description": "AADSTS70008: expired"}'),
        Fault(status=500, body=b"the server quotes you"),
        Fault(body=b'{"access_token": "eyJhbGciOiJub25lIn0.canary", "refresh_token": "0.canary'),
        Fault(body=b'"0.canary-as-a-json-text"'),
        Fault(merge={"expires_in": "never"}),
        Fault(merge={"id_token": "not.a.token"}),
        Fault(merge={"client_info": "not base64"}),
        Fault(remove=("id_token",)),
        Fault(id_token={"aud": "another"}),
        Fault(cut="before"),
        Fault(cut="within"),
    ],
)
def test_a_sign_in_that_fails_tells_nothing(
    make: Callable[..., Any], watch: Watch, entra: Emulator, fault: Fault
) -> None:
    entra.inject(fault)
    credential = make()
    if fault.cut or fault.status == 500:
        entra.inject(Fault(status=400, body=b'{"error": "invalid_grant"}', times=None))
    fail(watch, lambda: credential.authenticate(GRAPH, claims=CLAIMS))
    watch.read("a repr", repr(credential))


@pytest.mark.parametrize("code", [50076, 50126, 53003, 65001, 7000218])
def test_a_refusal_that_echoes_what_was_sent_tells_nothing(
    make: Callable[..., Any], watch: Watch, entra: Emulator, clock: ManualClock, code: int
) -> None:
    credential = make()
    credential.authenticate(GRAPH)
    clock.advance(7200)

    def echo(reply: dict[str, Any]) -> None:
        reply["error_description"] = f"AADSTS{code}: you sent {json.dumps(watch.sent)}"
        reply["claims"] = CLAIMS

    entra.refuse(ADA.username, code, endpoint="token")
    entra.inject(Fault(mutate=echo, times=None))
    fail(watch, lambda: credential.get_token(GRAPH))


def test_a_wrong_state_tells_nothing(entra: Emulator, watch: Watch, clock: ManualClock) -> None:
    urls: list[str] = []

    def open_browser(url: str) -> bool:
        urls.append(url)
        return True

    credential = InteractiveBrowserCredential(
        open_browser=open_browser,
        transport=watch.transport(),
        timeout=0.1,  # type: ignore[arg-type]
    )
    fail(watch, lambda: credential.get_token(GRAPH))
    watch.secrets |= {value for name in ("state", "nonce") for value in parse_qs(urlsplit(urls[0]).query)[name]}


def test_a_wrong_nonce_tells_nothing(entra: Emulator, watch: Watch) -> None:
    person = Person(ADA.username, ADA.password, entra=entra)
    credential = InteractiveBrowserCredential(
        open_browser=person.open, transport=watch.transport(), timeout=10, logging_enable=True
    )
    entra.inject(Fault(id_token={"nonce": "another-nonce"}))
    watch.secrets.add("another-nonce")
    fail(watch, lambda: credential.authenticate(GRAPH))
    person.join()
    watch.read("the listener's page", person.last_page)
