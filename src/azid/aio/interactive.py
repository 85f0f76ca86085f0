"""What every async credential for a person offers."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from importlib import import_module
from typing import Any

from azid.aio.credential import Credential
from azid.aio.parity import documented_as, parameters_of
from azid.credentials.interactive import InteractiveCredential as SyncCredential
from azid.record import AuthenticationRecord

__all__ = ["InteractiveCredential"]

# Else a constructor loads them, mostly in a running loop, which would stall.
for _module in ("azid.flows.broker", "azid.redirect", "azid.tokens.stores.deferred", "azid.tokens.stores.memory"):
    import_module(_module)


@documented_as(SyncCredential)
class InteractiveCredential(Credential):
    _credential: SyncCredential

    @parameters_of(SyncCredential)
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._make(SyncCredential, *args, **kwargs)

    @documented_as(SyncCredential.authenticate)
    async def authenticate(
        self,
        *scopes: str | Iterable[str],
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: Any,
    ) -> AuthenticationRecord:
        return await self._off_loop.run(
            partial(
                self._credential.authenticate,
                *scopes,
                claims=claims,
                tenant_id=tenant_id,
                enable_cae=enable_cae,
                **kwargs,
            )
        )

    @documented_as(SyncCredential.accounts)
    async def accounts(self) -> list[AuthenticationRecord]:
        return await self._off_loop.run(self._credential.accounts)

    @documented_as(SyncCredential.sign_out)
    async def sign_out(self, account: AuthenticationRecord | None = None) -> None:
        await self._off_loop.run(partial(self._credential.sign_out, account))
