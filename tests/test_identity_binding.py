"""The proxy of identity bindings: a server in the cluster with a name and a CA of its own, before the authority."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from azure.core.exceptions import ClientAuthenticationError

from azid import WorkloadIdentityCredential
from azid.clock import ManualClock
from azid.emulator import Client, Emulator, Fault, Federation
from azid.emulator.exchange import Reply, Request
from azid.emulator.federation import DEFAULT_ISSUER
from azid.emulator.server import Server
from azid.identity_binding import find_identity_binding
from tests.conftest import ADA, GRAPH, VAULT

if TYPE_CHECKING:
    from tests.support.tunnel import Tunnel

pytest_plugins = ["tests.support.tunnel"]

APP = "6e74172b-be56-4843-9ff4-e66a39bb12e3"
SUBJECT = "system:serviceaccount:default:app"
NAME = "proxy.cluster.example"


class Proxy:
    """Stands in for the authority: tells it the path that was asked for behind its own.

    :param entra: the authority.
    """

    def __init__(self, entra: Emulator) -> None:
        self.names: list[str | None] = []
        self.paths: list[str] = []
        self._entra = entra
        self._server: Server | None = None
        self.ca = trustme.CA()

    def start(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(NAME, "127.0.0.1").configure_cert(context)
        context.sni_callback = lambda _, name, __: self.names.append(name)
        self._server = Server(("127.0.0.1", 0), self._answer, context)

    def stop(self) -> None:
        assert self._server is not None
        self._server.stop()

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"https://127.0.0.1:{self._server.port}/binding"

    def _answer(self, request: Request) -> Reply:
        self.paths.append(request.parts.path)
        path = request.parts.path.removeprefix("/binding")
        return self._entra.answer(
            Request(request.method, f"https://login.microsoftonline.com{path}", request.headers, request.body)
        )


@pytest.fixture
def entra(clock: ManualClock) -> Emulator:
    federation = Federation(DEFAULT_ISSUER, SUBJECT)
    return Emulator(users=[ADA], clients=[Client(APP, public=False, federations=(federation,))], clock=clock)


@pytest.fixture
def proxy(entra: Emulator) -> Iterator[Proxy]:
    proxy = Proxy(entra)
    proxy.start()
    yield proxy
    proxy.stop()


@pytest.fixture
def environ(proxy: Proxy, entra: Emulator, tmp_path: Path) -> dict[str, str]:
    token, ca = tmp_path / "token", tmp_path / "ca.pem"
    token.write_text(entra.federated_token(SUBJECT, lifetime=86_400))
    ca.write_bytes(proxy.ca.cert_pem.bytes())
    return {
        "AZURE_TENANT_ID": ADA.tenant_id,
        "AZURE_CLIENT_ID": APP,
        "AZURE_FEDERATED_TOKEN_FILE": str(token),
        "AZURE_KUBERNETES_TOKEN_PROXY": proxy.url,
        "AZURE_KUBERNETES_SNI_NAME": NAME,
        "AZURE_KUBERNETES_CA_FILE": str(ca),
    }


def make(environ: dict[str, str], clock: ManualClock, **options: Any) -> WorkloadIdentityCredential:
    return WorkloadIdentityCredential(enable_azure_proxy=True, environ=environ, clock=clock, **options)


def test_requests_go_to_the_proxy_under_its_own_name(proxy: Proxy, environ: dict[str, str], clock: ManualClock) -> None:
    with make(environ, clock) as credential:
        assert credential.get_token(VAULT)
    assert proxy.paths == [f"/binding/{ADA.tenant_id}/oauth2/v2.0/token"]
    assert proxy.names == [NAME]


def test_without_a_name_the_proxys_host_is_checked(proxy: Proxy, environ: dict[str, str], clock: ManualClock) -> None:
    del environ["AZURE_KUBERNETES_SNI_NAME"]
    with make(environ, clock) as credential:
        assert credential.get_token(VAULT)
    assert proxy.names == [None]  # an IP address is no name (RFC 6066 section 3)


def test_another_name_than_the_certificates_is_refused(
    proxy: Proxy, environ: dict[str, str], clock: ManualClock
) -> None:
    environ["AZURE_KUBERNETES_SNI_NAME"] = "impostor.example"
    with (
        make(environ, clock, retry_total=0) as credential,
        pytest.raises(ClientAuthenticationError, match="certificate"),
    ):
        credential.get_token(VAULT)
    assert proxy.paths == []


def test_no_other_ca_is_trusted(
    proxy: Proxy, environ: dict[str, str], clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(proxy.ca.cert_pem.bytes())
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    Path(environ["AZURE_KUBERNETES_CA_FILE"]).write_bytes(trustme.CA().cert_pem.bytes())
    with (
        make(environ, clock, retry_total=0) as credential,
        pytest.raises(ClientAuthenticationError, match="certificate"),
    ):
        credential.get_token(VAULT)
    assert proxy.paths == []


def test_without_a_ca_the_usual_ones_are_trusted(
    proxy: Proxy, environ: dict[str, str], clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", environ.pop("AZURE_KUBERNETES_CA_FILE"))
    with make(environ, clock) as credential:
        assert credential.get_token(VAULT)


def test_it_is_known_through_another_proxy(
    proxy: Proxy, environ: dict[str, str], clock: ManualClock, tunnel: Tunnel
) -> None:
    with make(environ, clock, proxies={"https": tunnel.url}) as credential:
        assert credential.get_token(VAULT)
    assert proxy.names == [NAME]
    assert len(tunnel.asked) == 1


def test_the_ca_may_be_given_itself(proxy: Proxy, environ: dict[str, str], clock: ManualClock) -> None:
    del environ["AZURE_KUBERNETES_CA_FILE"]
    environ["AZURE_KUBERNETES_CA_DATA"] = proxy.ca.cert_pem.bytes().decode()
    with make(environ, clock) as credential:
        assert credential.get_token(VAULT)


def test_a_ca_that_was_rotated_is_noticed(proxy: Proxy, environ: dict[str, str], clock: ManualClock) -> None:
    ca = Path(environ["AZURE_KUBERNETES_CA_FILE"])
    ca.write_bytes(trustme.CA().cert_pem.bytes())
    with make(environ, clock, retry_total=0) as credential:
        with pytest.raises(ClientAuthenticationError, match="certificate"):
            credential.get_token(VAULT)
        ca.write_bytes(proxy.ca.cert_pem.bytes())
        assert credential.get_token(GRAPH)
        ca.unlink()  # as while it is being replaced
        assert credential.get_token(VAULT)


def test_a_retry_goes_to_the_same_place(
    entra: Emulator, proxy: Proxy, environ: dict[str, str], clock: ManualClock
) -> None:
    entra.inject(Fault(status=503))
    with make(environ, clock, retry_backoff_factor=0) as credential:
        assert credential.get_token(VAULT)
    assert proxy.paths == [f"/binding/{ADA.tenant_id}/oauth2/v2.0/token"] * 2


def test_without_the_option_the_variables_mean_nothing(
    entra: Emulator, proxy: Proxy, environ: dict[str, str], clock: ManualClock
) -> None:
    credential = WorkloadIdentityCredential(environ=environ, clock=clock, transport=entra.transport())
    assert credential.get_token(VAULT)
    assert proxy.paths == []


def test_without_a_proxy_the_option_means_nothing(entra: Emulator, environ: dict[str, str], clock: ManualClock) -> None:
    kept = {name: value for name, value in environ.items() if "KUBERNETES" not in name}
    credential = make(kept, clock, transport=entra.transport())
    assert credential.get_token(VAULT)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"AZURE_KUBERNETES_TOKEN_PROXY": ""}, "AZURE_KUBERNETES_SNI_NAME, AZURE_KUBERNETES_CA_FILE set, but not"),
        ({"AZURE_KUBERNETES_CA_DATA": "pem"}, "both set"),
        ({"AZURE_KUBERNETES_CA_FILE": "/nowhere"}, "cannot be read"),
        ({"AZURE_KUBERNETES_TOKEN_PROXY": "http://proxy"}, "must be an https URL"),
        ({"AZURE_KUBERNETES_TOKEN_PROXY": "https://"}, "must be an https URL"),
        ({"AZURE_KUBERNETES_TOKEN_PROXY": "https://me:canary@proxy"}, "must be an https URL"),
        ({"AZURE_KUBERNETES_TOKEN_PROXY": "https://proxy?x=1"}, "must be an https URL"),
        ({"AZURE_KUBERNETES_TOKEN_PROXY": "https://proxy#x"}, "must be an https URL"),
    ],
)
def test_settings_that_make_no_sense_are_refused_at_once(
    changes: dict[str, str], told: str, environ: dict[str, str], clock: ManualClock
) -> None:
    with pytest.raises(ValueError, match=told) as caught:
        make(environ | changes, clock)
    assert "canary" not in str(caught.value)


def test_an_empty_ca_file_is_refused_at_once(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(ValueError, match="names an empty file"):
        find_identity_binding(environ | {"AZURE_KUBERNETES_CA_FILE": str(tmp_path / "empty")})
