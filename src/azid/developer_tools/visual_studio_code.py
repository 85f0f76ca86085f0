"""Visual Studio Code, whose extension "Azure Resources" signs people in through the operating system's broker."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from azid.authority import normalize_authority, resolve_tenant, validate_tenant_id
from azid.brokers_account import BrokersAccount
from azid.clock import Clock
from azid.errors import CredentialUnavailableError
from azid.msal_client.deferred import public_client
from azid.pipeline import TokenPipeline
from azid.record import AuthenticationRecord
from azid.tokens.request import TokenRequest
from azid.tokens.response import TokenResponse

__all__ = ["VisualStudioCode"]

_CLIENT_ID: Final = "aebc6443-996d-45c2-90f0-388ff96faa56"
"""The client ID of Visual Studio Code's Azure extensions."""
_RECORDS: Final = tuple(
    Path(folder, "ms-azuretools.vscode-azureresourcegroups", "authRecord.json") for folder in (".azure", ".Azure")
)
"""Where the extension leaves the record of the account, in the home."""
_LARGEST_RECORD: Final = 10 * 1024
"""Bytes."""


class VisualStudioCode:
    """Gets tokens of the account that the extension has signed in: a `TokenSource`.

    :param tenant_id: the tenant to ask for tokens of; None for the extension's own choice.
    :param additionally_allowed_tenants: the tenants besides that one that calls may name.
    :param home: returns the folder that has the extension's record.
    :param validate_authority: whether an authority that is not well known must be known to Microsoft.
    :param support_logging: whether MSAL may log personally identifiable information.
    :param pipeline: what requests go through.
    :param clock: what lifetimes are counted by.
    :param load_runtime: loads the broker's runtime.
    """

    def __init__(
        self,
        *,
        tenant_id: str | None,
        additionally_allowed_tenants: tuple[str, ...],
        home: Callable[[], Path],
        validate_authority: bool,
        support_logging: bool,
        pipeline: TokenPipeline,
        clock: Clock,
        load_runtime: Callable[[], object],
    ) -> None:
        self._tenant_id = tenant_id
        self._additionally_allowed_tenants = additionally_allowed_tenants
        self._home = home
        self._settings: dict[str, Any] = {
            "validate_authority": validate_authority,
            "support_logging": support_logging,
            "pipeline": pipeline,
            "clock": clock,
        }
        self._clock = clock
        self._load_runtime = load_runtime
        self._accounts: dict[AuthenticationRecord, BrokersAccount] = {}

    def __call__(self, request: TokenRequest) -> TokenResponse:
        """Return a token for `request`, whose tenant is empty if the caller has named none.

        :raises CredentialUnavailableError: nobody has signed in with the extension, or there is no broker here.
        :raises ~azure.core.exceptions.ClientAuthenticationError: the broker knows no such account, or would have to
            ask; or the tenant is not allowed.
        """
        try:
            home = self._home()
        except RuntimeError:  # as in a container that runs as an arbitrary user
            raise CredentialUnavailableError("This user has no home, where a sign-in could be: set HOME.") from None
        record = _find_record(home)
        tenant_id = resolve_tenant(
            self._tenant_id or record.tenant_id, request.tenant_id or None, self._additionally_allowed_tenants
        )
        return self._account(record)(request._replace(tenant_id=tenant_id))

    def _account(self, record: AuthenticationRecord) -> BrokersAccount:
        if record not in self._accounts:
            msal = public_client(
                client_id=record.client_id, authority=normalize_authority(record.authority), **self._settings
            )
            self._accounts[record] = BrokersAccount(msal, record, self._clock, self._load_runtime)
        return self._accounts[record]


def _find_record(home: Path) -> AuthenticationRecord:
    """Return the record of the account that is signed in.

    :raises CredentialUnavailableError: there is none, or it cannot be used.
    """
    for path in (home / record for record in _RECORDS):
        try:
            with path.open("rb") as file:
                return _parse(file.read(_LARGEST_RECORD + 1))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise _unusable(f"cannot be read: {error.strerror}") from None
    raise CredentialUnavailableError(
        'Nobody has signed in with Visual Studio Code: install its extension "Azure Resources", and sign in there.'
    )


def _parse(text: bytes) -> AuthenticationRecord:
    try:
        values = json.loads(text) if len(text) <= _LARGEST_RECORD else None
    except (ValueError, RecursionError):
        values = None
    names = ("tenantId", "clientId", "authority", "homeAccountId", "username")
    if not isinstance(values, dict) or not all(isinstance(values.get(name), str) and values[name] for name in names):
        raise _unusable("does not name an account")
    record = AuthenticationRecord(*(values[name] for name in names))
    if record.client_id != _CLIENT_ID:
        raise _unusable("is another application's")
    try:
        validate_tenant_id(record.tenant_id)
        normalize_authority(record.authority)
    except ValueError:
        raise _unusable("names an impossible tenant or authority") from None
    return record


def _unusable(why: str) -> CredentialUnavailableError:
    return CredentialUnavailableError(
        f"The record of the account that is signed in with Visual Studio Code {why}. Sign in there again."
    )
