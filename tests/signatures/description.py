"""What a library offers, as far as programs can see it: names, parameters, documented keywords, bases, values.

Run as a program, by either library's Python, it prints the description of the modules that its arguments name, as JSON.
It uses nothing but the standard library, and neither library's own modules.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
import sys
from typing import Any, TypedDict

__all__ = ["Described", "Parameter", "describe"]

_DOCUMENTED = re.compile(r":(?:keyword|kwarg)\s+(?:[^:\s]+\s+)*?(\w+):")
_DUNDERS = frozenset({"__enter__", "__exit__", "__aenter__", "__aexit__"})


class Parameter(TypedDict):
    """A parameter of a function."""

    kind: str
    """As `inspect` calls it."""
    default: str | None
    """The default as Python writes it; None if there is none."""


class Described(TypedDict):
    """One public name."""

    kind: str
    """``class``, ``function`` or ``value``."""
    value: str
    """A value, as Python writes it."""
    bases: list[str]
    """A class's ancestors that are public names, too, of the same module or azure-core's."""
    functions: dict[str, dict[str, Parameter]]
    """What can be called, with its parameters: the name itself, as ``()``, and a class's methods."""
    documented: list[str]
    """The keywords that a class's documentation names."""
    values: dict[str, str]
    """A class's public values."""


def describe(module_name: str) -> dict[str, Described]:
    """Return the description of every public name of a module."""
    module = importlib.import_module(module_name)
    names = {getattr(module, name): name for name in module.__all__ if inspect.isclass(getattr(module, name))}
    return {name: _described(getattr(module, name), names) for name in module.__all__}


def _described(thing: Any, names: dict[type, str]) -> Described:
    described: Described = {
        "kind": "value",
        "value": "",
        "bases": [],
        "functions": {},
        "documented": [],
        "values": {},
    }
    if inspect.isclass(thing):
        described["kind"] = "class"
        described["bases"] = sorted(
            names.get(base, base.__name__)
            for base in thing.__mro__[1:]
            if base in names or base.__module__.startswith("azure.core.")
        )
        described["documented"] = sorted(set(_DOCUMENTED.findall(_documentation(thing))))
        described["functions"]["()"] = _parameters(thing)
        for name, member in inspect.getmembers(thing):
            if (not name.startswith("_") or name in _DUNDERS) and inspect.isroutine(member):
                described["functions"][name] = _parameters(member)
            elif not name.startswith("_") and not callable(member) and not inspect.isdatadescriptor(member):
                described["values"][name] = repr(member)
    elif callable(thing):
        described["kind"] = "function"
        described["functions"]["()"] = _parameters(thing)
    else:
        described["value"] = repr(thing)
    return described


def _documentation(cls: type) -> str:
    return "\n".join(inspect.getdoc(part) or "" for part in (cls, cls.__init__))  # type: ignore[misc]


def _parameters(function: Any) -> dict[str, Parameter]:
    try:
        signature = inspect.signature(function)
    except ValueError:  # written in C
        return {}
    return {
        parameter.name: {
            "kind": parameter.kind.name,
            "default": None if parameter.default is parameter.empty else _written(parameter.default),
        }
        for parameter in signature.parameters.values()
    }


def _written(value: object) -> str:
    return getattr(value, "__qualname__", None) or repr(value)


if __name__ == "__main__":
    json.dump({name: describe(name) for name in sys.argv[1:]}, sys.stdout)
