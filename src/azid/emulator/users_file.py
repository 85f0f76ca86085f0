"""The file of `azid emulator --users`: people, and the applications and tenants that they sign in to."""

from __future__ import annotations

import re
import urllib.parse
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from azid.emulator.applications import Client
from azid.emulator.authority import Emulator
from azid.emulator.directory import DEFAULT_TENANT_ID, User
from azid.emulator.json_file import Entry, FileError, read
from azid.emulator.script_file import RefusalEntry

__all__ = ["People", "read_people"]

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_USERNAME = re.compile(r"[^\s@]+@[^\s@]+")


def _checked_guid(value: str) -> str:
    if not _GUID.fullmatch(value):
        raise ValueError("must be a GUID")
    return value.lower()


def _checked_username(value: str) -> str:
    if not _USERNAME.fullmatch(value):
        raise ValueError("must look like ada@contoso.example")
    return value


def _checked_redirect_uri(value: str) -> str:
    """Check that it is absolute and without a fragment (RFC 6749 section 3.1.2)."""
    try:
        parts = urllib.parse.urlsplit(value)
        is_absolute = bool(parts.scheme and parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_absolute = False
    if not is_absolute or "#" in value:
        raise ValueError("must be an absolute URI without a fragment, such as http://localhost/signed-in")
    return value


_Guid = Annotated[str, AfterValidator(_checked_guid)]
_RedirectURI = Annotated[str, AfterValidator(_checked_redirect_uri)]
_Username = Annotated[str, AfterValidator(_checked_username)]


class _UserEntry(Entry):
    """The parameters of `User`."""

    username: _Username
    password: Annotated[str, Field(min_length=1)]
    name: str = ""
    tenant_id: _Guid = ""
    object_id: _Guid = ""
    mfa: bool = False
    consented: bool = True
    federated: bool = False
    enabled: bool = True
    refusals: tuple[RefusalEntry, ...] = ()

    def user(self, tenant_id: str) -> User:
        return User(**{"tenant_id": tenant_id, **self.model_dump(exclude={"refusals"}, exclude_unset=True)})


class _ClientEntry(Entry):
    """The parameters of `Client`."""

    client_id: _Guid
    name: str = ""
    redirect_uris: tuple[_RedirectURI, ...] = ()
    family: bool = False
    public: bool = True

    def client(self) -> Client:
        return Client(**self.model_dump(exclude_unset=True))


class People(Entry):
    """What the file says."""

    users: tuple[_UserEntry, ...]
    clients: tuple[_ClientEntry, ...] = ()
    tenants: dict[str, _Guid] = Field(default_factory=dict)

    def accounts(self, tenant_id: str = DEFAULT_TENANT_ID) -> list[User]:
        """Return the people.

        :param tenant_id: GUID of the home tenant of those for whom the file names none.
        """
        return [entry.user(tenant_id) for entry in self.users]

    def applications(self) -> list[Client]:
        """Return the applications."""
        return [entry.client() for entry in self.clients]

    def apply_refusals(self, entra: Emulator) -> None:
        """Refuse whom the file says is refused."""
        for entry in self.users:
            for refusal in entry.refusals:
                refusal.apply(entra, entry.username)


def read_people(path: Path) -> People:
    """Return what the file says.

    :raises FileError: it cannot be used.
    """
    people = read(path, People)
    seen: set[str] = set()
    for index, entry in enumerate(people.users):
        try:
            entry.user(DEFAULT_TENANT_ID)
        except ValueError as error:
            raise FileError(f"{path}: users[{index}]: {error}") from None
        if entry.username.lower() in seen:
            raise FileError(f"{path}: users[{index}].username: this person is there twice")
        seen.add(entry.username.lower())
    known: set[str] = set()
    for index, client in enumerate(people.clients):
        if client.client_id in known:
            raise FileError(f"{path}: clients[{index}].client_id: this application is there twice")
        known.add(client.client_id)
    if not people.users:
        raise FileError(f"{path}: users: nobody could sign in: name at least one person")
    return people
