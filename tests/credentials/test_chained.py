"""Chains of anybody's credentials, sync and async alike."""

from __future__ import annotations

import asyncio
import contextvars
import copy
import gc
import logging
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError

import azid
import azid.aio
from azid import AuthenticationRequiredError, CredentialUnavailableError
from azid.chain import others_follow
from azid.error_reply import ErrorReply
from azid.errors import AuthenticationFailedError
from tests.conftest import GRAPH, VAULT
from tests.support.fake_credentials import ASYNC, SYNC, Fake, Full, Kind

CLAIMS = '{"access_token": {"acrs": {"essential": true, "value": "canary"}}}'
TENANT = "22222222-2222-2222-2222-222222222222"
METHODS = ["get_token", "get_token_info"]


@pytest.fixture(params=[SYNC, ASYNC], ids=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


@pytest.fixture(params=METHODS)
def ask(request: pytest.FixtureRequest, kind: Kind) -> Callable[..., Any]:
    """Asks a credential for a token in either way."""
    return lambda credential, *scopes, **options: kind.do(
        lambda: getattr(credential, request.param)(*(scopes or (GRAPH,)), **options)
    )


def unavailable(why: str = "Not here.") -> CredentialUnavailableError:
    return CredentialUnavailableError(why)


class TestOrder:
    def test_the_first_that_has_a_token_wins(self, kind: Kind, ask: Callable[..., Any]) -> None:
        made = [kind.full(unavailable()), kind.full("second"), kind.full("third")]
        assert ask(kind.chain(*made)).token == "second"
        assert [len(credential.calls) for credential in made] == [1, 1, 0]

    def test_each_call_begins_with_the_first(self, kind: Kind, ask: Callable[..., Any]) -> None:
        first, second = kind.full(unavailable()), kind.full("second")
        chain = kind.chain(first, second)
        assert ask(chain).token == "second"
        first.outcome = "first"
        assert ask(chain).token == "first"

    def test_the_credentials_can_be_seen(self, kind: Kind) -> None:
        made = (kind.full(), kind.full())
        assert kind.chain(*made).credentials == made

    def test_a_chain_may_be_in_a_chain(self, kind: Kind, ask: Callable[..., Any]) -> None:
        inner = kind.chain(kind.full(unavailable()), kind.full(unavailable()))
        assert ask(kind.chain(inner, kind.full("outer"))).token == "outer"


class TestAnEnd:
    def test_comes_with_a_failure(self, kind: Kind, ask: Callable[..., Any]) -> None:
        made = [kind.full(unavailable()), kind.full(ClientAuthenticationError("Refused.")), kind.full("third")]
        with pytest.raises(ClientAuthenticationError) as caught:
            ask(kind.chain(*made))
        assert not isinstance(caught.value, CredentialUnavailableError)
        assert made[2].calls == []

    @pytest.mark.parametrize(
        "error",
        [
            ValueError("Odd."),
            ServiceRequestError("No network."),
            TypeError(),
            StopIteration(),
        ],
        ids=lambda error: type(error).__name__,
    )
    def test_comes_with_any_other_error_and_names_it(
        self, kind: Kind, ask: Callable[..., Any], error: Exception
    ) -> None:
        with pytest.raises(ClientAuthenticationError) as caught:
            ask(kind.chain(kind.full(error), kind.full("second")))
        assert (str(error) or type(error).__name__) in str(caught.value)
        if not isinstance(error, StopIteration):  # a coroutine makes another error of it
            assert caught.value.__cause__ is error

    @pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(2), asyncio.CancelledError()])
    def test_comes_with_an_interrupt_as_it_is(self, kind: Kind, error: BaseException) -> None:
        chain = kind.chain(kind.full(error), kind.full("second"))
        call = chain.get_token(GRAPH) if kind.is_async else None
        with pytest.raises(type(error)):
            call.send(None) if call else chain.get_token(GRAPH)

    def test_comes_with_something_that_is_no_token(self, kind: Kind) -> None:
        with pytest.raises(ClientAuthenticationError, match="has no attribute 'token'"):
            kind.do(lambda: kind.chain(kind.info_only(object()), kind.full()).get_token(GRAPH))

    def test_keeps_what_the_authority_has_said(self, kind: Kind, ask: Callable[..., Any]) -> None:
        reply = ErrorReply(400, "Bad Request", {}, "application/json", "{}")
        error = AuthenticationFailedError(
            "AADSTS7000215: Refused.",
            oauth_error="invalid_client",
            suberror="s",
            error_codes=(7000215,),
            response=reply,
        )
        with pytest.raises(AuthenticationFailedError) as caught:
            ask(kind.chain(kind.full(error)))
        found = caught.value
        assert (found.oauth_error, found.suberror, found.error_codes) == ("invalid_client", "s", (7000215,))
        assert found.response is reply

    def test_without_a_token_is_unavailability(self, kind: Kind, ask: Callable[..., Any]) -> None:
        needs_person = AuthenticationRequiredError([GRAPH])
        with pytest.raises(CredentialUnavailableError) as caught:
            ask(kind.chain(kind.full(unavailable()), kind.full(needs_person)))
        assert type(caught.value) is CredentialUnavailableError

    def test_is_not_the_unavailability_of_another_library(self, kind: Kind, ask: Callable[..., Any]) -> None:
        """As azure-identity's own credentials raise it beside azid."""
        theirs = type("CredentialUnavailableError", (ClientAuthenticationError,), {})
        required = type("AuthenticationRequiredError", (theirs,), {})
        made = [kind.full(theirs("Not here.")), kind.full(required("Sign in.")), kind.full("third")]
        assert ask(kind.chain(*made)).token == "third"


class TestAMessage:
    def test_is_a_summary_and_a_line_for_each(self, kind: Kind, ask: Callable[..., Any]) -> None:
        chain = kind.chain(kind.full(unavailable("Not\n here. Do this.")), kind.token_only(unavailable("Nor here.")))
        with pytest.raises(CredentialUnavailableError) as caught:
            ask(chain)
        one, other = (type(credential).__name__ for credential in chain.credentials)
        assert str(caught.value).splitlines() == [
            "ChainedTokenCredential got no token: none of its 2 credentials can be used here.",
            f"  {one}: Not here. Do this.",
            f"  {other}: Nor here.",
        ]

    def test_of_one_credential(self, kind: Kind, ask: Callable[..., Any]) -> None:
        with pytest.raises(CredentialUnavailableError, match="its only credential cannot be used here"):
            ask(kind.chain(kind.full(unavailable())))

    def test_says_who_failed_and_who_was_not_asked(self, kind: Kind, ask: Callable[..., Any]) -> None:
        made = [kind.full(unavailable()), kind.token_only(ValueError("Odd.")), kind.info_only(), kind.full()]
        names = [type(credential).__name__ for credential in made]
        with pytest.raises(ClientAuthenticationError) as caught:
            ask(kind.chain(*made))
        assert str(caught.value).splitlines() == [
            f"ChainedTokenCredential got no token: {names[1]} failed.",
            f"  {names[0]}: Not here.",
            f"  {names[1]}: Odd.",
            f"  Not asked any more: {names[2]}, {names[3]}.",
        ]

    def test_copes_with_any_error(self, kind: Kind, ask: Callable[..., Any]) -> None:
        class Nameless(Exception):
            message = None

            def __str__(self) -> str:
                raise RuntimeError

        class Odd(Exception):
            @property
            def message(self) -> str:
                raise RuntimeError

        for error in (Nameless(), Odd()):
            with pytest.raises(ClientAuthenticationError, match=f": {type(error).__name__}$"):
                ask(kind.chain(kind.full(error)))

    def test_is_logged_as_information_only(
        self, kind: Kind, ask: Callable[..., Any], caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.DEBUG):
            ask(kind.chain(kind.full(unavailable()), kind.full()))
            with pytest.raises(ClientAuthenticationError):
                ask(kind.chain(kind.full(ValueError())))
        own = [record for record in caplog.records if record.name.startswith("azid")]
        assert {record.levelno for record in own} == {logging.INFO}
        assert "got a token from" in own[0].getMessage()


class TestACall:
    def test_hands_on_what_it_is_given_and_no_more(self, kind: Kind) -> None:
        credential = kind.full()
        chain = kind.chain(credential)
        kind.do(lambda: chain.get_token(GRAPH, VAULT))
        kind.do(lambda: chain.get_token(GRAPH, claims=CLAIMS, tenant_id=TENANT, enable_cae=True, more=1))
        kind.do(lambda: chain.get_token_info(GRAPH))
        kind.do(lambda: chain.get_token_info(GRAPH, options={"claims": CLAIMS, "pop": {}}))
        everything = {"claims": CLAIMS, "tenant_id": TENANT, "enable_cae": True, "more": 1}
        assert credential.calls == [
            ("get_token", (GRAPH, VAULT), {}),
            ("get_token", (GRAPH,), everything),
            ("get_token_info", (GRAPH,), {}),
            ("get_token_info", (GRAPH,), {"claims": CLAIMS, "pop": {}}),
        ]

    def test_reaches_credentials_of_the_simplest_kind(self, kind: Kind, ask: Callable[..., Any]) -> None:
        token = ask(kind.chain(kind.token_only("simple")))
        assert (token.token, token.expires_on) == ("simple", 4_000_000_000)

    def test_translates_options_for_credentials_with_one_method(self, kind: Kind) -> None:
        new, old = kind.info_only("new"), kind.token_with_options("old")
        assert kind.do(lambda: kind.chain(new).get_token(GRAPH, claims=CLAIMS, tenant_id=TENANT)).token == "new"
        assert new.calls == [("get_token_info", (GRAPH,), {"claims": CLAIMS, "tenant_id": TENANT})]
        options = {"claims": CLAIMS, "enable_cae": True}
        assert kind.do(lambda: kind.chain(old).get_token_info(GRAPH, options=options)).token == "old"
        assert old.calls == [("get_token", (GRAPH,), options)]

    def test_for_a_proof_of_possession_passes_over_those_that_give_none(self, kind: Kind) -> None:
        old, new = kind.token_with_options("bearer"), kind.full("pop")
        chain = kind.chain(old, new)
        assert kind.do(lambda: chain.get_token_info(GRAPH, options={"pop": {"nonce": "n"}})).token == "pop"
        assert old.calls == []

    def test_needs_a_scope(self, kind: Kind) -> None:
        credential = kind.full()
        for method in METHODS:
            with pytest.raises(ValueError, match="at least one scope"):
                kind.do(lambda method=method: getattr(kind.chain(credential), method)())  # type: ignore[misc]
        assert credential.calls == []

    def test_shows_no_token_that_it_has_translated(self, kind: Kind) -> None:
        chain = kind.chain(kind.info_only("canary"))
        assert "canary" not in repr(kind.do(lambda: chain.get_token(GRAPH)))
        chain = kind.chain(kind.token_only("canary"))
        assert "canary" not in repr(kind.do(lambda: chain.get_token_info(GRAPH)))

    def test_tells_credentials_whether_others_follow(self, kind: Kind, ask: Callable[..., Any]) -> None:
        told: list[bool] = []

        def note() -> Any:
            told.append(others_follow())
            raise unavailable()

        with pytest.raises(CredentialUnavailableError):
            ask(kind.chain(kind.full(note)))
        with pytest.raises(CredentialUnavailableError):
            ask(kind.chain(kind.full(note), kind.full(note)))
        with pytest.raises(CredentialUnavailableError):
            ask(kind.chain(kind.chain(kind.full(note)), kind.full(unavailable())))
        assert told == [False, True, True, True]
        assert not others_follow()


class TestMaking:
    def test_of_nothing_is_refused(self, kind: Kind) -> None:
        with pytest.raises(ValueError, match="at least one credential"):
            kind.chain()

    @pytest.mark.parametrize("thing", [None, "credential", object(), Full])
    def test_of_something_else_is_refused(self, kind: Kind, thing: object) -> None:
        if thing is Full:
            thing = [Full()]
        with pytest.raises(TypeError, match="is made of credentials"):
            kind.chain(thing)

    def test_of_the_other_kind_is_refused(self, kind: Kind) -> None:
        other = SYNC if kind.is_async else ASYNC
        for credential in (other.full(), other.token_only(), other.info_only(), other.chain(other.full())):
            with pytest.raises(TypeError, match="is a sync credential" if kind.is_async else "is an async credential"):
                kind.chain(kind.full(), credential)


class TestClosing:
    def test_reaches_all_that_can_be_closed(self, kind: Kind) -> None:
        made = [kind.full(), kind.token_only(), kind.token_with_options()]
        kind.do(kind.chain(*made).close)
        assert [credential.happened for credential in made] == [["exit [None]"], [], ["close"]]

    def test_happens_at_the_end_of_a_block_with_its_error(self, kind: Kind) -> None:
        made = [kind.full(), kind.token_only(), kind.full()]

        def fail() -> None:
            raise LookupError

        with pytest.raises(LookupError):
            kind.within(kind.chain(*made), fail)
        assert made[0].happened == made[2].happened == ["enter", "exit ['LookupError']"]

    def test_reaches_the_others_although_one_fails(self, kind: Kind) -> None:
        def fail(what: str) -> None:
            raise OSError(what)

        made = [kind.full(), kind.full(), kind.full()]
        made[1].note = fail  # type: ignore[method-assign]
        with pytest.raises(OSError, match="exit"):
            kind.do(kind.chain(*made).close)
        assert made[0].happened == made[2].happened == ["exit [None]"]

    def test_happens_to_those_that_were_entered_before_one_fails(self, kind: Kind) -> None:
        def fail(what: str) -> None:
            raise OSError(what)

        made = [kind.full(), kind.full()]
        made[1].note = fail  # type: ignore[method-assign]
        with pytest.raises(OSError, match="enter"):
            kind.within(kind.chain(*made), lambda: None)
        assert made[0].happened == ["enter", "exit ['OSError']"]


class TestCopies:
    @pytest.mark.parametrize("of", [lambda chain: pickle.loads(pickle.dumps(chain)), copy.copy, copy.deepcopy])
    def test_ask_the_same(self, kind: Kind, of: Callable[[Any], Any]) -> None:
        chain = kind.chain(kind.full(unavailable()), kind.full("second"))
        copied = of(chain)
        assert type(copied) is type(chain)
        assert kind.do(lambda: copied.get_token(GRAPH)).token == "second"

    def test_show_whom_they_ask(self, kind: Kind) -> None:
        library = kind.library
        chain = kind.chain(library.AzureCliCredential(), library.AzurePowerShellCredential(tenant_id="t"))
        one, other = "AzureCliCredential(tenant_id='')", "AzurePowerShellCredential(tenant_id='t')"
        assert repr(chain) == f"ChainedTokenCredential({one}, {other})"


class TestABearerTokenProvider:
    def test_asks_a_chain(self, kind: Kind) -> None:
        credential = kind.full("token")
        provide = kind.library.get_bearer_token_provider(kind.chain(kind.full(unavailable()), credential), GRAPH)
        assert [kind.do(provide) for _ in range(3)] == ["token"] * 3
        assert len(credential.calls) == 1  # azure-core's policy keeps it until it is due

    def test_raises_what_the_chain_raises(self, kind: Kind) -> None:
        provide = kind.library.get_bearer_token_provider(kind.chain(kind.full(unavailable())), GRAPH)
        with pytest.raises(CredentialUnavailableError):
            kind.do(provide)


def test_a_coroutine_that_is_thrown_away_is_quiet() -> None:
    """It ends in another context than it has begun in."""
    waiting: Fake = ASYNC.full()

    class Forever:
        def __await__(self) -> Any:
            yield

    async def wait(*_: str, **__: object) -> None:
        await Forever()

    waiting.get_token = wait  # type: ignore[attr-defined]
    coroutine = ASYNC.chain(waiting, ASYNC.full()).get_token(GRAPH)
    contextvars.copy_context().run(coroutine.send, None)
    coroutine.close()
    gc.collect()
    assert not others_follow()


def test_the_async_chain_takes_credentials_of_azid_aio() -> None:
    assert azid.aio.ChainedTokenCredential(azid.aio.AzureCliCredential()).credentials
    with pytest.raises(TypeError, match="sync credential"):
        azid.aio.ChainedTokenCredential(azid.AzureCliCredential())  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="async credential"):
        azid.ChainedTokenCredential(azid.aio.AzureCliCredential())  # type: ignore[arg-type]
