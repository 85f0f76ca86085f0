"""Linux: a key that the kernel keeps in memory for one user, and never on disk.

It is in the user's persistent keyring, which outlives a logout by three days (`persistent_keyring_expiry` under
`/proc/sys/kernel/keys`) and starts that time anew with each use; in a kernel without such keyrings, in the user
keyring, which ends with the user's last process. A restart of the machine ends both.

Sources: the manual pages keyrings(7), persistent-keyring(7), user-keyring(7), thread-keyring(7), add_key(2), keyctl(2).
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import secrets
import sys
from typing import Final

from azid.errors import EncryptionUnavailableError

__all__ = ["KEY_SIZE", "SYSTEM_CALLS", "KernelKey", "KernelKeyUnavailableError"]

KEY_SIZE: Final = 32
"""Of a key, in bytes."""

SYSTEM_CALLS: Final = {
    "x86_64": (248, 250),
    "aarch64": (217, 219),
    "loongarch64": (217, 219),
    "riscv64": (217, 219),
    "ppc64le": (269, 271),
    "s390x": (278, 280),
}
"""The numbers of add_key and keyctl on each machine's 64-bit interface: unlike these calls' wrappers in libkeyutils,
which is a library of its own, they are always there."""

# From the kernel's include/uapi/linux/keyctl.h.
_THREAD_KEYRING: Final = -1
_USER_KEYRING: Final = -4
_LINK: Final = 8
_UNLINK: Final = 9
_SEARCH: Final = 10
_READ: Final = 11
_GET_PERSISTENT: Final = 22

_TYPE: Final = b"user"
_ABSENT: Final = frozenset({errno.ENOKEY, errno.EKEYEXPIRED, errno.EKEYREVOKED})

_REMEDIES: Final = {
    errno.ENOSYS: "It has none, or they are forbidden here.",
    errno.EPERM: "They are forbidden here, as in containers with Docker's default seccomp profile: allow the system "
    "calls add_key and keyctl.",
    errno.EDQUOT: "This user has as many keys as allowed: see maxkeys and maxbytes under /proc/sys/kernel/keys.",
}
_REMEDIES[errno.EACCES] = _REMEDIES[errno.EPERM]


class KernelKeyUnavailableError(EncryptionUnavailableError):
    """The kernel keeps no keys for this program. The message says why, and what to do.

    :param reason: what is in the way.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"Tokens cannot be encrypted under a key of the kernel's. {reason}",
            "Leave 'encryption' out to use the keyring of the desktop, or set allow_unencrypted_storage=True to keep "
            "tokens in a plain file.",
        )


class KernelKey:
    """A random key that this user's programs share by its description.

    :param description: what it is for. Keys of the same description are the same.
    :raises KernelKeyUnavailableError: this is no Linux, or one for a machine that azid does not know.
    """

    def __init__(self, description: str) -> None:
        self._description = description.encode()
        numbers = SYSTEM_CALLS.get(platform.machine()) if sys.maxsize > 2**32 else None
        if sys.platform != "linux" or numbers is None:
            raise KernelKeyUnavailableError(
                "That works on 64-bit Linux, on x86, ARM, POWER, RISC-V, LoongArch and IBM Z."
            )
        self._add_key_number, self._keyctl_number = numbers
        self._system_call = ctypes.CDLL(None, use_errno=True).syscall
        self._system_call.restype = ctypes.c_long

    def __reduce__(self) -> tuple[type[KernelKey], tuple[str]]:
        return KernelKey, (self._description.decode(),)

    def probe(self) -> None:
        """Make sure that the kernel keeps keys for this program.

        :raises KernelKeyUnavailableError: it does not.
        """
        try:
            self._keyring()
            self._add(_THREAD_KEYRING, b"azid probe", b"\0")  # gone with the thread
        except OSError as error:
            raise _unavailable(error) from error

    def read(self) -> bytes | None:
        """Return the key, or None if there is none, or none any more.

        :raises KernelKeyUnavailableError: the kernel keeps no keys for this program.
        """
        try:
            key = self._keyctl(_SEARCH, self._keyring(), _TYPE, self._description, 0)
            buffer = ctypes.create_string_buffer(KEY_SIZE)
            size = self._keyctl(_READ, key, buffer, KEY_SIZE)
        except OSError as error:
            if error.errno in _ABSENT:
                return None
            raise _unavailable(error) from error
        return buffer.raw if size == KEY_SIZE else None

    def create(self) -> bytes:
        """Make a new key, in the place of one that is there, and return it.

        :raises KernelKeyUnavailableError: the kernel keeps no keys for this program.
        """
        key = secrets.token_bytes(KEY_SIZE)
        try:
            self._add(self._keyring(), self._description, key)
        except OSError as error:
            raise _unavailable(error) from error
        return key

    def delete(self) -> None:
        """Forget the key, if there is one: nobody can read any more what was encrypted under it.

        :raises KernelKeyUnavailableError: the kernel keeps no keys for this program.
        """
        try:
            keyring = self._keyring()
            self._keyctl(_UNLINK, self._keyctl(_SEARCH, keyring, _TYPE, self._description, 0), keyring)
        except OSError as error:
            if error.errno not in _ABSENT:
                raise _unavailable(error) from error

    def _keyring(self) -> int:
        """Return the keyring that the key is in.

        It is linked into this thread's own keyring, because a key may be read through a link only. That keyring ends
        with the thread and is not inherited, so that it needs no care.
        """
        try:
            return self._keyctl(_GET_PERSISTENT, -1, _THREAD_KEYRING)
        except OSError as error:
            if error.errno != errno.EOPNOTSUPP:
                raise
        self._keyctl(_LINK, _USER_KEYRING, _THREAD_KEYRING)
        return _USER_KEYRING

    def _add(self, keyring: int, description: bytes, payload: bytes) -> None:
        self._call(self._add_key_number, _TYPE, description, payload, len(payload), keyring)

    def _keyctl(self, operation: int, *arguments: int | bytes | ctypes.Array[ctypes.c_char]) -> int:
        return self._call(self._keyctl_number, operation, *arguments)

    def _call(self, *arguments: int | bytes | ctypes.Array[ctypes.c_char]) -> int:
        # Unless told otherwise, ctypes passes integers with 32 bits.
        result: int = self._system_call(
            *(ctypes.c_long(value) if isinstance(value, int) else value for value in arguments)
        )
        if result < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return result


def _unavailable(error: OSError) -> KernelKeyUnavailableError:
    remedy = _REMEDIES.get(error.errno or 0, "")
    return KernelKeyUnavailableError(f"The kernel answered: {error.strerror}. {remedy}".strip())
