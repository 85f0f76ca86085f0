"""What to do about the AADSTS errors that people meet.

Entra documentation topic: "Microsoft Entra authentication and authorization error codes".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

__all__ = ["is_about_the_account", "remedy"]

_REMEDIES: Final = {
    16000: "Sign in with another account: this one does not exist in that tenant.",
    50011: "Register the redirect URI with the application, as a 'mobile and desktop' platform: http://localhost.",
    50013: "The assertion is refused: pass the access token that your API was sent, unchanged, before it expires.",
    50020: "The account is of another tenant: pass its own tenant as 'tenant_id', or have it invited as a guest.",
    50034: "There is no such user in that tenant: check the user name and 'tenant_id'.",
    50053: "The account is locked after too many attempts: wait, or have its password reset.",
    50055: "The password has expired: sign in through a browser once to set a new one.",
    50056: "The account has no password there: sign in through a browser.",
    50057: "The account is disabled: an administrator can enable it.",
    50059: "The tenant cannot be told: pass 'tenant_id'.",
    50072: "The account has to enrol in multifactor authentication: sign in through a browser.",
    50074: "Multifactor authentication is needed: sign in through a browser or with a device code.",
    50076: "Multifactor authentication is needed: sign in through a browser or with a device code.",
    50079: "The account has to enrol in multifactor authentication: sign in through a browser.",
    50105: "The account is not assigned to the application: an administrator can assign it.",
    50126: "The user name or the password is wrong.",
    50128: "There is no such tenant: check 'tenant_id'.",
    50158: "An external security check is needed: sign in through a browser.",
    50173: "The sign-in was revoked, as after a change of password: sign in again.",
    50194: "The application is single-tenant: pass its tenant as 'tenant_id'.",
    53000: "The tenant's policy wants a managed device: sign in from one, or talk to an administrator.",
    53003: "The tenant's conditional access policy forbids this: an administrator can tell what it wants.",
    54005: "The authorization code was redeemed before: sign in again.",
    65001: "The application lacks consent: sign in through a browser and grant it, or have an administrator do so.",
    65004: "Consent was declined: sign in again and grant it.",
    70008: "The code or the sign-in has expired: sign in again.",
    70011: "The scope is malformed or unknown: check it, e.g. 'https://graph.microsoft.com/.default'.",
    70016: "The person has not finished signing in yet.",
    70021: "The application trusts no such token: add a federated credential with its issuer, subject and audience.",
    70043: "The sign-in is older than the tenant's policy allows: sign in again.",
    90002: "There is no such tenant: check 'tenant_id' and the cloud that 'authority' names.",
    90072: "The account is of another tenant: pass its own tenant as 'tenant_id', or have it invited as a guest.",
    500011: "There is no such resource in that tenant: check the scope and 'tenant_id'.",
    500113: "The application has no redirect URI: register http://localhost as a 'mobile and desktop' platform.",
    501051: "The application is assigned no role of that resource's: an administrator can assign one.",
    530032: "The tenant's security policy forbids this: an administrator can tell what it wants.",
    650052: "The tenant has not subscribed to that resource: an administrator can add its service principal.",
    700016: "There is no such application in that tenant: check 'client_id' and 'tenant_id'.",
    700024: "The assertion is too old or of the future: check this machine's clock.",
    700027: "The certificate is not the application's: add it to the registration, or check 'client_id'.",
    700082: "The sign-in was not used for too long: sign in again.",
    700084: "The sign-in has reached its fixed lifetime: sign in again.",
    700211: "The application trusts no such issuer: compare its federated credential's with the token's.",
    700212: "The application trusts no such audience: compare its federated credential's with the token's.",
    700213: "The application trusts no such subject: compare its federated credential's with the token's.",
    1002012: "An application asks for '/.default' of a resource, e.g. 'https://graph.microsoft.com/.default'.",
    7000112: "The application is disabled: an administrator can enable it.",
    7000215: "The client secret is wrong: pass the secret's value, not its ID, and check 'client_id' and 'tenant_id'.",
    7000218: "The application is no public client: allow public client flows in its registration.",
    7000222: "The client secret has expired: make a new one.",
    7000229: "The application is not in that tenant: check 'tenant_id', or have an administrator consent to it there.",
    9002313: "The request is malformed: check 'client_id', 'tenant_id' and the scopes.",
}
# The sign-in as a whole has ended: no other refresh token of the account, and no other scope, would fare better.
_SIGN_IN_ENDED: Final = frozenset({50057, 50173, 70008, 70043, 700082, 700084})
_SUBERRORS_OF_THE_SIGN_IN: Final = frozenset({"bad_token", "token_expired"})


def remedy(codes: Iterable[int]) -> str | None:
    """Return what to do about the first of the AADSTS `codes` that something is known of."""
    return next((_REMEDIES[code] for code in codes if code in _REMEDIES), None)


def is_about_the_account(codes: Iterable[int], suberror: str | None) -> bool:
    """Whether a refused refresh means that the sign-in as a whole has ended."""
    return suberror in _SUBERRORS_OF_THE_SIGN_IN or not _SIGN_IN_ENDED.isdisjoint(codes)
