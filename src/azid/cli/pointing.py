"""How programs are pointed at the emulator: what `azid emulator` prints when it runs."""

from __future__ import annotations

import dataclasses
import json
import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, get_args
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from azid.emulator import Client, Emulator, ManagedIdentity, User

__all__ = ["Pointers"]


class Pointers(NamedTuple):
    """Where the emulator is, and who can sign in.

    :param entra: the emulator, started.
    :param users: the people.
    :param password: of all of them, where it may be shown.
    :param proxy: the proxy's URL, if there is one.
    :param clients: the applications besides Microsoft's own.
    :param identities: the user-assigned managed identities.
    """

    entra: Emulator
    users: Iterable[User]
    password: str | None
    proxy: str | None
    clients: Sequence[Client] = ()
    identities: Sequence[ManagedIdentity] = ()

    def environment(self) -> dict[str, str]:
        """Return the variables that point programs started with them at it."""
        from azid.emulator.programs import proxy_environment

        ca_file = self.entra.ca_file
        if self.proxy is not None:
            return proxy_environment(self.proxy, ca_file)
        return {
            "AZURE_AUTHORITY_HOST": self.entra.authority,
            "REQUESTS_CA_BUNDLE": ca_file,
            "NODE_EXTRA_CA_CERTS": ca_file,
        }

    def as_json(self) -> str:
        """Return everything as one line."""
        password = {} if self.password is None else {"password": self.password}
        return json.dumps({
            "authority": self.entra.authority,
            "pages": self.entra.page_origin,
            "ca_file": self.entra.ca_file,
            "resource_url": self.entra.resource_url,
            "proxy": self.proxy,
            "users": [
                {"username": user.username, "tenant_id": user.tenant_id, "object_id": user.object_id, **password}
                for user in self.users
            ],
            "clients": [
                {
                    "client_id": client.client_id,
                    "name": client.name,
                    "public": client.public,
                    "credentials": client.credential_kinds,
                    "identifier_uri": client.identifier_uri,
                }
                for client in self.clients
            ],
            "identities": [dataclasses.asdict(identity) for identity in self.identities],
            "environment": self.environment(),
            "managed_identity_environments": self.machines(),
        })  # fmt: skip

    def people(self) -> str:
        """Return who can sign in, a line each."""
        lines = ["These people can sign in:"]
        for user in self.users:
            traits = ["second factor"] * user.mfa + ["asked for consent"] * (not user.consented)
            traits += ["federated"] * user.federated + ["disabled"] * (not user.enabled)
            lines.append(f"  {user.username}" + (f"  ({', '.join(traits)})" if traits else ""))
        if self.password is not None:
            lines.append(f"  password: {self.password}")
        return "\n".join(lines)

    def machines(self) -> dict[str, dict[str, str]]:
        """Return the variables that lead programs to the managed identities of each kind of machine."""
        from azid.emulator.managed_identity.kinds import Kind

        return {kind: self.entra.managed_identity_environ(kind) for kind in get_args(Kind)}

    def applications(self) -> str:
        """Return which applications and identities there are, a line each; nothing where there are none."""
        lines = []
        if self.clients:
            lines.append("These applications are known besides Microsoft's own:")
        for client in self.clients:
            kind = "public" if client.public else "confidential"
            traits = ", ".join([kind, *client.credential_kinds])
            name = "" if client.name == client.client_id else f"  {client.name}"
            lines.append(f"  {client.client_id}{name}  ({traits})")
        if self.identities:
            lines.append("These managed identities can be asked for by client ID:")
        lines += [f"  {identity.client_id}  {identity.name}" for identity in self.identities]
        return "".join(f"{line}\n" for line in lines)

    def as_text(self) -> str:
        """Return it for people, with lines to copy."""
        lines = f"""\
The emulator of Microsoft Entra ID runs on this machine until Ctrl-C. Azure accepts none of its tokens.

  endpoints  {self.entra.authority}
  pages      {self.entra.page_origin}
  CA file    {self.entra.ca_file}
  tenants    {", ".join(dict.fromkeys(user.tenant_id for user in self.users))}

{self.people()}
{self.applications()}"""
        return f"{lines}\n{self._behind_the_proxy() if self.proxy else self._directly()}\n"

    def _directly(self) -> str:
        authority = self.entra.authority
        return f"""\
In the shell that your program starts in:
{_exports(self.environment())}

azid, azure-identity: the variables, and  disable_instance_discovery=True
azid's command:       the variables, and  azid login --disable-instance-discovery --scope {_SCOPE}
MSAL for Python:      msal.PublicClientApplication(CLIENT_ID, authority="{authority}/organizations",
                          instance_discovery=False)
MSAL for Node:        new PublicClientApplication({{ auth: {{ clientId, authority: "{authority}/organizations",
                          knownAuthorities: ["{urlsplit(authority).netloc}"] }} }})
{_AZURITE}
{self._as_a_machine()}

Programs that cannot be told where their authority is: azid emulator --proxy -- COMMAND"""

    def _behind_the_proxy(self) -> str:
        return f"""\
For programs that are started with these variables it is login.microsoftonline.com, and no other host is reached:
{_exports(self.environment())}

azid, azure-identity, MSAL for Python, MSAL for Node: nothing more; leave the authority as it is.
A program's page in your own browser: put {self.entra.page_origin} in the place of https://login.microsoftonline.com
{_AZURITE}
{self._as_a_machine()}

Programs that run so use your real home, and its token caches. A private one: azid emulator --proxy -- COMMAND"""

    def _as_a_machine(self) -> str:
        return f"""\
Managed identities:   {" ".join(f"{name}={value}" for name, value in self.machines()["imds"].items())}
                          is a virtual machine; other kinds of machines: azid emulator --output json"""


_SCOPE = "https://graph.microsoft.com/.default"  # the command has no default where it does not know the cloud

_AZURITE = """\
Azurite:              azurite-blob --oauth basic --cert CERTIFICATE --key KEY
                          takes tokens for https://storage.azure.com/.default as they are"""


def _exports(variables: Mapping[str, str]) -> str:
    """Return the lines that set variables: PowerShell's on Windows, elsewhere those of bash, zsh and fish."""
    if os.name == "nt":
        return "\n".join(f"  $env:{name} = {_quoted(value)}" for name, value in variables.items())
    return "\n".join(f"  export {name}={shlex.quote(value)}" for name, value in variables.items())


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'" if os.name == "nt" else json.dumps(text)
