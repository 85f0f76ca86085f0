"""The page where a person enters a device's code (RFC 8628 section 3.3), and what a sign-in there is for."""

from __future__ import annotations

from dataclasses import dataclass, field

from azid.emulator.applications import Client
from azid.emulator.claims import ClaimsRequest
from azid.emulator.directory import Tenant
from azid.emulator.grants.device_code import DeviceCode, DeviceCodeGrant
from azid.emulator.refusals import Refusal
from azid.emulator.scopes import Scopes
from azid.emulator.signin import Page
from azid.emulator.tokens import SignIn

__all__ = ["DeviceGoal"]


@dataclass
class DeviceGoal:
    """A sign-in that ends with the device's next poll."""

    code: DeviceCode
    codes: DeviceCodeGrant = field(repr=False)
    prompt: str = "select_account"
    login_hint: str = ""
    needs_confirmation: bool = True  # RFC 8628 section 5.4: the person must see whom they let in
    form_targets: tuple[str, ...] = ()

    @property
    def client(self) -> Client:
        return self.code.client

    @property
    def tenant(self) -> Tenant:
        return self.code.tenant

    @property
    def scopes(self) -> Scopes:
        return self.code.scopes

    @property
    def claims(self) -> ClaimsRequest:
        return self.code.claims

    def complete(self, sign_in: SignIn) -> Page:
        self.codes.approve(self.code, sign_in)
        return Page("device_done.html", {"client": self.client, "user": sign_in.user})

    def refuse(self, refusal: Refusal) -> Page:
        self.codes.decline(self.code, refusal)
        return Page("device_declined.html", {"client": self.client})

    def refused(self, refusal: Refusal) -> Page:
        self.codes.decline(self.code, refusal)
        return Page("refused.html", {"refusal": refusal, "returns": False})
