from __future__ import annotations

from importlib import import_module

import pytest

from azid.default_chain import LINKS, Link, chosen_links, is_developers

DEFAULT = (
    *("environment", "workload_identity", "managed_identity", "shared_token_cache", "visual_studio_code", "cli"),
    *("powershell", "developer_cli", "broker"),
)
DEVELOPERS = ("shared_token_cache", "visual_studio_code", "cli", "powershell", "developer_cli", "broker")
PLATFORMS = ("environment", "workload_identity", "managed_identity")
every_link = pytest.mark.parametrize("link", LINKS, ids=lambda link: link.key)


def chosen(
    variable: str | None = None, excluded: dict[str, bool | None] | None = None, *, require_envvar: bool = False
) -> tuple[str, ...]:
    environ = {} if variable is None else {"AZURE_TOKEN_CREDENTIALS": variable}
    return tuple(link.key for link in chosen_links(environ, excluded or {}, require_envvar=require_envvar))


@every_link
def test_each_link_is_a_class(link: Link) -> None:
    cls = getattr(import_module(link.module), link.name)
    assert cls.__name__ == link.name


def test_by_default_nobody_is_asked() -> None:
    assert chosen() == DEFAULT


@every_link
def test_a_link_may_be_left_out_or_asked_for(link: Link) -> None:
    assert link.key not in chosen(None, {link.key: True})
    assert chosen(None, {link.key: False}) == tuple(each.key for each in LINKS if each.key in (link.key, *DEFAULT))


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        *(("", DEFAULT), (" \t", DEFAULT)),
        *((written, DEVELOPERS) for written in ("dev", "DEV", " dev ", "Dev\n")),
        *((written, PLATFORMS) for written in ("prod", "PROD", " prod ")),
    ],
)
def test_the_variable_chooses_a_group(variable: str, expected: tuple[str, ...]) -> None:
    assert chosen(variable) == expected


@pytest.mark.parametrize("write", [str, str.lower, str.upper, lambda name: f" {name} "])
@every_link
def test_the_variable_chooses_a_name(link: Link, write: type[str]) -> None:
    if link.is_chosen_by_name:
        assert chosen(write(link.name)) == (link.key,)
    else:
        with pytest.raises(ValueError, match=r"AZURE_TOKEN_CREDENTIALS is .*It may be 'dev', 'prod', or one of"):
            chosen(write(link.name))


@pytest.mark.parametrize("variable", ["production", "dev,prod", "AzureCli", "cli", "None"])
def test_another_choice_is_refused_as_it_is_written(variable: str) -> None:
    with pytest.raises(ValueError, match=f"AZURE_TOKEN_CREDENTIALS is '{variable}'"):
        chosen(variable)


def test_parameters_come_first() -> None:
    assert chosen("prod", {"cli": False, "managed_identity": True}) == ("environment", "workload_identity", "cli")
    assert chosen("dev", {"interactive_browser": False, "cli": None})[-2:] == ("interactive_browser", "broker")
    assert chosen("AzureCliCredential", {"powershell": False}) == ("cli", "powershell")


def test_nothing_left_is_refused() -> None:
    with pytest.raises(ValueError, match="All credentials are left out"):
        chosen("AzureCliCredential", {"cli": True})


@pytest.mark.parametrize("variable", [None, "", " "])
def test_a_variable_that_has_to_be_set_is_asked_for(variable: str | None) -> None:
    with pytest.raises(ValueError, match="wants AZURE_TOKEN_CREDENTIALS set"):
        chosen(variable, require_envvar=True)
    assert chosen("prod", require_envvar=True) == PLATFORMS


@every_link
def test_who_is_a_developers(link: Link) -> None:
    credential = type(link.name, (), {})()
    assert is_developers(credential) == (link.key in DEVELOPERS)
