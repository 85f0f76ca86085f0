"""Which credentials `DefaultAzureCredential` asks, and in which order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

__all__ = ["LINKS", "Link", "chosen_links", "is_developers"]

_VARIABLE: Final = "AZURE_TOKEN_CREDENTIALS"
"""The environment variable that chooses: one credential by its class's name, or ``dev``, or ``prod``."""


class Link(NamedTuple):
    """One of the credentials."""

    key: str
    """What the parameter that leaves it out calls it: ``exclude_<key>_credential``."""
    name: str
    """Its class."""
    file: str
    """The module that has it, in `azid.credentials`."""
    is_developers: bool = False
    """Whether it belongs to a developer's desk, rather than to where programs run."""
    is_chosen_by_name: bool = True
    """Whether the environment variable may choose it alone."""
    is_left_out: bool = False
    """Whether it is left out unless somebody asks for it."""
    is_the_platforms: bool = False
    """Whether the platform that the program runs on describes it: elsewhere it cannot even be made."""

    @property
    def module(self) -> str:
        """The name of the module that has it."""
        return f"azid.credentials.{self.file}"


LINKS: Final = (
    Link("environment", "EnvironmentCredential", "environment"),
    Link("workload_identity", "WorkloadIdentityCredential", "workload_identity", is_the_platforms=True),
    Link("managed_identity", "ManagedIdentityCredential", "managed_identity", is_the_platforms=True),
    Link(
        *("shared_token_cache", "SharedTokenCacheCredential", "shared_token_cache"),
        is_developers=True,
        is_chosen_by_name=False,
    ),
    Link("visual_studio_code", "VisualStudioCodeCredential", "visual_studio_code", is_developers=True),
    Link("cli", "AzureCliCredential", "azure_cli", is_developers=True),
    Link("powershell", "AzurePowerShellCredential", "azure_powershell", is_developers=True),
    Link("developer_cli", "AzureDeveloperCliCredential", "azure_developer_cli", is_developers=True),
    Link("interactive_browser", "InteractiveBrowserCredential", "browser", is_left_out=True),
    Link("broker", "BrokerCredential", "broker", is_developers=True, is_chosen_by_name=False),
)
"""The credentials in their order: what is set up for the program first, then what a developer has signed in with."""
_DEVELOPERS: Final = frozenset(link.name for link in LINKS if link.is_developers)


def chosen_links(
    environ: Mapping[str, str], excluded: Mapping[str, bool | None], *, require_envvar: bool
) -> tuple[Link, ...]:
    """Return the credentials to ask, in their order.

    :param environ: the environment variables.
    :param excluded: by the links' keys, whether the program leaves them out; None where it does not say.
    :param require_envvar: whether the environment variable has to choose.
    :raises ValueError: it does not, or chooses what there is not; or nothing is left.
    """
    written = environ.get(_VARIABLE, "").strip()
    if require_envvar and not written:
        raise ValueError(
            f"This program wants {_VARIABLE} set: to 'dev', 'prod', or a credential's name such as "
            "'ManagedIdentityCredential'."
        )
    by_default = _left_out(written)
    left = tuple(link for link in LINKS if not _decided(excluded.get(link.key), by_default[link.key]))
    if not left:
        raise ValueError(f"All credentials are left out: exclude fewer, or choose others with {_VARIABLE}.")
    return left


def is_developers(credential: object) -> bool:
    """Whether `credential` is a developer's: it may fail, and the others are asked all the same."""
    return type(credential).__name__ in _DEVELOPERS


def _left_out(written: str) -> dict[str, bool]:
    """Return by the links' keys whether what is written in the environment variable leaves them out."""
    choice = written.lower()
    if not choice:
        return {link.key: link.is_left_out for link in LINKS}
    if choice == "dev":
        return {link.key: not link.is_developers for link in LINKS}
    if choice == "prod":
        return {link.key: link.is_developers or link.is_left_out for link in LINKS}
    names = {link.name.lower(): link.name for link in LINKS if link.is_chosen_by_name}
    if choice not in names:
        raise ValueError(f"{_VARIABLE} is {written!r}. It may be 'dev', 'prod', or one of {', '.join(names.values())}.")
    return {link.key: link.name != names[choice] for link in LINKS}


def _decided(by_program: bool | None, by_default: bool) -> bool:
    return by_default if by_program is None else by_program
