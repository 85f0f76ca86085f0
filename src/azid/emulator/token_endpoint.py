"""The token endpoint (RFC 6749 section 3.2): who asks, by which grant, and the reply."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from azid.emulator.grants import Grant, TokenRequest
from azid.emulator.refusals import Refusal
from azid.emulator.tokens import GrantedToApplication

if TYPE_CHECKING:
    from azid.emulator.services import Services

__all__ = ["TokenEndpoint"]


class TokenEndpoint:
    """Answers token requests.

    :param services: the grants, and what they share.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._grants: dict[str, Grant] = {grant.grant_type: grant for grant in services.grants}
        # Entra's name from before RFC 8628, which MSAL for Node sends.
        self._grants["device_code"] = services.device_codes

    def answer(self, tenant: str, form: Mapping[str, str], host: str) -> dict[str, object]:
        """Return the JSON reply.

        :param tenant: as the path names it.
        :param form: the request's body.
        :param host: of this endpoint, with its port.
        :raises Refusal: nothing is issued.
        """
        services = self._services
        client = services.directory.client(form.get("client_id"))
        request = TokenRequest(client, services.directory.tenant(tenant), form)
        grant = self._grants.get(request.required("grant_type"))
        if grant is None:
            raise Refusal(70003)
        proof = services.client_authentication.check(client, request.tenant, form, host)
        granted = grant.redeem(request)
        if isinstance(granted, GrantedToApplication):
            return services.tokens.reply_to_application(granted, proof)
        refresh_token = services.refresh_tokens.issue(granted.sign_in) if granted.scopes.offline_access else None
        return services.tokens.reply(
            granted,
            client,
            host,
            proof=proof,
            client_info=form.get("client_info") == "1",
            refresh_token=refresh_token,
        )
