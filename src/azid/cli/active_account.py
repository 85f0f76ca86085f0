"""The account that the commands mean unless they are told another: who signed in last, or was chosen since.

It lies in a file of the person's: the authentication record of the account, and how the command reached it. No secret
is in it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from azid.record import AuthenticationRecord

__all__ = ["ActiveAccount", "folder", "forget", "load", "path", "save"]

_FOLDER_VARIABLE: Final = "AZID_CONFIG_DIR"
_FILE: Final = "account.json"


class ActiveAccount(NamedTuple):
    """The account that the commands mean.

    :param record: the account. Its authority has a port where that is not the usual one.
    :param storage: where its sign-in is kept: one of `azid.cli.storage.STORAGES`.
    :param disable_instance_discovery: whether its authority is trusted although Microsoft does not know it.
    """

    record: AuthenticationRecord
    storage: str = "auto"
    disable_instance_discovery: bool = False


def folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of the command's own settings: AZID_CONFIG_DIR, else where the platform has such.

    :param environ: environment variables. Defaults to the process's.
    """
    if named := environ.get(_FOLDER_VARIABLE):
        return Path(named)
    import click

    return Path(click.get_app_dir("azid"))


def path(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the file that says which account is active."""
    return folder(environ) / _FILE


def load(environ: Mapping[str, str] = os.environ) -> ActiveAccount | None:
    """Return the active account; None if there is none, or none that can be read."""
    from azid.record import AuthenticationRecord

    try:
        text = path(environ).read_text(encoding="utf-8")
        record = AuthenticationRecord.deserialize(text)
    except (OSError, ValueError):
        return None
    more = json.loads(text)
    storage = more.get("storage")
    return ActiveAccount(
        record,
        storage=storage if isinstance(storage, str) else "auto",
        disable_instance_discovery=more.get("disableInstanceDiscovery") is True,
    )


def save(
    record: AuthenticationRecord,
    *,
    authority: str | None = None,
    storage: str = "auto",
    disable_instance_discovery: bool = False,
    environ: Mapping[str, str] = os.environ,
) -> None:
    """Make an account the active one.

    :param record: the account.
    :param authority: the authority that it signed in at, with its port: records have none.
    :param storage: where its sign-in is kept: one of `azid.cli.storage.STORAGES`.
    :param disable_instance_discovery: whether its authority is trusted although Microsoft does not know it.
    :raises OSError: the file cannot be written.
    """
    if authority is not None:
        from azid.authority import normalize_authority

        record = record._replace(authority=normalize_authority(authority).removeprefix("https://"))
    content = {
        **json.loads(record.serialize()),
        "storage": storage,
        "disableInstanceDiscovery": disable_instance_discovery,
    }
    file = path(environ)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        new.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)


def forget(environ: Mapping[str, str] = os.environ) -> None:
    """Have no active account any more."""
    path(environ).unlink(missing_ok=True)
