"""What every async credential offers to Azure SDK clients: its sync one's methods, off the event loop."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from azure.core.credentials import AccessToken, TokenRequestOptions

from azid.aio.off_loop import OffLoop
from azid.aio.parity import documented_as
from azid.credentials.credential import Credential as SyncCredential
from azid.credentials.credential import find_fresh_token, sign_ins_of
from azid.persistence import open_storage, open_storage_when_needed
from azid.tokens.access import IssuedToken, TokenInfo

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Credential", "off_loop"]

AnyCredential = TypeVar("AnyCredential", bound="Credential")


@documented_as(SyncCredential)
class Credential:
    _credential: SyncCredential

    def _make(self, sync: type[SyncCredential], *args: Any, **kwargs: Any) -> None:
        if any(_default_of(cls, "open_storage") is open_storage for cls in sync.__mro__):
            kwargs.setdefault("open_storage", open_storage_when_needed)
        self._use(sync(*args, **kwargs))

    def _use(self, credential: SyncCredential) -> None:
        self._credential = credential
        self._off_loop = OffLoop()

    @documented_as(SyncCredential.get_token)
    async def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: Any,  # noqa: ARG002 - azure-core's protocol lets clients pass more
    ) -> AccessToken:
        if not claims and (fresh := self._find_fresh(scopes, tenant_id, enable_cae)) is not None:
            return fresh.access_token
        credential = self._credential
        return await self._off_loop.run(
            lambda: credential.get_token(*scopes, claims=claims, tenant_id=tenant_id, enable_cae=bool(enable_cae)),
            # Work that was begun for another account is not for whoever asks after the change.
            key=("token", sign_ins_of(credential), scopes, claims, tenant_id, enable_cae),
        )

    @documented_as(SyncCredential.get_token_info)
    async def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> TokenInfo:
        options = options or {}
        claims, tenant_id = options.get("claims"), options.get("tenant_id")
        enable_cae = bool(options.get("enable_cae", False))
        if not claims and (fresh := self._find_fresh(scopes, tenant_id, enable_cae)) is not None:
            return fresh.token_info
        credential = self._credential
        return await self._off_loop.run(
            lambda: credential.get_token_info(*scopes, options=options),
            key=("info", sign_ins_of(credential), scopes, claims, tenant_id, enable_cae),
        )

    @documented_as(SyncCredential.close)
    async def close(self) -> None:
        await self.__aexit__()

    async def __aenter__(self) -> Self:
        await self._off_loop.run(self._credential.__enter__)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        def close() -> None:
            self._credential.__exit__(exc_type, exc_value, traceback)
            self._off_loop.cancel()

        await self._off_loop.run(close)

    def __getstate__(self) -> dict[str, Any]:
        return {"credential": self._credential}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._use(state["credential"])

    def __repr__(self) -> str:
        return repr(self._credential)

    def _find_fresh(self, scopes: tuple[str, ...], tenant_id: str | None, enable_cae: bool) -> IssuedToken | None:
        try:
            return find_fresh_token(self._credential, scopes, enable_cae, tenant_id)
        except TypeError:  # what cannot be looked up is malformed: the session says so
            return None


def _default_of(cls: type, parameter: str) -> object:
    return (getattr(vars(cls).get("__init__"), "__kwdefaults__", None) or {}).get(parameter)


def off_loop(cls: type[AnyCredential], credential: SyncCredential) -> AnyCredential:
    """Return a credential of the async class `cls` that does what `credential` does."""
    made = cls.__new__(cls)
    made._use(credential)
    return made
