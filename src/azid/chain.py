"""Trying credentials one after another: when to go on, and what to tell if none has a token.

The sync and the async chains share it: it says which call to make next, and they make it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, Final, TypeAlias, TypeVar

from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions
from azure.core.exceptions import ClientAuthenticationError

from azid.error_reply import ErrorReply
from azid.errors import AuthenticationFailedError, CredentialUnavailableError
from azid.tokens.access import IssuedToken

__all__ = [
    "Call",
    "Chain",
    "access_token_call",
    "options_of",
    "others_follow",
    "require_credentials",
    "token_info_call",
]

_LOGGER = logging.getLogger(__name__)

Token = TypeVar("Token", AccessToken, AccessTokenInfo)

Call: TypeAlias = tuple[Callable[[], Any], Callable[[Any], Token]]
"""How to ask a credential: the call, and what makes the token that is wanted of what it returns."""

_SEVERAL: Final[ContextVar[bool]] = ContextVar("azid_trying_several", default=False)


def others_follow() -> bool:
    """Whether the credential that is asked just now is one of several: it should find out soon whether it can serve."""
    return _SEVERAL.get()


class Chain:
    """The credentials of a chain, sync or async, in their order.

    :param name: the chain's name.
    :param credentials: the credentials.
    :param keeps: whether the first that gives a token is the only one that is asked from then on.
    :param goes_on_after: whether the chain goes on after a credential has failed, and was not just unavailable.
    """

    def __init__(
        self,
        name: str,
        credentials: tuple[Any, ...],
        *,
        keeps: bool = False,
        goes_on_after: Callable[[object], bool] = lambda _: False,
    ) -> None:
        self._name = name
        self._credentials = credentials
        self._keeps = keeps
        self._goes_on_after = goes_on_after
        self._kept: Any = None

    def asking(
        self, scopes: tuple[str, ...], call_of: Callable[[Any], Call[Token]]
    ) -> Generator[Callable[[], Any], Any, Token]:
        """Yield the calls to make, one after another, and return the token.

        What a call returns is sent here, what it raises is thrown here.

        :param scopes: the scopes that are asked for.
        :param call_of: returns the call that asks a credential.
        :raises ValueError: there is no scope.
        :raises CredentialUnavailableError: no credential can be used here.
        :raises ~azure.core.exceptions.ClientAuthenticationError: a credential has failed.
        """
        if not scopes:
            raise ValueError("A token needs at least one scope, such as 'https://graph.microsoft.com/.default'.")
        if self._kept is not None:
            make, token_of = call_of(self._kept)
            return token_of((yield make))
        told: list[str] = []
        failed: list[str] = []
        with _trying(len(self._credentials)):
            for credential in self._credentials:
                try:
                    make, token_of = call_of(credential)
                    token = token_of((yield make))
                except Exception as caught:  # credentials may be anybody's code
                    error = caught
                else:
                    _LOGGER.info("%s got a token from %s.", self._name, _name_of(credential))
                    if self._keeps:
                        self._kept = credential
                    return token
                # Where it is not being handled any more: azure-core's errors quote whatever is.
                told.append(f"{_name_of(credential)}: {_in_one_line(error)}")
                if _is_unavailable(error):
                    continue
                failed.append(_name_of(credential))
                if not (isinstance(error, ClientAuthenticationError) and self._goes_on_after(credential)):
                    raise self._failure(error, failed, told) from error
        raise CredentialUnavailableError(self._message(failed, told))

    def _failure(self, error: Exception, failed: list[str], told: list[str]) -> AuthenticationFailedError:
        own = error if isinstance(error, AuthenticationFailedError) else AuthenticationFailedError("")
        response = getattr(error, "response", None)
        return AuthenticationFailedError(
            self._message(failed, told),
            oauth_error=own.oauth_error,
            suberror=own.suberror,
            error_codes=own.error_codes,
            response=response if isinstance(response, ErrorReply) else None,
            claims=own.claims,
        )

    def _message(self, failed: list[str], told: list[str]) -> str:
        """Return what to tell where there is no token: a summary, then a line for each credential."""
        rest = [_name_of(credential) for credential in self._credentials[len(told) :]]
        if failed:
            summary = f"{' and '.join(failed)} failed"
            if len(failed) < len(told):
                summary += ", and of the others none can be used here" if not rest else ""
        elif len(told) == 1:
            summary = "its only credential cannot be used here"
        else:
            summary = f"none of its {len(told)} credentials can be used here"
        lines = [f"{self._name} got no token: {summary}.", *told]
        if rest:
            lines.append(f"Not asked any more: {', '.join(rest)}.")
        message = "\n  ".join(lines)
        _LOGGER.info("%s", message)
        return message


def require_credentials(credentials: tuple[object, ...]) -> None:
    """Refuse to make a chain of no credentials, or of something else.

    :raises ValueError: there is none.
    :raises TypeError: one is none.
    """
    if not credentials:
        raise ValueError("A chain needs at least one credential.")
    for credential in credentials:
        if not (hasattr(credential, "get_token") or hasattr(credential, "get_token_info")):
            raise TypeError(f"A chain is made of credentials, which {type(credential).__name__} is not.")


def options_of(*, claims: str | None, tenant_id: str | None, enable_cae: bool) -> TokenRequestOptions:
    """Return the options that a call gives: those only, since simple credentials take none."""
    options: TokenRequestOptions = {}
    if claims:
        options["claims"] = claims
    if tenant_id:
        options["tenant_id"] = tenant_id
    if enable_cae:
        options["enable_cae"] = True
    return options


def access_token_call(
    credential: Any, scopes: tuple[str, ...], options: TokenRequestOptions, more: dict[str, Any]
) -> Call[AccessToken]:
    """Return the call for a credential's `AccessToken`.

    :param credential: a credential, sync or async, that has `get_token` or `get_token_info` or both.
    :param scopes: the scopes.
    :param options: `claims`, `tenant_id`, `enable_cae`, as `options_of` returns them.
    :param more: keywords for credentials that take more.
    """
    if hasattr(credential, "get_token"):
        return lambda: credential.get_token(*scopes, **options, **more), _itself
    return (
        lambda: credential.get_token_info(*scopes, options=options),
        lambda info: IssuedToken(info.token, info.expires_on).access_token,
    )


def token_info_call(credential: Any, scopes: tuple[str, ...], options: TokenRequestOptions) -> Call[AccessTokenInfo]:
    """Return the call for a credential's `AccessTokenInfo`; the parameters are those of `access_token_call`.

    :raises CredentialUnavailableError: it would pass over an option that makes another kind of token.
    """
    if hasattr(credential, "get_token_info"):
        return lambda: credential.get_token_info(*scopes, options=options), _itself
    if options.get("pop"):
        raise CredentialUnavailableError("It gives no tokens with a proof of possession.")
    return (
        lambda: credential.get_token(*scopes, **options),
        lambda token: IssuedToken(token.token, token.expires_on).token_info,
    )


@contextmanager
def _trying(count: int) -> Iterator[None]:
    token = _SEVERAL.set(count > 1 or _SEVERAL.get())
    try:
        yield
    finally:
        with suppress(ValueError):  # a coroutine that is thrown away may end in another context than it has begun in
            _SEVERAL.reset(token)


def _itself(token: Any) -> Any:
    return token


def _is_unavailable(error: Exception) -> bool:
    """Whether the credential could not try. azure-identity's own error, from its own credentials, counts, too."""
    return isinstance(error, CredentialUnavailableError) or (
        isinstance(error, ClientAuthenticationError)
        and any(cls.__name__ == CredentialUnavailableError.__name__ for cls in type(error).__mro__)
    )


def _name_of(credential: object) -> str:
    name = getattr(credential, "stands_for", None)
    return name if isinstance(name, str) else type(credential).__name__


def _in_one_line(error: Exception) -> str:
    try:
        text = str(getattr(error, "message", None) or error)
    except Exception:  # it is anybody's
        text = ""
    return " ".join(text.split()) or type(error).__name__
