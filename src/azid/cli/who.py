"""Which account a command means, and its tokens without asking anybody."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from azid.cli import active_account, exit_codes
from azid.cli.choosing import choose, is_named, names_of
from azid.cli.failures import CommandFailed
from azid.cli.storage import persistence_options, storage_option
from azid.cli.usernames import complete_username

if TYPE_CHECKING:
    from azure.core.credentials import TokenRequestOptions

    from azid.persistence import TokenCachePersistenceOptions
    from azid.record import AuthenticationRecord
    from azid.tokens.access import TokenInfo

__all__ = ["Account", "Who", "claims_option", "default_scopes", "scope_option", "who_options"]

Command = TypeVar("Command", bound=Callable[..., Any])

scope_option = click.option(
    "--scope",
    "scopes",
    multiple=True,
    metavar="SCOPE",
    help="What a token is for, such as https://graph.microsoft.com/.default; may be repeated. Defaults to the cloud's "
    "Azure Resource Manager.",
)


def default_scopes(authority: str) -> tuple[str, ...]:
    """Return what a token is for unless the person says so: Azure Resource Manager.

    :param authority: the authority, as ``https://host[:port]``.
    :raises click.UsageError: it is of no cloud whose Azure Resource Manager is known.
    """
    from azid.authority import management_scope

    scope = management_scope(authority)
    if scope is None:
        raise click.UsageError(
            f"The Azure Resource Manager of the cloud at {authority} is not known: pass --scope, such as "
            "https://graph.microsoft.com/.default."
        )
    return (scope,)


def _json_object(_: click.Context, __: click.Parameter, claims: str | None) -> str | None:
    try:
        is_object = claims is None or isinstance(json.loads(claims), dict)
    except ValueError:
        is_object = False
    if not is_object:  # what it is instead is not told: claims may be personal
        raise click.UsageError("--claims takes a JSON object, decoded from base64 if the challenge had it encoded.")
    return claims


claims_option = click.option(
    "--claims", metavar="JSON", callback=_json_object, help="Claims that a resource asked for in a challenge."
)


class Who(NamedTuple):
    """What a command's options say of the account, its application and its authority."""

    account: str | None
    client_id: str | None
    tenant: str | None
    authority: str | None
    storage: str
    disable_instance_discovery: bool

    def find(self, scopes: tuple[str, ...] = ()) -> Account:
        """Return the account that is meant: the one that is named, else the active one, else the only one there is.

        :param scopes: what its tokens are to be for. Defaults to the cloud's Azure Resource Manager.
        :raises click.UsageError: an option is malformed, or several accounts may be meant.
        :raises CommandFailed: the account is not signed in, or sign-ins cannot be kept here.
        """
        from azid.authority import aliases, default_authority, host_of, normalize_authority, validate_tenant_id
        from azid.scopes import parse_scopes

        asked = self.authority or os.environ.get("AZURE_AUTHORITY_HOST")
        active = active_account.load()
        try:
            authority = normalize_authority(asked) if asked else default_authority()
            own = normalize_authority(active.record.authority) if active is not None else ""
            # Before anybody is told to sign in with what would be refused there, too.
            if scopes:
                parse_scopes(scopes, method="--scope")
            if self.tenant:
                validate_tenant_id(self.tenant)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
        if active is not None and asked and host_of(own) not in aliases(host_of(authority)):
            active = None
        elif active is not None and not asked:
            authority = own
        if not scopes:
            default_scopes(authority)  # raises before anybody is told to sign in
        place = _Place(
            authority=authority,
            trusted=self.disable_instance_discovery or (active is not None and active.disable_instance_discovery),
            kept=persistence_options(self.storage),
        )
        record = None if active is None else active.record
        if record is None or (self.account is not None and not is_named(record, self.account)):
            record = _in_cache(self, scopes, place, None if record is None else record.client_id)
        # Records of the cache have no port, and another application of the same person's may be meant.
        netloc, client_id = authority.removeprefix("https://"), self.client_id or record.client_id
        return Account(record._replace(authority=netloc, client_id=client_id), self, scopes, place)


class _Place(NamedTuple):
    """Where an account is.

    :param authority: its authority, as ``https://host[:port]``.
    :param trusted: whether the authority is trusted although Microsoft does not know it.
    :param kept: what finds its tokens.
    """

    authority: str
    trusted: bool
    kept: TokenCachePersistenceOptions


class Account(NamedTuple):
    """An account that a command means.

    :param record: the account.
    :param who: what the command's options say.
    :param scopes: what its tokens are to be for.
    :param place: where it is.
    """

    record: AuthenticationRecord
    who: Who
    scopes: tuple[str, ...]
    place: _Place

    def token(self, *, claims: str | None = None, enable_cae: bool = False) -> TokenInfo:
        """Return an access token of the account's, without asking anybody.

        :param claims: claims that a resource asked for.
        :param enable_cae: whether to ask for continuous access evaluation.
        :raises click.UsageError: an option is malformed.
        :raises CommandFailed: a person has to sign in; the failure names the command that does that.
        :raises ~azure.core.exceptions.ClientAuthenticationError: the authority refused or was not reached.
        """
        from azid.credentials.browser import InteractiveBrowserCredential
        from azid.errors import AuthenticationRequiredError

        options: TokenRequestOptions = {"enable_cae": enable_cae}
        if claims:
            options["claims"] = claims
        try:
            with InteractiveBrowserCredential(
                authentication_record=self.record,
                tenant_id=self.who.tenant,
                disable_automatic_authentication=True,
                disable_instance_discovery=self.place.trusted,
                cache_persistence_options=self.place.kept,
            ) as credential:
                return credential.get_token_info(*self.wanted_scopes(), options=options)
        except AuthenticationRequiredError as error:
            # The library says which method to call, which is of no use to who types a command.
            _, _, refusal = error.message.partition("'authenticate'. ")
            why = (
                f"Sign-in needed: the resource asks more of {self.record.username} than the last sign-in showed. Pass "
                "'azid login' the same --claims."
                if claims
                else f"Sign-in needed: no token for {self.record.username} can be had without asking."
            )
            remedy = _login_command(self.who, self.scopes, self.place, self.record)
            raise CommandFailed(f"{why} {refusal}".strip(), exit_codes.SIGN_IN_NEEDED, remedy=remedy) from error
        except ValueError as error:
            raise click.UsageError(str(error)) from None

    def wanted_scopes(self) -> tuple[str, ...]:
        """Return what its tokens are to be for, spelled out.

        :raises click.UsageError: nothing was asked for, and this cloud's Azure Resource Manager is not known.
        """
        return self.scopes or default_scopes(self.place.authority)


def _in_cache(who: Who, scopes: tuple[str, ...], place: _Place, active_client_id: str | None) -> AuthenticationRecord:
    """Return the account that is named, else the only one there is."""
    from azid.authority import aliases, host_of
    from azid.constants import DEVELOPER_SIGN_ON_CLIENT_ID
    from azid.persistent_cache import PersistentCache

    hosts = aliases(host_of(place.authority))
    found = [record for record in PersistentCache(place.kept).accounts() if record.authority in hosts]
    if who.account is None:  # another application's accounts are nobody's business
        own = who.client_id or DEVELOPER_SIGN_ON_CLIENT_ID
        found = [record for record in found if record.client_id == own]
    usual = (who.client_id, active_client_id, DEVELOPER_SIGN_ON_CLIENT_ID)
    meant = choose(found, name=who.account, usual=usual)
    if len(meant) > 1:
        raise click.UsageError(
            f"Several accounts may be meant: {names_of(meant)}. Pass --account or --client-id, or make one the active "
            "account: azid accounts --use USERNAME"
        )
    if not meant:
        subject = f"{who.account} is not" if who.account else "nobody is"
        raise CommandFailed(
            f"Sign-in needed: {subject} signed in here.",
            exit_codes.SIGN_IN_NEEDED,
            remedy=_login_command(who, scopes, place),
        )
    return meant[0]


def _login_command(who: Who, scopes: tuple[str, ...], place: _Place, record: AuthenticationRecord | None = None) -> str:
    """Return what to type to sign in the account that is meant, as it is meant.

    :param record: the account, if it is known.
    """
    import shlex

    from azid.authority import default_authority
    from azid.constants import DEVELOPER_SIGN_ON_CLIENT_ID

    client_id, tenant = who.client_id, who.tenant
    if record is not None:
        client_id = record.client_id
        if tenant is None and not record.home_account_id.endswith(f".{record.tenant_id}"):
            tenant = record.tenant_id  # it was a guest there
    given = {
        "--login-hint": who.account or (record.username if record is not None else None),
        "--client-id": None if client_id == DEVELOPER_SIGN_ON_CLIENT_ID else client_id,
        "--tenant": tenant,
        "--authority": None if place.authority == default_authority() else place.authority,
        "--storage": None if who.storage in ("auto", os.environ.get("AZID_STORAGE")) else who.storage,
    }
    words = ["azid", "login"]
    for option, value in (*(("--scope", scope) for scope in scopes), *given.items()):
        words += [option, value] if value else []
    return shlex.join([*words, "--disable-instance-discovery"] if place.trusted else words)


def who_options(command: Command) -> Command:
    """Give a command the options that say which account it means, as one parameter `who`."""

    @functools.wraps(command)
    def with_who(*args: Any, **kwargs: Any) -> Any:
        return command(*args, who=Who(**{name: kwargs.pop(name) for name in Who._fields}), **kwargs)

    decorated: Any = with_who
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]


_OPTIONS = (
    click.option(
        "--account",
        metavar="USERNAME",
        shell_complete=complete_username,
        help="Whose token. Defaults to the active account: see 'azid accounts'.",
    ),
    click.option(
        "--client-id", metavar="ID", help="The application. Defaults to that of the account, else Microsoft's."
    ),
    click.option("--tenant", metavar="ID|DOMAIN", help="The tenant. Defaults to the account's."),
    click.option(
        "--authority",
        metavar="HOST",
        help="The authority. Defaults to AZURE_AUTHORITY_HOST, else the account's, else the public cloud's.",
    ),
    storage_option,
    click.option(
        "--disable-instance-discovery",
        is_flag=True,
        help="Trust an authority that Microsoft does not know: a private cloud's, or the emulator's.",
    ),
)
