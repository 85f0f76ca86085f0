from __future__ import annotations

import json
import pickle

import pytest

from azid import AuthenticationRecord

RECORD = AuthenticationRecord(
    tenant_id="3f0c7a52-5a3d-4b1e-9c67-2d1f8e4b7a10",
    client_id="04b07795-8ddb-461a-bbee-02f9e1bf7b46",
    authority="login.microsoftonline.com",
    home_account_id="oid.tid",
    username="ada@contoso.example",
)
# What azure-identity 1.27 writes for the same account, byte for byte.
WRITTEN_BY_AZURE_IDENTITY = (
    '{"authority": "login.microsoftonline.com", "clientId": "04b07795-8ddb-461a-bbee-02f9e1bf7b46", '
    '"homeAccountId": "oid.tid", "tenantId": "3f0c7a52-5a3d-4b1e-9c67-2d1f8e4b7a10", '
    '"username": "ada@contoso.example", "version": "1.0"}'
)
# The order and the spacing of the .NET library.
WRITTEN_BY_ANOTHER_SDK = (
    '{"username":"ada@contoso.example","authority":"login.microsoftonline.com","homeAccountId":"oid.tid",'
    '"tenantId":"3f0c7a52-5a3d-4b1e-9c67-2d1f8e4b7a10","clientId":"04b07795-8ddb-461a-bbee-02f9e1bf7b46",'
    '"version":"1.0"}'
)


def test_it_is_written_as_azure_identity_writes_it() -> None:
    assert RECORD.serialize() == WRITTEN_BY_AZURE_IDENTITY


@pytest.mark.parametrize("text", [WRITTEN_BY_AZURE_IDENTITY, WRITTEN_BY_ANOTHER_SDK])
def test_what_other_libraries_wrote_is_read(text: str) -> None:
    assert AuthenticationRecord.deserialize(text) == RECORD


def test_fields_that_are_not_known_are_passed_over() -> None:
    assert AuthenticationRecord.deserialize(WRITTEN_BY_ANOTHER_SDK[:-1] + ', "since": 3}') == RECORD


def test_names_beyond_ascii_survive() -> None:
    record = RECORD._replace(username="zoë@contoso.example")
    assert record.serialize().isascii()
    assert AuthenticationRecord.deserialize(record.serialize()) == record


def test_it_takes_positional_arguments_in_azure_identitys_order() -> None:
    record = AuthenticationRecord("tenant", "client", "authority", "account", "name")
    assert (record.tenant_id, record.client_id, record.authority) == ("tenant", "client", "authority")
    assert (record.home_account_id, record.username) == ("account", "name")


def test_it_can_be_pickled_and_compared_but_not_changed() -> None:
    assert pickle.loads(pickle.dumps(RECORD)) == RECORD
    assert len({RECORD, pickle.loads(pickle.dumps(RECORD))}) == 1
    with pytest.raises(AttributeError):
        RECORD.username = "bob@contoso.example"  # type: ignore[misc]


@pytest.mark.parametrize("text", ["", "{", "record", WRITTEN_BY_AZURE_IDENTITY[:-1], '"\\'])
def test_text_that_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not JSON"):
        AuthenticationRecord.deserialize(text)


@pytest.mark.parametrize("text", ["null", "[]", "1", '"1.0"', "true", "[" + WRITTEN_BY_AZURE_IDENTITY + "]"])
def test_json_of_another_shape_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a JSON object"):
        AuthenticationRecord.deserialize(text)


def test_json_of_absurd_depth_is_refused() -> None:
    with pytest.raises(ValueError, match="no authentication record"):
        AuthenticationRecord.deserialize("[" * 100_000)


@pytest.mark.parametrize("version", ["2.0", "1", "", 1.0, None, [], {}])
def test_another_version_is_named(version: object) -> None:
    values = {**json.loads(WRITTEN_BY_AZURE_IDENTITY), "version": version}
    with pytest.raises(ValueError, match="version") as caught:
        AuthenticationRecord.deserialize(json.dumps(values))
    assert repr(version) in str(caught.value)
    assert "authenticate" in str(caught.value)


def test_a_missing_version_is_refused() -> None:
    values = json.loads(WRITTEN_BY_AZURE_IDENTITY)
    del values["version"]
    with pytest.raises(ValueError, match="version None"):
        AuthenticationRecord.deserialize(json.dumps(values))


FIELDS = ["authority", "clientId", "homeAccountId", "tenantId", "username"]


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("wrong", [None, 1, ["x"], {"x": 1}, True])
def test_a_field_of_the_wrong_type_is_named(name: str, wrong: object) -> None:
    values = {**json.loads(WRITTEN_BY_AZURE_IDENTITY), name: wrong}
    with pytest.raises(ValueError, match=f"lacks the text field '{name}'"):
        AuthenticationRecord.deserialize(json.dumps(values))


@pytest.mark.parametrize("name", FIELDS)
def test_a_missing_field_is_named(name: str) -> None:
    values = json.loads(WRITTEN_BY_AZURE_IDENTITY)
    del values[name]
    with pytest.raises(ValueError, match=f"lacks the text field '{name}'"):
        AuthenticationRecord.deserialize(json.dumps(values))


@pytest.mark.parametrize("name", FIELDS)
def test_the_casing_of_fields_matters(name: str) -> None:
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
    text = WRITTEN_BY_AZURE_IDENTITY.replace(f'"{name}"', f'"{snake}_" ')
    with pytest.raises(ValueError, match=name):
        AuthenticationRecord.deserialize(text)
