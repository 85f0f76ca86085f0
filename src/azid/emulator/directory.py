"""Who and what the authority knows: users, applications, tenants, and the refusals scripted for one of them."""

from __future__ import annotations

import hmac
import re
import threading
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from azid.emulator.applications import KNOWN_CLIENTS, Client
from azid.emulator.refusals import Refusal

__all__ = ["DEFAULT_TENANT_ID", "GUID", "Directory", "Tenant", "User"]

DEFAULT_TENANT_ID = "3f0c7a52-5a3d-4b1e-9c67-2d1f8e4b7a10"

_OBJECT_NAMESPACE = uuid.UUID("5b5e5a0e-7a0e-4a43-9a57-0f6f7f0c9d21")
_TENANT_ALIASES = ("common", "consumers", "organizations")
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True)
class User:
    """A person's account.

    :param username: the user principal name; its domain names the user's tenant as well.
    :param password: never shown by `repr`.
    :param name: display name. Defaults to one made of the username.
    :param tenant_id: GUID of the home tenant. Defaults to `DEFAULT_TENANT_ID`.
    :param object_id: GUID of the account. Defaults to one derived from the username, the same in every run.
    :param mfa: whether a sign-in needs a second factor; the password grant is then refused with AADSTS50076.
    :param consented: whether applications may act without the consent page. False shows it once per application and
        resource.
    :param federated: whether user-realm discovery sends clients to WS-Trust for the password.
    :param enabled: False refuses every sign-in with AADSTS50057.
    """

    username: str
    password: str = field(repr=False)
    name: str = ""
    tenant_id: str = DEFAULT_TENANT_ID
    object_id: str = ""
    mfa: bool = False
    consented: bool = True
    federated: bool = False
    enabled: bool = True

    def __post_init__(self) -> None:
        local, at, domain = self.username.partition("@")
        if not (local and at and domain):
            raise ValueError(f"a username looks like ada@contoso.example, not {self.username!r}")
        if not GUID.fullmatch(self.tenant_id):
            raise ValueError(f"tenant_id must be a GUID, not {self.tenant_id!r}")
        if not self.name:
            object.__setattr__(self, "name", re.sub(r"[._-]+", " ", local).title())
        if not self.object_id:
            object.__setattr__(self, "object_id", str(uuid.uuid5(_OBJECT_NAMESPACE, self.username.lower())))

    @property
    def domain(self) -> str:
        return self.username.partition("@")[2].lower()

    @property
    def initials(self) -> str:
        """For the account picker."""
        return "".join(word[0] for word in self.name.split()[:2]).upper()

    def object_id_in(self, tenant_id: str) -> str:
        """Return the object id in a tenant: a guest is another object than the home account."""
        if tenant_id == self.tenant_id:
            return self.object_id
        return str(uuid.uuid5(uuid.UUID(tenant_id), self.object_id))


@dataclass(frozen=True)
class Tenant:
    """The first path segment of a request."""

    segment: str
    tenant_id: str | None
    """None where the user's home tenant decides: `common`, `organizations`, `consumers`."""

    @property
    def canonical(self) -> str:
        """What the endpoints of this tenant carry in their paths."""
        return self.tenant_id or self.segment

    def id_for(self, user: User) -> str:
        return self.tenant_id or user.tenant_id


def names(wanted: str | None, grant: str | None) -> bool:
    """Return whether `wanted` means this `grant_type`: None any, a URN's last part the URN."""
    return wanted is None or (grant is not None and wanted in (grant, grant.rpartition(":")[2]))


@dataclass
class _Script:
    code: int
    endpoint: str | None
    grant: str | None
    error: str | None
    suberror: str | None
    claims: str
    left: int | None


class Directory:
    """Users, applications and tenants.

    :param users: the people who can sign in.
    :param clients: applications besides the well-known public ones: `Client`, or a client id alone.
    :param tenants: names of tenants (domains) besides the users' domains, with their GUIDs.
    """

    def __init__(
        self, users: Iterable[User], clients: Iterable[Client | str] | None, tenants: Mapping[str, str] | None
    ) -> None:
        self._lock = threading.Lock()
        self._users: dict[str, User] = {}
        self._tenants = {name.lower(): tenant_id for name, tenant_id in (tenants or {}).items()}
        extra = [client if isinstance(client, Client) else Client(client) for client in clients or ()]
        self._clients = {client.client_id.lower(): client for client in (*KNOWN_CLIENTS, *extra)}
        self.applications = tuple(extra)
        """Those besides the well-known ones."""
        self._scripts: dict[str, list[_Script]] = {}
        self._consents: set[tuple[str, str, str]] = set()
        for user in users:
            self.add_user(user)

    @property
    def users(self) -> list[User]:
        with self._lock:
            return list(self._users.values())

    def add_user(self, user: User) -> None:
        with self._lock:
            self._users[user.username.lower()] = user

    def user(self, username: str) -> User:
        """Return the account.

        :raises Refusal: 50034 for an unknown one.
        """
        with self._lock:
            user = self._users.get(username.strip().lower())
        if user is None:
            raise Refusal(50034)
        return user

    def authenticate(self, username: str, password: str) -> User:
        """Return the account whose password this is.

        :raises Refusal: 50034 unknown account, 50126 wrong password, 50057 disabled account.
        """
        user = self.user(username)
        if not hmac.compare_digest(user.password.encode(), password.encode()):
            raise Refusal(50126)
        if not user.enabled:
            raise Refusal(50057)
        return user

    def client(self, client_id: str | None) -> Client:
        """Return the application.

        :raises Refusal: 90014 without an id, 700016 for an unknown one.
        """
        if not client_id:
            raise Refusal(90014, "It is 'client_id'.")
        client = self._clients.get(client_id.lower())
        if client is None:
            raise Refusal(700016)
        return client

    def tenant(self, segment: str) -> Tenant:
        """Return the tenant a path names: a GUID (any), a user's domain, a name given at construction, an alias.

        :raises Refusal: 90002 for any other name.
        """
        name = segment.lower()
        if name in _TENANT_ALIASES:
            return Tenant(name, None)
        if GUID.fullmatch(name):
            return Tenant(name, name)
        if name in self._tenants:
            return Tenant(name, self._tenants[name])
        for user in self.users:
            if user.domain == name:
                return Tenant(name, user.tenant_id)
        raise Refusal(90002)

    def consented(self, user: User, client: Client, resource: str) -> bool:
        with self._lock:
            return user.consented or (user.object_id, client.client_id, resource) in self._consents

    def consent(self, user: User, client: Client, resource: str) -> None:
        with self._lock:
            self._consents.add((user.object_id, client.client_id, resource))

    def refuse(
        self,
        username: str,
        code: int,
        *,
        endpoint: str | None,
        grant: str | None,
        times: int | None,
        error: str | None,
        suberror: str | None,
        claims: str,
    ) -> None:
        """Script a refusal; see `Emulator.refuse`."""
        Refusal(code, error=error)  # an unknown code fails here, not in the middle of a sign-in
        script = _Script(code, endpoint, grant, error, suberror, claims, times)
        with self._lock:
            self._scripts.setdefault(username.lower(), []).append(script)

    def check_refusals(self, who: User | Client, endpoint: str, grant: str | None = None) -> None:
        """Refuse where a script says so.

        :param who: the person, or the application that asks for itself.
        :raises Refusal: the first scripted one that applies here.
        """
        name = who.username if isinstance(who, User) else who.client_id
        with self._lock:
            for script in self._scripts.get(name.lower(), ()):
                if script.left == 0 or script.endpoint not in (None, endpoint) or not names(script.grant, grant):
                    continue
                if script.left is not None:
                    script.left -= 1
                raise Refusal(script.code, error=script.error, suberror=script.suberror, claims=script.claims)

    def clear(self) -> None:
        """Forget the scripts and the consents given; users and applications stay."""
        with self._lock:
            self._scripts.clear()
            self._consents.clear()
