"""X.509 certificates of applications: read, named by thumbprint, followed to a CA."""

from __future__ import annotations

import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from azid.emulator.signer import base64url

__all__ = ["is_valid", "leads_to", "load", "only_certificate", "public_key", "thumbprints"]

_LONGEST_CHAIN = 10


def load(pem: str) -> x509.Certificate:
    """Read a certificate; anything else in the text, such as its key, is passed over.

    :raises ValueError: there is none.
    """
    try:
        return x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        raise ValueError("this is no certificate in PEM format: it begins with -----BEGIN CERTIFICATE-----") from None


def only_certificate(pem: str) -> str:
    """Return a text that holds the certificate alone.

    :raises ValueError: there is none, or its key is none of RSA, which is all that Entra takes.
    """
    certificate = load(pem)
    if public_key(certificate) is None:
        raise ValueError("the certificate's key is none of RSA; Entra takes no other")
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def public_key(certificate: x509.Certificate) -> RSAPublicKey | None:
    """Return the certificate's RSA key; None for a key of another kind."""
    key = certificate.public_key()
    return key if isinstance(key, RSAPublicKey) else None


def thumbprints(certificate: x509.Certificate) -> dict[str, str]:
    """Return what the headers `x5t` and `x5t#S256` call it (RFC 7515 sections 4.1.7 and 4.1.8)."""
    sha1 = certificate.fingerprint(hashes.SHA1())  # noqa: S303 - a name, not a proof
    return {"x5t": base64url(sha1), "x5t#S256": base64url(certificate.fingerprint(hashes.SHA256()))}


def is_valid(certificate: x509.Certificate, now: float) -> bool:
    """Return whether it has begun and has not ended.

    :param now: seconds since the epoch.
    """
    moment = datetime.datetime.fromtimestamp(now, datetime.timezone.utc)
    return certificate.not_valid_before_utc <= moment <= certificate.not_valid_after_utc


def leads_to(chain: list[x509.Certificate], ca: x509.Certificate, now: float) -> bool:
    """Return whether the first of the chain was issued, through others of it, by the CA, and all of them are valid.

    Not `cryptography.x509.verification`: its policy is that of web servers and their clients, which asks for names and
    usages that certificates of applications need not have.

    :param now: seconds since the epoch.
    """
    current = chain[0]
    for _ in range(_LONGEST_CHAIN):
        if not is_valid(current, now):
            return False
        issuer = next((other for other in (ca, *chain[1:]) if _issued(other, current)), None)
        if issuer is None:
            return False
        if issuer == ca:
            return is_valid(ca, now)
        current = issuer
    return False


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        if not issuer.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            return False
        certificate.verify_directly_issued_by(issuer)
    except (x509.ExtensionNotFound, InvalidSignature, TypeError, ValueError):
        return False
    return True
