"""The credentials that ask the operating system's broker and nobody else: Windows's own account, and VS Code's."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import pickle
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.exceptions import ClientAuthenticationError

import azid
import azid.aio
from azid import CredentialUnavailableError
from azid.clock import ManualClock
from azid.credentials.broker import BrokerCredential
from azid.developer_tools.visual_studio_code import VisualStudioCode
from azid.emulator import Emulator
from azid.pipeline import TokenPipeline
from azid.tokens.request import TokenRequest
from tests.conftest import ADA, BOB, GRAPH, VAULT, in_threads
from tests.support.broker import Fail

if TYPE_CHECKING:
    from tests.support.broker_runtime.pymsalruntime import Broker

VISUAL_STUDIO_CODE = "aebc6443-996d-45c2-90f0-388ff96faa56"
HOME_TENANT = "5f1f4d2e-5d5c-4f6f-9a53-6c1d6c6f7a01"  # the broker's
OTHER_TENANT = "0f6b8b0e-6f0e-4c0f-9d0a-5a0f4b1f7c11"
CLAIMS = '{"access_token": {"acrs": {"essential": true, "value": "canary"}}}'
LOGIN = "https://login.microsoftonline.com"
RECORD = {
    "tenantId": HOME_TENANT,
    "clientId": VISUAL_STUDIO_CODE,
    "authority": "login.microsoftonline.com",
    "homeAccountId": f"uid-{ADA.username}.{HOME_TENANT}",
    "username": ADA.username,
    "version": "1.0",
}
GIVE_UP = 20.0

Make = Callable[..., Any]
Write = Callable[..., Path]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home of somebody who has signed in with Visual Studio Code."""
    return write_record(tmp_path)


def write_record(home: Path, *, folder: str = ".azure", text: str | bytes | None = None, **changes: object) -> Path:
    """Write the record as Visual Studio Code's extension does; return the home."""
    path = home / folder / "ms-azuretools.vscode-azureresourcegroups" / "authRecord.json"
    path.parent.mkdir(parents=True)
    written = json.dumps({**RECORD, **changes}) if text is None else text
    path.write_bytes(written if isinstance(written, bytes) else written.encode())
    return home


@pytest.fixture(params=[azid, azid.aio], ids=["sync", "async"])
def code(request: pytest.FixtureRequest, home: Path) -> Make:
    """Makes Visual Studio Code's credentials."""

    def make(**parameters: Any) -> Any:
        return request.param.VisualStudioCodeCredential(**{"home": home, **parameters})

    return make


@pytest.fixture
def windows() -> Make:
    """Makes credentials of Windows's own account."""
    return lambda **parameters: BrokerCredential(**{"platform": "win32", **parameters})


def ask(credential: Any, *scopes: str, **options: Any) -> Any:
    returned = credential.get_token(*(scopes or (GRAPH,)), **options)

    async def wait() -> Any:
        return await returned

    return asyncio.run(wait()) if inspect.iscoroutine(returned) else returned


def names(broker: Broker) -> list[str]:
    return [call.name for call in broker.calls]


def missing() -> object:
    raise ImportError("No module named 'pymsalruntime'")


class TestVisualStudioCode:
    def test_has_a_token_of_the_account_of_its_record(self, code: Make, broker: Broker) -> None:
        broker.default = ADA.username
        token = ask(code())
        assert token.token == "access token 1"
        [call] = broker.calls
        assert call.name == "signin_silently"
        assert call.parameters.client_id == VISUAL_STUDIO_CODE
        assert call.parameters.authority == f"{LOGIN}/{HOME_TENANT}"
        assert call.parameters.scopes == [GRAPH]

    def test_remembers_it(self, code: Make, broker: Broker) -> None:
        broker.default = ADA.username
        credential = code()
        assert ask(credential) == ask(credential)
        assert ask(credential, VAULT) != ask(credential)
        assert len(broker.calls) == 2

    def test_asks_once_for_many(self, code: Make, broker: Broker) -> None:
        broker.default = ADA.username
        credential = code()
        if inspect.iscoroutinefunction(credential.get_token):

            async def fifty() -> set[str]:
                return {
                    token.token for token in await asyncio.gather(*(credential.get_token(GRAPH) for _ in range(50)))
                }

            assert len(asyncio.run(fifty())) == 1
        else:
            assert len({token.token for token in in_threads(50, lambda: credential.get_token(GRAPH))}) == 1
        assert len(broker.calls) == 1

    def test_asks_its_own_tenant_that_of_the_call_or_that_of_the_record(self, code: Make, broker: Broker) -> None:
        broker.default = ADA.username
        ask(code(tenant_id=OTHER_TENANT))
        ask(code(additionally_allowed_tenants=["*"]), tenant_id=OTHER_TENANT)
        assert [call.parameters.authority for call in broker.calls] == [f"{LOGIN}/{OTHER_TENANT}"] * 2
        with pytest.raises(ClientAuthenticationError, match="additionally_allowed_tenants"):
            ask(code(), tenant_id=OTHER_TENANT)
        with pytest.raises(ValueError, match="no tenant ID"):
            ask(code(), tenant_id="a b")
        with pytest.raises(ValueError, match="no tenant ID"):
            code(tenant_id="a b")

    def test_hands_on_claims_and_cae(self, code: Make, broker: Broker) -> None:
        broker.default = ADA.username
        credential = code()
        ask(credential)
        ask(credential, claims=CLAIMS, enable_cae=True)
        assert "canary" in (broker.calls[-1].parameters.claims or "")
        assert '"CP1"' in (broker.calls[-1].parameters.claims or "")

    def test_is_told_from_the_systems_other_account(self, code: Make, broker: Broker) -> None:
        broker.default = BOB.username
        with pytest.raises(ClientAuthenticationError) as caught:
            ask(code())
        assert "access token" not in str(caught.value)

    def test_of_one_name_is_told_from_another_account(self, tmp_path: Path, code: Make, broker: Broker) -> None:
        broker.default = ADA.username
        other = write_record(tmp_path / "other", homeAccountId=f"other.{HOME_TENANT}")
        with pytest.raises(ClientAuthenticationError, match=f"another account than {ADA.username}"):
            ask(code(home=other))

    def test_whose_account_the_broker_does_not_know_fails(self, code: Make, broker: Broker) -> None:
        with pytest.raises(ClientAuthenticationError) as caught:
            ask(code())
        assert not isinstance(caught.value, CredentialUnavailableError)

    def test_goes_by_a_new_record(self, code: Make, broker: Broker, home: Path) -> None:
        broker.default = BOB.username
        credential = code()
        with pytest.raises(ClientAuthenticationError):
            ask(credential)
        (home / ".azure" / "ms-azuretools.vscode-azureresourcegroups" / "authRecord.json").unlink()
        (home / ".azure" / "ms-azuretools.vscode-azureresourcegroups").rmdir()
        write_record(home, username=BOB.username, homeAccountId=f"uid-{BOB.username}.{HOME_TENANT}")
        assert ask(credential).token

    @pytest.mark.parametrize("folder", [".azure", ".Azure"])
    def test_finds_its_record_in_either_folder(self, tmp_path: Path, code: Make, broker: Broker, folder: str) -> None:
        broker.default = ADA.username
        assert ask(code(home=write_record(tmp_path / "other", folder=folder))).token

    def test_without_a_record_is_unavailable(self, tmp_path: Path, code: Make, broker: Broker) -> None:
        for home in (tmp_path / "none", tmp_path / ".azure" / "ms-azuretools.vscode-azureresourcegroups"):
            with pytest.raises(CredentialUnavailableError, match='install its extension "Azure Resources"'):
                ask(code(home=home))
        (tmp_path / "file").mkdir()
        (tmp_path / "file" / ".azure").touch()
        with pytest.raises(CredentialUnavailableError, match='install its extension "Azure Resources"'):
            ask(code(home=tmp_path / "file"))
        assert broker.calls == []

    @pytest.mark.parametrize(
        ("changes", "why"),
        [
            ({"text": ""}, "does not name an account"),
            ({"text": "canary"}, "does not name an account"),
            ({"text": "[]"}, "does not name an account"),
            ({"text": b"\xff\xfe\0"}, "does not name an account"),
            ({"text": "[" * 9_000}, "does not name an account"),
            ({"text": json.dumps({**RECORD, "more": "canary" * 2_000})}, "does not name an account"),
            ({"username": ""}, "does not name an account"),
            ({"homeAccountId": 1}, "does not name an account"),
            ({"clientId": azid.DEVELOPER_SIGN_ON_CLIENT_ID}, "is another application's"),
            ({"tenantId": "a b"}, "names an impossible tenant or authority"),
            ({"authority": "http://login.example"}, "names an impossible tenant or authority"),
        ],
    )
    def test_whose_record_cannot_be_used_is_unavailable(
        self, tmp_path: Path, code: Make, broker: Broker, changes: dict[str, Any], why: str
    ) -> None:
        with pytest.raises(CredentialUnavailableError) as caught:
            ask(code(home=write_record(tmp_path / "other", **changes)))
        assert f"{why}. Sign in there again." in str(caught.value)
        assert "canary" not in str(caught.value)
        assert broker.calls == []

    def test_whose_record_is_a_folder_is_unavailable(self, tmp_path: Path, code: Make) -> None:
        home = tmp_path / "other"
        (home / ".azure" / "ms-azuretools.vscode-azureresourcegroups" / "authRecord.json").mkdir(parents=True)
        with pytest.raises(CredentialUnavailableError, match="cannot be read: Is a directory"):
            ask(code(home=home))

    def test_can_be_pickled_and_shows_its_tenant(self, code: Make, home: Path) -> None:
        credential = code(tenant_id=OTHER_TENANT)
        assert repr(pickle.loads(pickle.dumps(credential))) == repr(credential)
        assert repr(credential) == f"VisualStudioCodeCredential(tenant_id='{OTHER_TENANT}')"

    def test_of_a_user_without_a_home_is_unavailable(self, broker: Broker) -> None:
        """As in a container that runs as an arbitrary user."""

        def no_home() -> Path:
            raise RuntimeError("Could not determine home directory.")

        source = VisualStudioCode(
            tenant_id=None,
            additionally_allowed_tenants=(),
            home=no_home,
            validate_authority=True,
            support_logging=False,
            pipeline=TokenPipeline(),
            clock=ManualClock(),
            load_runtime=missing,
        )
        with pytest.raises(CredentialUnavailableError, match="set HOME"):
            source(TokenRequest((GRAPH,), "", None, False))


class TestWindows:
    def test_has_a_token_of_the_account_that_the_person_uses(self, windows: Make, broker: Broker) -> None:
        broker.default = ADA.username
        assert windows().get_token(GRAPH).token == "access token 1"
        [call] = broker.calls
        assert call.name == "signin_silently"
        assert call.parameters.client_id == azid.DEVELOPER_SIGN_ON_CLIENT_ID
        assert call.parameters.authority == f"{LOGIN}/organizations"

    def test_asks_for_its_own_tenant_and_client(self, windows: Make, broker: Broker) -> None:
        broker.default = ADA.username
        windows(tenant_id=OTHER_TENANT, client_id=VISUAL_STUDIO_CODE).get_token(GRAPH)
        windows().get_token(GRAPH, tenant_id=OTHER_TENANT)
        assert [call.parameters.authority for call in broker.calls] == [f"{LOGIN}/{OTHER_TENANT}"] * 2
        assert broker.calls[0].parameters.client_id == VISUAL_STUDIO_CODE

    def test_never_opens_a_dialog(self, windows: Make, broker: Broker, fail: Fail) -> None:
        for status in ("Status_InteractionRequired", "Status_AccountUnusable", "Status_UserCanceled"):
            fail(status, "AADSTS50076: (pii)")
            with pytest.raises(ClientAuthenticationError, match="AADSTS50076") as caught:
                windows().get_token(GRAPH)
            assert not isinstance(caught.value, CredentialUnavailableError)
        assert names(broker) == ["signin_silently"] * 3

    @pytest.mark.parametrize("platform", ["darwin", "freebsd14"])
    def test_is_needed(self, windows: Make, broker: Broker, platform: str) -> None:
        with pytest.raises(CredentialUnavailableError, match="Only Windows"):
            windows(platform=platform).get_token(GRAPH)
        assert broker.calls == []

    def test_and_its_runtime(self, windows: Make, broker: Broker) -> None:
        with pytest.raises(CredentialUnavailableError, match="runtime cannot be loaded"):
            windows(load_runtime=missing).get_token(GRAPH)
        assert broker.calls == []

    def test_and_an_authority_that_msal_has_a_broker_for(self, windows: Make, broker: Broker, entra: Emulator) -> None:
        credential = windows(
            authority="contoso.b2clogin.com", disable_instance_discovery=True, transport=entra.transport()
        )
        with pytest.raises(CredentialUnavailableError, match="no broker"):
            credential.get_token(GRAPH)
        assert broker.calls == []

    def test_whose_broker_does_not_answer_is_given_up(self, windows: Make, broker: Broker) -> None:
        broker.runs.clear()
        try:
            with pytest.raises(ClientAuthenticationError, match="did not answer within 30 seconds"):
                windows(clock=ManualClock()).get_token(GRAPH)
        finally:
            broker.runs.set()

    def test_tells_nobody_a_secret(
        self, windows: Make, broker: Broker, fail: Fail, caplog: pytest.LogCaptureFixture
    ) -> None:
        broker.default = ADA.username
        with caplog.at_level(logging.DEBUG):
            credential = windows(enable_support_logging=True)
            credential.get_token(GRAPH, claims=CLAIMS)
            fail("Status_NoNetwork", f"while asking for {CLAIMS}")
            with pytest.raises(ClientAuthenticationError) as caught:
                credential.get_token(VAULT, claims=CLAIMS)
        told = caplog.text + str(caught.value) + repr(credential)
        assert [secret for secret in {*broker.secrets, "canary"} if secret in told] == []


def test_closing_ends_the_wait_for_the_broker(windows: Make, broker: Broker) -> None:
    broker.default = ADA.username
    broker.runs.clear()
    credential = windows()
    errors: list[Exception] = []

    def wait() -> None:
        try:
            credential.get_token(GRAPH)
        except ClientAuthenticationError as error:
            errors.append(error)

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    assert broker.asked.wait(GIVE_UP)
    credential.close()
    thread.join(GIVE_UP)
    broker.runs.set()
    [error] = errors
    assert isinstance(error, CredentialUnavailableError)
    assert "closed" in str(error)
