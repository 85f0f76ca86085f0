"""The spine of credentials that ask nobody: a source that counts, a clock that stands still."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError

from azid import CredentialUnavailableError
from azid.clock import ManualClock
from azid.errors import AuthenticationFailedError
from azid.persistence import open_storage
from azid.single_flight import FlightAbandoned
from azid.tokens.cache import Storage
from azid.tokens.request import TokenRequest
from azid.tokens.response import TokenResponse
from azid.tokens.stores.memory import MemoryTokenStore
from azid.unattended import UnattendedSession, UnavailableSession
from tests.conftest import GRAPH, VAULT, in_threads

LIFETIME = 7200


class Source:
    """Gives numbered tokens, which are to be refreshed at half of their life."""

    def __init__(self, clock: ManualClock) -> None:
        self.asked: list[TokenRequest] = []
        self.error: Exception | None = None
        self.lifetime = LIFETIME
        self.before: Callable[[], object] = lambda: None
        self._clock = clock

    def __call__(self, request: TokenRequest) -> TokenResponse:
        self.asked.append(request)
        self.before()
        if self.error is not None:
            raise self.error
        return TokenResponse.parse(
            {"access_token": f"token {len(self.asked)}", "expires_in": self.lifetime, "refresh_in": self.lifetime // 2},
            client_id="",
            tenant_id=request.tenant_id,
            requested_at=self._clock.time(),
        )


@pytest.fixture
def source(clock: ManualClock) -> Source:
    return Source(clock)


@pytest.fixture
def make(source: Source, clock: ManualClock) -> Callable[..., UnattendedSession]:
    def make(storage: Storage | None = None) -> UnattendedSession:
        return UnattendedSession(
            source,
            client_id="app",
            authority="https://login.microsoftonline.com",
            resolve_tenant=lambda tenant_id: tenant_id or "own",
            storage=storage or open_storage(None),
            clock=clock,
        )

    return make


@pytest.fixture
def session(make: Callable[..., UnattendedSession]) -> UnattendedSession:
    return make()


def token(session: UnattendedSession, *scopes: str, **options: Any) -> str:
    issued = session.token(scopes, **{"claims": None, "tenant_id": None, "enable_cae": False, **options})
    return issued.access_token.token


def wait_for_renewal() -> None:
    for thread in threading.enumerate():
        if thread.name == "azid-refresh":
            thread.join()


def test_a_fresh_token_is_handed_out_again(session: UnattendedSession, source: Source) -> None:
    assert [token(session, VAULT) for _ in range(3)] == ["token 1"] * 3
    assert len(source.asked) == 1
    assert [issued.access_token.token for issued in session.fresh.values()] == ["token 1"]


def test_whatever_is_asked_differently_is_another_token(session: UnattendedSession, source: Source) -> None:
    token(session, VAULT)
    token(session, GRAPH)
    token(session, VAULT, tenant_id="other")
    token(session, VAULT, enable_cae=True)
    assert [(request.scopes, request.tenant_id, request.enable_cae) for request in source.asked] == [
        ((VAULT,), "own", False),
        ((GRAPH,), "own", False),
        ((VAULT,), "other", False),
        ((VAULT,), "own", True),
    ]


def test_claims_are_never_met_by_what_is_there(session: UnattendedSession, source: Source) -> None:
    token(session, VAULT)
    assert token(session, VAULT, claims="{}") == "token 2"
    assert source.asked[-1].claims == "{}"
    assert token(session, VAULT) == "token 2", "the newer one has replaced it"


@pytest.mark.parametrize("asked", [{"tenant_id": "own"}, {}])
def test_a_token_that_was_refused_is_not_kept_under_another_name(
    asked: dict[str, str], session: UnattendedSession, source: Source
) -> None:
    for options in ({}, {"tenant_id": "own"}):
        token(session, VAULT, **options)
    assert token(session, VAULT, claims="{}", **asked) == "token 2"
    assert [token(session, VAULT, **options) for options in ({}, {"tenant_id": "own"})] == ["token 2"] * 2


def test_a_due_token_is_renewed_meanwhile_and_once(
    session: UnattendedSession, source: Source, clock: ManualClock
) -> None:
    token(session, VAULT)
    clock.advance(LIFETIME // 2)
    assert token(session, VAULT) == "token 1"
    wait_for_renewal()
    assert [token(session, VAULT) for _ in range(3)] == ["token 2"] * 3
    assert len(source.asked) == 2


def test_a_token_that_soon_expires_is_renewed_first(
    session: UnattendedSession, source: Source, clock: ManualClock
) -> None:
    token(session, VAULT)
    clock.advance(LIFETIME - 200)
    assert token(session, VAULT) == "token 2"


def test_a_source_that_gives_what_soon_expires_is_not_asked_at_each_call(
    session: UnattendedSession, source: Source, clock: ManualClock
) -> None:
    """Machines' endpoints and tools have caches of their own."""
    source.lifetime = 200
    assert [token(session, VAULT) for _ in range(3)] == ["token 1"] * 3
    clock.advance(31)
    assert [token(session, VAULT) for _ in range(3)] == ["token 2"] * 3
    source.lifetime = 10
    clock.advance(31)
    token(session, VAULT)
    clock.advance(11)
    assert token(session, VAULT) == "token 4", "what has expired is never handed out"


def test_a_token_that_cannot_be_renewed_is_handed_out_while_it_is_good(
    session: UnattendedSession, source: Source, clock: ManualClock
) -> None:
    token(session, VAULT)
    clock.advance(LIFETIME - 200)
    source.error = AuthenticationFailedError("not now")
    assert [token(session, VAULT) for _ in range(3)] == ["token 1"] * 3
    assert len(source.asked) == 2, "and not asked again for a moment"
    clock.advance(201)
    with pytest.raises(ClientAuthenticationError, match="not now"):
        token(session, VAULT)


def test_threads_ask_once_and_fail_together(session: UnattendedSession, source: Source) -> None:
    together = threading.Barrier(2, timeout=10)
    source.before = together.wait
    source.error = AuthenticationFailedError("no")
    threads = [threading.Thread(target=lambda: in_threads(20, lambda: token(session, VAULT)))]
    threads[0].start()
    together.wait()  # somebody asks; the others wait for the answer, or come too late for it
    source.before = lambda: None
    threads[0].join()
    assert len(source.asked) <= 20
    source.error = None
    source.asked.clear()
    assert len(set(in_threads(20, lambda: token(session, VAULT)))) == 1
    assert len(source.asked) == 1


def test_processes_share_a_store(make: Callable[..., UnattendedSession], source: Source) -> None:
    store = MemoryTokenStore()
    assert token(make(Storage(lambda _: store, own=store)), VAULT) == "token 1"
    assert token(make(Storage(lambda _: store, own=store)), VAULT) == "token 1"
    assert len(source.asked) == 1


def test_no_account_is_filed(make: Callable[..., UnattendedSession]) -> None:
    store = MemoryTokenStore()
    token(make(Storage(lambda _: store, own=store)), VAULT)
    stored = store.read(cae=False)
    assert stored.keys() == {"AccessToken", "AppMetadata"}


def test_a_store_that_fails_fails_no_call(
    make: Callable[..., UnattendedSession], caplog: pytest.LogCaptureFixture
) -> None:
    class Full(MemoryTokenStore):
        def transaction(self, *, cae: bool) -> Any:
            raise OSError("no space left")

    store = Full()
    assert token(make(Storage(lambda _: store, own=store)), VAULT) == "token 1"
    assert "no space left" in caplog.text


def test_a_closed_session_asks_no_more(session: UnattendedSession, source: Source) -> None:
    token(session, VAULT)
    session.close()
    assert token(session, VAULT) == "token 1"
    with pytest.raises(CredentialUnavailableError, match="was closed"):
        token(session, GRAPH)


@pytest.mark.parametrize("error", [AuthenticationFailedError("cut off"), FlightAbandoned()])
def test_one_that_is_closed_while_it_asks_says_so(error: Exception, session: UnattendedSession, source: Source) -> None:
    source.before, source.error = session.close, error
    with pytest.raises(CredentialUnavailableError, match="was closed"):
        token(session, VAULT)


@pytest.mark.parametrize("scopes", [(), ("openid",), ('a"b',)])
def test_what_is_no_scope_is_refused(scopes: tuple[str, ...], session: UnattendedSession, source: Source) -> None:
    with pytest.raises(ValueError, match="scope"):
        token(session, *scopes)
    assert source.asked == []


def test_one_that_is_unavailable_says_why() -> None:
    session = UnavailableSession("it is not here")
    session.open()
    with pytest.raises(CredentialUnavailableError, match="it is not here"):
        session.token((VAULT,), claims=None, tenant_id=None, enable_cae=False)
    session.close()
