"""A stand-in for the broker's runtime: what MSAL uses of the package `pymsalruntime`, answered from `BROKER`.

Like the real one it answers in threads of its own, and logs there. Unlike it, it logs every secret that it knows.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

HOME_TENANT = "5f1f4d2e-5d5c-4f6f-9a53-6c1d6c6f7a01"


class Response_Status(Enum):
    Status_AccountUnusable = 13
    Status_InteractionRequired = 2
    Status_NoNetwork = 3
    Status_RequiredBrokerMissing = 19
    Status_Unexpected = 0
    Status_UserCanceled = 7


class LogLevel(Enum):
    TRACE = 1
    DEBUG = 2
    INFO = 3
    WARNING = 4
    ERROR = 5
    FATAL = 6


class CallbackData:
    def __init__(self, is_interactive: bool = False) -> None:
        self.signal = threading.Event()
        self.result: Any = None

    def complete(self, result: Any) -> None:
        self.result = result
        self.signal.set()


class MSALRuntimeAuthParameters:
    def __init__(self, client_id: str, authority: str) -> None:
        self.client_id = client_id
        self.authority = authority
        self.scopes: list[str] = []
        self.redirect_uri = ""
        self.claims: str | None = None
        self.additional: dict[str, str] = {}

    def set_requested_scopes(self, scopes: list[str]) -> None:
        self.scopes = list(scopes)

    def set_redirect_uri(self, redirect_uri: str) -> None:
        self.redirect_uri = redirect_uri

    def set_decoded_claims(self, claims: str) -> None:
        self.claims = claims

    def set_additional_parameter(self, key: str, value: str) -> None:
        self.additional[key] = value


@dataclass(frozen=True)
class Failure:
    """What a call ends with instead of an account or tokens."""

    status: Response_Status
    context: str = "(pii)"

    def get_status(self) -> Response_Status:
        return self.status

    def get_error_code(self) -> int:
        return 3399614476

    def get_tag(self) -> int:
        return 557973641

    def get_context(self) -> str:
        return self.context


@dataclass(frozen=True)
class Account:
    username: str

    def get_account_id(self) -> str:
        return f"broker's {self.username}"

    def get_client_info(self) -> str:
        return _base64url({"uid": f"uid-{self.username}", "utid": HOME_TENANT})


@dataclass(frozen=True)
class Result:
    account: Account | None = None
    failure: Failure | None = None
    tokens: Mapping[str, str] = field(default_factory=dict)
    scopes: list[str] = field(default_factory=list)
    expires_on: int = 0

    def get_account(self) -> Account | None:
        return self.account

    def get_error(self) -> Failure | None:
        return self.failure

    def get_telemetry_data(self) -> dict[str, str]:
        return {"wam_telemetry": "{}"}

    def get_access_token(self) -> str:
        return self.tokens["access_token"]

    def get_raw_id_token(self) -> str:
        return self.tokens["id_token"]

    def get_id_token(self) -> str:
        return self.tokens["id_token_claims"]

    def get_access_token_expiry_time(self) -> int:
        return self.expires_on

    def get_granted_scopes(self) -> list[str]:
        return self.scopes

    def is_pop_authorization(self) -> bool:
        return False


@dataclass(frozen=True)
class Call:
    """A call that asked for tokens."""

    name: str
    parameters: MSALRuntimeAuthParameters
    parent_window: int | None = None
    login_hint: str | None = None
    account: Account | None = None


class Broker:
    """What the operating system knows, and what it was asked."""

    def __init__(self) -> None:
        self.person = "ada@contoso.example"
        """Who answers the dialog."""
        self.default: str | None = None
        """Who is signed in to the operating system."""
        self.known: set[str] = set()
        """The accounts that have signed in to the application."""
        self.failures: list[Failure] = []
        """What the next calls that ask for tokens end with."""
        self.lifetime = 3600
        """Seconds that access tokens live."""
        self.answers = threading.Event()
        """Whether anybody answers the dialog."""
        self.answers.set()
        self.runs = threading.Event()
        """Whether calls are answered that ask nobody."""
        self.runs.set()
        self.asked = threading.Event()
        """Whether there was any call that asked for tokens."""
        self.calls: list[Call] = []
        self.secrets: set[str] = set()
        self.log: Callable[[str, LogLevel], object] = lambda message, level: None

    def ask(self, call: Call, callback: Callable[[Result], object]) -> None:
        self.calls.append(call)
        self.asked.set()
        threading.Thread(target=self._answer, args=(call, callback), daemon=True).start()

    def _answer(self, call: Call, callback: Callable[[Result], object]) -> None:
        (self.answers if call.name == "signin_interactively" else self.runs).wait(30)
        account = call.account or Account(self.person)
        if call.name == "signin_silently" and not self.failures:
            account = Account(self.default or "")
            self.failures += [] if self.default else [Failure(Response_Status.Status_InteractionRequired)]
        result = Result(failure=self.failures.pop(0)) if self.failures else self._tokens(account, call.parameters)
        self.log(f"parameters {vars(call.parameters)}", LogLevel.DEBUG)
        self.log(f"tokens {result.tokens}", LogLevel.TRACE)
        callback(result)

    def _tokens(self, account: Account, parameters: MSALRuntimeAuthParameters) -> Result:
        self.known.add(account.username)
        tenant = parameters.authority.rpartition("/")[2]
        claims = {
            "aud": parameters.client_id,
            "iss": f"https://login.microsoftonline.com/{HOME_TENANT}/v2.0",
            "oid": f"uid-{account.username}",
            "preferred_username": account.username,
            "sub": "subject",
            "tid": HOME_TENANT if tenant == "organizations" else tenant,
        }
        tokens = {
            "access_token": f"access token {len(self.calls)}",
            "id_token": f"{_base64url({'alg': 'none'})}.{_base64url(claims)}.",
            "id_token_claims": json.dumps(claims),
        }
        self.secrets |= {*tokens.values(), account.get_client_info()}
        return Result(account, None, tokens, parameters.scopes, int(time.time()) + self.lifetime)


BROKER = Broker()


def register_logging_callback(callback: Callable[[str, LogLevel], object]) -> None:
    BROKER.log = callback


def set_is_pii_enabled(enabled: int) -> None:
    pass


def get_console_window() -> int:
    return 1001


def get_desktop_window() -> int:
    return 1002


def read_account_by_id(account_id: str, correlation_id: str, callback: Callable[[Result], object]) -> None:
    callback(Result(next((a for a in map(Account, BROKER.known) if a.get_account_id() == account_id), None)))


def signin_interactively(
    parent_window: int,
    parameters: MSALRuntimeAuthParameters,
    correlation_id: str,
    login_hint: str | None,
    callback: Callable[[Result], object],
) -> None:
    BROKER.ask(Call("signin_interactively", parameters, parent_window, login_hint), callback)


def signin_silently(
    parameters: MSALRuntimeAuthParameters, correlation_id: str, callback: Callable[[Result], object]
) -> None:
    BROKER.ask(Call("signin_silently", parameters), callback)


def acquire_token_silently(
    parameters: MSALRuntimeAuthParameters, correlation_id: str, account: Account, callback: Callable[[Result], object]
) -> None:
    BROKER.ask(Call("acquire_token_silently", parameters, account=account), callback)


def _base64url(values: Mapping[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")
