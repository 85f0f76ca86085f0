"""Trying credentials one after another: when to go on, and what to tell if none has a token.

The sync and the async chains share it: it says which call to make next, and they make it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, TypeAlias, TypeVar

from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions
from azure.core.exceptions import ClientAuthenticationError

from azid.error_reply import ErrorReply
from azid.errors import AuthenticationFailedError, CredentialUnavailableError

__all__ = ["Call", "Chain", "access_token_call", "others_follow", "token_info_call"]

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
        with _trying(len(self._credentials)):
            for credential in self._credentials:
                try:
                    make, token_of = call_of(credential)
                    token = token_of((yield make))
                except Exception as error:  # credentials may be anybody's code
                    told.append(f"{_name_of(credential)}: {_in_one_line(error)}")
                    if not self._ends_after(credential, error):
                        continue
                    raise self._failure(credential, error, told) from error
                _LOGGER.info("%s got a token from %s.", self._name, _name_of(credential))
                if self._keeps:
                    self._kept = credential
                return token
        count = len(self._credentials)
        raise CredentialUnavailableError(
            self._message(f"{self._name} got no token: none of its {count} credentials can be used here.", told)
        )

    def _ends_after(self, credential: object, error: Exception) -> bool:
        if isinstance(error, CredentialUnavailableError):
            return False
        return not (isinstance(error, ClientAuthenticationError) and self._goes_on_after(credential))

    def _failure(self, credential: object, error: Exception, told: list[str]) -> AuthenticationFailedError:
        left = len(self._credentials) - len(told)
        rest = f" Those after it ({left}) were not tried." if left else ""
        failed = error if isinstance(error, AuthenticationFailedError) else AuthenticationFailedError("")
        response = getattr(error, "response", None)
        return AuthenticationFailedError(
            self._message(f"{self._name} got no token, because {_name_of(credential)} has failed.{rest}", told),
            oauth_error=failed.oauth_error,
            suberror=failed.suberror,
            error_codes=failed.error_codes,
            response=response if isinstance(response, ErrorReply) else None,
        )

    @staticmethod
    def _message(summary: str, told: list[str]) -> str:
        message = "\n  ".join((summary, *told))
        _LOGGER.info("%s", message)
        return message


def access_token_call(
    credential: Any, scopes: tuple[str, ...], options: TokenRequestOptions, more: dict[str, Any]
) -> Call[AccessToken]:
    """Return the call for a credential's `AccessToken`.

    :param credential: a credential, sync or async, that has `get_token` or `get_token_info` or both.
    :param scopes: the scopes.
    :param options: `claims`, `tenant_id`, `enable_cae`.
    :param more: keywords for credentials that take more.
    """
    if hasattr(credential, "get_token"):
        return lambda: credential.get_token(*scopes, **options, **more), _itself
    return (
        lambda: credential.get_token_info(*scopes, options=options),
        lambda info: AccessToken(info.token, info.expires_on),
    )


def token_info_call(credential: Any, scopes: tuple[str, ...], options: TokenRequestOptions) -> Call[AccessTokenInfo]:
    """Return the call for a credential's `AccessTokenInfo`; the parameters are those of `access_token_call`."""
    if hasattr(credential, "get_token_info"):
        return lambda: credential.get_token_info(*scopes, options=options), _itself
    return (
        lambda: credential.get_token(*scopes, **options),
        lambda token: AccessTokenInfo(token.token, token.expires_on),
    )


@contextmanager
def _trying(count: int) -> Iterator[None]:
    token = _SEVERAL.set(count > 1 or _SEVERAL.get())
    try:
        yield
    finally:
        _SEVERAL.reset(token)


def _itself(token: Any) -> Any:
    return token


def _name_of(credential: object) -> str:
    return getattr(credential, "stands_for", None) or type(credential).__name__


def _in_one_line(error: Exception) -> str:
    return " ".join(str(getattr(error, "message", None) or error or type(error).__name__).split())
