"""What goes wrong, as azure-core's exceptions.

    azure.core.exceptions.ClientAuthenticationError
     ├ AuthenticationFailedError          tried, and failed
     └ CredentialUnavailableError         could not try: something is missing on this machine or in the configuration
        ├ AuthenticationRequiredError     a person has to sign in, and the credential may not ask for it
        ├ BrokerUnavailableError          the operating system's broker cannot be asked; a browser may do instead
        └ EncryptionUnavailableError      nothing encrypts tokens here; a plain file may do instead

No token, code, password, verifier or claims value is part of a message or a repr, and a pickled error holds neither
the request that failed nor a traceback.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import ClientAuthenticationError

from azid.remedies import is_about_the_account

if TYPE_CHECKING:
    from azid.error_reply import ErrorReply

__all__ = [
    "AuthenticationFailedError",
    "AuthenticationRequiredError",
    "BrokerUnavailableError",
    "CredentialUnavailableError",
    "EncryptionUnavailableError",
]

# What azure-core's base class keeps of the moment it was raised in: not picklable, and it leads to frames with secrets.
# And what Entra said for whoever is at hand only.
_UNPICKLED = frozenset({"exc_type", "exc_value", "exc_traceback", "exc_msg", "inner_exception", "claims"})


class _PicklableError(ClientAuthenticationError):
    response: ErrorReply | None  # type: ignore[assignment]

    def __init__(self, message: str | None = None, response: ErrorReply | None = None, **kwargs: Any) -> None:
        # ErrorReply stands in for the response, of which the base class reads just these parts.
        super().__init__(message, response=response, **kwargs)  # type: ignore[arg-type]
        self.message = message or self.message  # the base class prefers what it makes of the reply's body
        self.args = (self.message,)
        # The base class notes what is being handled just now, whose text may quote secrets and whose frames hold them.
        self.exc_type = self.exc_value = self.exc_traceback = None
        self.exc_msg = self.message

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        state = {name: value for name, value in self.__dict__.items() if name not in _UNPICKLED}
        return _unpickled, (type(self), self.message, state)


def _unpickled(cls: type[_PicklableError], message: str, state: dict[str, Any]) -> _PicklableError:
    error = cls.__new__(cls)
    _PicklableError.__init__(error, message)
    error.__dict__.update(state)
    return error


class AuthenticationFailedError(_PicklableError):
    """The authority refused, or its answer could not be used.

    :param message: what happened and what to do next.
    :param oauth_error: the authority's `error` code (RFC 6749 section 5.2), if it answered with one.
    :param suberror: Entra's `suberror`, which narrows an `invalid_grant` down.
    :param error_codes: Entra's AADSTS numbers.
    :param response: the authority's reply.
    :param claims: the claims that Entra wants a new sign-in to satisfy. A service that acts on behalf of a person hands
        them to the program that has called it, which signs the person in with them. A pickle does not have them.
    """

    claims: str | None = None

    def __init__(
        self,
        message: str,
        *,
        oauth_error: str | None = None,
        suberror: str | None = None,
        error_codes: tuple[int, ...] = (),
        response: ErrorReply | None = None,
        claims: str | None = None,
    ) -> None:
        super().__init__(message, response=response)
        self.oauth_error = oauth_error
        self.suberror = suberror
        self.error_codes = error_codes
        self.claims = claims

    @property
    def ends_the_sign_in(self) -> bool:
        """Whether a refused refresh means that the sign-in as a whole has ended, whatever the scope."""
        return is_about_the_account(self.error_codes, self.suberror)

    def explained(self, explanation: str) -> AuthenticationFailedError:
        """Return the same error with `explanation` before its message."""
        return AuthenticationFailedError(
            f"{explanation} {self.message}",
            oauth_error=self.oauth_error,
            suberror=self.suberror,
            error_codes=self.error_codes,
            response=self.response,
            claims=self.claims,
        )


class CredentialUnavailableError(_PicklableError):
    """The credential could not try to sign in: something that it needs is missing here.

    A chain of credentials goes on to the next one upon this error, and upon no other.

    :param message: what is missing and what to do next.
    :param response: the reply that says so, where there was one.
    """


class BrokerUnavailableError(CredentialUnavailableError):
    """The operating system's broker cannot be asked: its runtime does not load, or it does not serve the authority."""


class EncryptionUnavailableError(CredentialUnavailableError):
    """Nothing here encrypts tokens in the way that was asked for.

    :param explanation: why, and what to do about it.
    :param otherwise: how a program asks for another way.
    """

    def __init__(self, explanation: str, otherwise: str) -> None:
        super().__init__(f"{explanation} {otherwise}")
        self.explanation = explanation
        """The message without the other way: the command has options of its own for that."""


class AuthenticationRequiredError(CredentialUnavailableError):
    """A person has to sign in, and the credential may not prompt by itself.

    Raised with `disable_automatic_authentication=True`. Hand `scopes` and `claims` to `authenticate` to sign in.

    :param scopes: the scopes that were asked for.
    :param message: why; a general sentence by default.
    :param claims: the claims that the resource asked for, to be passed on to `authenticate`.
    :param response: the authority's refusal, where there was one.
    """

    def __init__(
        self,
        scopes: Iterable[str],
        message: str | None = None,
        claims: str | None = None,
        *,
        response: ErrorReply | None = None,
        **kwargs: Any,
    ) -> None:
        message = message or "A person has to sign in before a token can be had. Call 'authenticate' for that."
        super().__init__(message, response=response, **kwargs)
        self._scopes = tuple(scopes)
        self._claims = claims

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes that were asked for."""
        return self._scopes

    @property
    def claims(self) -> str | None:
        """The claims that `authenticate` has to ask for, if any."""
        return self._claims
