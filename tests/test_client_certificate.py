"""Certificates of applications, as PEM and PKCS #12 files hold them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)

from azid.client_certificate import load_client_certificate
from tests.support.certificates import issue

PASSWORD = "pässword"


class Files:
    """An application's certificate, issued by a CA, as files hold it."""

    def __init__(self) -> None:
        self.ca = issue("CN=ca", ca=True, key=1)
        self.app = issue("CN=app", by=self.ca)

    def pem(self, encryption: KeySerializationEncryption | None = None) -> bytes:
        key = self.app.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())
        return key + self.app.pem.encode()

    def pfx(self, encryption: KeySerializationEncryption | None = None) -> bytes:
        return pkcs12.serialize_key_and_certificates(
            b"app", self.app.key, self.app.certificate, [self.ca.certificate], encryption or NoEncryption()
        )


@pytest.fixture(scope="module")
def files() -> Files:
    return Files()


def load(data: bytes, *, password: str | bytes | None = None, send_chain: bool = False) -> dict[str, str]:
    return dict(load_client_certificate(None, data, password=password, send_chain=send_chain))


ENCRYPTION = BestAvailableEncryption(PASSWORD.encode())
FORMS: dict[str, tuple[Callable[[Files], bytes], str | bytes | None]] = {
    "pem": (lambda files: files.pem(), None),
    "pem with a password that is not needed": (lambda files: files.pem(), PASSWORD),
    "encrypted pem": (lambda files: files.pem(ENCRYPTION), PASSWORD),
    "encrypted pem, password in bytes": (lambda files: files.pem(ENCRYPTION), PASSWORD.encode()),
    "pem with the chain": (lambda files: files.pem() + files.ca.pem.encode(), None),
    "pem with the chain the other way round": (lambda files: files.ca.pem.encode() + files.pem(), None),
    "pem with its certificate first": (
        lambda files: files.app.pem.encode() + files.pem(),
        None,
    ),
    "pfx": (lambda files: files.pfx(), None),
    "encrypted pfx": (lambda files: files.pfx(ENCRYPTION), PASSWORD),
}


@pytest.mark.parametrize("file", FORMS)
def test_every_form_holds_the_same(file: str, files: Files) -> None:
    make, password = FORMS[file]
    loaded = load(make(files), password=password)
    key = load_pem_private_key(loaded["private_key"].encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    assert key.private_numbers() == files.app.key.private_numbers()
    assert loaded["thumbprint"] == hashlib.sha1(files.app.der).hexdigest()  # what MSAL makes `x5t` of
    assert "public_certificate" not in loaded


@pytest.mark.parametrize("file", ["pem with the chain", "pem with the chain the other way round", "pfx"])
def test_the_chain_is_sent_where_subject_and_issuer_are_trusted(file: str, files: Files) -> None:
    make, password = FORMS[file]
    chain = load(make(files), password=password, send_chain=True)["public_certificate"]
    assert x509.load_pem_x509_certificates(chain.encode()) == [files.app.certificate, files.ca.certificate]


def test_a_path_or_bytes(files: Files, tmp_path: Path) -> None:
    path = tmp_path / "app.pem"
    path.write_bytes(files.pem())
    assert load_client_certificate(str(path), None, password=None, send_chain=False) == load(files.pem())


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
def test_a_wrong_password(file: str, password: str | None, told: str, files: Files) -> None:
    make, _ = FORMS[file]
    with pytest.raises(ValueError, match=told) as caught:
        load(make(files), password=password)
    assert "canary" not in str(caught.value)
    assert "PRIVATE KEY" not in str(caught.value)


def test_a_certificate_without_its_key(files: Files) -> None:
    with pytest.raises(ValueError, match="there is none, or it is malformed"):
        load(files.app.pem.encode())
    with pytest.raises(ValueError, match="must hold a certificate and its private key"):
        load(pkcs12.serialize_key_and_certificates(None, None, files.app.certificate, None, NoEncryption()))


def test_a_key_without_its_certificate(files: Files) -> None:
    with pytest.raises(ValueError, match="belongs to none of the file's certificates"):
        load(files.app.key_pem.encode() + files.ca.pem.encode())


def test_a_key_that_entra_does_not_take() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(ValueError, match="must have an RSA key"):
        load(pem + issue("CN=app").pem.encode())


def test_text_is_refused(files: Files) -> None:
    text: Any = files.pem().decode()
    with pytest.raises(TypeError, match="the bytes of its file, not as text") as caught:
        load(text)
    assert "PRIVATE KEY" not in str(caught.value)


def test_both_a_path_and_bytes(files: Files) -> None:
    with pytest.raises(ValueError, match="not both"):
        load_client_certificate("app.pem", files.pem(), password=None, send_chain=False)


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(FileNotFoundError):
        load_client_certificate("/nowhere/app.pem", None, password=None, send_chain=False)
