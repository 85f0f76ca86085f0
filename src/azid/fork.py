"""Staying usable in a forked process: what only the parent's threads could release or use is made anew."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["renew_after_fork"]

T = TypeVar("T")

_renewals: weakref.WeakKeyDictionary[Any, Callable[[Any], None]] = weakref.WeakKeyDictionary()


def renew_after_fork(owner: T, renew: Callable[[T], None]) -> None:
    """Call ``renew(owner)`` now, and again in every process that is forked while `owner` exists.

    :param owner: whose locks and connections `renew` makes.
    :param renew: a function that does not refer to `owner` by itself.
    """
    renew(owner)
    _renewals[owner] = renew


def _after_fork_in_child() -> None:
    for owner, renew in list(_renewals.items()):
        renew(owner)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
