from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Callable
from typing import Any

import pytest

import azid
import azid.aio
from azid import CredentialUnavailableError
from azid.credentials.pickled import PickledAsMade
from azid.credentials.unavailable import UnavailableCredential
from tests.conftest import GRAPH

WAYS = [lambda made: pickle.loads(pickle.dumps(made)), copy.copy, copy.deepcopy]


class Made(PickledAsMade):
    def __init__(self, one: str, *, other: int = 0) -> None:
        self.given = [one, other]


class Derived(Made):
    def __init__(self) -> None:
        super().__init__("one", other=1)


@pytest.mark.parametrize("of", WAYS)
@pytest.mark.parametrize("made", [Made("a"), Made(one="a", other=2), Derived()])
def test_a_copy_is_made_with_the_same_arguments(made: Made, of: Callable[[Made], Made]) -> None:
    made.given.append("what came later")
    copied = of(made)
    assert type(copied) is type(made)
    assert copied.given == made.given[:2]
    made.given.pop()


def test_its_signature_is_that_of_its_constructor() -> None:
    assert [*inspect.signature(Made).parameters] == ["one", "other"]
    assert [*inspect.signature(Derived).parameters] == []


@pytest.mark.parametrize(
    "make",
    [
        lambda library: library.AzureCliCredential(tenant_id="t", subscription="s", process_timeout=5),
        lambda library: library.AzureDeveloperCliCredential(tenant_id="t"),
        lambda library: library.AzurePowerShellCredential(additionally_allowed_tenants=["*"]),
    ],
)
@pytest.mark.parametrize("library", [azid, azid.aio])
def test_a_tools_credential_can_be_pickled(library: Any, make: Callable[[Any], Any]) -> None:
    credential = make(library)
    copied = pickle.loads(pickle.dumps(credential))
    assert type(copied) is type(credential)
    assert repr(copied) == repr(credential)


def test_a_credential_that_could_not_be_made_tells_why() -> None:
    credential = UnavailableCredential("WorkloadIdentityCredential", "It is not set up here.")
    for method in (credential.get_token, credential.get_token_info):
        with pytest.raises(CredentialUnavailableError, match=r"^It is not set up here"):
            method(GRAPH)
    assert repr(credential) == "UnavailableCredential('WorkloadIdentityCredential')"
    with credential:
        credential.close()
