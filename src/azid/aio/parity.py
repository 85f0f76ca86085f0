"""Taking over what a sync class says of itself: parameters, for type checkers and people alike, and documentation."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

__all__ = ["documented_as", "parameters_of"]

P = ParamSpec("P")
Documented = TypeVar("Documented", bound=Callable[..., object])


def parameters_of(sync: Callable[P, object]) -> Callable[[Callable[..., None]], Callable[Concatenate[Any, P], None]]:
    """Return a decorator of a constructor that takes any parameters: they are those of the class `sync`."""

    def decorate(constructor: Callable[..., None]) -> Callable[Concatenate[Any, P], None]:
        return functools.update_wrapper(constructor, sync.__init__, assigned=("__annotations__",))

    return decorate


def documented_as(sync: object) -> Callable[[Documented], Documented]:
    """Return a decorator that gives a function or a class the documentation of `sync`."""

    def decorate(documented: Documented) -> Documented:
        documented.__doc__ = sync.__doc__
        return documented

    return decorate
