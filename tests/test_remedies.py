from __future__ import annotations

import pytest

from azid.remedies import is_about_the_account, remedy


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (50011, "http://localhost"),
        (50034, "tenant_id"),
        (50076, "browser"),
        (50126, "password"),
        (65001, "consent"),
        (90002, "tenant_id"),
        (700016, "client_id"),
        (700213, "subject"),
        (7000215, "not its ID"),
        (7000218, "public client"),
    ],
)
def test_what_people_meet_has_a_remedy(code: int, advice: str) -> None:
    found = remedy([code])
    assert found is not None
    assert advice in found
    assert "\n" not in found


def test_the_first_code_that_something_is_known_of_decides() -> None:
    assert remedy([1, 50126, 50076]) == remedy([50126])


@pytest.mark.parametrize("codes", [[], [1], [0, -50126]])
def test_nothing_is_said_of_other_codes(codes: list[int]) -> None:
    assert remedy(codes) is None


@pytest.mark.parametrize("suberror", ["bad_token", "token_expired"])
def test_suberrors_that_end_the_sign_in(suberror: str) -> None:
    assert is_about_the_account([], suberror)


@pytest.mark.parametrize("code", [50057, 50173, 70008, 70043, 700082, 700084])
def test_codes_that_end_the_sign_in(code: int) -> None:
    assert is_about_the_account([1, code], None)


@pytest.mark.parametrize("code", [50076, 50079, 50158, 53003, 65001])
def test_what_a_person_can_add_does_not_end_the_sign_in(code: int) -> None:
    assert not is_about_the_account([code], "basic_action")
