"""Certificates of applications, as PEM and PKCS #12 files hold them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509.oid import NameOID

from azid.client_certificate import load_client_certificate

PASSWORD = "pässword"


class Issued(NamedTuple):
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    ca: x509.Certificate

    def pem(self, encryption: KeySerializationEncryption | None = None) -> bytes:
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())
        return key + self.certificate.public_bytes(Encoding.PEM)

    def pfx(self, encryption: KeySerializationEncryption | None = None) -> bytes:
        return pkcs12.serialize_key_and_certificates(
            b"app", self.key, self.certificate, [self.ca], encryption or NoEncryption()
        )


def issue(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> Issued:
    now = datetime.now(timezone.utc)
    ca_key = ec.generate_private_key(ec.SECP256R1())

    def certificate(subject: str, public: x509.CertificateBuilder) -> x509.Certificate:
        return (
            public.subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ca")]))
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .sign(ca_key, SHA256())
        )

    builder = x509.CertificateBuilder()
    return Issued(
        key,
        certificate("app", builder.public_key(key.public_key())),
        certificate("ca", builder.public_key(ca_key.public_key())),
    )


@pytest.fixture(scope="module")
def issued() -> Issued:
    return issue(rsa.generate_private_key(65537, 2048))


def load(data: bytes, *, password: str | bytes | None = None, send_chain: bool = False) -> dict[str, str]:
    return dict(load_client_certificate(None, data, password=password, send_chain=send_chain))


ENCRYPTION = BestAvailableEncryption(PASSWORD.encode())
FILES: dict[str, tuple[Callable[[Issued], bytes], str | bytes | None]] = {
    "pem": (lambda issued: issued.pem(), None),
    "pem with a password that is not needed": (lambda issued: issued.pem(), PASSWORD),
    "encrypted pem": (lambda issued: issued.pem(ENCRYPTION), PASSWORD),
    "encrypted pem, password in bytes": (lambda issued: issued.pem(ENCRYPTION), PASSWORD.encode()),
    "pem with the chain": (lambda issued: issued.pem() + issued.ca.public_bytes(Encoding.PEM), None),
    "pem with its certificate first": (
        lambda issued: issued.certificate.public_bytes(Encoding.PEM) + issued.pem(),
        None,
    ),
    "pfx": (lambda issued: issued.pfx(), None),
    "encrypted pfx": (lambda issued: issued.pfx(ENCRYPTION), PASSWORD),
}


@pytest.mark.parametrize("file", FILES)
def test_every_form_holds_the_same(file: str, issued: Issued) -> None:
    make, password = FILES[file]
    loaded = load(make(issued), password=password)
    key = load_pem_private_key(loaded["private_key"].encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    assert isinstance(issued.key, rsa.RSAPrivateKey)
    assert key.private_numbers() == issued.key.private_numbers()
    der = issued.certificate.public_bytes(Encoding.DER)
    assert loaded["thumbprint"] == hashlib.sha1(der).hexdigest()  # what MSAL makes `x5t` of
    assert "public_certificate" not in loaded


@pytest.mark.parametrize("file", ["pem with the chain", "pfx"])
def test_the_chain_is_sent_where_subject_and_issuer_are_trusted(file: str, issued: Issued) -> None:
    make, password = FILES[file]
    chain = load(make(issued), password=password, send_chain=True)["public_certificate"]
    assert x509.load_pem_x509_certificates(chain.encode()) == [issued.certificate, issued.ca]


def test_a_path_or_bytes(issued: Issued, tmp_path: Path) -> None:
    path = tmp_path / "app.pem"
    path.write_bytes(issued.pem())
    assert load_client_certificate(str(path), None, password=None, send_chain=False) == load(issued.pem())


@pytest.mark.parametrize(
    ("data", "password", "told"),
    [
        (b"", None, "give 'certificate_path' or 'certificate_data'"),
        (b"-----BEGIN nothing", None, "holds no certificate"),
        (b"\x00\x01", None, "neither|no PEM or PKCS #12 file, or needs a password"),
        (b"\x00\x01", "x", "password is wrong, or it is no PEM or PKCS #12 file"),
    ],
)
def test_what_is_no_certificate(data: bytes, password: str | None, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        load(data, password=password)


@pytest.mark.parametrize(
    ("file", "password", "told"),
    [
        ("encrypted pem", None, "is encrypted: give its password"),
        ("encrypted pem", "canary", "its password is wrong"),
        ("encrypted pfx", None, "needs a password"),
        ("encrypted pfx", "canary", "its password is wrong"),
    ],
)
def test_a_wrong_password(file: str, password: str | None, told: str, issued: Issued) -> None:
    make, _ = FILES[file]
    with pytest.raises(ValueError, match=told) as caught:
        load(make(issued), password=password)
    assert "canary" not in str(caught.value)
    assert "PRIVATE KEY" not in str(caught.value)


def test_a_certificate_without_its_key(issued: Issued) -> None:
    with pytest.raises(ValueError, match="there is none, or it is malformed"):
        load(issued.certificate.public_bytes(Encoding.PEM))
    with pytest.raises(ValueError, match="must hold a certificate and its private key"):
        load(pkcs12.serialize_key_and_certificates(None, None, issued.certificate, None, NoEncryption()))


def test_a_key_that_entra_does_not_take() -> None:
    with pytest.raises(ValueError, match="must have an RSA key"):
        load(issue(ec.generate_private_key(ec.SECP256R1())).pem())


def test_both_a_path_and_bytes(issued: Issued) -> None:
    with pytest.raises(ValueError, match="not both"):
        load_client_certificate("app.pem", issued.pem(), password=None, send_chain=False)


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(FileNotFoundError):
        load_client_certificate("/nowhere/app.pem", None, password=None, send_chain=False)
