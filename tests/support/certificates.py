"""Certificates of applications, and what they sign: made for tests, none of them trusted by anything else."""

from __future__ import annotations

import base64
import datetime
import functools
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from joserfc import jwt
from joserfc.jwk import RSAKey

__all__ = ["Issued", "elliptic", "issue", "x5c"]

_BEGIN = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
_END = datetime.datetime(2100, 1, 1, tzinfo=datetime.timezone.utc)


@functools.cache
def _key(number: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)  # takes long enough to be made once


@dataclass(frozen=True)
class Issued:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        return self.key.private_bytes(encoding, form, serialization.NoEncryption()).decode()

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    def thumbprint(self, algorithm: str) -> str:
        return base64.urlsafe_b64encode(hashlib.new(algorithm, self.der).digest()).rstrip(b"=").decode()

    def sign(self, claims: Mapping[str, Any], **header: object) -> str:
        """Return a JWT; `x5t#S256` names this certificate unless the header says otherwise. None leaves one out."""
        full = {"alg": "PS256", "typ": "JWT", "x5t#S256": self.thumbprint("sha256"), **header}
        full = {name: value for name, value in full.items() if value is not None}
        key = RSAKey.import_key(self.key_pem)
        return jwt.encode(full, dict(claims), key, algorithms=[str(full["alg"])])


def issue(
    subject: str,
    *,
    by: Issued | None = None,
    ca: bool = False,
    begin: datetime.datetime = _BEGIN,
    end: datetime.datetime = _END,
    key: int = 0,
) -> Issued:
    """Return a certificate.

    :param subject: as RFC 4514 writes names.
    :param by: who issues it; itself unless somebody else does.
    :param ca: whether it may issue others.
    :param key: which of the keys that are made once.
    """
    private = _key(key)
    name = x509.Name.from_rfc4514_string(subject)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name if by is None else by.certificate.subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .sign(private if by is None else by.key, hashes.SHA256())
    )
    return Issued(certificate, private)


def elliptic(subject: str) -> str:
    """Return a certificate whose key is of another kind, PEM."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name.from_rfc4514_string(subject)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_BEGIN)
        .not_valid_after(_END)
        .sign(private, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def x5c(chain: Sequence[Issued]) -> list[str]:
    """Return a chain as a JWT's header has it (RFC 7515 section 4.1.6)."""
    return [base64.b64encode(each.der).decode() for each in chain]
