"""Started: real sockets, TLS, keep-alive, and an end that ends everything."""

from __future__ import annotations

import base64
import hashlib
import http.client
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import msal
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from azid.emulator import Client, Emulator, Fault, ManagedIdentity, Person, RecordedRequest
from tests.conftest import ADA, GRAPH
from tests.emulator.driver import AZURE_CLI, Driver
from tests.support.ports import free_ports


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    with Emulator([ADA]) as entra:
        yield entra


@pytest.fixture
def started(running: Emulator) -> Emulator:
    running.clear()
    return running


@pytest.fixture
def session(started: Emulator) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.verify = started.ca_file
        yield session


def test_msal_signs_in_through_the_browser(started: Emulator, session: requests.Session) -> None:
    application = msal.PublicClientApplication(
        AZURE_CLI, authority=f"{started.authority}/organizations", instance_discovery=False, http_client=session
    )
    person = Person(ADA.username, ADA.password)
    result = application.acquire_token_interactive(
        [GRAPH], prompt="select_account", auth_uri_callback=person.open, timeout=30
    )
    person.join()
    assert person.error is None
    assert result["id_token_claims"]["preferred_username"] == ADA.username
    authorization = {"Authorization": f"Bearer {result['access_token']}"}
    assert session.get(started.resource_url, headers=authorization).json()["displayName"] == ADA.name


def test_msal_signs_in_with_a_device_code(started: Emulator, session: requests.Session) -> None:
    application = msal.PublicClientApplication(
        AZURE_CLI, authority=f"{started.authority}/organizations", instance_discovery=False, http_client=session
    )
    flow = application.initiate_device_flow([GRAPH])
    person = Person(ADA.username, ADA.password)
    person.enter_code(flow["verification_uri"], flow["user_code"])
    assert person.error is None
    assert "access_token" in application.acquire_token_by_device_flow(flow)


def test_nobody_trusts_it_without_its_ca(started: Emulator) -> None:
    with requests.Session() as session:
        session.trust_env = False
        with pytest.raises(requests.exceptions.SSLError):
            session.get(f"{started.authority}/common/discovery/v2.0/keys")


def test_the_ca_is_constrained_and_short_lived(started: Emulator) -> None:
    ca = x509.load_pem_x509_certificate(Path(started.ca_file).read_bytes())
    constraints = ca.extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    names = [str(name.value) for name in constraints.value.permitted_subtrees or ()]
    assert "login.microsoftonline.com" in names
    assert "127.0.0.1/32" in names
    assert (ca.not_valid_after_utc - ca.not_valid_before_utc).days == 1
    assert b"PRIVATE" not in Path(started.ca_file).read_bytes()


def test_the_certificate_serves_entras_host_names(started: Emulator) -> None:
    context = ssl.create_default_context(cafile=started.ca_file)
    port = urlsplit(started.authority).port
    for name in ("login.microsoftonline.com", "login.microsoftonline.us", "localhost", "127.0.0.1", "::1"):
        with (
            socket.create_connection(("127.0.0.1", port), timeout=10) as connection,
            context.wrap_socket(connection, server_hostname=name) as tls,
        ):
            assert tls.version() in ("TLSv1.2", "TLSv1.3")


def test_idle_connections_keep_nobody_waiting(started: Emulator, session: requests.Session) -> None:
    port = urlsplit(started.authority).port
    idle = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(8)]
    try:
        assert session.get(f"{started.authority}/common/discovery/v2.0/keys", timeout=10).status_code == 200
    finally:
        for connection in idle:
            connection.close()


def test_one_connection_serves_many_requests(started: Emulator) -> None:
    context = ssl.create_default_context(cafile=started.ca_file)
    connection = http.client.HTTPSConnection(urlsplit(started.authority).netloc, context=context, timeout=10)
    connection.connect()
    first = connection.sock
    for path in ("/common/discovery/v2.0/keys", "/nothing/here", "/common/discovery/v2.0/keys"):
        connection.request("GET", path)
        connection.getresponse().read()
    assert connection.sock is first
    connection.close()


@pytest.mark.parametrize("body_length", ["99999999", "-1", "many"])
def test_a_senseless_length_is_refused(started: Emulator, body_length: str) -> None:
    connection = http.client.HTTPConnection(urlsplit(started.page_origin).netloc, timeout=10)
    connection.request("POST", "/common/login", headers={"Content-Length": body_length})
    assert connection.getresponse().status == 413
    connection.close()


def test_cut_connections(started: Emulator, session: requests.Session) -> None:
    for cut, error in (("before", requests.ConnectionError), ("within", requests.exceptions.ChunkedEncodingError)):
        started.inject(Fault(endpoint="keys", cut=cut))  # type: ignore[arg-type] # the loop hides the literals
        with pytest.raises(error):
            session.get(f"{started.authority}/common/discovery/v2.0/keys", timeout=10)


def test_pages_are_there_under_localhost_whatever_it_resolves_to(started: Emulator) -> None:
    port = urlsplit(started.page_origin).port
    assert port is not None
    addresses = ["127.0.0.1"]
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
            addresses.append("::1")
        except OSError:
            pass  # no IPv6 on this machine
    for address in addresses:
        connection = http.client.HTTPConnection(address, port, timeout=10)
        connection.request("GET", "/")
        assert b"emulator is running" in connection.getresponse().read()
        connection.close()


def test_a_started_emulator_still_works_in_process(started: Emulator) -> None:
    assert Driver(started).password(ADA.username, ADA.password).status_code == 200


def test_discovery_names_the_right_origins(started: Emulator, session: requests.Session) -> None:
    document = session.get(f"{started.authority}/common/v2.0/.well-known/openid-configuration").json()
    assert document["authorization_endpoint"].startswith(started.page_origin)
    assert document["token_endpoint"].startswith(started.authority)


def test_stopping_ends_every_thread_and_removes_the_ca() -> None:
    before = set(threading.enumerate())
    entra = Emulator([ADA])
    entra.start()
    with pytest.raises(RuntimeError, match="already"):
        entra.start()
    ca_file = Path(entra.ca_file)
    port = urlsplit(entra.authority).port
    silent = socket.create_connection(("127.0.0.1", port), timeout=10)  # no handshake yet
    kept = http.client.HTTPConnection(urlsplit(entra.page_origin).netloc, timeout=10)
    kept.request("GET", "/")
    kept.getresponse().read()
    held = threading.Event()
    entra.inject(Fault(endpoint="home", hold=held))
    kept.request("GET", "/")
    entra.stop()
    entra.stop()
    assert set(threading.enumerate()) <= before
    assert not ca_file.exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=10)
    silent.close()
    kept.close()
    with pytest.raises(RuntimeError, match="with statement"):
        _ = entra.ca_file
    with entra:
        assert entra.started


def test_ports_that_are_asked_for_are_taken_again_and_again() -> None:
    port = free_ports(2)
    for _ in range(2):
        with Emulator(port=port) as entra:
            assert entra.authority == f"https://127.0.0.1:{port}"
            assert entra.page_origin == f"http://localhost:{port + 1}"
            with pytest.raises(OSError, match="in use"):
                Emulator(port=port).start()


def test_the_pin_is_that_of_its_certificate(started: Emulator) -> None:
    port = urlsplit(started.authority).port
    assert port is not None
    certificate = x509.load_pem_x509_certificate(ssl.get_server_certificate(("127.0.0.1", port)).encode())
    public_key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert base64.b64decode(started.certificate_pin) == hashlib.sha256(public_key).digest()
    with pytest.raises(RuntimeError, match="with statement"):
        _ = Emulator().certificate_pin


def test_the_first_page_shows_who_and_what_there_is() -> None:
    client = Client("6e74172b-be56-4843-9ff4-e66a39bb12e3", "Orders API", public=False, secrets=("a s3cret",))
    deploy = ManagedIdentity("0f8fad5b-d9cb-469f-a165-70867728950e", name="deploy")
    entra = Emulator([ADA], clients=[client], identities=[deploy])
    page = entra.session().get("http://localhost/").text
    for shown in (ADA.username, "Orders API", client.client_id, "confidential, secret", "deploy", deploy.client_id):
        assert shown in page
    assert "AZURE_POD_IDENTITY_AUTHORITY_HOST=http://localhost" in page
    assert "a s3cret" not in page
    assert ADA.password not in page


def test_requests_are_told_as_they_are_answered() -> None:
    told: list[RecordedRequest] = []
    driver = Driver(Emulator([ADA], on_request=told.append))
    driver.password(ADA.username, "wrong")
    driver.password(ADA.username, ADA.password)
    assert [(request.endpoint, request.status, request.error) for request in told] == [
        ("token", 400, "invalid_grant AADSTS50126"),
        ("token", 200, ""),
    ]
