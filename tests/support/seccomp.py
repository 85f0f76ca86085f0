"""Has the Linux kernel refuse system calls to this process, as a container's seccomp profile does."""

from __future__ import annotations

import ctypes
import os
import struct

__all__ = ["refuse"]

_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 22, 38  # prctl(2)
_SECCOMP_MODE_FILTER = 2
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000  # seccomp(2)
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06  # instructions of classic BPF
_NUMBER, _FIRST_ARGUMENT = (
    0,
    16,
)  # offsets in `struct seccomp_data`, the latter of its low half on little-endian machines


def refuse(number: int, error: int, *, first_argument: int | None = None) -> None:
    """Refuse a system call from now on, in this process and those that it starts.

    :param number: of the call.
    :param error: the `errno` that callers get.
    :param first_argument: refuse it only if its first argument is this.
    """
    refusal = [(_RETURN, 0, 0, _ERRNO | error)]
    if first_argument is not None:
        refusal = [(_LOAD, 0, 0, _FIRST_ARGUMENT), (_EQUAL, 0, 1, first_argument), *refusal]
    program = [(_LOAD, 0, 0, _NUMBER), (_EQUAL, 0, len(refusal), number), *refusal, (_RETURN, 0, 0, _ALLOW)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(
        _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, struct.pack("HL", len(program), ctypes.addressof(code))
    ):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
