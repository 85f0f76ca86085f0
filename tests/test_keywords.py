from __future__ import annotations

import pytest

from azid.keywords import refuse_misspellings

KNOWN = ["client_id", "tenant_id", "authority", "login_hint", "timeout", "additionally_allowed_tenants"]


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [
        ("tenantid", "tenant_id"),
        ("tenant", "tenant_id"),
        ("clientid", "client_id"),
        ("client_ids", "client_id"),
        ("autority", "authority"),
        ("loginhint", "login_hint"),
        ("time_out", "timeout"),
        ("additional_allowed_tenants", "additionally_allowed_tenants"),
    ],
)
def test_a_slip_of_the_pen_is_refused_and_both_are_named(misspelt: str, meant: str) -> None:
    with pytest.raises(TypeError, match=f"'{misspelt}': did you mean '{meant}'"):
        refuse_misspellings([misspelt], KNOWN)


@pytest.mark.parametrize(
    "option",
    [
        *("transport", "policies", "proxies", "connection_verify", "connection_cert", "connection_timeout"),
        *("read_timeout", "retry_total", "retry_backoff_factor", "logging_enable", "user_agent", "headers"),
        *("raw_request_hook", "per_call_policies", "something_else_altogether"),
    ],
)
def test_options_of_azure_core_and_foreign_ones_pass(option: str) -> None:
    refuse_misspellings([option], KNOWN)


def test_a_misspelling_is_found_among_options() -> None:
    with pytest.raises(TypeError, match="tenant_di"):
        refuse_misspellings(["transport", "tenant_di", "proxies"], KNOWN)


def test_a_keyword_of_another_credential_is_not_called_a_misspelling() -> None:
    with pytest.raises(TypeError, match="'login_hint': only other credentials take it"):
        refuse_misspellings(["login_hint"], KNOWN)
