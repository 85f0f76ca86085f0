"""What differs between what two libraries offer, a line each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tests.signatures.description import Described, Parameter

__all__ = ["differences"]

_WITH = frozenset({"__enter__", "__exit__", "__aenter__", "__aexit__"})
"""What `with` calls: it always passes the same, however the parameters are called."""


def differences(theirs: Mapping[str, Described], ours: Mapping[str, Described], module: str = "") -> Iterator[str]:
    """Yield every difference between two modules' public names.

    :param theirs: the names of the module that programs are written for.
    :param ours: those of the module that is to stand in for it.
    :param module: what to write before each name.
    """
    for name in ours.keys() - theirs.keys():
        yield f"{module}{name}: is azid's own"
    for name, described in theirs.items():
        if name in ours:
            yield from _of_name(f"{module}{name}", described, ours[name])
        else:
            yield f"{module}{name}: is missing"


def _of_name(name: str, theirs: Described, ours: Described) -> Iterator[str]:
    if (theirs["kind"], theirs["value"]) != (ours["kind"], ours["value"]):
        yield f"{name}: is another {ours['kind']}"
    for base in {*theirs["bases"]} ^ {*ours["bases"]}:
        yield f"{name}: {'lacks' if base in theirs['bases'] else 'adds'} the base {base}"
    for value, written in theirs["values"].items():
        if ours["values"].get(value) != written:
            yield f"{name}.{value}: is {ours['values'].get(value)} instead of {written}"
    for function, parameters in theirs["functions"].items():
        called = f"{name}()" if function == "()" else f"{name}.{function}()"
        if function not in ours["functions"]:
            yield f"{called}: is missing"
        elif function not in _WITH:
            documented = theirs["documented"] if function == "()" else []
            yield from _of_parameters(called, parameters, ours["functions"][function], documented)


def _of_parameters(
    called: str, theirs: Mapping[str, Parameter], ours: Mapping[str, Parameter], documented: list[str]
) -> Iterator[str]:
    for name, parameter in theirs.items():
        if name not in ours:
            yield f"{called}: lacks {name}"
        elif ours[name] != parameter:
            is_other_kind = ours[name]["kind"] != parameter["kind"]
            yield f"{called}: parameter {name} is {ours[name]['kind' if is_other_kind else 'default']}"
    for name in documented:
        if name not in ours:
            yield f"{called}: lacks the documented {name}"
    # A method of theirs that takes any keyword takes those, too, that ours spells out.
    takes_any = "." in called.removeprefix("aio.") and "VAR_KEYWORD" in {given["kind"] for given in theirs.values()}
    for name in ours.keys() - theirs.keys() - {*documented}:
        is_optional_keyword = ours[name]["kind"] == "KEYWORD_ONLY" and ours[name]["default"] is not None
        if not (takes_any and is_optional_keyword):
            yield f"{called}: adds {name}"
