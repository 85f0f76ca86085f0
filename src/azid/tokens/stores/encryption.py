"""Token documents under keys that the service gives: AES-256-GCM, bound to their place, with key rotation."""

from __future__ import annotations

import json
import os
from typing import Any, Final, NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

__all__ = ["EncryptionKeys", "UnknownKeyError", "UnreadableError", "refuse_to_pickle"]

_KEY_SIZE: Final = 32
_VERSION: Final = b"\x01"
_KEY_ID_SIZE: Final = 8
_NONCE_SIZE: Final = 12  # NIST SP 800-38D section 8.2.2: random nonces have 96 bits
HEADER_SIZE: Final = len(_VERSION) + _KEY_ID_SIZE + _NONCE_SIZE
"""Of what stands in the clear before the ciphertext: version, key ID and nonce. No two sealed values share it."""


class UnknownKeyError(Exception):
    """A value was encrypted under a key that was not given. Nothing is wrong with the value."""


class UnreadableError(Exception):
    """A value is damaged, was tampered with, or was put where it does not belong."""


class _Key:
    """What is derived from one key (RFC 5869 section 2.3): its ID, a key for each place, and names."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self.id = self._derive(b"id", _KEY_ID_SIZE)
        self._name_key = self._derive(b"names", _KEY_SIZE)

    def cipher(self, place: str) -> AESGCM:
        # With a key for each place, random nonces stay far below what one key can bear (NIST SP 800-38D section 8.3).
        return AESGCM(self._derive(b"document " + place.encode(), _KEY_SIZE))

    def name(self, text: str) -> str:
        digest = hmac.HMAC(self._name_key, hashes.SHA256())
        digest.update(text.encode())
        return digest.finalize().hex()

    def _derive(self, purpose: bytes, size: int) -> bytes:
        return HKDFExpand(hashes.SHA256(), size, b"azid token store " + purpose).derive(self._key)


class EncryptionKeys:
    """The keys that a store's documents are encrypted under: written with the current one, read with any of them.

    To rotate them in a service of several processes: first give the new key as a previous one, everywhere; then as the
    current one, everywhere; then call the store's `rewrap`; then leave the old one out.

    Somebody who can write to the store but has no key can put an older document of a person back in its place, or
    remove it; nothing else. Keys are neither shown nor pickled.

    :param current: 32 random bytes, such as ``secrets.token_bytes(32)`` returns. They belong where the service keeps
        its other secrets.
    :param previous: keys that documents in the store may still be encrypted under.
    :raises ValueError: a key is not 32 bytes.
    """

    def __init__(self, current: bytes, *previous: bytes) -> None:
        for key in (current, *previous):
            if not isinstance(key, bytes) or len(key) != _KEY_SIZE:
                raise ValueError(
                    "An encryption key is 32 random bytes. Make one with secrets.token_bytes(32); decode one that is "
                    "kept as text, such as with base64.b64decode."
                )
        self._keys = [_Key(key) for key in dict.fromkeys((current, *previous))]
        self._by_id = {key.id: key for key in self._keys}

    def __reduce__(self) -> NoReturn:
        refuse_to_pickle()

    def seal(self, value: Any, place: str) -> bytes:
        """Return `value` encrypted under the current key.

        :param value: what to encrypt; JSON can hold it.
        :param place: where it will be kept. It can be opened as this place's only.
        """
        return self.encrypt(json.dumps(value, separators=(",", ":")).encode(), place)

    def open(self, sealed: bytes, place: str) -> Any:
        """Return the value in `sealed`.

        :param sealed: what `seal` returned.
        :param place: where it was found.
        :raises UnknownKeyError: it was encrypted under a key that was not given.
        :raises UnreadableError: it is not as `seal` returned it for this place.
        """
        return json.loads(self.decrypt(sealed, place))

    def encrypt(self, data: bytes, place: str) -> bytes:
        """Return `data` encrypted under the current key; else as `seal`."""
        key, nonce = self._keys[0], os.urandom(_NONCE_SIZE)
        header = _VERSION + key.id + nonce
        return header + key.cipher(place).encrypt(nonce, data, _associated_data(header, place))

    def decrypt(self, sealed: bytes, place: str) -> bytes:
        """Return what `encrypt` was given; else as `open`."""
        header, ciphertext = sealed[:HEADER_SIZE], sealed[HEADER_SIZE:]
        if len(header) < HEADER_SIZE or not header.startswith(_VERSION):
            raise UnreadableError("it has no form that this version of azid knows")
        key_id, nonce = header[len(_VERSION) : -_NONCE_SIZE], header[-_NONCE_SIZE:]
        if key_id not in self._by_id:
            raise UnknownKeyError(
                f"The stored tokens were encrypted under the key {key_id.hex()}, which is not among those given "
                f"({', '.join(known.hex() for known in self._by_id)}). Give that key as a previous one."
            )
        try:
            return self._by_id[key_id].cipher(place).decrypt(nonce, ciphertext, _associated_data(header, place))
        except InvalidTag:
            raise UnreadableError("it was damaged, tampered with or moved") from None

    def holds(self, sealed: bytes, place: str, value: Any) -> bool:
        """Whether `sealed` is `value` under the current key, so that it need not be sealed again."""
        return sealed.startswith(_VERSION + self._keys[0].id) and bool(self.open(sealed, place) == value)

    def names(self, text: str) -> list[str]:
        """Return what stands for `text` where it must not be readable: a name under each key, the current first."""
        return [key.name(text) for key in self._keys]


def refuse_to_pickle() -> NoReturn:
    """Refuse to pickle keys, or what has them.

    :raises TypeError: always.
    """
    raise TypeError(
        "Encryption keys are not pickled, and neither is a token store or a credential that has them. Make them in the "
        "process that uses them, the credential with the account's authentication record or partition."
    )


def _associated_data(header: bytes, place: str) -> bytes:
    # The header has a fixed size, so that no other header and place make the same.
    return b"azid token document " + header + place.encode()
