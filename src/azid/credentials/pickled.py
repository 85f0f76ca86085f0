"""Pickling credentials that have nothing to carry along but what they were made with."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inspect import Signature

    from typing_extensions import Self

__all__ = ["PickledAsMade"]


class _SignatureOfInit:
    """Tells a class's parameters. `inspect` would take those of `__new__`, which are any."""

    def __get__(self, instance: object, owner: type) -> Signature:
        from inspect import signature

        try:
            own = signature(owner.__init__, eval_str=True)  # type: ignore[misc]
        except NameError:  # somebody's own class has types that are there for type checkers only
            own = signature(owner.__init__)  # type: ignore[misc]
        return own.replace(parameters=[*own.parameters.values()][1:], return_annotation=owner)


class PickledAsMade:
    """Makes a pickle, or a copy, of a constructor's arguments: no token is in it, but the secrets among those are."""

    __signature__ = _SignatureOfInit()
    _arguments: tuple[tuple[Any, ...], dict[str, Any]]

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        made = super().__new__(cls)
        made._arguments = (args, kwargs)
        return made

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[()]]:
        args, kwargs = self._arguments
        return partial(type(self), *args, **kwargs), ()
