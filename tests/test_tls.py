from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from azid.errors import AuthenticationFailedError
from azid.http_client import HttpClient
from azid.pipeline import TokenPipeline
from azid.tls import explain_untrusted

ISSUER = "Contoso Proxy CA\x1b[2J"
TOLD_ISSUER = "CN=Contoso Proxy CA?[2J"  # whoever is in between may send control sequences to the terminal
GIVE_UP = 20  # seconds after which a test that would hang fails
REPLY = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


def certificate(
    subject: str, key: ec.EllipticCurvePrivateKey, issuer_key: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    """Return a certificate for 127.0.0.1, or the issuer's own if the keys are the same."""
    now = datetime.now(timezone.utc)
    is_ca = key is issuer_key
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, ISSUER)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


class TlsServer:
    """Answers each connection with an empty JSON object, after the handshake."""

    def __init__(self, context: ssl.SSLContext, ca_file: Path) -> None:
        self.ca_file = str(ca_file)
        self._context = context
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.url = f"https://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:  # closed
                return
            connection.settimeout(GIVE_UP)
            try:
                with self._context.wrap_socket(connection, server_side=True) as tls:
                    if tls.recv(65536):
                        tls.sendall(REPLY)
            except OSError:  # not trusted
                continue
            finally:
                connection.close()

    def stop(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(GIVE_UP)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[TlsServer]:
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    chain = tmp_path / "chain.pem"
    chain.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + pem(certificate("127.0.0.1", key, ca_key))
    )
    ca_file = tmp_path / "ca.pem"
    ca_file.write_bytes(pem(certificate(ISSUER, ca_key, ca_key)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    server = TlsServer(context, ca_file)
    yield server
    server.stop()


def refusal_of(server: TlsServer) -> ssl.SSLError:
    with (
        socket.create_connection(("127.0.0.1", server.port), timeout=GIVE_UP) as connection,
        pytest.raises(ssl.SSLCertVerificationError) as caught,
    ):
        ssl.create_default_context().wrap_socket(connection, server_hostname="127.0.0.1")
    return caught.value


def test_a_trusted_certificate_needs_no_explanation(server: TlsServer) -> None:
    with TokenPipeline(connection_verify=server.ca_file) as pipeline:
        assert HttpClient(pipeline, server.url).get(f"{server.url}/x").text == "{}"


def test_a_real_request_tells_the_issuer_and_what_to_do(server: TlsServer) -> None:
    with (
        TokenPipeline(retry_total=0, use_env_settings=False) as pipeline,
        pytest.raises(AuthenticationFailedError) as caught,
    ):
        HttpClient(pipeline, server.url).post(f"{server.url}/token", data={"password": "the-password"})
    message = str(caught.value)
    assert "certificate of 127.0.0.1 is not trusted" in message
    assert TOLD_ISSUER in message
    assert "\x1b" not in message
    assert "connection_verify=" in message
    assert "REQUESTS_CA_BUNDLE" in message
    assert "the-password" not in message


def test_a_certificate_for_another_host_is_explained_too(server: TlsServer) -> None:
    host = server.url.replace("127.0.0.1", "localhost")
    with (
        TokenPipeline(retry_total=0, connection_verify=server.ca_file) as pipeline,
        pytest.raises(AuthenticationFailedError, match="localhost is not trusted"),
    ):
        HttpClient(pipeline, host).get(f"{host}/x")


def test_a_refused_certificate_is_found_however_it_is_wrapped(server: TlsServer) -> None:
    refusal = refusal_of(server)
    in_arguments = OSError("outer", OSError(refusal))
    in_reason = OSError("outer")
    in_reason.reason = refusal  # type: ignore[attr-defined]
    in_inner = RuntimeError("outer")
    in_inner.inner_exception = in_reason  # type: ignore[attr-defined]
    as_cause = RuntimeError("outer")
    as_cause.__cause__ = refusal
    for error in (refusal, in_arguments, in_reason, in_inner, as_cause):
        explanation = explain_untrusted(error, server.url)
        assert explanation is not None
        assert TOLD_ISSUER in explanation


def test_an_issuer_that_cannot_be_asked_is_no_reason_to_fail(server: TlsServer) -> None:
    refusal = refusal_of(server)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]  # nobody listens there any more
    explanation = explain_untrusted(refusal, f"https://127.0.0.1:{port}/token")
    assert explanation is not None
    assert "could not be found out" in explanation


@pytest.mark.parametrize("error", [OSError("no route"), ssl.SSLError("handshake"), ValueError(1, 2, None)])
def test_other_errors_are_explained_elsewhere(error: Exception) -> None:
    assert explain_untrusted(error, "https://127.0.0.1/token") is None


def test_errors_that_go_in_circles_end() -> None:
    first, second = OSError("first"), OSError("second")
    first.__cause__, second.__cause__ = second, first
    first.args, second.args = (second,), (first,)
    assert explain_untrusted(first, "https://127.0.0.1/token") is None
