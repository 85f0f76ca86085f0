"""A token document in MSAL's unified cache schema: sections of entries under compound keys.

Every MSAL library reads and writes this form. Entries are never changed in place, and entries of other clients and
fields that azid does not know stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from azid.authority import is_guid, is_shared_tenant
from azid.record import AuthenticationRecord
from azid.tokens.access import IssuedToken

if TYPE_CHECKING:
    from azid.tokens.response import TokenResponse

__all__ = [
    "Account",
    "Document",
    "StoredRefreshToken",
    "find_access_token",
    "find_broker_account_id",
    "find_clients",
    "find_refresh_tokens",
    "has_account",
    "has_tokens",
    "write",
]

Entry: TypeAlias = Mapping[str, Any]
Document: TypeAlias = dict[str, dict[str, Entry]]

_ACCESS_TOKEN: Final = "AccessToken"
_REFRESH_TOKEN: Final = "RefreshToken"
_ID_TOKEN: Final = "IdToken"
_ACCOUNT: Final = "Account"
_APP_METADATA: Final = "AppMetadata"
_TOKENS: Final = (_ACCESS_TOKEN, _REFRESH_TOKEN, _ID_TOKEN)
_SHARED_BY_CLIENTS: Final = frozenset({_ACCOUNT, _APP_METADATA})
_MOST_DIGITS: Final = 12
"""Of a time in seconds since the epoch: until the year 33658."""
_BROKER: Final = "broker"
"""The `account_source` of an account that the operating system's broker signed in."""


class Account(NamedTuple):
    """Whose tokens: an account, at an authority that may go by several names, for one client.

    :param home_account_id: MSAL's name for the account; empty for the client itself (RFC 6749 section 4.4).
    :param hosts: the authority's hosts; entries that were filed under any of them match.
    :param client_id: the client.
    """

    home_account_id: str
    hosts: Collection[str]
    client_id: str

    @property
    def home_tenant_id(self) -> str:
        """The tenant that the account is at home in."""
        return self.home_account_id.rpartition(".")[2]

    def owns(self, entry: Entry) -> bool:
        """Whether `entry` is about this account at this authority, for whichever client."""
        return _text(entry, "home_account_id") == self.home_account_id and _text(entry, "environment") in self.hosts

    def owns_as_client(self, entry: Entry) -> bool:
        """Whether `entry` is about this account at this authority, for this client."""
        return self.owns(entry) and _text(entry, "client_id") == self.client_id


class StoredRefreshToken(NamedTuple):
    """A refresh token that may serve an account."""

    secret: str
    family_id: str | None
    """The family of clients that it serves; None where it serves its own client only."""
    modified: int
    """When it was stored, in seconds since the epoch; 0 if unknown."""
    own: bool
    """Whether it was issued to this client, rather than to another of its family."""

    def __repr__(self) -> str:
        return (
            f"StoredRefreshToken(secret='***', family_id={self.family_id!r}, modified={self.modified}, own={self.own})"
        )


def find_access_token(
    document: Document, account: Account, *, tenant_id: str, scopes: Iterable[str], now: float
) -> IssuedToken | None:
    """Return the account's access token of `tenant_id` that covers `scopes` and is valid at `now`.

    Of several it is the one that was obtained last: a resource may have refused the others (CAE).
    """
    wanted, tenant_id = set(scopes), tenant_id.lower()
    is_home = tenant_id == account.home_tenant_id.lower()
    best: tuple[int, IssuedToken] | None = None
    for entry in _entries(document, _ACCESS_TOKEN):
        realm = _text(entry, "realm").lower()
        if (
            # MSAL files a sign-in to a shared tenant under that name; what it got are the home tenant's tokens.
            (realm == tenant_id or (is_home and is_shared_tenant(realm)))
            and account.owns_as_client(entry)
            and wanted <= set(_text(entry, "target").split())
            and not entry.get("key_id")  # bound to a key that is not ours
            and not entry.get("ext_cache_key")  # obtained with parameters that nobody asks for here
        ):
            token = _issued(entry)
            cached_at = _seconds(entry, "cached_at") or 0
            if token and token.expires_on > now and (best is None or cached_at > best[0]):
                best = (cached_at, token)
    return None if best is None else best[1]


def find_refresh_tokens(document: Document, account: Account) -> list[StoredRefreshToken]:
    """Return the refresh tokens that may serve `account`, newest first: the client's own, and its family's."""
    metadata = [
        entry
        for entry in _entries(document, _APP_METADATA)
        if _text(entry, "client_id") == account.client_id and _text(entry, "environment") in account.hosts
    ]
    families = {_text(entry, "family_id") for entry in metadata}
    found: dict[str, StoredRefreshToken] = {}
    for entry in _entries(document, _REFRESH_TOKEN):
        family_id, secret = _text(entry, "family_id"), _text(entry, "secret")
        # A client that has never been used here may belong to a family: only trying can tell.
        is_family = family_id != "" and (not metadata or family_id in families)
        own = account.owns_as_client(entry)
        if secret and (own or (is_family and account.owns(entry))):
            modified = _seconds(entry, "last_modification_time") or 0
            found[secret] = StoredRefreshToken(secret, family_id or None, modified, own)
    return sorted(found.values(), key=lambda token: token.modified, reverse=True)


def find_broker_account_id(document: Document, account: Account) -> str | None:
    """Return the operating system's broker's name for `account` if the broker signed it in, else None."""
    for entry in _entries(document, _ACCOUNT):
        name = entry.get("local_account_id")
        if account.owns(entry) and entry.get("account_source") == _BROKER and isinstance(name, str) and name:
            return name
    return None


def find_clients(document: Document) -> set[tuple[str, str]]:
    """Return the authority's host and the client of whatever tokens there are."""
    entries = (entry for section in _TOKENS for entry in _entries(document, section))
    return {(_text(entry, "environment"), _text(entry, "client_id")) for entry in entries}


def find_accounts(
    document: Document, hosts: Collection[str], client_id: str, *, family: bool = False
) -> list[AuthenticationRecord]:
    """Return the accounts at an authority that have a refresh token or an access token for a client.

    :param family: whether a refresh token for another client of a family will do. Defaults to False.
    """
    usable: dict[str, str] = {}  # home account IDs, and the tenant that issued their tokens to this client
    for section in (_REFRESH_TOKEN, _ACCESS_TOKEN, _ID_TOKEN):
        for entry in _entries(document, section):
            of_family = family and section == _REFRESH_TOKEN and _text(entry, "family_id") != ""
            if (of_family or _text(entry, "client_id") == client_id) and _text(entry, "environment") in hosts:
                home_account_id, realm = _text(entry, "home_account_id"), _text(entry, "realm")
                if home_account_id in usable or section != _ID_TOKEN:
                    usable[home_account_id] = realm or usable.get(home_account_id, "")
    return [
        AuthenticationRecord(
            tenant_id=usable[home_account_id] if is_guid(usable[home_account_id]) else _text(entry, "realm"),
            client_id=client_id,
            authority=_text(entry, "environment"),
            home_account_id=home_account_id,
            username=_text(entry, "username"),
        )
        for home_account_id, entry in {
            _text(entry, "home_account_id"): entry
            for entry in _entries(document, _ACCOUNT)
            if _text(entry, "environment") in hosts
        }.items()
        if home_account_id in usable
    ]


def has_account(document: Document, account: Account) -> bool:
    """Whether `account` is in `document`."""
    return any(account.owns(entry) for entry in _entries(document, _ACCOUNT))


def has_tokens(document: Document, account: Account) -> bool:
    """Whether the client has tokens of `account` in `document`."""
    return any(account.owns_as_client(entry) for section in _TOKENS for entry in _entries(document, section))


def write(
    document: Document,
    response: TokenResponse,
    account: Account,
    *,
    host: str,
    tenant_id: str,
    scopes: Iterable[str],
    grant_type: str | None = None,
) -> None:
    """File what `response` holds.

    The client's earlier refresh tokens of the account give way to a new one, and so do its expired access tokens.

    :param host: the authority's host that the entries are filed under.
    :param tenant_id: the tenant that issued the tokens.
    :param scopes: the scopes that were asked for.
    :param grant_type: how a person signed in (RFC 6749 section 1.3); None for a refresh.
    """
    common = {"home_account_id": account.home_account_id or None, "environment": host}
    ours = {**common, "client_id": account.client_id}
    source = _BROKER if response.broker_account_id else grant_type
    target = " ".join(_target(response.scope, scopes))
    _discard(
        document,
        _ACCESS_TOKEN,
        lambda entry: account.owns_as_client(entry) and (_seconds(entry, "expires_on") or 0) <= response.requested_at,
    )
    access_token = {
        **ours,
        "credential_type": _ACCESS_TOKEN,
        "secret": response.access_token,
        "target": target,
        "realm": tenant_id,
        "token_type": response.token_type,
        "cached_at": str(response.requested_at),
        "expires_on": str(response.expires_on),
        "extended_expires_on": str(response.requested_at + (response.ext_expires_in or response.expires_in)),
    }
    if response.refresh_on is not None:
        access_token["refresh_on"] = str(response.refresh_on)
    _put(document, _ACCESS_TOKEN, access_token)
    if account.home_account_id:
        entry = {
            **common,
            "realm": tenant_id,
            "local_account_id": response.local_account_id,
            "username": response.username,
            "authority_type": "ADFS" if tenant_id == "adfs" else "MSSTS",
            **({"account_source": source} if source else {}),
        }
        _put(document, _ACCOUNT, entry)
    if response.id_token:
        _put(
            document,
            _ID_TOKEN,
            {**ours, "credential_type": _ID_TOKEN, "secret": response.id_token, "realm": tenant_id},
        )
    family = {"family_id": response.family_id} if response.family_id else {}
    if response.refresh_token:
        _discard(document, _REFRESH_TOKEN, account.owns_as_client)
        _put(
            document,
            _REFRESH_TOKEN,
            {
                **ours,
                "credential_type": _REFRESH_TOKEN,
                "secret": response.refresh_token,
                "target": target,
                "last_modification_time": str(response.requested_at),
                **family,
            },
        )
    _put(document, _APP_METADATA, {"client_id": account.client_id, "environment": host, **family})


def remove(document: Document, account: Account) -> None:
    """Take out the client's tokens of `account`, and the account itself unless another client has tokens of it."""
    for section in _TOKENS:
        _discard(document, section, account.owns_as_client)
    others = (entry for section in (_REFRESH_TOKEN, _ID_TOKEN) for entry in _entries(document, section))
    if not any(account.owns(entry) for entry in others):
        _discard(document, _ACCOUNT, account.owns)


def _target(granted: Iterable[str] | None, asked: Iterable[str]) -> list[str]:
    """Return what an access token is to be found by: what was granted, and the `.default` that asked for it."""
    if granted is None:
        return sorted(set(asked))
    return sorted({*granted, *(scope for scope in asked if scope.endswith("/.default"))})


def _key(section: str, entry: Entry) -> str:
    """Return the key that MSAL gives `entry`."""
    if section == _APP_METADATA:
        return f"appmetadata-{entry['environment']}-{entry['client_id']}"
    if section == _ACCOUNT:
        parts = [entry["home_account_id"], entry["environment"], entry["realm"]]
    else:
        realm = "" if section == _REFRESH_TOKEN else entry["realm"]  # a refresh token serves every tenant
        parts = [entry["home_account_id"] or "", entry["environment"], section, entry["client_id"], realm]
        parts.append(entry.get("target", ""))
    return "-".join(parts).lower()


def _put(document: Document, section: str, entry: Entry) -> None:
    key, entries = _key(section, entry), _section(document, section)
    earlier = entries.get(key)
    if section in _SHARED_BY_CLIENTS and isinstance(earlier, Mapping):
        entry = {**earlier, **entry}  # what other clients have noted there
    document[section] = {**entries, key: entry}


def _discard(document: Document, section: str, unwanted: Callable[[Entry], bool]) -> None:
    entries = _section(document, section)
    kept = {key: entry for key, entry in entries.items() if not (isinstance(entry, Mapping) and unwanted(entry))}
    if len(kept) < len(entries):
        document[section] = kept


def _entries(document: Document, section: str) -> Iterator[Entry]:
    return (entry for entry in _section(document, section).values() if isinstance(entry, Mapping))


def _section(document: Document, section: str) -> dict[str, Entry]:
    """Return a section; an empty one where another program has left something else."""
    entries = document.get(section)
    return entries if isinstance(entries, dict) else {}


def _issued(entry: Entry) -> IssuedToken | None:
    expires_on, secret = _seconds(entry, "expires_on"), _text(entry, "secret")
    if expires_on is None or not secret:
        return None
    token_type = _text(entry, "token_type") or "Bearer"
    return IssuedToken(secret, expires_on, token_type=token_type, refresh_on=_seconds(entry, "refresh_on"))


def _text(entry: Entry, name: str) -> str:
    value = entry.get(name)
    return value if isinstance(value, str) else ""


def _seconds(entry: Entry, name: str) -> int | None:
    """Return a time that MSAL writes as text, or None where there is none that makes sense."""
    value = entry.get(name)
    if isinstance(value, str) and len(value) > _MOST_DIGITS:
        return None
    try:
        seconds = int(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return seconds if 0 <= seconds < 10**_MOST_DIGITS else None
