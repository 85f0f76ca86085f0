"""Warning the program that uses azid, at a line of its own rather than at azid's."""

from __future__ import annotations

import sys
import warnings

__all__ = ["warn"]

_PACKAGE = __name__.partition(".")[0]


def warn(message: str, category: type[Warning]) -> None:
    """Issue a warning that points at the innermost caller outside azid, however many of its functions are between.

    Python shows a `DeprecationWarning` only if it points into the program itself (PEP 565).

    :param message: what to tell.
    :param category: the kind of warning.
    """
    level, frame = 2, sys._getframe(1)  # warnings' `skip_file_prefixes` exists from Python 3.12 on
    while (caller := frame.f_back) is not None and frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE:
        level, frame = level + 1, caller
    warnings.warn(message, category, stacklevel=level)
