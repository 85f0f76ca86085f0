"""A person's own token store: on each platform the very one of azure-identity and MSAL's other libraries.

    Windows     %LOCALAPPDATA%\\.IdentityService\\<name>, encrypted by the Data Protection API
    macOS       the Keychain, service Microsoft.Developer.IdentityService
    elsewhere   the keyring that the Secret Service gives access to; if there is none and that is allowed, the plain
                file ~/.IdentityService/<name>
    by choice   on Linux ~/.IdentityService/<name>.<machine>.encrypted, encrypted under a key of the kernel's: azid's
                alone, and one for each machine and user that share the folder

`<name>` ends with ``.nocae`` or ``.cae``. On every platform, `.IdentityService` has MSAL's lock files, and files that
signal changes where the tokens are elsewhere.
"""

from __future__ import annotations

import functools
import logging
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from azid.errors import CredentialUnavailableError
from azid.tokens.stores.file import FileItem
from azid.tokens.stores.item import Item
from azid.tokens.stores.shared import SUFFIXES, SharedTokenStore

__all__ = ["DEFAULT_NAME", "KERNEL_KEYRING", "has_personal_cache", "open_personal_store", "token_folder"]

_LOGGER = logging.getLogger(__name__)

DEFAULT_NAME: Final = "msal.cache"
"""The cache that Microsoft's developer tools share."""
KERNEL_KEYRING: Final = "kernel-keyring"
"""The encryption under a key that the Linux kernel keeps in memory."""
_FOLDER: Final = ".IdentityService"
_DEFAULT_ACCOUNT: Final = "MSALCache"
"""What the Keychain calls the default cache's account; another one's is its own name."""


def open_personal_store(
    name: str = DEFAULT_NAME,
    *,
    allow_unencrypted_storage: bool = False,
    encryption: str | None = None,
    warns: bool = True,
    platform: str = sys.platform,
    environ: Mapping[str, str] = os.environ,
) -> SharedTokenStore:
    """Return the store of the person who runs this process.

    :param name: the cache's name. Defaults to that of the cache that Microsoft's developer tools share.
    :param allow_unencrypted_storage: whether a plain file will do where nothing encrypts. Defaults to False.
    :param encryption: `KERNEL_KEYRING` has a file encrypted under a key of the kernel's on Linux. None by default.
    :param warns: whether to warn of a plain file. Defaults to True.
    :param platform: what kind of machine it is, as `sys.platform` has it.
    :param environ: environment variables. Defaults to the process's.
    :raises CredentialUnavailableError: tokens cannot be kept here, or not encrypted; the message names the remedy.
    :raises ValueError: the name cannot be a file's.
    """
    if not name or {*name} & {"/", "\\", "\0", ":"}:
        raise ValueError("A cache's 'name' becomes part of a file's: it must not be empty or contain '/', '\\' or ':'.")
    folder = token_folder(platform, environ)
    make = _item_maker(folder, platform, environ, allow_unencrypted_storage, encryption, warns=warns)
    try:
        items = {cae: make(name + suffix) for cae, suffix in SUFFIXES.items()}
    except ImportError as error:
        raise CredentialUnavailableError(
            "Tokens cannot be encrypted, because a Python package is not installed: run 'python -m pip install "
            f"msal-extensions'. ({error})"
        ) from error
    return SharedTokenStore(items, folder, name)


def has_personal_cache(
    name: str = DEFAULT_NAME, platform: str = sys.platform, environ: Mapping[str, str] = os.environ
) -> bool:
    """Whether anybody has ever kept tokens in the person's cache of this name, as far as its folder tells.

    It does not ask the keyring: wherever the tokens are, each change of them leaves a file in the folder.

    :param name: the cache's name. Defaults to that of the cache that Microsoft's developer tools share.
    :param platform: what kind of machine it is, as `sys.platform` has it.
    :param environ: environment variables. Defaults to the process's.
    """
    try:
        folder = token_folder(platform, environ)
        return any(
            path.name.startswith(tuple(name + suffix for suffix in SUFFIXES.values())) for path in folder.iterdir()
        )
    except (CredentialUnavailableError, OSError):
        return False


def token_folder(platform: str = sys.platform, environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder that has the tokens, or what else belongs to them where they are elsewhere.

    :param platform: what kind of machine it is, as `sys.platform` has it.
    :param environ: environment variables. Defaults to the process's.
    :raises CredentialUnavailableError: this user has no place for it.
    """
    variable = "LOCALAPPDATA" if platform == "win32" else "HOME"
    parent = environ.get(variable) or ("" if platform == "win32" else _home_of_user())
    if not parent or not Path(parent).is_absolute():
        raise CredentialUnavailableError(
            f"There is no place to keep tokens in: set the environment variable {variable} to a folder of this user's, "
            "by its whole path."
        )
    return Path(parent) / _FOLDER


def _home_of_user() -> str:
    if sys.platform == "win32":
        return ""
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:  # as in a container that runs as an arbitrary user
        return ""


def _item_maker(
    folder: Path,
    platform: str,
    environ: Mapping[str, str],
    allow_unencrypted_storage: bool,
    encryption: str | None,
    *,
    warns: bool,
) -> Callable[[str], Item]:
    """Return what makes a cache's item of the cache's name with its suffix."""
    if platform == "win32":
        from azid.tokens.stores.data_protection import DataProtectionItem

        return lambda cache: DataProtectionItem(folder / cache)
    if platform == "darwin":
        from azid.tokens.stores.keychain import KeychainItem

        default = DEFAULT_NAME + SUFFIXES[False]
        return lambda cache: KeychainItem(folder / cache, _DEFAULT_ACCOUNT if cache == default else cache)
    try:
        return _kernel_keyring(folder) if encryption == KERNEL_KEYRING else _secret_service(folder, environ)
    except CredentialUnavailableError as error:
        if not allow_unencrypted_storage:
            raise
        if warns:
            _warn_of_plain_files(folder)
        _LOGGER.info("Tokens are not encrypted: %s", error)
        return lambda cache: FileItem(folder / cache)


def _secret_service(folder: Path, environ: Mapping[str, str]) -> Callable[[str], Item]:
    from azid.tokens.stores.secret_service import SecretServiceItem, find_session_bus, probe

    address = find_session_bus(environ)
    probe(bus_address=address or "")
    return lambda cache: SecretServiceItem(cache, folder / cache, bus_address=address)


def _kernel_keyring(folder: Path) -> Callable[[str], Item]:
    from azid.tokens.stores.encrypted_item import EncryptedItem
    from azid.tokens.stores.kernel_key import KernelKey

    def make(cache: str) -> Item:
        file = FileItem(folder / f"{cache}.{_whose_kernel_keys()}.encrypted")
        # A key for each file, so that the file's lock keeps two programs from making it at once.
        return EncryptedItem(file, file.path.name, KernelKey(f"azid:{file.path}"))

    KernelKey("azid").probe()
    return make


def _whose_kernel_keys() -> str:
    """Return what tells this machine and this user from others that have the same home: they have other keys."""
    import hashlib

    try:
        machine = Path("/etc/machine-id").read_text(encoding="ascii").strip()
    except (OSError, ValueError):  # as in most containers
        machine = os.uname().nodename
    return hashlib.sha256(f"{machine} {os.getuid()}".encode()).hexdigest()[:12]


@functools.cache
def _warn_of_plain_files(folder: Path) -> None:
    _LOGGER.warning(
        "Tokens are kept in %s without being encrypted, as 'allow_unencrypted_storage' allows: there is no keyring "
        "here. Whoever can read this user's files can use them.",
        folder,
    )
