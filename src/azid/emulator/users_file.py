"""The file of `azid emulator --users`: people, applications, machines' identities, and tenants."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cryptography import x509
from pydantic import AfterValidator, Field, ValidationInfo

from azid.emulator.applications import Client, Federation, SubjectNameIssuer
from azid.emulator.authority import Emulator
from azid.emulator.certificates import only_certificate
from azid.emulator.directory import DEFAULT_TENANT_ID, GUID, User
from azid.emulator.federation import TOKEN_EXCHANGE_AUDIENCE
from azid.emulator.identities import ManagedIdentity
from azid.emulator.json_file import Entry, FileError, read
from azid.emulator.script_file import RefusalEntry

__all__ = ["People", "read_people"]

_USERNAME = re.compile(r"[^\s@]+@[^\s@]+")


def _checked_guid(value: str) -> str:
    if not GUID.fullmatch(value):
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


def _checked_subject(value: str) -> str:
    try:
        x509.Name.from_rfc4514_string(value)
    except ValueError:
        raise ValueError("must look like CN=app.contoso.example,O=Contoso") from None
    return value


def _checked_issuer(value: str) -> str:
    if not value.startswith("https://"):
        raise ValueError("must be a URL that begins with https://")
    return value


def _read_certificate(value: str, info: ValidationInfo) -> str:
    """Return a certificate that is written here, or in the file that is named here."""
    if "-----BEGIN" in value:
        return only_certificate(value)
    try:
        return only_certificate(Path(str(info.context), value).read_text(encoding="ascii"))
    except OSError as error:
        raise ValueError(f"the file cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError("the file is not in PEM format") from None


_Certificate = Annotated[str, AfterValidator(_read_certificate)]
_Guid = Annotated[str, AfterValidator(_checked_guid)]
_Issuer = Annotated[str, AfterValidator(_checked_issuer)]
_NotEmpty = Annotated[str, Field(min_length=1)]
_RedirectURI = Annotated[str, AfterValidator(_checked_redirect_uri)]
_Subject = Annotated[str, AfterValidator(_checked_subject)]
_Username = Annotated[str, AfterValidator(_checked_username)]


class _UserEntry(Entry):
    """The parameters of `User`."""

    username: _Username
    password: _NotEmpty
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


class _TrustedSubjectEntry(Entry):
    """The parameters of `SubjectNameIssuer`."""

    subject: _Subject
    ca: _Certificate


class _FederationEntry(Entry):
    """The parameters of `Federation`."""

    issuer: _Issuer
    subject: _NotEmpty
    audience: _NotEmpty = TOKEN_EXCHANGE_AUDIENCE


class _ClientEntry(Entry):
    """The parameters of `Client`."""

    client_id: _Guid
    name: str = ""
    redirect_uris: tuple[_RedirectURI, ...] = ()
    family: bool = False
    public: bool = True
    secrets: tuple[_NotEmpty, ...] = Field(default=(), repr=False)
    certificates: tuple[_Certificate, ...] = ()
    trusted_subjects: tuple[_TrustedSubjectEntry, ...] = ()
    federations: tuple[_FederationEntry, ...] = ()
    identifier_uri: str = ""

    def client(self) -> Client:
        given = self.model_dump(exclude_unset=True, exclude={"trusted_subjects", "federations"})
        return Client(
            **given,
            trusted_subjects=tuple(SubjectNameIssuer(**entry.model_dump()) for entry in self.trusted_subjects),
            federations=tuple(Federation(**entry.model_dump()) for entry in self.federations),
        )


class _IdentityEntry(Entry):
    """The parameters of `ManagedIdentity`."""

    client_id: _Guid
    object_id: _Guid = ""
    resource_id: str = ""
    name: str = ""
    tenant_id: _Guid = ""

    def identity(self, tenant_id: str) -> ManagedIdentity:
        return ManagedIdentity(**{"tenant_id": tenant_id, **self.model_dump(exclude_unset=True)})


class People(Entry):
    """What the file says."""

    users: tuple[_UserEntry, ...]
    clients: tuple[_ClientEntry, ...] = ()
    tenants: dict[str, _Guid] = Field(default_factory=dict)
    identities: tuple[_IdentityEntry, ...] = ()
    system_assigned: bool = True

    def accounts(self, tenant_id: str = DEFAULT_TENANT_ID) -> list[User]:
        """Return the people.

        :param tenant_id: GUID of the home tenant of those for whom the file names none.
        """
        return [entry.user(tenant_id) for entry in self.users]

    def applications(self) -> list[Client]:
        """Return the applications."""
        return [entry.client() for entry in self.clients]

    def machine_identities(self, tenant_id: str = DEFAULT_TENANT_ID) -> list[ManagedIdentity]:
        """Return the user-assigned managed identities.

        :param tenant_id: GUID of the tenant of those for whom the file names none.
        """
        return [entry.identity(tenant_id) for entry in self.identities]

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
    _check_once(path, "clients", "application", [entry.client_id for entry in people.clients])
    _check_once(path, "identities", "identity", [entry.client_id for entry in people.identities])
    if not people.users:
        raise FileError(f"{path}: users: nobody could sign in: name at least one person")
    return people


def _check_once(path: Path, name: str, what: str, client_ids: Sequence[str]) -> None:
    known: set[str] = set()
    for index, client_id in enumerate(client_ids):
        if client_id in known:
            raise FileError(f"{path}: {name}[{index}].client_id: this {what} is there twice")
        known.add(client_id)
