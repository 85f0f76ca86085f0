"""A signed assertion as a client sends it (RFC 7523): taken apart, its signature checked against a key."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from azid.emulator.refusals import Refusal

__all__ = ["SignedAssertion"]

_TYPES = ("JWT", "http://openid.net/specs/jwt/1.0")
_HASH = hashes.SHA256()
# RFC 7518 sections 3.3 and 3.5: for PS256 the salt is as long as the hash.
_PADDINGS: Mapping[object, padding.AsymmetricPadding] = {
    "RS256": padding.PKCS1v15(),
    "PS256": padding.PSS(mgf=padding.MGF1(_HASH), salt_length=_HASH.digest_size),
}


def _decoded(part: str) -> bytes:
    bare = part.rstrip("=")
    return base64.b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True)


@dataclass(frozen=True)
class SignedAssertion:
    """A JWT in compact serialization (RFC 7515 section 3.1), of which nothing has been believed yet.

    joserfc rightly refuses one whose parts are padded. Entra takes them, and azure-identity's async credentials send
    them.
    """

    header: Mapping[str, Any]
    claims: Mapping[str, Any] = field(repr=False)
    _signed: bytes = field(repr=False)
    _signature: bytes = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> SignedAssertion:
        """Take it apart.

        :raises Refusal: 50027 where that cannot be done, 5002727 for another `typ`, 5002738 for an algorithm other
            than RS256 and PS256.
        """
        try:
            signed, _, signature = text.rpartition(".")
            header, claims = (json.loads(_decoded(part)) for part in signed.split("."))
            assertion = cls(header, claims, signed.encode("ascii"), _decoded(signature))
        except ValueError:  # base64's and JSON's, and that of a number of parts other than three
            raise Refusal(50027) from None
        if not (isinstance(header, dict) and isinstance(claims, dict)):
            raise Refusal(50027)
        if header.get("typ", "JWT") not in _TYPES:
            raise Refusal(5002727)
        if header.get("alg") not in tuple(_PADDINGS):
            raise Refusal(5002738)
        return assertion

    @property
    def thumbprints(self) -> dict[str, str]:
        """What its header calls the certificate: `x5t`, `x5t#S256`, or both; unpadded."""
        named = {name: self.header.get(name) for name in ("x5t", "x5t#S256")}
        return {name: value.rstrip("=") for name, value in named.items() if isinstance(value, str)}

    @property
    def names_certificate(self) -> bool:
        """Whether its header says that a certificate's key signed it."""
        return bool(self.thumbprints or self.header.get("x5c"))

    @property
    def chain(self) -> list[x509.Certificate]:
        """The certificates that came along in `x5c`, the signing one first; empty for none.

        :raises Refusal: 700027, they cannot be read.
        """
        sent = self.header.get("x5c", [])
        try:
            bare = ["".join(text.split()) for text in sent]  # MSAL leaves PEM's line breaks in
            return [x509.load_der_x509_certificate(base64.b64decode(text, validate=True)) for text in bare]
        except (AttributeError, TypeError, ValueError, x509.InvalidVersion):
            raise Refusal(700027, "The certificates in x5c cannot be read.") from None

    def is_signed_by(self, key: RSAPublicKey | None) -> bool:
        """Return whether the key made its signature."""
        if key is None:
            return False
        try:
            key.verify(self._signature, self._signed, _PADDINGS[self.header["alg"]], _HASH)
        except InvalidSignature:
            return False
        return True
