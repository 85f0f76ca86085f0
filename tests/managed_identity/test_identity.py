from __future__ import annotations

import pickle
from typing import Any

import pytest

from azid import CredentialUnavailableError, ManagedIdentityCredential
from azid.managed_identity.identity import identity_of
from tests.managed_identity.conftest import APP_SERVICE, CLIENT_ID, CLOUD_SHELL, OBJECT_ID, SCOPE, Make
from tests.support.stub_transport import StubTransport, json_reply


@pytest.mark.parametrize(
    ("client_id", "config", "expected"),
    [
        (None, None, None),
        (None, {}, None),
        ("", {"object_id": ""}, None),
        (CLIENT_ID, None, ("client_id", CLIENT_ID)),
        (CLIENT_ID, {}, ("client_id", CLIENT_ID)),
        (None, {"object_id": OBJECT_ID}, ("object_id", OBJECT_ID)),
        (None, {"client_id": CLIENT_ID}, ("client_id", CLIENT_ID)),
        (None, {"resource_id": "/subscriptions/1"}, ("resource_id", "/subscriptions/1")),
    ],
)
def test_names(client_id: str | None, config: dict[str, str] | None, expected: object) -> None:
    assert identity_of(client_id, config) == expected


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"client_id": CLIENT_ID, "identity_config": {"object_id": OBJECT_ID}}, "named 2 times"),
        ({"client_id": CLIENT_ID, "identity_config": {"client_id": CLIENT_ID}}, "named 2 times"),
        ({"identity_config": {"object_id": OBJECT_ID, "resource_id": "/x"}}, "named 2 times"),
        ({"identity_config": {"msi_res_id": "/x"}}, "takes one of client_id, object_id, resource_id, not msi_res_id"),
    ],
)
def test_mistakes(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        ManagedIdentityCredential(environ={}, **options)


def test_a_name_without_its_key_is_refused() -> None:
    config: Any = OBJECT_ID
    with pytest.raises(TypeError, match="a dict with one of client_id, object_id, resource_id, not str"):
        ManagedIdentityCredential(environ={}, identity_config=config)


def test_cloud_shell_has_one_identity_only() -> None:
    with pytest.raises(ValueError, match="In Cloud Shell the identity is the person"):
        ManagedIdentityCredential(environ=CLOUD_SHELL, client_id=CLIENT_ID)


def test_too_little_is_told_of_the_platform(make: Make) -> None:
    credential = make({"IDENTITY_ENDPOINT": "http://127.0.0.1:41/"}, StubTransport(json_reply({})))
    with pytest.raises(CredentialUnavailableError, match="neither IDENTITY_HEADER nor IMDS_ENDPOINT"):
        credential.get_token(SCOPE)


def test_a_misspelt_keyword_is_refused() -> None:
    with pytest.raises(TypeError, match="did you mean 'identity_config'"):
        ManagedIdentityCredential(identity_confg={"object_id": OBJECT_ID})


def test_its_repr_names_the_identity() -> None:
    assert repr(ManagedIdentityCredential(environ=APP_SERVICE)) == "ManagedIdentityCredential()"
    assert repr(ManagedIdentityCredential(client_id=CLIENT_ID, environ={})) == (
        f"ManagedIdentityCredential(client_id={CLIENT_ID!r})"
    )


def test_it_can_be_pickled() -> None:
    credential = ManagedIdentityCredential(client_id=CLIENT_ID, environ=APP_SERVICE)
    assert repr(pickle.loads(pickle.dumps(credential))) == repr(credential)
