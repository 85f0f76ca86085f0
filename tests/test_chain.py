"""What a chain wants asked next, without anybody who asks: `tests/credentials/test_chained.py` has those."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from azid import CredentialUnavailableError
from azid.chain import Chain, options_of
from tests.conftest import GRAPH

TOKEN = AccessToken("token", 4_000_000_000)


class Link:
    """A credential that is never asked: the tests say what it answers."""

    def __init__(self, name: str) -> None:
        self.stands_for = name


FIRST, SECOND, THIRD = (Link(name) for name in ("First", "Second", "Third"))


def begin(chain: Chain) -> Any:
    """Return the steps of a call; each yields the name of the link to ask."""
    return chain.asking((GRAPH,), lambda link: (lambda: link.stands_for, lambda token: token))


def next_asked(step: Any) -> str:
    name: str = step()
    return name


def result_of(send: Any, value: object) -> Any:
    with pytest.raises(StopIteration) as ended:
        send(value)
    return ended.value.value


def test_links_are_asked_in_their_order_until_one_answers() -> None:
    steps = begin(Chain("Chain", (FIRST, SECOND, THIRD)))
    assert next_asked(next(steps)) == "First"
    assert next_asked(steps.throw(CredentialUnavailableError("Not here."))) == "Second"
    assert result_of(steps.send, TOKEN) is TOKEN


def test_a_chain_that_keeps_asks_only_the_one_that_answered() -> None:
    chain = Chain("Chain", (FIRST, SECOND), keeps=True)
    steps = begin(chain)
    next(steps)
    steps.throw(CredentialUnavailableError("Not here."))
    result_of(steps.send, TOKEN)
    steps = begin(chain)
    assert next_asked(next(steps)) == "Second"
    with pytest.raises(CredentialUnavailableError, match=r"^Not here any more$"):
        steps.throw(CredentialUnavailableError("Not here any more"))
    assert next_asked(next(begin(chain))) == "Second"


def test_a_chain_goes_on_after_the_failure_of_those_that_may_fail() -> None:
    chain = Chain("Chain", (FIRST, SECOND, THIRD), goes_on_after=lambda link: link is FIRST)
    steps = begin(chain)
    next(steps)
    assert next_asked(steps.throw(ClientAuthenticationError("Refused."))) == "Second"
    with pytest.raises(ClientAuthenticationError, match="First and Second failed"):
        steps.throw(ClientAuthenticationError("Refused."))


def test_a_failure_that_is_none_of_authentication_ends_it_whoever_it_is() -> None:
    steps = begin(Chain("Chain", (FIRST, SECOND), goes_on_after=lambda _: True))
    next(steps)
    with pytest.raises(ClientAuthenticationError, match="First failed"):
        steps.throw(ValueError("Odd."))


def test_nothing_is_asked_without_scopes() -> None:
    steps = Chain("Chain", (FIRST,)).asking((), lambda link: (lambda: link, lambda token: token))
    with pytest.raises(ValueError, match="at least one scope"):
        next(steps)


def test_options_that_say_nothing_are_left_out() -> None:
    assert options_of(claims=None, tenant_id=None, enable_cae=False) == {}
    assert options_of(claims="", tenant_id="", enable_cae=False) == {}
    everything = {"claims": "{}", "tenant_id": "t", "enable_cae": True}
    assert options_of(claims="{}", tenant_id="t", enable_cae=True) == everything
