"""A test's function in a process of its own that begins as a copy of this one, and may be another user's."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable

import pytest

__all__ = ["NOBODY", "in_fork", "needs_fork", "needs_root"]

NOBODY = 65534
"""A user without rights."""

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
needs_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")


def in_fork(function: Callable[[], object], *, user: int | None = None) -> None:
    """Call `function` in a forked process, as `user` if that is given; fail if it raises."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            if user is not None:
                os.setgid(user)
                os.setuid(user)
            function()
            status = 0
        except BaseException:
            traceback.print_exc(file=sys.__stderr__)
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
