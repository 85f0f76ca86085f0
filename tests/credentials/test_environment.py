"""`EnvironmentCredential`: which credential the variables describe, and what is told where they describe none."""

from __future__ import annotations

import asyncio
import inspect
import logging
import pickle
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

import azid
import azid.aio
from azid import CredentialUnavailableError, TokenCachePersistenceOptions
from azid.clock import ManualClock
from azid.emulator import Emulator
from azid.tokens.stores.memory import MemoryTokenStore
from tests.conftest import ADA, GRAPH
from tests.support.stub_transport import StubTransport, json_reply

TENANT = "22222222-2222-2222-2222-222222222222"
OTHER_TENANT = "33333333-3333-3333-3333-333333333333"
CLIENT = "44444444-4444-4444-4444-444444444444"
SECRET = {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": CLIENT, "AZURE_CLIENT_SECRET": "canary"}
PASSWORD = {"AZURE_CLIENT_ID": CLIENT, "AZURE_USERNAME": ADA.username, "AZURE_PASSWORD": ADA.password}
KIND = {"token_type": "Bearer", "expires_in": 3600}

Make = Callable[..., Any]


@pytest.fixture(params=[azid, azid.aio], ids=["sync", "async"])
def library(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def make(library: Any, clock: ManualClock) -> Make:
    return lambda environ, **parameters: library.EnvironmentCredential(environ=environ, clock=clock, **parameters)


def wait_for(returned: Any) -> Any:
    async def wait() -> Any:
        return await returned

    return asyncio.run(wait()) if inspect.iscoroutine(returned) else returned


def ask(credential: Any, **options: Any) -> Any:
    return wait_for(credential.get_token(GRAPH, **options))


def granting(**more: str) -> StubTransport:
    return StubTransport(json_reply({**KIND, "access_token": "token", **more}))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate with its private key, in PEM."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "program")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(datetime.now(timezone.utc) - timedelta(days=1))
        .not_valid_after(datetime.now(timezone.utc) + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("certificate") / "program.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"certificate's"),
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


class TestAChoice:
    def test_is_a_secret_if_there_is_one(self, make: Make) -> None:
        transport = granting()
        environ = {**SECRET, **PASSWORD, "AZURE_CLIENT_CERTIFICATE_PATH": "/none.pem"}
        credential = make(environ, transport=transport)
        assert "ClientSecretCredential" in repr(credential)
        assert ask(credential).token == "token"
        [request] = transport.requests
        assert f"/{TENANT}/oauth2/v2.0/token" in request.url
        assert request.content["client_secret"] == "canary"
        assert request.content["client_id"] == CLIENT

    def test_is_a_certificate_if_there_is_no_secret(self, make: Make, certificate: Path) -> None:
        transport = granting()
        environ = {
            **SECRET,
            **PASSWORD,
            "AZURE_CLIENT_SECRET": "",
            "AZURE_CLIENT_CERTIFICATE_PATH": str(certificate),
            "AZURE_CLIENT_CERTIFICATE_PASSWORD": "certificate's",
        }
        credential = make(environ, transport=transport)
        assert "CertificateCredential" in repr(credential)
        assert ask(credential).token == "token"
        assert transport.requests[-1].content["client_assertion"]

    def test_of_a_certificate_needs_its_file(self, make: Make) -> None:
        environ = {**SECRET, "AZURE_CLIENT_SECRET": "", "AZURE_CLIENT_CERTIFICATE_PATH": "/none.pem"}
        with pytest.raises(OSError, match=r"none\.pem"):
            make(environ)

    @pytest.mark.filterwarnings("ignore:The environment variables hold a password")
    def test_is_a_password_if_there_is_nothing_else(self, make: Make, entra: Emulator, clock: ManualClock) -> None:
        environ = {**PASSWORD, "AZURE_CLIENT_ID": azid.DEVELOPER_SIGN_ON_CLIENT_ID}
        credential = make(environ, transport=entra.transport())
        assert "UsernamePasswordCredential" in repr(credential)
        assert ask(credential).token
        [request] = entra.token_requests("password")
        assert request.path == "/organizations/oauth2/v2.0/token"
        ask(make({**environ, "AZURE_TENANT_ID": ADA.tenant_id}, transport=entra.transport()))
        assert entra.token_requests("password")[-1].path == f"/{ADA.tenant_id}/oauth2/v2.0/token"

    def test_can_be_asked_with_every_option(self, make: Make) -> None:
        transport = granting()
        credential = make(
            SECRET,
            transport=transport,
            additionally_allowed_tenants=["*"],
            authority="login.microsoftonline.us",
            cache_persistence_options=TokenCachePersistenceOptions(store=MemoryTokenStore()),
        )
        ask(credential, tenant_id=OTHER_TENANT, claims='{"access_token": {}}', enable_cae=True)
        [request] = transport.requests
        assert request.url.startswith(f"https://login.microsoftonline.us/{OTHER_TENANT}/")
        assert "CP1" in request.content["claims"]

    def test_of_an_authority_is_the_variables_unless_one_is_given(self, make: Make) -> None:
        environ = {**SECRET, "AZURE_AUTHORITY_HOST": "login.chinacloudapi.cn"}
        assert "https://login.chinacloudapi.cn" in repr(make(environ))
        assert "https://login.microsoftonline.us" in repr(make(environ, authority="login.microsoftonline.us"))


class TestNoChoice:
    @pytest.mark.parametrize(
        ("environ", "told"),
        [
            ({}, "No environment variables describe a credential. Set AZURE_TENANT_ID, AZURE_CLIENT_ID and"),
            ({"AZURE_CLIENT_ID": ""}, "No environment variables describe a credential."),
            ({"AZURE_CLIENT_ID": CLIENT}, "only AZURE_CLIENT_ID is set. Set AZURE_TENANT_ID and AZURE_CLIENT_SECRET, "),
            (
                {"AZURE_CLIENT_ID": CLIENT, "AZURE_CLIENT_SECRET": "canary"},
                "only AZURE_CLIENT_ID, AZURE_CLIENT_SECRET are set. Set AZURE_TENANT_ID, too.",
            ),
            (
                {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_CERTIFICATE_PATH": "canary"},
                "only AZURE_TENANT_ID, AZURE_CLIENT_CERTIFICATE_PATH are set. Set AZURE_CLIENT_ID, too.",
            ),
            (
                {"AZURE_USERNAME": "canary", "AZURE_PASSWORD": "canary"},
                "only AZURE_USERNAME, AZURE_PASSWORD are set. Set AZURE_CLIENT_ID, too.",
            ),
        ],
    )
    def test_names_what_is_set_and_what_is_missing_but_no_values(
        self, make: Make, environ: Mapping[str, str], told: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.DEBUG):
            credential = make(environ)
            with pytest.raises(CredentialUnavailableError) as caught:
                ask(credential)
        assert told in str(caught.value)
        for text in (str(caught.value), caplog.text, repr(credential)):
            assert "canary" not in text
            assert CLIENT not in text
        assert {record.levelno for record in caplog.records} <= {logging.INFO, logging.DEBUG}

    def test_can_be_closed_and_pickled(self, make: Make, library: Any) -> None:
        credential = make({})
        wait_for(credential.close())
        copied = pickle.loads(pickle.dumps(library.EnvironmentCredential(environ={})))
        with pytest.raises(CredentialUnavailableError):
            ask(copied)


class TestAPassword:
    def test_is_warned_of_where_the_program_makes_the_credential(self, library: Any) -> None:
        made: list[Callable[[], object]] = [
            lambda: library.EnvironmentCredential(environ=PASSWORD),
            lambda: library.DefaultAzureCredential(environ=PASSWORD),
        ]
        for make in made:
            with pytest.warns(DeprecationWarning, match="environment variables hold a password") as caught:
                make()
            [warning] = caught
            assert (warning.filename, warning.lineno) == (__file__, make.__code__.co_firstlineno)


class TestSecrets:
    def test_are_told_to_nobody(self, make: Make, caplog: pytest.LogCaptureFixture) -> None:
        refusal = {"error": "invalid_client", "error_description": "AADSTS7000215: canary is no secret."}
        with caplog.at_level(logging.DEBUG):
            credential = make(SECRET, transport=StubTransport(json_reply(refusal, 401)), logging_enable=True)
            with pytest.raises(ClientAuthenticationError) as caught:
                ask(credential)
        for text in (str(caught.value), repr(caught.value), repr(credential), caplog.text):
            assert "canary" not in text

    def test_are_in_a_pickle(self, make: Make) -> None:
        """As those of every credential: whoever pickles one wants it to work."""
        credential = azid.EnvironmentCredential(environ=SECRET)
        assert repr(pickle.loads(pickle.dumps(credential))) == repr(credential)


def test_closing_leaves_the_transport_and_asks_no_more(make: Make) -> None:
    transport = granting()
    credential = make(SECRET, transport=transport)
    ask(credential)
    wait_for(credential.close())
    assert len(transport.exits) == 1
    with pytest.raises(CredentialUnavailableError, match="closed"):
        wait_for(credential.get_token("https://vault.azure.net/.default"))


def test_a_slip_of_the_pen_is_refused(make: Make) -> None:
    with pytest.raises(TypeError, match="did you mean 'authority'"):
        make({}, autority="login.microsoftonline.us")
