"""Applications: how they are registered, and what they may prove themselves with.

Sources: Entra documentation, "Application and service principal objects", "Certificate credentials for application
authentication" and "Workload identity federation".
"""

from __future__ import annotations

import urllib.parse
from dataclasses import dataclass, field

from cryptography import x509

from azid.emulator import certificates
from azid.emulator.federation import DEFAULT_ISSUER, TOKEN_EXCHANGE_AUDIENCE

__all__ = ["KNOWN_CLIENTS", "Client", "Federation", "SubjectNameIssuer"]

_LOOPBACK_REDIRECTS = ("http://localhost", "http://127.0.0.1")
_LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class SubjectNameIssuer:
    """Certificates that are trusted without being registered: all that a CA issues to a name, when sent in `x5c`.

    :param subject: the name, as RFC 4514 writes it: `CN=app.contoso.example,O=Contoso`.
    :param ca: the CA's own certificate, PEM.
    :raises ValueError: one of them cannot be read.
    """

    subject: str
    ca: str = field(repr=False)

    def __post_init__(self) -> None:
        try:
            x509.Name.from_rfc4514_string(self.subject)
        except ValueError:
            raise ValueError(f"a subject looks like CN=app.contoso.example, not {self.subject!r}") from None
        object.__setattr__(self, "ca", certificates.only_certificate(self.ca))


@dataclass(frozen=True)
class Federation:
    """Tokens of another issuer that prove an application: workload identity federation.

    All three are compared letter by letter.

    :param issuer: the token's `iss`, a URL.
    :param subject: the token's `sub`.
    :param audience: the token's `aud`. Defaults to the one that Entra recommends.
    :raises ValueError: the issuer is no URL.
    """

    issuer: str
    subject: str
    audience: str = TOKEN_EXCHANGE_AUDIENCE

    def __post_init__(self) -> None:
        if not self.issuer.startswith("https://"):
            raise ValueError(f"an issuer is a URL such as {DEFAULT_ISSUER}, not {self.issuer!r}")


@dataclass(frozen=True)
class Client:
    """A registered application.

    :param client_id: its GUID.
    :param name: shown on the pages. Defaults to the client id.
    :param redirect_uris: registered ones. A public application's loopback one matches at any port (RFC 8252 section
        7.3); its path must match, where none and "/" are the same. A confidential one's must be sent as it is here.
    :param family: whether it belongs to the family of first-party clients that share refresh tokens (`foci`).
    :param public: whether it may go without a credential. False refuses it at the token endpoint with AADSTS7000218
        when it sends none.
    :param secrets: client secrets; never shown by `repr`.
    :param certificates: PEM. Assertions that one of their keys signed prove the application. Of a file that holds the
        key, too, the certificate alone is kept.
    :param trusted_subjects: "subject name and issuer" authentication.
    :param federations: tokens of other issuers that prove the application.
    :param identifier_uri: the name by which others ask for tokens for it, as an API; its client id is one, too.
        Defaults to `api://<client id>`.
    :raises ValueError: a certificate cannot be read, or its key is none of RSA.
    """

    client_id: str
    name: str = ""
    redirect_uris: tuple[str, ...] = _LOOPBACK_REDIRECTS
    family: bool = False
    public: bool = True
    secrets: tuple[str, ...] = field(default=(), repr=False)
    certificates: tuple[str, ...] = field(default=(), repr=False)
    trusted_subjects: tuple[SubjectNameIssuer, ...] = ()
    federations: tuple[Federation, ...] = ()
    identifier_uri: str = ""

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", self.client_id)
        if not self.identifier_uri:
            object.__setattr__(self, "identifier_uri", f"api://{self.client_id}")
        kept = tuple(certificates.only_certificate(text) for text in self.certificates)
        object.__setattr__(self, "certificates", kept)

    @property
    def credential_kinds(self) -> tuple[str, ...]:
        """What it may prove itself with, in words."""
        kinds = {
            "secret": self.secrets,
            "certificate": self.certificates,
            "subject name and issuer": self.trusted_subjects,
            "federation": self.federations,
        }
        return tuple(kind for kind, registered in kinds.items() if registered)

    @property
    def audiences(self) -> tuple[str, ...]:
        """What a token for this application, as an API, may have as its `aud`."""
        return (self.client_id, self.identifier_uri.rstrip("/"))

    def allows(self, redirect_uri: str) -> bool:
        """Return whether `redirect_uri` may receive this application's codes."""
        try:
            asked = urllib.parse.urlsplit(redirect_uri)
            port = asked.port
        except ValueError:
            return False
        if asked.fragment or asked.username is not None or not asked.hostname:  # RFC 6749 section 3.1.2
            return False
        if not self.public:
            secure = asked.scheme == "https" or (asked.scheme == "http" and asked.hostname == "localhost")
            return secure and redirect_uri in self.redirect_uris
        for uri in self.redirect_uris:
            registered = urllib.parse.urlsplit(uri)
            loopback = registered.hostname in _LOOPBACK_HOSTS
            if (
                (asked.scheme, asked.hostname) == (registered.scheme, registered.hostname)
                and (asked.path or "/", asked.query) == (registered.path or "/", registered.query)
                and (loopback or port == registered.port)
            ):
                return True
        return False


# Public clients of Microsoft's own that people sign in with; the first four share refresh tokens.
KNOWN_CLIENTS = (
    Client("04b07795-8ddb-461a-bbee-02f9e1bf7b46", "Azure CLI", family=True),
    Client("1950a258-227b-4e31-a9cf-717495945fc2", "Azure PowerShell", family=True),
    Client("872cd9fa-d31f-45e0-9eab-6e460a02d1f1", "Visual Studio", family=True),
    Client("aebc6443-996d-45c2-90f0-388ff96faa56", "Visual Studio Code", family=True),
    Client("14d82eec-204b-4c2f-b7e8-296a70dab67e", "Graph Command Line Tools"),
)
