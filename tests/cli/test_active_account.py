"""The file that says which account the commands mean."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from azid import AuthenticationRecord
from azid.cli import active_account
from azid.cli.active_account import ActiveAccount

RECORD = AuthenticationRecord(
    tenant_id="11111111-2222-3333-4444-555555555555",
    client_id="04b07795-8ddb-461a-bbee-02f9e1bf7b46",
    authority="login.microsoftonline.com",
    home_account_id="a.b",
    username="ada@contoso.example",
)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"AZID_CONFIG_DIR": str(tmp_path / "of" / "azid")}


def test_nobody_is_active_at_first(environ: dict[str, str]) -> None:
    assert active_account.load(environ) is None
    active_account.forget(environ)


def test_what_is_saved_is_loaded(environ: dict[str, str]) -> None:
    active_account.save(RECORD, environ=environ)
    assert active_account.load(environ) == ActiveAccount(RECORD)
    active_account.save(
        RECORD,
        authority="https://127.0.0.1:4000",
        storage="plaintext",
        disable_instance_discovery=True,
        environ=environ,
    )
    at_port = RECORD._replace(authority="127.0.0.1:4000")
    assert active_account.load(environ) == ActiveAccount(at_port, "plaintext", True)
    active_account.forget(environ)
    assert active_account.load(environ) is None


def test_other_azure_sdks_can_read_it(environ: dict[str, str]) -> None:
    active_account.save(RECORD, environ=environ)
    assert AuthenticationRecord.deserialize(active_account.path(environ).read_text(encoding="utf-8")) == RECORD


def test_a_record_of_another_azure_sdk_will_do(environ: dict[str, str]) -> None:
    active_account.save(RECORD, environ=environ)
    active_account.path(environ).write_text(RECORD.serialize(), encoding="utf-8")
    assert active_account.load(environ) == ActiveAccount(RECORD)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b"null"])
def test_a_file_that_cannot_be_read_names_nobody(environ: dict[str, str], content: bytes) -> None:
    active_account.save(RECORD, environ=environ)
    active_account.path(environ).write_bytes(content)
    assert active_account.load(environ) is None


def test_only_the_person_can_look_into_the_folder(environ: dict[str, str]) -> None:
    active_account.save(RECORD, environ=environ)
    folder = active_account.folder(environ)
    assert [file.name for file in folder.iterdir()] == ["account.json"]
    if os.name == "posix":
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_it_holds_no_secret(environ: dict[str, str]) -> None:
    active_account.save(RECORD, environ=environ)
    assert set(json.loads(active_account.path(environ).read_text(encoding="utf-8"))) == {
        *("authority", "clientId", "homeAccountId", "tenantId", "username", "version"),
        *("disableInstanceDiscovery", "storage"),
    }


def test_without_a_variable_it_is_where_the_platform_has_settings() -> None:
    assert active_account.path({}).name == "account.json"
    assert "azid" in active_account.path({}).parent.name.lower()
