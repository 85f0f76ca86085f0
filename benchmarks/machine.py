"""Where and with what the numbers were taken."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import ssl
from pathlib import Path

from benchmarks.libraries import Library
from benchmarks.worker import Worker

__all__ = ["about", "versions"]

_DISTRIBUTIONS = ("azid", "azure-identity", "azure-core", "msal", "requests", "urllib3")


def about(workers: tuple[Worker, ...]) -> list[tuple[str, str]]:
    """Return names and values."""
    memory = f"{_memory() / 2**30:.0f} GiB of memory" if hasattr(os, "sysconf") else "memory unknown"
    load = f"; {os.getloadavg()[0]:.1f} processes ready to run as it began" if hasattr(os, "getloadavg") else ""
    return [
        ("date", f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d}"),
        ("machine", f"{os.cpu_count()} cores, {_processor()}, {memory}{load}"),
        ("system", f"{_system()}, {platform.system()} {platform.release()} {platform.machine()}"),
        *((f"environment of {worker.library}", ", ".join(worker.ask(versions))) for worker in workers),
    ]


def versions(library: Library) -> list[str]:  # noqa: ARG001 - asked of each library's environment
    """Return the versions that a worker has."""
    found = [f"{platform.python_implementation()} {platform.python_version()}", ssl.OPENSSL_VERSION.rsplit(" ", 3)[0]]
    for name in _DISTRIBUTIONS:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.platform(terse=True)
