"""Where machines in Azure give their programs tokens: one module for each kind, all behind `Endpoint`."""

from __future__ import annotations

import abc
import enum
import hmac
from collections.abc import Mapping
from typing import ClassVar

from werkzeug.wrappers import Request

from azid.emulator.exchange import JSONReply
from azid.emulator.identities import Identities, IssuedToken, ManagedIdentity
from azid.emulator.listening import Listening

__all__ = ["Endpoint", "Reason", "Refused", "require_metadata", "require_secret"]


class Reason(enum.Enum):
    """What is wrong with a request. Each kind has words and a status of its own for it."""

    HEADER = enum.auto()
    """What tells the machine's programs from a page in a browser is missing."""
    SECRET = enum.auto()
    """A wrong secret."""
    API_VERSION = enum.auto()
    RESOURCE = enum.auto()
    PARAMETER = enum.auto()
    IDENTITY = enum.auto()


class Refused(Exception):  # noqa: N818 - see `Refusal`
    """The machine gives no token.

    :param reason: why.
    :param text: the same in a sentence.
    """

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason
        self.text = text


def require_metadata(request: Request) -> None:
    """Check the header that tells a program of the machine from a page in its browser.

    :raises Refused: it is not there, or does not say `true`.
    """
    if request.headers.get("Metadata") != "true":
        raise Refused(Reason.HEADER, "The header Metadata: true is missing.")


def require_secret(request: Request, header: str, secret: str) -> None:
    """Check the header that has the secret of the program's environment.

    :param header: its name.
    :raises Refused: it is not there, or is wrong.
    """
    sent = request.headers.get(header)
    if sent is None:
        raise Refused(Reason.HEADER, f"The header {header} is missing.")
    if not hmac.compare_digest(sent.encode(), secret.encode()):
        raise Refused(Reason.SECRET, f"The header {header} has another secret than the environment.")


class Endpoint(abc.ABC):
    """One kind of endpoint.

    It takes what is documented, and what Microsoft's libraries send, and refuses anything else.
    """

    kind: ClassVar[str]
    """Its name, which `RecordedRequest.endpoint` has."""
    path: ClassVar[str]
    method: ClassVar[str] = "GET"
    api_versions: ClassVar[tuple[str, ...]]
    """Those it takes; none for an endpoint without versions."""
    identity_parameters: ClassVar[Mapping[str, str]] = {}
    """By which parameters an identity may be named, and what each is of `ManagedIdentity`."""
    other_parameters: ClassVar[frozenset[str]] = frozenset()
    """What may be sent besides, without effect here."""
    echoes_identity: ClassVar[bool] = False
    """Whether the reply repeats which identity was asked for, and so served."""

    def __init__(self, identities: Identities) -> None:
        self._identities = identities

    def answer(self, request: Request) -> JSONReply:
        """Return status, JSON body and headers."""
        try:
            self._admit(request)
            values = self._values(request)
            body = self._reply(self._issue(values))
            if self.echoes_identity:
                body.update({name: values[name] for name in self.identity_parameters if name in values})
            return 200, body, {}
        except Refused as refused:
            return self._refuse(refused)

    @abc.abstractmethod
    def environ(self, where: Listening) -> dict[str, str]:
        """Return the variables that lead programs here.

        :param where: where the emulator is.
        """

    @abc.abstractmethod
    def _admit(self, request: Request) -> None:
        """Look at the headers.

        :raises Refused: `HEADER` or `SECRET`.
        """

    @abc.abstractmethod
    def _reply(self, issued: IssuedToken) -> dict[str, object]:
        """Return the reply's body."""

    @abc.abstractmethod
    def _refuse(self, refused: Refused) -> JSONReply:
        """Return the reply of a refusal."""

    def _values(self, request: Request) -> dict[str, str]:
        sent = request.args if self.method == "GET" else request.form
        known = {"resource", *self.identity_parameters, *self.other_parameters}
        if self.api_versions:
            known.add("api-version")
        for name, each in sent.lists():
            if name not in known:
                raise Refused(Reason.PARAMETER, f"The parameter {name} is not known here.")
            if len(each) > 1:
                raise Refused(Reason.PARAMETER, f"The parameter {name} is there more than once.")
        values = sent.to_dict()
        if self.api_versions and values.get("api-version") not in self.api_versions:
            raise Refused(Reason.API_VERSION, f"api-version must be {' or '.join(self.api_versions)}.")
        resource = values.get("resource", "")
        if not resource:
            raise Refused(Reason.RESOURCE, "The parameter resource is missing.")
        if resource.endswith("/.default"):
            raise Refused(Reason.RESOURCE, "This is a scope: a resource is named without /.default.")
        return values

    def _issue(self, values: Mapping[str, str]) -> IssuedToken:
        return self._identities.issue(self._identity(values), values["resource"])

    def _identity(self, values: Mapping[str, str]) -> ManagedIdentity:
        named = [name for name in self.identity_parameters if name in values]
        if len(named) > 1:
            raise Refused(Reason.PARAMETER, f"Only one of {' and '.join(named)} can name the identity.")
        if named:
            found = self._identities.find(self.identity_parameters[named[0]], values[named[0]])
            if found is None:
                raise Refused(Reason.IDENTITY, "Identity not found")
            return found
        if self._identities.unnamed is None:
            several = len(self._identities.user_assigned) > 1
            raise Refused(Reason.IDENTITY, "Several identities: name one." if several else "Identity not found")
        return self._identities.unnamed
