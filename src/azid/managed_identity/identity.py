"""Which of a machine's identities is meant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

__all__ = ["UserAssignedIdentity", "identity_of", "is_cloud_shell"]

_KEYS: Final = ("client_id", "object_id", "resource_id")


class UserAssignedIdentity(NamedTuple):
    """An identity that the machine shares with others, by one of its names."""

    key: str
    """Which name it is: ``client_id``, ``object_id`` or ``resource_id``."""
    value: str

    def parameters(self, names: Mapping[str, str]) -> dict[str, str]:
        """Return the request's parameter that names it.

        :param names: the endpoint's names of the keys that it does not call as we do.
        """
        return {names.get(self.key, self.key): self.value}


def identity_of(client_id: str | None, identity_config: Mapping[str, str] | None) -> UserAssignedIdentity | None:
    """Return the identity that a credential's parameters name; None for the machine's own, if they name none.

    :param client_id: its client ID; or else
    :param identity_config: one of ``client_id``, ``object_id`` and ``resource_id`` with its value.
    :raises ValueError: there is more than one name, or another key.
    :raises TypeError: `identity_config` has no keys.
    """
    config = identity_config or {}
    if not isinstance(config, Mapping):
        raise TypeError(f"'identity_config' is a dict with one of {', '.join(_KEYS)}, not {type(config).__name__}.")
    if unknown := sorted(map(str, config.keys() - set(_KEYS))):
        raise ValueError(f"'identity_config' takes one of {', '.join(_KEYS)}, not {', '.join(unknown)}.")
    given = [("client_id", client_id), *config.items()]
    names = [UserAssignedIdentity(key, value) for key, value in given if value]
    if len(names) > 1:
        raise ValueError(
            f"The identity is named {len(names)} times: give 'client_id', or an 'identity_config' with one of "
            f"{', '.join(_KEYS)}."
        )
    return names[0] if names else None


def is_cloud_shell(environ: Mapping[str, str]) -> bool:
    """Whether the program runs in Cloud Shell, where the identity is the person who has opened it, and no other.

    :param environ: the environment variables.
    """
    others = ("IDENTITY_ENDPOINT", "MSI_SECRET")
    return bool(environ.get("MSI_ENDPOINT")) and not any(environ.get(name) for name in others)
