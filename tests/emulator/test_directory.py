"""Users say at construction what is wrong with them."""

from __future__ import annotations

import pytest

from azid.emulator import DEFAULT_TENANT_ID, Emulator, User
from tests.emulator.driver import Driver, payload


def test_a_user_needs_little() -> None:
    user = User("ada.lovelace@contoso.example", "secret")
    assert (user.name, user.initials, user.tenant_id) == ("Ada Lovelace", "AL", DEFAULT_TENANT_ID)
    assert user.object_id == User("Ada.Lovelace@contoso.example", "other").object_id
    assert "secret" not in repr(user)


@pytest.mark.parametrize("username", ["ada", "@contoso.example", "ada@"])
def test_a_username_has_a_domain(username: str) -> None:
    with pytest.raises(ValueError, match="looks like"):
        User(username, "p")


def test_a_tenant_is_a_guid() -> None:
    with pytest.raises(ValueError, match="GUID"):
        User("ada@contoso.example", "p", tenant_id="contoso")


def test_named_tenants_and_added_users() -> None:
    guid = "99999999-2222-3333-4444-555555555555"
    entra = Emulator(tenants={"Fabrikam.example": guid})
    user = entra.add_user(User("ada@contoso.example", "p"))
    body = Driver(entra).password(user.username, user.password, tenant="fabrikam.example").json()
    assert payload(body["id_token"])["tid"] == guid
