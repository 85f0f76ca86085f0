"""The file of `azid emulator --script`: what the authority refuses, and what goes wrong on the way."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, PositiveInt, model_validator

from azid.emulator.authority import Emulator
from azid.emulator.faults import Fault
from azid.emulator.json_file import Entry, FileError, read
from azid.emulator.refusals import Refusal

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["RefusalEntry", "apply_script", "read_script"]

_Endpoint = Literal[
    "authorize", "token", "devicecode", "deviceauth", "login", "userrealm", "openid_configuration", "keys", "instance",
    "me", "mex", "usernamemixed", "home",
    "app-service", "azure-arc", "azure-ml", "cloud-shell", "imds", "service-fabric", "pipelines",
    "federated-token",
]  # fmt: skip


_LONGEST_DELAY = 3600.0  # seconds
# RFC 9110 sections 5.6.2 and 5.5.
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


def _checked_header_name(value: str) -> str:
    if not _HEADER_NAME.fullmatch(value):
        raise ValueError("is no name of a header")
    return value


def _checked_header_value(value: str) -> str:
    if not _HEADER_VALUE.fullmatch(value):
        raise ValueError("cannot be in a header: it takes Latin-1 without line breaks")
    return value


_HeaderName = Annotated[str, AfterValidator(_checked_header_name)]
_HeaderValue = Annotated[str, AfterValidator(_checked_header_value)]


class RefusalEntry(Entry):
    """The parameters of `Emulator.refuse`."""

    code: int
    endpoint: Literal["authorize", "token"] | None = None
    grant: str | None = None
    times: PositiveInt | None = None
    error: str | None = None
    suberror: str | None = None
    claims: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _is_known(self) -> Self:
        Refusal(self.code, error=self.error)
        return self

    def apply(self, entra: Emulator, username: str) -> None:
        """Refuse a person."""
        entra.refuse(
            username,
            self.code,
            endpoint=self.endpoint,
            grant=self.grant,
            times=self.times,
            error=self.error,
            suberror=self.suberror,
            claims=json.dumps(self.claims) if self.claims else "",
        )


class _ScriptedRefusal(RefusalEntry):
    user: str | None = None


class _FaultEntry(Entry):
    """The parameters of `Fault`, as far as JSON has them."""

    endpoint: _Endpoint | None = "token"
    grant: str | None = None
    times: PositiveInt | None = 1
    status: Annotated[int, Field(ge=200, le=599)] | None = None
    retry_after: Annotated[float, Field(ge=0)] | None = None
    headers: dict[_HeaderName, _HeaderValue] = Field(default_factory=dict)
    cut: Literal["before", "within"] | None = None
    delay: Annotated[float, Field(ge=0, le=_LONGEST_DELAY)] = 0.0
    body: str | None = None
    content_type: _HeaderValue | None = None
    merge: dict[str, Any] = Field(default_factory=dict)
    remove: tuple[str, ...] = ()
    id_token: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if not self.model_fields_set - {"endpoint", "grant", "times"}:
            raise ValueError("says which requests it meets, but not what goes wrong: give status, cut, delay, body …")
        return self

    def fault(self) -> Fault:
        given = self.model_dump(exclude_unset=True)
        if self.body is not None:
            given["body"] = self.body.encode()
        return Fault(**given)


class _Script(Entry):
    refusals: tuple[_ScriptedRefusal, ...] = ()
    faults: tuple[_FaultEntry, ...] = ()


def read_script(path: Path, usernames: Iterable[str]) -> _Script:
    """Return what the file says.

    :param usernames: of the people whom the authority knows.
    :raises FileError: it cannot be used.
    """
    script = read(path, _Script)
    known = {name.lower() for name in usernames}
    for index, refusal in enumerate(script.refusals):
        if refusal.user is not None and refusal.user.lower() not in known:
            raise FileError(f"{path}: refusals[{index}].user: there is no such person")
    return script


def apply_script(script: _Script, entra: Emulator, usernames: Iterable[str]) -> None:
    """Let the authority behave so; a refusal without a name is everybody's."""
    everybody = list(usernames)
    for refusal in script.refusals:
        for username in [refusal.user] if refusal.user is not None else everybody:
            refusal.apply(entra, username)
    for entry in script.faults:
        entra.inject(entry.fault())
