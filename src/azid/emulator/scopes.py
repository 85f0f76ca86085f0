"""Scopes: which resource a request is for, and what the reply says was granted.

Source: Entra documentation, "Scopes and permissions in the Microsoft identity platform".
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from azid.emulator.refusals import Refusal

__all__ = ["GRAPH", "GRAPH_APP_ID", "Scopes"]

GRAPH = "https://graph.microsoft.com"
GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000"

OPENID_SCOPES = ("openid", "profile", "email", "offline_access")

# What `.default` stands for: the permissions that the emulator's applications hold on a resource.
_DEFAULT_PERMISSIONS = {GRAPH: ("User.Read", "User.ReadBasic.All")}
_ELSEWHERE = ("user_impersonation",)


@dataclass(frozen=True)
class Scopes:
    """The scopes of one request."""

    resource: str
    """What the access token is for: its `aud`. A trailing slash is kept: `https://host//.default` asks for one."""
    permissions: tuple[str, ...]
    """The resource's scopes without the resource's name, `.default` included."""
    openid: tuple[str, ...]
    """Those of OpenID Connect."""

    @classmethod
    def parse(cls, text: str) -> Scopes:
        """Read a `scope` parameter (RFC 6749 section 3.3).

        :raises Refusal: 70011 with `.default` beside other scopes; 28000 for two resources.
        """
        openid: list[str] = []
        wanted: list[tuple[str, str]] = []
        for scope in dict.fromkeys(text.split()):
            if scope.lower() in OPENID_SCOPES:
                openid.append(scope.lower())
                continue
            resource, _, permission = scope.rpartition("/")
            if not permission:
                raise Refusal(70011, "A scope ends with a slash.")
            wanted.append((resource or GRAPH, permission))
        if len({resource for resource, _ in wanted}) > 1:
            raise Refusal(28000)
        permissions = tuple(permission for _, permission in wanted)
        if ".default" in permissions and len(permissions) > 1:
            raise Refusal(70011, "'.default' cannot be combined with other scopes of the resource.")
        resource = wanted[0][0] if wanted else GRAPH
        return cls(resource, permissions or ("User.Read",), tuple(openid))

    def with_openid(self, *openid: str) -> Scopes:
        """Return these and some of OpenID Connect's."""
        return replace(self, openid=tuple(dict.fromkeys((*self.openid, *openid))))

    @property
    def offline_access(self) -> bool:
        return "offline_access" in self.openid

    @property
    def granted(self) -> tuple[str, ...]:
        """The permissions an access token carries: `.default` stands for all that the application holds."""
        if self.permissions == (".default",):
            return _DEFAULT_PERMISSIONS.get(self.resource.rstrip("/"), _ELSEWHERE)
        return self.permissions

    def reply(self, *, with_default: bool) -> str:
        """Return the reply's `scope`: Entra answers with full names, and leaves `offline_access` out.

        :param with_default: whether a request for `.default` finds it among the granted scopes.
        """
        named = [f"{self.resource}/{permission}" for permission in self.granted]
        if with_default and ".default" in self.permissions:
            named.append(f"{self.resource}/.default")
        return " ".join([scope for scope in ("openid", "profile", "email") if scope in self.openid] + named)
