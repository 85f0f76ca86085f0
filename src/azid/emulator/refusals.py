"""What the authority refuses, and how it says so: the AADSTS codes clients meet, as Entra's JSON error replies.

Codes and the OAuth errors they travel under: Entra documentation, "Microsoft Entra authentication and authorization
error codes". The sentences are the emulator's own.
"""

from __future__ import annotations

import datetime
import uuid
from typing import NamedTuple

__all__ = ["CATALOGUE", "Reason", "Refusal"]


class Reason(NamedTuple):
    """What one code means on the wire: the OAuth `error`, a sentence, Entra's `suberror`, the HTTP status."""

    error: str
    text: str
    suberror: str = ""
    status: int = 400


CATALOGUE: dict[int, Reason] = {
    28000: Reason("invalid_scope", "The scopes belong to more than one resource; ask for one resource at a time."),
    50011: Reason("invalid_request", "The redirect URI is not registered for this application."),
    50013: Reason("invalid_grant", "The assertion is no access token that this authority signed."),
    50020: Reason("invalid_grant", "The account lives in another directory and is no guest in this one."),
    50027: Reason("invalid_request", "The assertion is no JSON Web Token."),
    50034: Reason("invalid_grant", "The directory has no account with this name."),
    50049: Reason("invalid_instance", "No cloud is known under this host name."),
    50053: Reason("invalid_grant", "The account is locked after too many failed sign-ins."),
    50055: Reason("invalid_grant", "The password has expired.", "user_password_expired"),
    50057: Reason("invalid_grant", "The account is disabled."),
    50058: Reason("login_required", "Nobody is signed in here, and prompt=none forbids asking."),
    50059: Reason("invalid_request", "An application must name its tenant: it has no home to look for."),
    50072: Reason("interaction_required", "The person must enrol in multifactor authentication.", "basic_action"),
    50074: Reason("interaction_required", "A second factor is required.", "basic_action"),
    50076: Reason("interaction_required", "Multifactor authentication is required for this resource.", "basic_action"),
    50079: Reason("interaction_required", "The person must register a second factor.", "basic_action"),
    50126: Reason("invalid_grant", "The username or the password is wrong."),
    50173: Reason("invalid_grant", "The grant was revoked; a fresh sign-in is needed.", "bad_token"),
    53000: Reason("invalid_grant", "A policy requires a compliant device.", "message_only"),
    53003: Reason("invalid_grant", "A Conditional Access policy blocks this sign-in.", "message_only"),
    54005: Reason("invalid_grant", "The authorization code was redeemed before; its tokens are revoked."),
    65001: Reason("invalid_grant", "Nobody has consented to this application's permissions.", "consent_required"),
    65004: Reason("access_denied", "The person declined.", "cancel"),
    70000: Reason("invalid_grant", "The grant is not valid for this application.", "bad_token"),
    70003: Reason("unsupported_grant_type", "The authority does not support this grant type."),
    70008: Reason("invalid_grant", "The authorization code or refresh token has expired.", "token_expired"),
    70011: Reason("invalid_scope", "The scope parameter is not valid."),
    70016: Reason("authorization_pending", "The person has not finished the sign-in with the device code yet."),
    70018: Reason("bad_verification_code", "The device code is unknown."),
    70020: Reason("expired_token", "The device code has expired."),
    70025: Reason("invalid_client", "The application trusts tokens of no other issuer.", "", 401),
    70043: Reason("invalid_grant", "The sign-in is older than the sign-in frequency policy allows.", "token_expired"),
    90002: Reason("invalid_request", "There is no such tenant.", ""),
    90014: Reason("invalid_request", "A required parameter is missing."),
    500011: Reason("invalid_resource", "The tenant has no resource with this name."),
    500131: Reason("invalid_grant", "The assertion is a token for another application than the one that presents it."),
    500133: Reason("invalid_grant", "The assertion has expired, or is not valid yet."),
    501481: Reason("invalid_grant", "The code verifier does not match the code challenge."),
    700016: Reason("unauthorized_client", "The tenant has no application with this client id."),
    700021: Reason("invalid_client", "Issuer and subject of the assertion are not both the client id.", "", 401),
    700023: Reason(
        "invalid_client", "The assertion's audience is neither this token endpoint nor its issuer.", "", 401
    ),
    700024: Reason("invalid_client", "The assertion has expired, or is not valid yet.", "", 401),
    700025: Reason("invalid_client", "The application is a public client, and sent a credential.", "", 401),
    700027: Reason("invalid_client", "The assertion's signature cannot be trusted.", "", 401),
    700030: Reason(
        "invalid_client", "The certificate's name and issuer are not trusted for this application.", "", 401
    ),
    700082: Reason("invalid_grant", "The refresh token has expired because it was not used.", "token_expired"),
    700211: Reason("invalid_client", "The application trusts no tokens of the assertion's issuer.", "", 401),
    700212: Reason("invalid_client", "The application trusts no tokens of this issuer for this audience.", "", 401),
    700213: Reason("invalid_client", "The application trusts no tokens of this issuer about this subject.", "", 401),
    900144: Reason("invalid_request", "The body lacks a required parameter."),
    900561: Reason("invalid_request", "This endpoint takes POST requests only.", "", 405),
    1002012: Reason("invalid_scope", "An application asks for one scope, and it ends with /.default."),
    5002727: Reason("invalid_request", "The assertion's header says that it is of another type than JWT."),
    5002738: Reason("invalid_request", "The assertion is signed with another algorithm than RS256 and PS256."),
    7000112: Reason("unauthorized_client", "The application is disabled."),
    7000114: Reason("invalid_grant", "A token of an application is no assertion: nobody can be acted for with it."),
    7000215: Reason("invalid_client", "The client secret is wrong.", "", 401),
    7000216: Reason(
        "invalid_client", "An application's own token takes a client_secret or a client_assertion.", "", 401
    ),
    7000218: Reason("invalid_client", "The application is not a public client and sent no credential.", "", 401),
    7000222: Reason("invalid_client", "The client secret has expired.", "", 401),
    9002313: Reason("invalid_request", "The request is malformed."),
    9002325: Reason("invalid_request", "Proof Key for Code Exchange with S256 is mandatory here."),
    90009: Reason("unsupported_response_type", "Only response_type=code is supported."),
}


class Refusal(Exception):  # noqa: N818 - RFC 6749's own word is error, Entra's pages say refusal; this is no failure
    """The authority says no.

    :param code: the number after "AADSTS".
    :param detail: a sentence that is added to the catalogue's.
    :param error: OAuth error code (RFC 6749 section 5.2) instead of the catalogue's.
    :param suberror: instead of the catalogue's.
    :param claims: a claims request (JSON) that the client must send along with its next attempt.
    :raises ValueError: the catalogue lacks the code and no `error` was given.
    """

    def __init__(
        self, code: int, detail: str = "", *, error: str | None = None, suberror: str | None = None, claims: str = ""
    ) -> None:
        reason = CATALOGUE.get(code)
        if reason is None:
            if error is None:
                raise ValueError(f"AADSTS{code} is not in the catalogue: give its OAuth error with error='…'")
            reason = Reason(error, "The request was refused.")
        self.code = code
        self.error = error or reason.error
        self.suberror = reason.suberror if suberror is None else suberror
        self.status = reason.status
        self.claims = claims
        self.text = f"{reason.text} {detail}".rstrip()
        super().__init__(f"AADSTS{code}: {self.text}")

    def body(self, now: float, correlation_id: str) -> dict[str, object]:
        """Return the JSON reply of RFC 6749 section 5.2 with Entra's additions.

        :param now: seconds since the epoch, for the timestamp.
        :param correlation_id: what the client sent as `client-request-id`, or a fresh UUID.
        """
        timestamp = datetime.datetime.fromtimestamp(now, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%SZ")
        trace_id = str(uuid.uuid4())
        body: dict[str, object] = {
            "error": self.error,
            "error_description": (
                f"AADSTS{self.code}: {self.text} Trace ID: {trace_id} "
                f"Correlation ID: {correlation_id} Timestamp: {timestamp}"
            ),
            "error_codes": [self.code],
            "timestamp": timestamp,
            "trace_id": trace_id,
            "correlation_id": correlation_id,
            "error_uri": f"https://login.microsoftonline.com/error?code={self.code}",
        }
        if self.suberror:
            body["suberror"] = self.suberror
        if self.claims:
            body["claims"] = self.claims
        return body
