"""Applications that sign themselves in, whatever they prove themselves with."""

from __future__ import annotations

import logging
import pickle
from typing import Any

import pytest
from azure.core.credentials import SupportsTokenInfo, TokenCredential
from azure.core.exceptions import ClientAuthenticationError
from azure.core.rest import HttpRequest

from azid import (
    AzurePipelinesCredential,
    CertificateCredential,
    ClientAssertionCredential,
    ClientSecretCredential,
    CredentialUnavailableError,
    TokenCachePersistenceOptions,
    WorkloadIdentityCredential,
)
from azid.clock import ManualClock
from azid.emulator import Emulator, Fault
from azid.tokens.stores.memory import MemoryTokenStore
from tests.conftest import GRAPH, VAULT, in_threads
from tests.credentials.conftest import (
    APP,
    CONNECTION,
    LIFETIME,
    SECRET,
    SUBJECT,
    TENANT,
    MakeApplication,
    certificate,
)
from tests.support.stub_transport import Reply, StubTransport, json_reply

GRANT = "client_credentials"
OTHER_TENANT = "0f6b8b0e-6f0e-4c0f-9d0a-5a0f4b1f7c11"
CLAIMS = '{"access_token": {"nbf": {"essential": true, "value": "1"}}}'


def test_it_gets_tokens_that_are_the_applications_own(make: MakeApplication, entra: Emulator) -> None:
    token = make().get_token(VAULT)
    [request] = entra.token_requests(GRANT)
    assert request.status == 200
    assert request.path == f"/{TENANT}/oauth2/v2.0/token"
    assert request.form["scope"] == VAULT
    assert token.token.count(".") == 2


def test_it_is_a_credential_for_azure_core(make: MakeApplication) -> None:
    assert isinstance(make(), TokenCredential)
    assert isinstance(make(), SupportsTokenInfo)


def test_the_public_cloud_needs_no_discovery(make: MakeApplication, entra: Emulator) -> None:
    make().get_token(VAULT)
    assert {request.endpoint for request in entra.requests} <= {"token", "oidctoken", "pipelines"}


def test_a_token_is_kept_for_its_resource_tenant_and_mode(make: MakeApplication, entra: Emulator) -> None:
    credential = make(additionally_allowed_tenants=["*"])
    asked: list[dict[str, Any]] = [{}, {"enable_cae": True}, {"tenant_id": OTHER_TENANT}]
    for _ in range(2):
        for options in asked:
            credential.get_token(VAULT, **options)
    credential.get_token_info(VAULT, options={"tenant_id": TENANT})
    assert len(entra.token_requests(GRANT)) == 3
    credential.get_token(GRAPH)
    assert len(entra.token_requests(GRANT)) == 4


def test_continuous_access_evaluation_gives_long_lives(make: MakeApplication, clock: ManualClock) -> None:
    info = make().get_token_info(VAULT, options={"enable_cae": True})
    assert info.expires_on == int(clock.time()) + 86_400
    assert info.refresh_on == int(clock.time()) + 43_200


def test_claims_are_sent_and_never_met_by_an_older_token(make: MakeApplication, entra: Emulator) -> None:
    credential = make()
    old = credential.get_token(VAULT)
    new = credential.get_token(VAULT, claims=CLAIMS)
    assert new.token != old.token
    assert "nbf" in entra.token_requests(GRANT)[-1].form["claims"]


def test_an_expired_token_is_replaced(make: MakeApplication, clock: ManualClock, entra: Emulator) -> None:
    credential = make()
    old = credential.get_token(VAULT)
    clock.advance(LIFETIME)
    assert credential.get_token(VAULT).token != old.token
    assert len(entra.token_requests(GRANT)) == 2


def test_a_token_that_is_still_good_outlives_an_outage(
    make: MakeApplication, clock: ManualClock, entra: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    credential = make(retry_total=0)
    old = credential.get_token(VAULT)
    clock.advance(LIFETIME - 200)
    entra.inject(Fault(status=503, times=None))
    assert credential.get_token(VAULT).token == old.token
    assert "could not be refreshed" in caplog.text


def test_fifty_threads_make_one_request(make: MakeApplication, entra: Emulator) -> None:
    credential = make()
    tokens = in_threads(50, lambda: credential.get_token(VAULT).token)
    assert len(set(tokens)) == 1
    assert len(entra.token_requests(GRANT)) == 1


def test_two_credentials_share_a_store(make: MakeApplication, entra: Emulator) -> None:
    options = TokenCachePersistenceOptions(store=MemoryTokenStore())
    first = make(cache_persistence_options=options).get_token(VAULT)
    assert make(cache_persistence_options=options).get_token(VAULT).token == first.token
    assert len(entra.token_requests(GRANT)) == 1


def test_another_tenant_has_to_be_allowed(make: MakeApplication) -> None:
    with pytest.raises(ClientAuthenticationError, match="additionally_allowed_tenants"):
        make().get_token(VAULT, tenant_id=OTHER_TENANT)


def test_a_refusal_says_why(make: MakeApplication) -> None:
    with pytest.raises(ClientAuthenticationError, match="AADSTS1002012") as caught:
        make().get_token("https://vault.azure.net/user_impersonation")
    assert not isinstance(caught.value, CredentialUnavailableError)


def test_a_closed_credential_asks_nobody(make: MakeApplication, entra: Emulator, clock: ManualClock) -> None:
    with make() as credential:
        kept = credential.get_token(VAULT)
    assert credential.get_token(VAULT).token == kept.token
    with pytest.raises(CredentialUnavailableError, match="was closed"):
        credential.get_token(GRAPH)
    assert len(entra.token_requests(GRANT)) == 1


def test_misspellings_are_refused(make: MakeApplication) -> None:
    with pytest.raises(TypeError, match="did you mean 'authority'"):
        make(authorty="login.microsoftonline.us")


def test_a_malformed_tenant_is_refused_at_once(make: MakeApplication) -> None:
    with pytest.raises(ValueError, match="is no tenant ID"):
        make(tenant_id="contoso/../other")


def test_its_repr_names_the_application_and_no_secret(make: MakeApplication, kind: str) -> None:
    shown = repr(make())
    assert APP in shown
    assert TENANT in shown
    assert SECRET not in shown


def test_no_secret_is_logged_or_told(
    make: MakeApplication, entra: Emulator, environ: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    credential = make(logging_enable=True, enable_support_logging=True, retry_total=0)
    token = credential.get_token(VAULT)
    with pytest.raises(ClientAuthenticationError) as refused:
        credential.get_token("https://vault.azure.net/user_impersonation")
    entra.inject(Fault(body=b'{"access_token": "canary-token", "expires_in": "never"}'))
    with pytest.raises(ClientAuthenticationError) as malformed:
        credential.get_token(GRAPH)
    sent = (request.form.get(name) for request in entra.requests for name in ("client_secret", "client_assertion"))
    secrets = {SECRET, token.token, "canary-token", environ["SYSTEM_ACCESSTOKEN"], *filter(None, sent)}
    lines = [record for record in caplog.records if not record.name.startswith(("azid.emulator", "werkzeug"))]
    readable = "\n".join(f"{record.name} {record.getMessage()}" for record in lines)
    assert "msal" in readable, "it was listened to"
    for error in (refused.value, malformed.value):
        readable += f"{error} {error!r} {pickle.dumps(error, protocol=0).decode('latin-1')}"
    assert not [secret for secret in secrets if secret in readable]


def test_it_can_be_pickled(
    entra: Emulator, environ: dict[str, str], clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    for credential in (
        ClientSecretCredential(TENANT, APP, SECRET, retry_total=2),
        CertificateCredential(TENANT, APP, certificate_data=_pem()),
        ClientAssertionCredential(TENANT, APP, _assertion),
        WorkloadIdentityCredential(),
    ):
        copied = pickle.loads(pickle.dumps(credential))
        assert type(copied) is type(credential)
        assert repr(copied) == repr(credential)


def test_what_a_function_for_assertions_raises_is_the_callers(entra: Emulator, clock: ManualClock) -> None:
    def make_assertion() -> str:
        raise PermissionError("no key today")

    credential = ClientAssertionCredential(TENANT, APP, make_assertion, transport=entra.transport(), clock=clock)
    with pytest.raises(PermissionError, match="no key today"):
        credential.get_token(VAULT)


async def no_plain_function() -> str:
    return "assertion"


@pytest.mark.parametrize(
    ("func", "told"),
    [
        (str, "returned an empty text"),
        (bytes, "returned an empty text"),
        (lambda: None, "returned NoneType"),
        (no_plain_function, "returned coroutine"),
    ],
)
def test_a_function_that_makes_no_assertion_is_told_of(func: Any, told: str, entra: Emulator) -> None:
    credential = ClientAssertionCredential(TENANT, APP, func, transport=entra.transport())
    with pytest.raises(ClientAuthenticationError, match=told):
        credential.get_token(VAULT)
    assert entra.token_requests(GRANT) == []


def test_an_assertion_may_be_bytes(entra: Emulator, clock: ManualClock) -> None:
    func: Any = lambda: entra.federated_token(SUBJECT).encode()  # noqa: E731 - azure-identity takes them, untyped
    credential = ClientAssertionCredential(TENANT, APP, func, transport=entra.transport(), clock=clock)
    assert credential.get_token(VAULT)


def test_an_assertion_is_made_for_each_request(entra: Emulator, clock: ManualClock) -> None:
    made: list[str] = []

    def make_assertion() -> str:
        made.append(entra.federated_token(SUBJECT))
        return made[-1]

    credential = ClientAssertionCredential(TENANT, APP, make_assertion, transport=entra.transport(), clock=clock)
    for _ in range(2):
        credential.get_token(VAULT)
        clock.advance(3600)
    assert len(made) == 2


def test_a_token_file_is_read_for_each_request(
    entra: Emulator, clock: ManualClock, environ: dict[str, str], token_file: Any
) -> None:
    credential = WorkloadIdentityCredential(environ=environ, transport=entra.transport(), clock=clock)
    token_file.write_text(entra.federated_token(SUBJECT))
    credential.get_token(VAULT)
    clock.advance(7200)  # the first one has expired
    with pytest.raises(ClientAuthenticationError, match="AADSTS700024"):
        credential.get_token(VAULT)
    token_file.write_text(entra.federated_token(SUBJECT) + "\n")
    assert credential.get_token(VAULT)


def test_a_token_file_that_is_gone_is_named(environ: dict[str, str], token_file: Any, entra: Emulator) -> None:
    token_file.unlink()
    credential = WorkloadIdentityCredential(environ=environ, transport=entra.transport())
    with pytest.raises(ClientAuthenticationError, match=f"{token_file} cannot be read: No such file"):
        credential.get_token(VAULT)


@pytest.mark.parametrize("missing", ["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE"])
def test_a_pod_that_is_not_set_up_says_what_is_missing(missing: str, environ: dict[str, str]) -> None:
    del environ[missing]
    with pytest.raises(ValueError, match="Workload identity is not set up here"):
        WorkloadIdentityCredential(environ=environ)


def test_a_task_elsewhere_than_in_azure_pipelines(entra: Emulator) -> None:
    credential = AzurePipelinesCredential(
        tenant_id=TENANT,
        client_id=APP,
        service_connection_id=CONNECTION,
        system_access_token="token",
        environ={},
        transport=entra.transport(),
    )
    with pytest.raises(CredentialUnavailableError, match="SYSTEM_OIDCREQUESTURI is not set"):
        credential.get_token(VAULT)


def pipelines_answering(text: str, environ: dict[str, str]) -> AzurePipelinesCredential:
    """Return a task's credential whose transport gives a text where Azure Pipelines is asked, and tokens elsewhere."""

    def reply(request: HttpRequest) -> Reply:
        if "oauth2" in request.url:
            return json_reply({"access_token": "token", "expires_in": 3600, "token_type": "Bearer"})
        return Reply(200, text)

    return AzurePipelinesCredential(
        tenant_id=TENANT,
        client_id=APP,
        service_connection_id=CONNECTION,
        system_access_token="canary",
        environ=environ,
        transport=StubTransport(reply),
    )


def test_a_pipelines_reply_may_be_no_more_than_its_text(environ: dict[str, str]) -> None:
    assert pipelines_answering('{"oidcToken": "assertion"}', environ).get_token(VAULT).token == "token"


@pytest.mark.parametrize("text", ["", "<html>", "[]", "{}", '{"oidcToken": 5}', '{"oidcToken": ""}', "[" * 100_000])
def test_a_pipelines_reply_without_an_assertion(text: str, environ: dict[str, str]) -> None:
    with pytest.raises(ClientAuthenticationError, match="gave no assertion \\(HTTP status 200"):
        pipelines_answering(text, environ).get_token(VAULT)


def test_a_pipeline_that_may_not_use_the_connection(entra: Emulator, environ: dict[str, str]) -> None:
    credential = AzurePipelinesCredential(
        tenant_id=TENANT,
        client_id=APP,
        service_connection_id=CONNECTION,
        system_access_token="canary",
        environ=environ,
        transport=entra.transport(),
    )
    with pytest.raises(ClientAuthenticationError, match="gave no assertion \\(HTTP status 40") as caught:
        credential.get_token(VAULT)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    "make_it",
    [
        lambda: ClientSecretCredential(TENANT, "", SECRET),
        lambda: ClientSecretCredential(TENANT, APP, ""),
        lambda: ClientSecretCredential("", APP, SECRET),
        lambda: ClientAssertionCredential(TENANT, APP, None),  # type: ignore[arg-type]
        lambda: CertificateCredential(TENANT, APP),
    ],
)
def test_what_is_missing_is_refused_at_once(make_it: Any) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        make_it()


def test_a_wrong_secret_is_explained(entra: Emulator, clock: ManualClock) -> None:
    credential = ClientSecretCredential(TENANT, APP, "canary", transport=entra.transport(), clock=clock)
    with pytest.raises(ClientAuthenticationError, match="AADSTS7000215") as caught:
        credential.get_token(VAULT)
    assert "canary" not in str(caught.value)


def _assertion() -> str:
    return "assertion"


def _pem() -> bytes:
    return (certificate().key_pem + certificate().pem).encode()
