"""How applications prove who they are at the token endpoint: RFC 6749 section 2.3, RFC 7523 section 2.2.

Source: Entra documentation, "Certificate credentials for application authentication" and "Workload identity
federation". An assertion may be sent again until it expires, as Entra allows and MSAL does.
"""

from __future__ import annotations

import enum
import hmac
from collections.abc import Mapping
from typing import Final

from cryptography import x509

from azid.clock import Clock
from azid.emulator import certificates
from azid.emulator.applications import Client, SubjectNameIssuer
from azid.emulator.assertion import SignedAssertion
from azid.emulator.directory import Tenant
from azid.emulator.federation import Issuers
from azid.emulator.refusals import Refusal
from azid.emulator.signer import in_time
from azid.emulator.tls import LOGIN_HOSTS

__all__ = ["ClientAuthentication", "Proof"]

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LONGEST_LIFETIME = 24 * 3600  # seconds

# What only confidential applications may ask for, and the code that says that a credential is missing.
_CONFIDENTIAL_GRANTS: Final = {
    "client_credentials": 7000216,
    "urn:ietf:params:oauth:grant-type:jwt-bearer": 7000218,
}


class Proof(enum.Enum):
    """What an application proved itself with. The value is an access token's `appidacr`."""

    NOTHING = "0"
    SECRET = "1"
    ASSERTION = "2"


class ClientAuthentication:
    """Checks what a request to the token endpoint says of its client.

    :param issuers: those whose tokens federations may name.
    """

    def __init__(self, clock: Clock, issuers: Issuers) -> None:
        self._clock = clock
        self._issuers = issuers

    def check(self, client: Client, tenant: Tenant, form: Mapping[str, str], host: str) -> Proof:
        """Return what the client proved itself with.

        :param form: the request's body.
        :param host: of this token endpoint, with its port.
        :raises Refusal: 7000216 or 7000218 where a credential is missing, 700025 where a public client sends one,
            7000215 for a wrong secret, and for an assertion what is wrong with it.
        """
        secret, assertion = form.get("client_secret"), form.get("client_assertion")
        if not (secret or assertion):
            code = _CONFIDENTIAL_GRANTS.get(form.get("grant_type", ""))
            if code is None and client.public:
                return Proof.NOTHING
            raise Refusal(code or 7000218)
        if client.public and not client.credential_kinds:
            raise Refusal(700025)
        if secret and assertion:
            raise Refusal(9002313, "It has both a client_secret and a client_assertion.")
        if secret:
            matches = [hmac.compare_digest(secret.encode(), known.encode()) for known in client.secrets]
            if not any(matches):
                raise Refusal(7000215)
            return Proof.SECRET
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise Refusal(9002313, f"client_assertion_type is not {ASSERTION_TYPE}.")
        self._check_assertion(client, tenant, assertion or "", host)
        return Proof.ASSERTION

    def _check_assertion(self, client: Client, tenant: Tenant, text: str, host: str) -> None:
        assertion = SignedAssertion.parse(text)
        if "://" in str(assertion.claims.get("iss")):  # another issuer has a URL, an application its GUID
            self._check_federated(client, assertion, text)
        else:
            self._check_own(client, tenant, assertion, host)

    def _check_own(self, client: Client, tenant: Tenant, assertion: SignedAssertion, host: str) -> None:
        """Check what the application itself signed."""
        self._check_signature(client, assertion)
        claims = assertion.claims
        own = client.client_id.lower()
        if any(str(claims.get(name)).lower() != own for name in ("iss", "sub")):
            raise Refusal(700021)
        if str(claims.get("aud")).lower().rstrip("/") not in _audiences(tenant, host):
            raise Refusal(700023)
        now = self._clock.time()
        if not in_time(claims, now):
            raise Refusal(700024)
        if claims["exp"] - claims.get("nbf", now) > _LONGEST_LIFETIME:
            raise Refusal(700024, "It would be good for more than a day.")

    def _check_signature(self, client: Client, assertion: SignedAssertion) -> None:
        if not assertion.names_certificate:
            raise Refusal(700027, "Its header names no certificate: it needs x5t, x5t#S256 or x5c.")
        now, chain = self._clock.time(), assertion.chain
        named = assertion.thumbprints or certificates.thumbprints(chain[0])
        for certificate in map(certificates.load, client.certificates):
            if named.items() <= certificates.thumbprints(certificate).items():
                if not certificates.is_valid(certificate, now):
                    raise Refusal(700027, "The certificate has expired, or is not valid yet.")
                break
        else:
            if not (chain and client.trusted_subjects):
                raise Refusal(700027, "The certificate is not registered for this application.")
            if not any(_is_trusted(chain, trusted, now) for trusted in client.trusted_subjects):
                raise Refusal(700030)
            certificate = chain[0]
        if not assertion.is_signed_by(certificates.public_key(certificate)):
            raise Refusal(700027, "The key of the certificate did not make the signature.")

    def _check_federated(self, client: Client, assertion: SignedAssertion, text: str) -> None:
        """Check what another issuer signed; Entra looks for the issuer first, then the audience, then the subject."""
        claims = assertion.claims
        known = client.federations
        if not known:
            raise Refusal(70025)
        known = tuple(each for each in known if each.issuer == claims.get("iss"))
        if not known:
            raise Refusal(700211)
        if self._issuers.verified(text) is None:
            raise Refusal(700027, "The emulator signed no such token in this issuer's name.")
        sent = claims.get("aud")
        audiences = sent if isinstance(sent, list) else [sent]
        known = tuple(each for each in known if each.audience in audiences)
        if not known:
            raise Refusal(700212)
        if not any(each.subject == claims.get("sub") for each in known):
            raise Refusal(700213)
        if not in_time(claims, self._clock.time()):
            raise Refusal(700024)


def _is_trusted(chain: list[x509.Certificate], trusted: SubjectNameIssuer, now: float) -> bool:
    named = chain[0].subject == x509.Name.from_rfc4514_string(trusted.subject)
    return named and certificates.leads_to(chain, certificates.load(trusted.ca), now)


def _audiences(tenant: Tenant, host: str) -> set[str]:
    """Return what an assertion for this token endpoint may have as `aud`: its URL, or the tenant's issuer."""
    return {
        f"https://{each}/{name}/{path}".lower()
        for each in (host, *LOGIN_HOSTS)
        for name in (tenant.segment, tenant.canonical)
        for path in ("oauth2/v2.0/token", "v2.0")
    }
