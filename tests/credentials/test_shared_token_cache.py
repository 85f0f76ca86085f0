"""`SharedTokenCacheCredential`: whose tokens it uses, of a cache that other tools have filled."""

from __future__ import annotations

import asyncio
import inspect
import json
import pickle
import sys
from collections.abc import Callable
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError

import azid
import azid.aio
from azid import (
    AuthenticationRecord,
    AuthenticationRequiredError,
    CredentialUnavailableError,
    DeviceCodeCredential,
    SharedTokenCacheCredential,
    TokenCachePersistenceOptions,
)
from azid.clock import ManualClock
from azid.emulator import Emulator, Fault, Person, User
from azid.tokens.stores.memory import MemoryTokenStore
from tests.conftest import GRAPH, VAULT, in_threads

VISUAL_STUDIO = "872cd9fa-d31f-45e0-9eab-6e460a02d1f1"
STRANGER = "14d82eec-204b-4c2f-b7e8-296a70dab67e"
"""A client of no family."""
OTHER_TENANT = "0f6b8b0e-6f0e-4c0f-9d0a-5a0f4b1f7c11"
THIRD_TENANT = "3d1a0c52-6a0e-4f4b-8c39-0b8c1c0e5a33"
CLAIMS = '{"access_token": {"acrs": {"essential": true, "value": "canary"}}}'
HOUR = 3600
ADA = User("ada@contoso.example", password="Ada's pass phrase")
BOB = User("bob@contoso.example", password="Bob's pass phrase")
ADA_ELSEWHERE = User("Ada@contoso.example", password="x", tenant_id=OTHER_TENANT, object_id=OTHER_TENANT)

SignIn = Callable[..., AuthenticationRecord]
Make = Callable[..., Any]


@pytest.fixture
def entra(clock: ManualClock) -> Emulator:
    return Emulator(users=[ADA, BOB], clock=clock)


@pytest.fixture
def store() -> MemoryTokenStore:
    return MemoryTokenStore(personal=True)


@pytest.fixture
def sign_in(entra: Emulator, clock: ManualClock, store: MemoryTokenStore) -> SignIn:
    """Signs somebody in with a tool that shares its cache."""

    def sign_in(
        user: User = ADA, client_id: str = VISUAL_STUDIO, *, entra: Emulator = entra, **parameters: Any
    ) -> AuthenticationRecord:
        tool = DeviceCodeCredential(
            client_id,
            prompt_callback=Person(user.username, user.password, entra=entra).enter_code,
            transport=entra.transport(),
            clock=clock,
            cache_persistence_options=TokenCachePersistenceOptions(store=store),
        )
        with tool:
            return tool.authenticate(GRAPH, **parameters)

    return sign_in


@pytest.fixture(params=[azid, azid.aio], ids=["sync", "async"])
def make(request: pytest.FixtureRequest, entra: Emulator, clock: ManualClock, store: MemoryTokenStore) -> Make:
    def make_credential(*arguments: Any, **parameters: Any) -> Any:
        defaults: dict[str, Any] = {
            "transport": entra.transport(),
            "clock": clock,
            "cache_persistence_options": TokenCachePersistenceOptions(store=store),
        }
        return request.param.SharedTokenCacheCredential(*arguments, **{**defaults, **parameters})

    return make_credential


def ask(credential: Any, *scopes: str, method: str = "get_token", **options: Any) -> Any:
    return _wait_for(getattr(credential, method)(*(scopes or (GRAPH,)), **options))


def _wait_for(returned: Any) -> Any:
    async def wait() -> Any:
        return await returned

    return asyncio.run(wait()) if inspect.iscoroutine(returned) else returned


class TestTheOnlyAccount:
    def test_is_used_with_the_refresh_token_of_another_client(
        self, sign_in: SignIn, make: Make, entra: Emulator
    ) -> None:
        sign_in()
        entra.clear_log()
        credential = make()
        token = ask(credential)
        [request] = entra.token_requests("refresh_token")
        assert request.form["client_id"] == azid.DEVELOPER_SIGN_ON_CLIENT_ID
        assert request.path == "/organizations/oauth2/v2.0/token"
        assert ask(credential) == token
        assert ask(credential, method="get_token_info").token == token.token
        assert len(entra.requests) == 1

    def test_is_used_with_its_access_token_where_that_is_this_clients(
        self, sign_in: SignIn, make: Make, entra: Emulator
    ) -> None:
        sign_in(client_id=azid.DEVELOPER_SIGN_ON_CLIENT_ID)
        entra.clear_log()
        assert ask(make()).token
        assert entra.requests == []

    def test_of_a_client_of_no_family_is_none(self, sign_in: SignIn, make: Make) -> None:
        sign_in(client_id=STRANGER)
        with pytest.raises(CredentialUnavailableError, match="has no account: sign in with a tool that shares it"):
            ask(make())

    def test_serves_other_scopes_tenants_claims_and_modes(self, sign_in: SignIn, make: Make, entra: Emulator) -> None:
        sign_in()
        credential = make()
        tokens = [
            ask(credential),
            ask(credential, VAULT),
            ask(credential, tenant_id=OTHER_TENANT),
            ask(credential, enable_cae=True),
            ask(credential, claims=CLAIMS),
        ]
        assert len({token.token for token in tokens}) == 5
        refreshes = entra.token_requests("refresh_token")
        assert [request.path.split("/")[1] for request in refreshes] == [
            *("organizations", "organizations", OTHER_TENANT, "organizations", "organizations")
        ]
        assert "CP1" in refreshes[3].form["claims"]
        assert "canary" in refreshes[4].form["claims"]

    @pytest.mark.parametrize("mode", [False, True])
    def test_is_found_in_the_cache_of_either_mode(self, sign_in: SignIn, make: Make, mode: bool) -> None:
        sign_in(enable_cae=mode)
        assert ask(make(), enable_cae=not mode).token

    def test_is_asked_for_once_by_many(self, sign_in: SignIn, make: Make, entra: Emulator) -> None:
        sign_in()
        entra.clear_log()
        credential = make()
        if isinstance(credential, SharedTokenCacheCredential):
            assert len({token.token for token in in_threads(50, lambda: credential.get_token(GRAPH))}) == 1
        else:

            async def fifty() -> set[str]:
                return {
                    token.token for token in await asyncio.gather(*(credential.get_token(GRAPH) for _ in range(50)))
                }

            assert len(asyncio.run(fifty())) == 1
        assert len(entra.token_requests("refresh_token")) == 1


class TestSeveralAccounts:
    @pytest.fixture(autouse=True)
    def signed_in(self, sign_in: SignIn, clock: ManualClock) -> None:
        sign_in(ADA)
        sign_in(BOB)

    def test_are_named_and_none_is_guessed(self, make: Make, entra: Emulator) -> None:
        entra.clear_log()
        with pytest.raises(CredentialUnavailableError) as caught:
            ask(make())
        assert "has several accounts: ada@contoso.example, bob@contoso.example." in str(caught.value)
        assert "'username'" in str(caught.value)
        assert entra.requests == []

    @pytest.mark.parametrize("username", ["bob@contoso.example", "BOB@Contoso.example"])
    def test_are_told_apart_by_user_name(self, make: Make, entra: Emulator, username: str) -> None:
        assert ask(make(username)).token
        assert ask(make(username=username)).token

    def test_are_told_apart_by_a_record(self, sign_in: SignIn, make: Make, entra: Emulator) -> None:
        record = sign_in(BOB)
        entra.clear_log()
        assert ask(make(authentication_record=record)).token
        assert entra.requests == []
        assert ask(make(authentication_record=record), VAULT).token
        [request] = entra.token_requests("refresh_token")
        assert request.path == f"/{record.tenant_id}/oauth2/v2.0/token"
        assert request.form["client_id"] == VISUAL_STUDIO

    def test_of_other_names_are_told(self, make: Make) -> None:
        with pytest.raises(CredentialUnavailableError) as caught:
            ask(make("carol@contoso.example"))
        assert "no account of carol@contoso.example, but has ada@contoso.example, bob@" in str(caught.value)

    def test_of_other_tenants_are_told(self, make: Make) -> None:
        with pytest.raises(CredentialUnavailableError, match=f"at home in the tenant {OTHER_TENANT}, but has"):
            ask(make(tenant_id=OTHER_TENANT))

    def test_of_one_name_are_told_apart_by_tenant(self, make: Make, sign_in: SignIn, clock: ManualClock) -> None:
        other = Emulator(users=[ADA_ELSEWHERE], clock=clock)
        sign_in(ADA_ELSEWHERE, entra=other)
        with pytest.raises(CredentialUnavailableError, match="several accounts of ada@contoso"):
            ask(make("ada@contoso.example"))
        assert ask(make("ada@contoso.example", tenant_id=OTHER_TENANT, transport=other.transport())).token
        assert ask(make("ada@contoso.example", tenant_id=ADA.tenant_id)).token


class TestARefusal:
    def test_of_a_sign_in_that_has_ended_needs_the_tool(
        self, sign_in: SignIn, make: Make, entra: Emulator, clock: ManualClock
    ) -> None:
        sign_in()
        entra.revoke(ADA.username)
        with pytest.raises(AuthenticationRequiredError) as caught:
            ask(make(), claims=CLAIMS)
        assert "with the tool that left the sign-in there" in str(caught.value)
        assert caught.value.claims == CLAIMS
        assert "canary" not in str(caught.value)

    def test_that_nobody_can_lift_is_a_failure(self, sign_in: SignIn, make: Make, entra: Emulator) -> None:
        sign_in()
        refusal = {"error": "invalid_scope", "error_description": "AADSTS70011: No such scope."}
        entra.inject(Fault(status=400, body=json.dumps(refusal).encode(), content_type="application/json"))
        credential = make()
        with pytest.raises(ClientAuthenticationError, match="AADSTS70011") as caught:
            ask(credential)
        assert not isinstance(caught.value, CredentialUnavailableError)

    def test_of_a_tenant_that_is_not_allowed(self, sign_in: SignIn, make: Make) -> None:
        sign_in()
        with pytest.raises(ClientAuthenticationError, match="additionally_allowed_tenants"):
            ask(make(additionally_allowed_tenants=[THIRD_TENANT]), tenant_id=OTHER_TENANT)

    def test_leaves_a_token_that_is_still_good(
        self, sign_in: SignIn, make: Make, entra: Emulator, clock: ManualClock
    ) -> None:
        sign_in()
        credential = make()
        token = ask(credential)
        entra.revoke(ADA.username)
        clock.advance(token.expires_on - clock.time() - 100)
        assert ask(credential).token == token.token
        clock.advance(200)
        with pytest.raises(AuthenticationRequiredError):
            ask(credential)


class TestARecord:
    def test_of_somebody_who_has_not_signed_in_is_told(self, make: Make, sign_in: SignIn) -> None:
        sign_in(ADA)
        record = AuthenticationRecord("organizations", VISUAL_STUDIO, "login.microsoftonline.com", "u.t", "carol")
        with pytest.raises(CredentialUnavailableError, match="no account of carol, but has ada"):
            ask(make(authentication_record=record))

    def test_decides_the_client_and_an_own_tenant_comes_first(
        self, make: Make, sign_in: SignIn, entra: Emulator
    ) -> None:
        record = sign_in(ADA)
        entra.clear_log()
        ask(make(authentication_record=record, tenant_id=OTHER_TENANT))
        assert entra.token_requests("refresh_token")[0].path == f"/{OTHER_TENANT}/oauth2/v2.0/token"

    def test_finds_its_account_in_a_store_of_many_people(self, make: Make, entra: Emulator, clock: ManualClock) -> None:
        options = TokenCachePersistenceOptions(store=MemoryTokenStore())
        person = Person(ADA.username, ADA.password, entra=entra)
        with DeviceCodeCredential(
            prompt_callback=person.enter_code,
            transport=entra.transport(),
            clock=clock,
            cache_persistence_options=options,
        ) as first:
            record = first.authenticate(GRAPH)
        assert ask(make(authentication_record=record, cache_persistence_options=options)).token
        with pytest.raises(CredentialUnavailableError, match="no account"):
            ask(make(ADA.username, cache_persistence_options=options))


class TestTheCredential:
    def test_sends_nothing_once_it_is_closed(self, make: Make, sign_in: SignIn, entra: Emulator) -> None:
        sign_in()
        credential = make()
        token = ask(credential)
        _wait_for(credential.close())
        entra.clear_log()
        assert ask(credential).token == token.token
        with pytest.raises(CredentialUnavailableError, match="closed"):
            ask(credential, VAULT)
        assert entra.requests == []

    def test_needs_a_scope(self, make: Make) -> None:
        credential = make()
        with pytest.raises(ValueError, match="at least one scope"):
            _wait_for(credential.get_token())

    def test_needs_a_tenant_that_can_be_one(self, make: Make) -> None:
        with pytest.raises(ValueError, match="no tenant ID"):
            make(tenant_id="a b")

    def test_can_be_pickled_and_shows_whom_it_means(self, make: Make) -> None:
        credential = make("ada@contoso.example", transport=None, clock=None, cache_persistence_options=None)
        copied = pickle.loads(pickle.dumps(credential))
        assert repr(copied) == repr(credential)
        assert "username='ada@contoso.example'" in repr(copied)

    def test_is_supported_here(self) -> None:
        assert azid.SharedTokenCacheCredential.supported() == azid.aio.SharedTokenCacheCredential.supported()
        assert azid.SharedTokenCacheCredential.supported() == (sys.platform in ("linux", "darwin", "win32"))
