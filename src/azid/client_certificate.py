"""Certificates with which applications prove who they are, as PEM or PKCS #12 files hold them.

Entra documentation topic: "Microsoft identity platform application authentication certificate credentials".
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
    from cryptography.x509 import Certificate

__all__ = ["load_client_certificate"]

_PEM_BEGINS: Final = b"-----BEGIN"


def load_client_certificate(
    path: str | None, data: bytes | None, *, password: str | bytes | None, send_chain: bool, name: str = "certificate"
) -> Mapping[str, str]:
    """Return a certificate and its key, in MSAL's form.

    :param path: the file's path; or else
    :param data: the file's bytes.
    :param password: what the key is encrypted with, if it is.
    :param send_chain: whether each request carries the certificates themselves, so that the application's registration
        need name only subject and issuer (`x5c` of RFC 7515 section 4.1.6).
    :param name: what the parameters' names begin with, for errors.
    :raises ValueError: not exactly one of `path` and `data` was given; the file is neither PEM nor PKCS #12; it lacks
        the key or its certificate; the password is wrong; the key is no RSA key.
    :raises TypeError: the file's content was given as text.
    :raises OSError: the file cannot be read.
    """
    if path and data:
        raise ValueError(f"Give '{name}_path' or '{name}_data', not both.")
    if path:
        data = Path(path).read_bytes()
    if not data:
        raise ValueError(f"A certificate is needed: give '{name}_path' or '{name}_data'.")
    if isinstance(data, str):
        raise TypeError("A certificate is given as the bytes of its file, not as text: open the file in mode 'rb'.")
    secret = password.encode() if isinstance(password, str) else password
    key, chain = (_from_pem if _PEM_BEGINS in data else _from_pkcs12)(data, secret or None)
    return _in_msals_form(key, chain, send_chain=send_chain)


def _from_pem(data: bytes, password: bytes | None) -> tuple[PrivateKeyTypes, list[Certificate]]:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from cryptography.x509 import load_pem_x509_certificates

    try:
        chain = load_pem_x509_certificates(data)
    except ValueError:
        raise ValueError("The PEM file holds no certificate, or a malformed one.") from None
    try:
        return load_pem_private_key(data, password), chain
    except TypeError:  # a password for a key that has none, or the other way round
        if password:
            return load_pem_private_key(data, None), chain
        raise ValueError("The certificate's key is encrypted: give its password.") from None
    except ValueError:
        why = "its password is wrong, or it is malformed" if password else "there is none, or it is malformed"
        raise ValueError(f"The certificate's private key cannot be read from the PEM file: {why}.") from None


def _from_pkcs12(data: bytes, password: bytes | None) -> tuple[PrivateKeyTypes, list[Certificate]]:
    from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12

    try:
        loaded = load_pkcs12(data, password)
    except (ValueError, TypeError):
        why = (
            "its password is wrong, or it is no PEM or PKCS #12 file"
            if password
            else ("it is no PEM or PKCS #12 file, or needs a password")
        )
        raise ValueError(f"The certificate cannot be read: {why}.") from None
    if loaded.key is None or loaded.cert is None:
        raise ValueError("The PKCS #12 file must hold a certificate and its private key.")
    return loaded.key, [loaded.cert.certificate, *(other.certificate for other in loaded.additional_certs)]


def _in_msals_form(key: PrivateKeyTypes, chain: list[Certificate], *, send_chain: bool) -> Mapping[str, str]:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.hashes import SHA1
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    if not isinstance(key, RSAPrivateKey):
        raise ValueError("The certificate must have an RSA key: requests are signed with RS256 (RFC 7518 section 3.3).")
    public = key.public_key()
    own = next((certificate for certificate in chain if certificate.public_key() == public), None)
    if own is None:
        raise ValueError("The private key belongs to none of the file's certificates.")
    chain = [own, *(certificate for certificate in chain if certificate != own)]
    form = {
        "private_key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii"),
        # `x5t` of RFC 7515 section 4.1.7: it only names the certificate. Entra knows each by its SHA-1.
        "thumbprint": own.fingerprint(SHA1()).hex(),  # noqa: S303
    }
    if send_chain:
        form["public_certificate"] = "".join(
            certificate.public_bytes(Encoding.PEM).decode("ascii") for certificate in chain
        )
    return form
