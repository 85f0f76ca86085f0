"""What stands behind the routes."""

from __future__ import annotations

from dataclasses import dataclass

from azid.clock import Clock
from azid.emulator.challenges import Challenges
from azid.emulator.client_authentication import ClientAuthentication
from azid.emulator.directory import Directory
from azid.emulator.federation import Issuers
from azid.emulator.grants import Grant
from azid.emulator.grants.authorization_code import AuthorizationCodeGrant
from azid.emulator.grants.client_credentials import ClientCredentialsGrant
from azid.emulator.grants.device_code import DeviceCodeGrant
from azid.emulator.grants.on_behalf_of import OnBehalfOfGrant
from azid.emulator.grants.password import PasswordGrant
from azid.emulator.grants.refresh_token import RefreshTokenGrant
from azid.emulator.grants.saml_bearer import SamlBearerGrant
from azid.emulator.identities import Identities
from azid.emulator.listening import Listening
from azid.emulator.managed_identity.kinds import ManagedIdentityEndpoints
from azid.emulator.pipelines import Pipelines
from azid.emulator.signer import Signer
from azid.emulator.signin import SignInPages
from azid.emulator.tokens import TokenIssuer

__all__ = ["Services"]


@dataclass(frozen=True)
class Services:
    """Everything the routes hand over to."""

    clock: Clock
    listening: Listening
    directory: Directory
    identities: Identities
    challenges: Challenges
    signer: Signer
    issuers: Issuers
    client_authentication: ClientAuthentication
    tokens: TokenIssuer
    authorization_codes: AuthorizationCodeGrant
    device_codes: DeviceCodeGrant
    refresh_tokens: RefreshTokenGrant
    password: PasswordGrant
    saml: SamlBearerGrant
    client_credentials: ClientCredentialsGrant
    on_behalf_of: OnBehalfOfGrant
    pages: SignInPages
    managed_identities: ManagedIdentityEndpoints
    pipelines: Pipelines

    @classmethod
    def make(
        cls,
        clock: Clock,
        listening: Listening,
        directory: Directory,
        tokens: TokenIssuer,
        identities: Identities,
        *,
        device_code_interval: int,
        device_code_lifetime: int,
    ) -> Services:
        """Put them together.

        :param device_code_interval: seconds between a device's polls.
        :param device_code_lifetime: seconds a device code is good for.
        """
        signer, issuers, challenges = Signer(), Issuers(clock), Challenges()
        refresh_tokens = RefreshTokenGrant(clock, directory, challenges)
        return cls(
            clock=clock,
            listening=listening,
            directory=directory,
            identities=identities,
            challenges=challenges,
            signer=signer,
            issuers=issuers,
            client_authentication=ClientAuthentication(clock, issuers),
            tokens=tokens,
            authorization_codes=AuthorizationCodeGrant(clock, directory, refresh_tokens),
            device_codes=DeviceCodeGrant(clock, directory, device_code_interval, device_code_lifetime),
            refresh_tokens=refresh_tokens,
            password=PasswordGrant(clock, directory),
            saml=SamlBearerGrant(clock, directory),
            client_credentials=ClientCredentialsGrant(directory),
            on_behalf_of=OnBehalfOfGrant(clock, directory, signer, challenges),
            pages=SignInPages(clock, directory),
            managed_identities=ManagedIdentityEndpoints(identities, clock, directory, tokens, listening),
            pipelines=Pipelines(issuers, listening),
        )

    @property
    def grants(self) -> tuple[Grant, ...]:
        return (
            self.authorization_codes,
            self.device_codes,
            self.refresh_tokens,
            self.password,
            self.saml,
            self.client_credentials,
            self.on_behalf_of,
        )

    def clear(self) -> None:
        """Forget all but users, applications and identities."""
        self.directory.clear()
        self.challenges.clear()
        self.pages.clear()
        self.managed_identities.clear()
        for grant in self.grants:
            grant.clear()
