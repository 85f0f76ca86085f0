"""What stands behind the routes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from azid.clock import Clock
from azid.emulator.challenges import Challenges
from azid.emulator.directory import Directory
from azid.emulator.grants import Grant
from azid.emulator.grants.authorization_code import AuthorizationCodeGrant
from azid.emulator.grants.device_code import DeviceCodeGrant
from azid.emulator.grants.password import PasswordGrant
from azid.emulator.grants.refresh_token import RefreshTokenGrant
from azid.emulator.grants.saml_bearer import SamlBearerGrant
from azid.emulator.signin import SignInPages
from azid.emulator.tokens import Signer, TokenIssuer

__all__ = ["Services"]


@dataclass(frozen=True)
class Services:
    """Everything the routes hand over to."""

    clock: Clock
    directory: Directory
    challenges: Challenges
    signer: Signer
    tokens: TokenIssuer
    authorization_codes: AuthorizationCodeGrant
    device_codes: DeviceCodeGrant
    refresh_tokens: RefreshTokenGrant
    password: PasswordGrant
    saml: SamlBearerGrant
    pages: SignInPages
    authority: Callable[[], str]
    page_origin: Callable[[], str]
    started: Callable[[], bool]

    @property
    def grants(self) -> tuple[Grant, ...]:
        return (self.authorization_codes, self.device_codes, self.refresh_tokens, self.password, self.saml)
