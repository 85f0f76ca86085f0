from __future__ import annotations

import copy
import pickle
import traceback
from dataclasses import replace

import pytest
from azure.core.exceptions import ClientAuthenticationError

from azid import AuthenticationRequiredError, CredentialUnavailableError
from azid.error_reply import ErrorReply
from azid.errors import AuthenticationFailedError

SECRET = "the-refresh-token-0123456789"
REPLY = ErrorReply(
    status_code=400,
    reason="Bad Request",
    headers={"x-ms-request-id": "1"},
    content_type="application/json",
    body='{"error": "invalid_grant", "error_description": "AADSTS50076: more is needed"}',
)


def failed() -> AuthenticationFailedError:
    return AuthenticationFailedError(
        "Authentication failed: AADSTS50076: more is needed",
        oauth_error="invalid_grant",
        suberror="basic_action",
        error_codes=(50076,),
        response=REPLY,
    )


def required() -> AuthenticationRequiredError:
    return AuthenticationRequiredError(["a", "b"], "Somebody has to sign in.", claims='{"x": 1}', response=REPLY)


def unavailable() -> CredentialUnavailableError:
    return CredentialUnavailableError("There is no browser.")


EVERY_ERROR = [failed, required, unavailable]


@pytest.mark.parametrize("make", EVERY_ERROR)
def test_every_error_is_one_of_azure_cores(make: type[ClientAuthenticationError]) -> None:
    assert isinstance(make(), ClientAuthenticationError)


def test_only_what_could_not_be_tried_lets_a_chain_go_on() -> None:
    assert isinstance(required(), CredentialUnavailableError)
    assert not isinstance(failed(), CredentialUnavailableError)


def test_a_required_sign_in_tells_what_for() -> None:
    error = AuthenticationRequiredError(iter(["a", "b"]), claims="{}")
    assert error.scopes == ("a", "b")
    assert error.claims == "{}"
    assert "authenticate" in str(error)
    assert AuthenticationRequiredError(["a"]).claims is None


def test_a_required_sign_in_takes_azure_identitys_positional_arguments() -> None:
    error = AuthenticationRequiredError(["a"], "why", "{}")
    assert (error.scopes, error.message, error.claims) == (("a",), "why", "{}")


def test_azure_identitys_ways_to_make_an_unavailable_credentials_error_work() -> None:
    assert str(CredentialUnavailableError(message="why")) == "why"
    assert CredentialUnavailableError("why", response=REPLY).status_code == 400


@pytest.mark.parametrize("make", EVERY_ERROR)
def test_text_and_message_are_one(make: type[ClientAuthenticationError]) -> None:
    error = make()
    assert str(error) == error.message == error.args[0]
    assert repr(error) == f"{type(error).__name__}({error.message!r})"


def test_the_replys_parts_are_where_error_handlers_look_for_them() -> None:
    error = failed()
    assert (error.status_code, error.reason) == (400, "Bad Request")
    assert error.response is not None
    assert error.response.text() == error.response.text("utf-8") == REPLY.body
    assert error.response.headers["x-ms-request-id"] == "1"
    assert error.response.content_type == "application/json"


@pytest.mark.parametrize("body", ["", "null", "[]", "{", '{"error": {"code": "c", "message": "m"}}', "<html>"])
def test_no_body_changes_the_message(body: str) -> None:
    reply = ErrorReply(500, None, {}, None, body)
    assert str(AuthenticationFailedError("why", response=reply)) == "why"


def test_the_replys_repr_holds_neither_body_nor_cookies() -> None:
    assert "AADSTS" not in repr(REPLY)
    assert "esctx" not in repr(replace(REPLY, headers={"Set-Cookie": "esctx=session"}))


@pytest.mark.parametrize("make", EVERY_ERROR)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickled_error_is_the_same_error(make: type[ClientAuthenticationError], protocol: int) -> None:
    error = make()
    loaded = pickle.loads(pickle.dumps(error, protocol))
    assert type(loaded) is type(error)
    assert (str(loaded), repr(loaded), loaded.args) == (str(error), repr(error), error.args)
    assert loaded.response == error.response
    assert (loaded.status_code, loaded.reason) == (error.status_code, error.reason)


def test_a_pickled_refusal_keeps_what_the_authority_said() -> None:
    loaded = pickle.loads(pickle.dumps(failed()))
    assert (loaded.oauth_error, loaded.suberror, loaded.error_codes) == ("invalid_grant", "basic_action", (50076,))


def test_a_refusals_claims_are_for_whoever_is_at_hand() -> None:
    error = AuthenticationFailedError("No.", claims='{"x": 1}').explained("Because.")
    assert error.claims == '{"x": 1}'
    assert "x" not in f"{error} {error!r}"
    assert pickle.loads(pickle.dumps(error)).claims is None


def test_a_pickled_required_sign_in_can_still_be_acted_upon() -> None:
    loaded = pickle.loads(pickle.dumps(required()))
    assert (loaded.scopes, loaded.claims) == (("a", "b"), '{"x": 1}')


@pytest.mark.parametrize("make", EVERY_ERROR)
def test_an_error_can_be_copied(make: type[ClientAuthenticationError]) -> None:
    assert str(copy.copy(make())) == str(copy.deepcopy(make())) == str(make())


def raise_beside_a_secret(make: type[ClientAuthenticationError]) -> None:
    secret = SECRET
    try:
        raise ValueError(secret)
    except ValueError as cause:
        raise make() from cause


@pytest.mark.parametrize("make", EVERY_ERROR)
def test_a_pickle_holds_neither_the_cause_nor_the_traceback(make: type[ClientAuthenticationError]) -> None:
    with pytest.raises(ClientAuthenticationError) as caught:
        raise_beside_a_secret(make)
    dumped = pickle.dumps(caught.value)
    assert SECRET.encode() not in dumped
    loaded = pickle.loads(dumped)
    assert loaded.__cause__ is loaded.__context__ is loaded.__traceback__ is None
    assert SECRET not in "".join(traceback.format_exception(loaded))


def test_an_explanation_comes_first_and_changes_nothing_else() -> None:
    error = failed().explained("The prompt was answered by another account.")
    assert str(error).startswith("The prompt was answered by another account. Authentication failed: AADSTS50076")
    assert (error.oauth_error, error.suberror, error.error_codes) == ("invalid_grant", "basic_action", (50076,))
    assert error.response == REPLY


@pytest.mark.parametrize(
    ("codes", "suberror", "ends"),
    [
        ((50173,), None, True),
        ((700082,), None, True),
        ((1, 70043), None, True),
        ((), "bad_token", True),
        ((50076,), None, False),
        ((65001,), "consent_required", False),
        ((), None, False),
    ],
)
def test_some_refusals_end_the_sign_in(codes: tuple[int, ...], suberror: str | None, ends: bool) -> None:
    error = AuthenticationFailedError("why", suberror=suberror, error_codes=codes)
    assert error.ends_the_sign_in is ends


@pytest.mark.parametrize("make", EVERY_ERROR)
def test_an_error_keeps_nothing_of_what_was_handled_when_it_was_made(make: type[ClientAuthenticationError]) -> None:
    try:
        raise ValueError(SECRET)
    except ValueError:
        error = make()
    assert SECRET not in str(vars(error))
    assert error.exc_value is None
    assert error.exc_traceback is None
