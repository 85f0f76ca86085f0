"""The credential that asks others, one after another."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from azure.core.credentials import AccessToken, AccessTokenInfo, TokenProvider, TokenRequestOptions

from azid.chain import Chain, access_token_call, options_of, require_credentials, token_info_call
from azid.credentials.pickled import PickledAsMade

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["ChainedTokenCredential"]

Token = TypeVar("Token", AccessToken, AccessTokenInfo)


class ChainedTokenCredential(PickledAsMade):
    """Asks credentials one after another until one has a token.

    It goes on to the next one upon a :class:`CredentialUnavailableError`, and ends upon any other error. Each call
    begins with the first.

    :param credentials: the credentials, of azid or of anybody else.
    :raises ValueError: there is none.
    :raises TypeError: one is none, or one for the other of the two.
    """

    def __init__(self, *credentials: TokenProvider) -> None:
        require_credentials(credentials)
        for credential in credentials:
            if inspect.iscoroutinefunction(
                getattr(credential, "get_token", getattr(credential, "get_token_info", None))
            ):
                raise TypeError(
                    f"{type(credential).__name__} is an async credential: use azid.aio.ChainedTokenCredential, or a "
                    "sync credential."
                )
        self.credentials = credentials
        self._chain = Chain(type(self).__name__, credentials)

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: Any,
    ) -> AccessToken:
        """Return an access token for `scopes`. Azure SDK clients call this.

        :param scopes: the scopes, mostly one, such as ``https://graph.microsoft.com/.default``.
        :param claims: claims that the resource asked for in a challenge.
        :param tenant_id: the tenant to ask instead of each credential's own.
        :param enable_cae: whether to ask for continuous access evaluation. Defaults to False.
        :param kwargs: what else the credentials take.
        :returns: the token, and when it expires in seconds since the epoch.
        :raises ValueError: there is no scope.
        :raises CredentialUnavailableError: none of the credentials can be used here.
        :raises ~azure.core.exceptions.ClientAuthenticationError: one of the credentials failed.
        """
        options = options_of(claims=claims, tenant_id=tenant_id, enable_cae=enable_cae)
        return self._run(
            self._chain.asking(scopes, lambda credential: access_token_call(credential, scopes, options, kwargs))
        )

    def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        """Return an access token for `scopes` with what is known about it. Newer Azure SDK clients call this.

        :param scopes: the scopes, mostly one, such as ``https://graph.microsoft.com/.default``.
        :param options: `claims`, `tenant_id` and `enable_cae` as `get_token` takes them, and what else the credentials
            take.
        :raises ValueError: there is no scope.
        :raises CredentialUnavailableError: none of the credentials can be used here.
        :raises ~azure.core.exceptions.ClientAuthenticationError: one of the credentials failed.
        """
        given: TokenRequestOptions = {} if options is None else options
        return self._run(self._chain.asking(scopes, lambda credential: token_info_call(credential, scopes, given)))

    def close(self) -> None:
        """Close the credentials, as far as they can be closed."""
        self.__exit__()

    def __enter__(self) -> Self:
        with ExitStack() as entered:
            for credential in self.credentials:
                if hasattr(credential, "__enter__"):
                    entered.enter_context(credential)  # type: ignore[arg-type]
            entered.pop_all()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        with ExitStack() as closing:  # all of them, although one may fail
            for credential in reversed(self.credentials):
                if hasattr(credential, "__exit__"):
                    closing.callback(credential.__exit__, exc_type, exc_value, traceback)
                elif hasattr(credential, "close"):
                    closing.callback(credential.close)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.credentials))})"

    def _run(self, steps: Generator[Callable[[], Any], Any, Token]) -> Token:
        """Make the calls that a chain wants made, and return its token."""
        try:
            call = next(steps)
            while True:
                answer = error = None
                try:
                    answer = call()
                except Exception as caught:
                    error = caught
                call = steps.send(answer) if error is None else steps.throw(error)
        except StopIteration as end:
            token: Token = end.value
            return token
        finally:
            steps.close()
