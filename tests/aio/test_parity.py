"""azid.aio offers what azid does: the same names, parameters, defaults and documentation, awaited."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from inspect import Signature, signature
from typing import Any

import pytest
from azure.core.credentials_async import AsyncSupportsTokenInfo, AsyncTokenCredential

import azid
import azid.aio

CREDENTIALS = sorted(
    name for name in azid.__all__ if isinstance(value := getattr(azid, name), type) and hasattr(value, "get_token")
)
STATIC = {"supported"}
ASYNC_CONTEXT = {"__enter__": "__aenter__", "__exit__": "__aexit__"}


def methods(cls: type) -> list[str]:
    """The methods that `cls` offers, those for `with` included."""
    return [name for name in dir(cls) if not name.startswith("_") or name in ASYNC_CONTEXT]


every_credential = pytest.mark.parametrize("name", CREDENTIALS)
every_method = pytest.mark.parametrize(
    ("name", "method"), [(name, method) for name in CREDENTIALS for method in methods(getattr(azid, name))]
)


def pair(name: str) -> tuple[type, type]:
    return getattr(azid, name), getattr(azid.aio, name)


def async_method(async_class: type, method: str) -> Callable[..., Any]:
    found: Callable[..., Any] = getattr(async_class, ASYNC_CONTEXT.get(method, method))
    return found


def without_annotations(of: Signature) -> Signature:
    empty = Signature.empty
    return of.replace(
        parameters=[parameter.replace(annotation=empty) for parameter in of.parameters.values()],
        return_annotation=empty,
    )


def same(one: Signature, other: Signature) -> bool:
    """Whether two classes take the same parameters; what they make of them is the class itself."""
    return one.parameters == other.parameters


def test_every_credential_has_an_async_one() -> None:
    assert len(CREDENTIALS) >= 20
    assert {*azid.aio.__all__} == {*CREDENTIALS, "get_bearer_token_provider"}


@every_credential
def test_async_is_another_class_of_the_same_name(name: str) -> None:
    sync_class, async_class = pair(name)
    assert async_class is not sync_class
    assert async_class.__name__ == sync_class.__name__
    assert issubclass(async_class, azid.aio.InteractiveCredential) == issubclass(sync_class, azid.InteractiveCredential)


@every_credential
def test_public_names_are_the_same(name: str) -> None:
    sync_class, async_class = pair(name)
    assert [name for name in dir(async_class) if not name.startswith("_")] == [
        name for name in dir(sync_class) if not name.startswith("_")
    ]


@every_credential
def test_the_class_takes_the_same_parameters(name: str) -> None:
    sync_class, async_class = pair(name)
    if name == "ChainedTokenCredential":  # of async credentials
        assert without_annotations(signature(async_class)) == without_annotations(signature(sync_class))
        return
    assert same(signature(async_class, eval_str=True), signature(sync_class, eval_str=True))
    assert signature(async_class.__init__) == signature(sync_class.__init__)  # type: ignore[misc]
    assert signature(async_class.__init__, eval_str=True) == signature(sync_class.__init__, eval_str=True)  # type: ignore[misc]
    assert typing.get_type_hints(async_class.__init__) == typing.get_type_hints(sync_class.__init__)  # type: ignore[misc]


@every_credential
def test_the_class_is_documented_alike(name: str) -> None:
    sync_class, async_class = pair(name)
    assert inspect.getdoc(async_class) == inspect.getdoc(sync_class)


@every_method
def test_a_method_takes_and_returns_the_same(name: str, method: str) -> None:
    sync_class, async_class = pair(name)
    assert signature(async_method(async_class, method)) == signature(getattr(sync_class, method))


@every_method
def test_a_method_is_documented_alike(name: str, method: str) -> None:
    sync_class, async_class = pair(name)
    assert inspect.getdoc(async_method(async_class, method)) == inspect.getdoc(getattr(sync_class, method))


@every_method
def test_a_method_is_awaited(name: str, method: str) -> None:
    sync_class, async_class = pair(name)
    assert not inspect.iscoroutinefunction(getattr(sync_class, method))
    assert inspect.iscoroutinefunction(async_method(async_class, method)) == (method not in STATIC)


@every_credential
def test_with_needs_async(name: str) -> None:
    _, async_class = pair(name)
    assert not hasattr(async_class, "__enter__")
    assert not hasattr(async_class, "__exit__")


@pytest.mark.filterwarnings("ignore:UsernamePasswordCredential")
@pytest.mark.parametrize(
    "credential",
    [
        azid.aio.InteractiveBrowserCredential,
        azid.aio.DeviceCodeCredential,
        lambda: azid.aio.UsernamePasswordCredential("client", "ada@contoso.example", "password"),
    ],
)
def test_azure_core_takes_it_for_an_async_credential(credential: Callable[[], Any]) -> None:
    assert isinstance(credential(), AsyncTokenCredential)
    assert isinstance(credential(), AsyncSupportsTokenInfo)


def test_bearer_token_provider_takes_the_same() -> None:
    sync_function, async_function = azid.get_bearer_token_provider, azid.aio.get_bearer_token_provider
    assert without_annotations(signature(async_function)) == without_annotations(signature(sync_function))
    assert inspect.getdoc(async_function) == inspect.getdoc(sync_function)


@pytest.mark.parametrize("name", [name for name in CREDENTIALS if name != "ChainedTokenCredential"])
def test_a_mistake_is_refused_alike(name: str) -> None:
    for kind in pair(name):
        with pytest.raises(TypeError, match=rf"{name}\.__init__\(\) takes"):
            kind(*["surplus"] * 9)
