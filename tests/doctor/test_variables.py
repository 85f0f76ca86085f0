from __future__ import annotations

from azid.doctor import Verdict
from azid.doctor.variables import check_variables


def test_variables_that_matter_are_told() -> None:
    found = [*check_variables({"AZURE_AUTHORITY_HOST": "login.microsoftonline.us", "HOME": "/root"})]
    assert [finding.subject for finding in found] == ["AZURE_AUTHORITY_HOST"]
    assert "login.microsoftonline.us" in found[0].found


def test_none_is_told_too() -> None:
    [finding] = check_variables({})
    assert finding.verdict is Verdict.NOTE


def test_a_variable_that_has_no_effect_is_told() -> None:
    *_, finding = check_variables({"SSL_CERT_FILE": "/ca.pem"})
    assert finding.verdict is Verdict.WARNING
    assert "REQUESTS_CA_BUNDLE" in finding.remedy
