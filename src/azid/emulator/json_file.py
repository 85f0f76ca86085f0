"""Files that describe people and behaviour: JSON, read strictly, with errors that say where."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

__all__ = ["Entry", "FileError", "read"]


class FileError(ValueError):
    """A file cannot be used. The message says which, where in it, and why; it quotes no value."""


class Entry(BaseModel):
    """An object in such a file: nothing is converted, and nothing unknown passed over."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


AnyEntry = TypeVar("AnyEntry", bound=Entry)


def read(path: Path, form: type[AnyEntry]) -> AnyEntry:
    """Return what a file says.

    :param path: the file. Its folder is the context of validators: other files are named from there.
    :param form: what it must be.
    :raises FileError: it cannot be read, is no JSON, or says something else; every place is named.
    """
    try:
        # Editors on Windows put a byte order mark first, which may be passed over (RFC 8259 section 8.1).
        text = path.read_bytes().removeprefix(codecs.BOM_UTF8)
        return form.model_validate_json(text, context=path.parent)
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}") from None
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        raise FileError(
            "\n".join(f"{path}: {_problem(each['loc'], each['type'], each['msg'])}" for each in problems)
        ) from None


def _problem(place: tuple[int | str, ...], kind: str, message: str) -> str:
    where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).lstrip(".")
    if kind == "missing":
        return f"{where} is missing"
    if kind == "extra_forbidden":
        return f"{where} is not a field that is known here"
    message = message.removeprefix("Value error, ").replace("Input should be", "must be")
    return f"{where}: {message}" if where else message
