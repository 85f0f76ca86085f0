"""Which packages there are: azid's own, its extras', and who is behind the name `azure.identity`."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Iterable, Iterator
from importlib import metadata
from pathlib import Path

from azid.doctor.finding import Finding, Verdict
from azid.version import __version__

__all__ = ["check_packages"]

_NEEDED = ("azure-core", "msal", "cryptography")
_EXTRAS = {
    "aio": ("anyio", "async credentials"),
    "emulator": ("flask", "the emulator"),
    "broker": ("pymsalruntime", "the operating system's broker"),
    "redis": ("redis", "a Redis store"),
}
_DROP_IN_MARK = "+azid."


def check_packages(
    distribution: Callable[[str], metadata.Distribution] = metadata.distribution, *, path: Iterable[str] | None = None
) -> Iterator[Finding]:
    """Look at the packages.

    :param distribution: finds an installed distribution by its name, as `importlib.metadata.distribution` does.
    :param path: where modules are looked for. Defaults to `sys.path`.
    """
    versions = {name: found.version for name in _NEEDED if (found := _find(name, distribution)) is not None}
    listed = ", ".join(f"{name} {version}" for name, version in versions.items())
    yield Finding("azid", Verdict.OK, f"azid {__version__} on Python {platform.python_version()}, with {listed}.")
    for missing in [name for name in _NEEDED if name not in versions]:
        yield Finding(missing, Verdict.PROBLEM, "It is not installed.", "python -m pip install --force-reinstall azid")
    present = [extra for extra, (package, _) in _EXTRAS.items() if _find(package, distribution) is not None]
    absent = [f"{extra} ({what})" for extra, (_, what) in _EXTRAS.items() if extra not in present]
    told = f"Installed: {', '.join(present) or 'none'}." + (f" Not installed: {', '.join(absent)}." if absent else "")
    yield Finding("extras", Verdict.NOTE, told)
    yield from _behind_azure_identity(distribution)
    yield from _twice(sys.path if path is None else path)


def _behind_azure_identity(distribution: Callable[[str], metadata.Distribution]) -> Iterator[Finding]:
    found = _find("azure-identity", distribution)
    if found is None:
        yield Finding("azure.identity", Verdict.NOTE, "It is not installed. azid does not need it.")
        return
    if _DROP_IN_MARK not in found.version:
        yield Finding(
            "azure.identity",
            Verdict.NOTE,
            f"It is Microsoft's azure-identity {found.version}: programs that import azure.identity do not use azid. "
            "Both can be installed side by side.",
        )
        return
    changed = [str(file) for file in found.files or () if file.suffix == ".py" and not _is_as_installed(file)]
    if changed:
        yield Finding(
            "azure.identity",
            Verdict.PROBLEM,
            f"azid's drop-in {found.version} is installed, but {changed[0]} is not its file any more: another "
            "distribution has written over it.",
            "python -m pip uninstall --yes azure-identity, then install azid's drop-in again",
        )
    else:
        yield Finding("azure.identity", Verdict.OK, f"It is azid's drop-in {found.version}.")
    if (broker := _find("azure-identity-broker", distribution)) is not None:
        yield Finding(
            "azure-identity-broker",
            Verdict.WARNING,
            f"Version {broker.version} is installed. It needs Microsoft's azure-identity, not the drop-in.",
            "python -m pip uninstall azure-identity-broker, and python -m pip install 'azid[broker]' in its place",
        )


def _twice(path: Iterable[str]) -> Iterator[Finding]:
    """Tell of a second `azure.identity`: a user's own beside the environment's, or one that PYTHONPATH leads to."""
    places = [folder.resolve() for entry in path if (folder := Path(entry) / "azure" / "identity").is_dir()]
    copies = [folder for folder in dict.fromkeys(places) if (folder / "__init__.py").is_file()]
    if len(copies) > 1:
        yield Finding(
            "azure.identity twice",
            Verdict.WARNING,
            f"There are {len(copies)} on the path: {copies[0]} is imported, {', '.join(map(str, copies[1:]))} is not.",
            "Uninstall the one that is not meant, or take its folder off PYTHONPATH",
        )


def _find(name: str, distribution: Callable[[str], metadata.Distribution]) -> metadata.Distribution | None:
    try:
        return distribution(name)
    except metadata.PackageNotFoundError:
        return None


def _is_as_installed(file: metadata.PackagePath) -> bool:
    """Whether the file has the hash that its distribution noted (Python packaging: "Recording installed projects")."""
    import base64
    import hashlib

    if file.hash is None:
        return True
    try:
        digest = hashlib.new(file.hash.mode, file.read_binary()).digest()
    except (OSError, ValueError):
        return False
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == file.hash.value
