from __future__ import annotations

from typing import Any

import pytest

from azid.error_reply import ErrorReply
from azid.errors import AuthenticationFailedError, BrokerUnavailableError
from azid.msal_errors import raise_for_error


def of_the_broker(status: str, context: str = "(pii)") -> dict[str, Any]:
    """A result as MSAL makes it of the broker's."""
    return {
        "error": "broker_error",
        "error_description": f"{context}. Status: {status}, Error code: 3399614476, Tag: 557973641",
    }


def test_tokens_are_no_error() -> None:
    raise_for_error({"access_token": "token"}, [])


@pytest.mark.parametrize("result", [None, [], "error"])
def test_what_is_no_object_cannot_be_used(result: Any) -> None:
    with pytest.raises(AuthenticationFailedError, match="no JSON object"):
        raise_for_error(result, [])


def test_an_error_response_keeps_its_parts_and_gets_a_remedy() -> None:
    reply = ErrorReply(400, "Bad Request", {}, "application/json", "{}")
    result = {
        "error": "invalid_grant",
        "error_description": "AADSTS50076: …",
        "error_codes": [50076, "x"],
        "suberror": "basic_action",
    }
    with pytest.raises(AuthenticationFailedError, match=r"AADSTS50076: …\nMultifactor") as caught:
        raise_for_error(result, [reply])
    assert caught.value.oauth_error == "invalid_grant"
    assert caught.value.suberror == "basic_action"
    assert caught.value.error_codes == (50076,)
    assert caught.value.response is reply


@pytest.mark.parametrize(
    ("status", "oauth_error"),
    [
        ("Response_Status.Status_InteractionRequired", "interaction_required"),
        ("Response_Status.Status_AccountUnusable", "login_required"),
        ("Response_Status.Status_UserCanceled", "access_denied"),
        ("Status_UserCanceled", "access_denied"),
        ("Response_Status.Status_NoNetwork", "broker_error"),
        ("7", "broker_error"),
    ],
)
def test_the_brokers_status_is_told_in_the_terms_of_oauth(status: str, oauth_error: str) -> None:
    with pytest.raises(AuthenticationFailedError) as caught:
        raise_for_error(of_the_broker(status), [])
    assert caught.value.oauth_error == oauth_error


@pytest.mark.parametrize("status", ["RequiredBrokerMissing", "FallbackToNativeMsal"])
def test_a_runtime_without_a_broker_is_told_apart(status: str) -> None:
    with pytest.raises(BrokerUnavailableError, match=status):
        raise_for_error(of_the_broker(f"Response_Status.Status_{status}"), [])


def test_what_the_broker_quotes_is_not_taken_for_its_status() -> None:
    quoted = of_the_broker("Response_Status.Status_UserCanceled")["error_description"] + "x" * 3000
    with pytest.raises(AuthenticationFailedError) as caught:
        raise_for_error(of_the_broker("Response_Status.Status_NoNetwork", quoted), [])
    assert caught.value.oauth_error == "broker_error"
    assert len(str(caught.value)) < 2100


def test_the_brokers_aadsts_codes_get_a_remedy() -> None:
    with pytest.raises(AuthenticationFailedError, match="conditional access") as caught:
        raise_for_error(of_the_broker("Response_Status.Status_Unexpected", "AADSTS53003: (pii)"), [])
    assert caught.value.error_codes == (53003,)
