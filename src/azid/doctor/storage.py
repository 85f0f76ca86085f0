"""Where tokens can be kept on this machine, and how well what is kept there is."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from azid.doctor.finding import Finding, Verdict
from azid.errors import CredentialUnavailableError, EncryptionUnavailableError

__all__ = ["check_cache", "check_storage"]

_TOO_OPEN: Final = 0o077
_LARGE: Final = 5_000_000
"""Bytes from which on reading the cache takes a noticeable part of a second."""


def check_storage(
    *, platform: str = sys.platform, environ: Mapping[str, str] = os.environ, folder: Path | None = None
) -> Iterator[Finding]:
    """Look at what tokens can be encrypted with, and at the folder that they or their locks are in. Unlocks nothing.

    :param platform: what kind of machine it is, as `sys.platform` has it.
    :param environ: environment variables. Defaults to the process's.
    :param folder: that folder. Defaults to this user's.
    """
    from azid.tokens.stores.personal import token_folder

    if platform == "win32":
        yield Finding("encryption", Verdict.OK, "Tokens are encrypted by Windows, for this user (DPAPI).")
    elif platform == "darwin":
        yield Finding("encryption", Verdict.OK, "Tokens are kept in the Keychain.")
    else:
        yield from _on_linux(environ)
    try:
        place = folder or token_folder(platform, environ)
    except CredentialUnavailableError as error:
        yield Finding("folder", Verdict.PROBLEM, str(error))
        return
    yield from _folder(place, platform)


def _on_linux(environ: Mapping[str, str]) -> Iterator[Finding]:
    keyring = _unusable_keyring(environ)
    kernel = _unusable_kernel_keys()
    if keyring is None:
        yield Finding("keyring", Verdict.OK, "A keyring is there and unlocked; 'azid login' keeps sign-ins in it.")
    else:
        verdict = Verdict.NOTE if kernel is None else Verdict.WARNING
        yield Finding("keyring", verdict, keyring)
    if kernel is None:
        yield Finding("kernel key", Verdict.OK, "The kernel can keep a key; it encrypts a file where no keyring is.")
    else:
        yield Finding("kernel key", Verdict.NOTE if keyring is None else Verdict.WARNING, kernel)
    if keyring is not None and kernel is not None:
        yield Finding(
            "encryption",
            Verdict.PROBLEM,
            "Tokens cannot be kept encrypted here.",
            "Start a keyring, or allow a file that nothing encrypts: azid login --storage plaintext",
        )


def _unusable_keyring(environ: Mapping[str, str]) -> str | None:
    from azid.tokens.stores.secret_service import find_session_bus, probe

    try:
        probe(bus_address=find_session_bus(environ) or "", ask=lambda: False)
    except EncryptionUnavailableError as error:
        return error.explanation
    return None


def _unusable_kernel_keys() -> str | None:
    from azid.tokens.stores.kernel_key import KernelKey

    try:
        KernelKey("azid").probe()
    except EncryptionUnavailableError as error:
        return error.explanation
    return None


def _folder(folder: Path, platform: str) -> Iterator[Finding]:
    there = next((place for place in (folder, *folder.parents) if place.exists()), folder)
    if not os.access(there, os.W_OK | os.X_OK):
        yield Finding(
            "folder",
            Verdict.PROBLEM,
            f"{there} cannot be written to, so that sign-ins cannot be kept in {folder}.",
            f"Let this user write to {there}, or point HOME at a folder that can be written to",
        )
        return
    if not folder.exists():
        yield Finding("folder", Verdict.OK, f"{folder} will be made at the first sign-in.")
        return
    if platform != "win32":
        open_to_others = [file for file in (folder, *_files(folder)) if file.stat().st_mode & _TOO_OPEN]
        if open_to_others:
            yield Finding(
                "folder",
                Verdict.WARNING,
                f"Other users can look into {open_to_others[0]}.",
                f"chmod -R go= {folder}",
            )
            return
    yield Finding("folder", Verdict.OK, f"{folder} is this user's own.")


def check_cache(
    storage: str,
    *,
    platform: str = sys.platform,
    environ: Mapping[str, str] = os.environ,
    now: Callable[[], float] = time.time,
) -> Iterator[Finding]:
    """Look into the cache, unless that would ask the person to unlock a keyring.

    :param storage: how it is kept: ``keyring``, ``kernel-keyring`` or ``plaintext``.
    :param platform: what kind of machine it is, as `sys.platform` has it.
    :param environ: environment variables. Defaults to the process's.
    :param now: returns seconds since the epoch. Defaults to the machine's clock.
    """
    from azid.tokens import document
    from azid.tokens.stores.personal import KERNEL_KEYRING, open_personal_store, token_folder

    if storage == "keyring" and platform == "linux" and (why := _unusable_keyring(environ)) is not None:
        yield Finding("cache", Verdict.NOTE, f"It was not looked into. {why}")
        return
    try:
        store = open_personal_store(
            allow_unencrypted_storage=storage == "plaintext",
            encryption=KERNEL_KEYRING if storage == KERNEL_KEYRING else None,
            platform=platform,
            environ=environ,
        )
    except CredentialUnavailableError as error:
        reason = error.explanation if isinstance(error, EncryptionUnavailableError) else str(error)
        yield Finding("cache", Verdict.NOTE, f"There is none: {reason}")
        return
    try:
        documents = [store.peek(cae=cae) for cae in (False, True)]
    except Exception as error:  # whatever a damaged cache makes a store raise
        yield Finding(
            "cache",
            Verdict.PROBLEM,
            f"It cannot be read: it {error}.",
            "Sign in: azid login sets aside what cannot be read, and begins anew",
        )
        return
    accounts: set[str] = set()
    tokens = expired = 0
    for stored in documents:
        for host, client_id in document.find_clients(stored):
            accounts |= {found.home_account_id for found in document.find_accounts(stored, (host,), client_id)}
        kept = stored.get("AccessToken", {})
        entries = [entry for entry in kept.values() if isinstance(entry, dict)] if isinstance(kept, dict) else []
        tokens += len(entries)
        expired += sum(1 for entry in entries if _expires_on(entry) <= now())
    told = f"{_count(len(accounts), 'account')}, {_count(tokens, 'access token')}, {expired} of them expired."
    yield Finding("cache", Verdict.OK, f"It can be read: {told}")
    yield from _files_of(token_folder(platform, environ))


def _files_of(folder: Path) -> Iterator[Finding]:
    for file in _files(folder):
        if file.name.endswith(".lockfile") and (pid := _dead_owner(file)) is not None:
            yield Finding(
                "lock",
                Verdict.WARNING,
                f"{file} was left by process {pid}, which has ended. azid takes it over; other tools wait 5 s for it.",
                f"rm {file}",
            )
        if ".unreadable-" in file.name:
            yield Finding(
                "damaged cache",
                Verdict.WARNING,
                f"{file} is what was left of a cache that could not be read.",
                f"Keep it if you want to look into it, else: rm {file}",
            )
        if file.stat().st_size > _LARGE:
            yield Finding(
                "size",
                Verdict.WARNING,
                f"{file} has {file.stat().st_size / 1e6:.0f} MB, which every new process reads.",
                "Sign out accounts that are not used any more: azid accounts, azid logout",
            )


def _files(folder: Path) -> list[Path]:
    return [file for file in sorted(folder.iterdir()) if file.is_file()] if folder.is_dir() else []


def _dead_owner(lock: Path) -> int | None:
    try:
        pid, _, _ = lock.read_text(encoding="ascii", errors="replace").partition(" ")
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return int(pid)
    except (OSError, ValueError, OverflowError):
        return None
    return None


def _expires_on(entry: Mapping[str, object]) -> float:
    try:
        return float(str(entry.get("expires_on")))
    except ValueError:
        return 0.0


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
