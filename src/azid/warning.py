"""Warning the program that uses azid, at a line of its own rather than at azid's."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["warn", "warned_already"]

_PACKAGE = __name__.partition(".")[0]
_IS_SILENT: ContextVar[bool] = ContextVar("azid_warned_already", default=False)


@contextmanager
def warned_already() -> Iterator[None]:
    """Return a context in which `warn` is silent, as whoever enters it has said the same. Other threads are not."""
    token = _IS_SILENT.set(True)
    try:
        yield
    finally:
        _IS_SILENT.reset(token)


def warn(message: str, category: type[Warning]) -> None:
    """Issue a warning that points at the innermost caller outside azid, however many of its functions are between.

    Python shows a `DeprecationWarning` only if it points into the program itself (PEP 565).

    :param message: what to tell.
    :param category: the kind of warning.
    """
    if _IS_SILENT.get():
        return
    level, frame = 2, sys._getframe(1)  # warnings' `skip_file_prefixes` exists from Python 3.12 on
    while (caller := frame.f_back) is not None and frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE:
        level, frame = level + 1, caller
    warnings.warn(message, category, stacklevel=level)
